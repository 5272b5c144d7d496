//! `tacita-bench kernels`: every kernel on one core, beside a floor under its time.
//!
//! Times are processor time of the protocol's own functions on a pool of one thread, medians; see
//! [`floor`] for what the floors count and [`peaks`] for what this machine can do.

mod convs;
mod floor;
mod lookup;
mod peaks;
mod report;
mod ticket;

use std::path::PathBuf;

use clap::Args;
use tacita_bench::cases::{Gates, Polynomials, ProductStream, Silent};
use tacita_bench::meter::{Meter, median, timed, unit};
use tacita_cli::{init_compute_pool, json_line};
use tacita_protocol::ot::{FieldBits, SilentSet};
use tacita_protocol::rng::SecretRng;
use tacita_protocol::{Error, Result};

use crate::profile::{lattice, relu};
use peaks::Peaks;
use report::{Report, Row};
use tacita_bench::machine::{Machine, command};
use tacita_bench::store::write_json;

/// Measurements that share the time.
const MEASUREMENTS: f64 = 25.0;
/// Batches of gates in one call.
const BATCHES: usize = 64;
/// OTs whose bytes are counted.
const OTS: usize = 1 << 13;

/// Options of `kernels`.
#[derive(Args)]
pub struct Options {
    /// Seconds to measure for, about; the lattice work of a ticket comes on top
    #[arg(long, value_name = "S", default_value_t = 30.0)]
    seconds: f64,
    /// Backends of the online convolution: scalar, avx2, avx512 [default: all but scalar]
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    backend: Vec<String>,
    /// Also write the results as JSON, such as to lab/results/kernels.json
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Results as JSON
    #[arg(long)]
    pub json: bool,
}

/// Measures everything.
///
/// # Errors
/// `Input` for options that make no sense, `Local` if the results cannot be written.
pub fn run(options: &Options) -> Result<()> {
    if !(options.seconds.is_finite() && options.seconds > 0.0) {
        return Err(Error::input("--seconds takes a positive number"));
    }
    let backends = convs::backends(&options.backend)?;
    init_compute_pool(Some(1))?;
    let meter = Meter { seconds: options.seconds / MEASUREMENTS };
    let mut rng = SecretRng::from_os()?;
    let peaks = Peaks::measure()?;
    let mut kernels = transforms(&meter, &peaks, &mut rng)?;
    kernels.push(product(&meter, &peaks, &mut rng)?);
    kernels.extend(ciphertexts(&meter, &peaks)?);
    kernels.extend(gates(&meter, &peaks, &mut rng)?);
    kernels.extend(relus(&meter, &peaks)?);
    kernels.extend(lookup::rows(&meter, &peaks)?);
    for set in SilentSet::ALL {
        kernels.extend(silent(&meter, &peaks, set)?);
    }
    kernels.extend(convs::rows(&meter, &peaks, &backends, &mut rng)?);
    kernels.extend(ticket::rows(&peaks)?);
    let command = command();
    let report = Report { command, machine: Machine::here(), peaks: peaks.list(), kernels };
    if let Some(path) = &options.out {
        write_json(path, &report)?;
    }
    if options.json { json_line(&report) } else { report.print() }
}

/// Transforms of a polynomial modulo both primes.
fn transforms(meter: &Meter, peaks: &Peaks, rng: &mut SecretRng) -> Result<Vec<Row>> {
    let forward = meter.median(|| {
        let mut polys = Polynomials::new(1, rng);
        let poly = polys.plain.pop();
        Ok(timed(|| Ok(poly.map(|p| std::hint::black_box(p.forward()))))?.1)
    })?;
    let polys = Polynomials::new(1, rng);
    let inverse = meter.median(|| {
        let sum = polys.squares();
        Ok(timed(|| Ok(std::hint::black_box(sum.inverse())))?.1)
    })?;
    let row = |name, seconds| Row::new(name, "polynomial", seconds, floor::transform(peaks));
    Ok(vec![
        row("forward NTT, both primes", forward),
        row("inverse NTT of a lazy sum, both primes", inverse),
    ])
}

/// Products with weights from memory. (`profile` takes the slope of responses with more and fewer
/// of them, which other work on the machine disturbs more.)
fn product(meter: &Meter, peaks: &Peaks, rng: &mut SecretRng) -> Result<Row> {
    let mut stream = ProductStream::new(rng);
    let seconds = meter.seconds_of(|| {
        stream.run();
        Ok(())
    })?;
    let each = unit(seconds, ProductStream::COUNT);
    Ok(Row::new("ciphertext-plaintext product", "product", each, floor::product(peaks)))
}

/// What `profile` measures of encrypted layers.
fn ciphertexts(meter: &Meter, p: &Peaks) -> Result<Vec<Row>> {
    let k = lattice::measure(meter)?;
    Ok(vec![
        Row::new("transform a weight polynomial", "polynomial", k.weight, floor::weight(p)),
        Row::new("encrypt (client)", "ciphertext", k.encrypt, floor::encrypt(p)),
        Row::new("read an upload (server)", "ciphertext", k.read, floor::read(p)),
        Row::new("finish a response (server)", "ciphertext", k.finish, floor::finish(p)),
        Row::new("decrypt a response (client)", "ciphertext", k.decrypt, floor::decrypt(p)),
    ])
}

fn garbling(p: &Peaks) -> floor::Floor {
    floor::gate(p, 4.0, "4 hashes of 2 AES calls of 10 rounds; 32 bytes written")
}

fn evaluating(p: &Peaks) -> floor::Floor {
    floor::gate(p, 2.0, "2 hashes of 2 AES calls of 10 rounds; 32 bytes read")
}

/// Gates by themselves, in the first-level cache.
fn gates(meter: &Meter, p: &Peaks, rng: &mut SecretRng) -> Result<Vec<Row>> {
    let (mut batch, count) = (Gates::new(rng), BATCHES * Gates::COUNT);
    let garble = unit(
        meter.seconds_of(|| {
            batch.garble(BATCHES);
            Ok(())
        })?,
        count,
    );
    let evaluate = unit(
        meter.seconds_of(|| {
            batch.evaluate(BATCHES);
            Ok(())
        })?,
        count,
    );
    Ok(vec![
        Row::new("garble an AND", "AND", garble, garbling(p)).bytes(32.0).target(60e6),
        Row::new("evaluate an AND", "AND", evaluate, evaluating(p)).target(100e6),
    ])
}

/// What `profile` measures of masked ReLUs: OTs, and gates with all that a comparison takes.
fn relus(meter: &Meter, p: &Peaks) -> Result<Vec<Row>> {
    let k = relu::measure(meter)?;
    let bytes = FieldBits::default().extension_bytes(OTS) as f64 / OTS as f64;
    let [receiver, sender] = floor::ots(p);
    let (garble, evaluate, ot) = (k.garble.and, k.evaluate.and, k.ot(FieldBits::default()));
    Ok(vec![
        Row::new("an AND more in a ReLU, garbled", "AND", garble, garbling(p)).bytes(32.0),
        Row::new("an AND more in a ReLU, evaluated", "AND", evaluate, evaluating(p)),
        Row::new("OT extension, receiver", "OT", ot.receive, receiver).bytes(bytes).target(40e6),
        Row::new("OT extension, sender", "OT", ot.send, sender).target(40e6),
    ])
}

/// Refills of one size, both parties in turn.
fn silent(meter: &Meter, p: &Peaks, set: SilentSet) -> Result<[Row; 2]> {
    let mut silent = Silent::new(set, SecretRng::from_os()?)?;
    let (mut receiver, mut sender) = (Vec::new(), Vec::new());
    meter.median(|| {
        let [received, sent] = silent.refill()?;
        receiver.push(received);
        sender.push(sent);
        Ok(0.0)
    })?;
    let (outputs, backend) = (Silent::outputs(set), format!("{set:?}").to_lowercase());
    let row = |name, seconds: Vec<f64>| {
        let each = unit(median(seconds), outputs);
        Row::new(name, "OT", each, floor::silent(p, set)).backend(&backend)
    };
    let bytes = set.message_bytes() as f64 / outputs as f64;
    Ok([
        row("silent OT, receiver", receiver).target(40e6),
        row("silent OT, sender", sender).bytes(bytes).target(40e6),
    ])
}
