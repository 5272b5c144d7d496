//! `tacita-bench profile`: how fast this machine runs the protocol's kernels.
//!
//! Every kernel is called through the protocol's own functions on shapes as networks have them,
//! on the pool of threads that a client or server computes on. Costs of one unit are fitted from
//! calls with different numbers of units. What is timed is processor time, so that other work on
//! the machine disturbs little.

pub mod lattice;
mod linear;
pub mod relu;
mod wire;

use std::path::{Path, PathBuf};

use clap::Args;
use tacita_bench::machine;
use tacita_bench::meter::Meter;
use tacita_bench::store::write_json;
use tacita_bench::table::markdown;
use tacita_cli::speed;
use tacita_cli::{init_compute_pool, json_line, line};
use tacita_protocol::cost::KernelProfile;
use tacita_protocol::cost::profile::{
    FIELD_BITS, PROFILE_VERSION, PerGate, PerHash, PerWord, ReluKernels,
};
use tacita_protocol::ot::SilentSet;
use tacita_protocol::{Error, Result};

/// Measurements that share the time.
const MEASUREMENTS: f64 = 27.0;

/// Options of `profile`.
#[derive(Args)]
pub struct Options {
    /// Where to write the profile [default: tacita/profile.json in the user's configuration folder]
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Results as JSON
    #[arg(long)]
    pub json: bool,
    /// Seconds to measure for, about
    #[arg(long, value_name = "S", default_value_t = 35.0)]
    seconds: f64,
    /// Threads that compute; by default one a core
    #[arg(long, value_name = "N")]
    threads: Option<usize>,
}

/// `slope` and `offset` (not negative) of a line through two points.
fn line_through((x0, y0): (f64, f64), (x1, y1): (f64, f64)) -> (f64, f64) {
    let slope = ((y1 - y0) / (x1 - x0)).max(0.0);
    (slope, (y0 - slope * x0).max(0.0))
}

/// Measures everything and writes the profile.
///
/// # Errors
/// `Local` if the profile cannot be written; whatever a kernel reports.
pub fn run(options: &Options) -> Result<()> {
    if !(options.seconds.is_finite() && options.seconds > 0.0) {
        return Err(Error::input("--seconds takes a positive number"));
    }
    init_compute_pool(options.threads)?;
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let threads = options.threads.filter(|n| *n > 0).unwrap_or(cores);
    let meter = Meter { seconds: options.seconds / MEASUREMENTS };
    let profile = KernelProfile {
        version: PROFILE_VERSION,
        cpu: machine::cpu(),
        threads,
        lattice: lattice::measure(&meter)?,
        relu: relu::measure(&meter)?,
        linear: linear::measure(&meter)?,
        wire: wire::measure(&meter)?,
    };
    profile.check()?;
    let path = match &options.output {
        Some(path) => path.clone(),
        None => speed::default_path()?,
    };
    write_json(&path, &profile)?;
    if options.json { json_line(&profile) } else { print(&profile, &path) }
}

fn print(p: &KernelProfile, path: &Path) -> Result<()> {
    line(&format!("{}, {} threads; core-microseconds:\n", p.cpu, p.threads))?;
    let mut rows = Vec::new();
    let mut add = |name: &str, seconds: f64| {
        rows.push(vec![name.to_owned(), format!("{:.4}", seconds * 1e6)]);
    };
    let (l, r, a, w) = (&p.lattice, &p.relu, &p.linear, &p.wire);
    add("layout, a group of convolutions", l.layout);
    add("layout, an upload ciphertext", l.cells);
    add("encrypting a ciphertext (client)", l.encrypt);
    add("reading a ciphertext (server)", l.read);
    add("transforming a weight polynomial", l.weight);
    add("ciphertext-plaintext product", l.product);
    add("finishing a response", l.finish);
    add("decrypting a response (client)", l.decrypt);
    relu_rows(r, &mut add);
    add("multiplication", a.mac);
    add("multiplication, narrow", a.mac_narrow);
    add("gathering a value for them", a.column);
    add("adding or truncating an element", a.element);
    add("random element", a.random);
    add("new memory, a page of 4096 bytes", a.fresh * 4096.0);
    add("TLS, a kilobyte over loopback, both ends", w.byte * 1e3);
    add("small message over loopback (wall)", w.message);
    add("TLS connection, both ends", w.connect);
    add("keys and base OTs, both parties", w.session);
    markdown(&["kernel", "us"], &rows)?;
    line(&format!("\nWritten to {}", path.display()))
}

/// What OTs and ReLUs cost, by name.
fn relu_rows(r: &ReluKernels, add: &mut impl FnMut(&str, f64)) {
    for (bits, ot) in FIELD_BITS.iter().zip(r.ot) {
        add(&format!("OT over {bits} field bits, receiver"), ot.receive);
        add(&format!("OT over {bits} field bits, sender"), ot.send);
    }
    for (set, silent) in SilentSet::ALL.iter().zip(r.silent) {
        let set = format!("{set:?}").to_lowercase();
        add(&format!("silent OT, {set} set, sender's message"), silent.order);
        add(&format!("silent OT, {set} set, sender"), silent.send);
        add(&format!("silent OT, {set} set, receiver"), silent.receive);
    }
    add("random OT's pads, receiver", r.pads_receive);
    add("random OT's pads, sender", r.pads_send);
    let gates = [
        ("requesting", r.request),
        ("garbling", r.garble),
        ("picking labels", r.labels),
        ("evaluating", r.evaluate),
    ];
    for (name, PerGate { and, value }) in gates {
        add(&format!("{name}, an AND"), and);
        add(&format!("{name}, a value besides"), value);
    }
    let l = &r.lookup;
    for (party, PerHash { hash, value }) in [("client", l.pads_send), ("server", l.pads_receive)] {
        add(&format!("lookup, {party}'s pads, a hash"), hash);
        add(&format!("lookup, {party}'s pads, a value besides"), value);
    }
    add("lookup, requesting (client)", l.request);
    add("lookup, taking a request (server)", l.accept);
    add("lookup, digits (server)", l.digits);
    for (name, PerWord { word, value }) in
        [("tables (client)", l.tables), ("rows (server)", l.rows)]
    {
        add(&format!("lookup, {name}, a word of 64 entries"), word);
        add(&format!("lookup, {name}, a value besides"), value);
    }
    add("lookup, answer (client)", l.answer);
    add("lookup, new share (server)", l.finish);
}
