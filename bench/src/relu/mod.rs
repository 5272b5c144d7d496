//! `tacita-bench relu`: bytes and time of one masked ReLU under both backends, by the bits that are
//! compared.

pub mod bytes;
mod measure;
pub mod record;
pub mod table;

use std::path::PathBuf;

use crate::meter::Meter;
use clap::Args;
use tacita_cli::{init_compute_pool, json_line, line};
use tacita_protocol::gadget::lookup::Split;
use tacita_protocol::gadget::{CompareBits, Gadget, ReluChoice};
use tacita_protocol::ot::{FieldBits, SilentSet};
use tacita_protocol::{Error, Result};

use crate::machine::{Machine, command};
use crate::store::write_json;
use crate::table::markdown;
use measure::{Seconds, Sessions};
use record::{GARBLED, LOOKUP, Relus, Row};

/// Bits compared.
const WIDTHS: std::ops::RangeInclusive<u8> = 8..=20;
/// Positions that bytes and times are divided by: a full slice of the protocol.
pub const POSITIONS: usize = crate::cases::POSITIONS;

/// The silent OT that is shown beside the extension.
const SILENT: SilentSet = SilentSet::Medium;

/// Options of `relu`.
#[derive(Args)]
pub struct Options {
    /// Seconds to measure each width for, about
    #[arg(long, value_name = "S", default_value_t = 1.0)]
    seconds: f64,
    /// Field bits of the OT extension, 2 to 8: more send fewer bytes and compute more [default:
    /// the protocol's]
    #[arg(long, value_name = "BITS")]
    ot_field_bits: Option<u8>,
    /// Also write the results as JSON, such as to lab/results/relu.json
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Results as JSON
    #[arg(long)]
    pub json: bool,
}

/// Counts, measures and prints.
///
/// # Errors
/// `Input` for options that make no sense, `Local` if the results cannot be written.
pub fn run(options: &Options) -> Result<()> {
    if !(options.seconds.is_finite() && options.seconds > 0.0) {
        return Err(Error::input("--seconds takes a positive number"));
    }
    let field = options.ot_field_bits.map_or_else(|| Ok(FieldBits::default()), FieldBits::new)?;
    init_compute_pool(Some(1))?;
    let relus = measure_all(&Meter { seconds: options.seconds }, field)?;
    if let Some(path) = &options.out {
        write_json(path, &relus)?;
    }
    if options.json {
        return json_line(&relus);
    }
    let (head, rows) = table::cells(&relus);
    line(&format!("{}, {}:\n", table::caption(&relus), relus.machine.cpu))?;
    markdown(&head.map(|h| h.trim_start_matches('#')), &rows)
}

fn measure_all(meter: &Meter, field: FieldBits) -> Result<Relus> {
    let mut sessions = Sessions::new(field)?;
    let mut rows = Vec::new();
    for width in WIDTHS {
        let bits = CompareBits::new(width, 0)?;
        let split = Split::cheapest(bits)?;
        let [garbled, lookup] = sessions.measure(meter, (bits, split))?;
        let digits = [split.high(), split.low()];
        for (name, choice, digits, seconds) in
            [(GARBLED, "gc", None, garbled), (LOOKUP, "ot", Some(digits), lookup)]
        {
            let gadget = ReluChoice::named(choice)?.gadget(bits);
            let row = row(gadget.as_ref(), bits, field, seconds);
            rows.push(Row { backend: name.into(), digits, ..row });
        }
    }
    Ok(Relus {
        command: command(),
        machine: Machine::here(),
        ot_field_bits: field.get(),
        positions: POSITIONS,
        rows,
    })
}

fn row(gadget: &dyn Gadget, bits: CompareBits, field: FieldBits, seconds: Seconds) -> Row {
    let bytes = bytes::of_slice(gadget, POSITIONS, &|ots| field.extension_bytes(ots));
    let each = |bytes: usize| bytes as f64 / POSITIONS as f64;
    let ots = gadget.label_ots(1) + gadget.selection_ots(1);
    let silent = bytes::of_slice(gadget, POSITIONS, &|_| 0).all();
    Row {
        backend: String::new(),
        bits: bits.compared(),
        digits: None,
        round_trips: gadget.rounds().len() as u64,
        ots,
        offline_up: each(bytes.offline_up),
        offline_down: each(bytes.offline_down),
        online_up: each(bytes.online_up),
        online_down: each(bytes.online_down),
        all_silent: each(silent) + ots as f64 * bytes::of_silent_ot(SILENT),
        offline_us: 1e6 * seconds.offline,
        online_us: 1e6 * seconds.online,
    }
}
