//! One ReLU in this protocol's gadget and in the classic circuit, over the same 64-bit shares.

use std::time::Instant;

use tacita_bench::table::median;
use tacita_protocol::gadget::CompareBits;
use tacita_protocol::gadget::garbled::{
    client_offline_request, cot_count, relu_windows, rot_count, server_offline,
};
use tacita_protocol::ot::{ReceiverPads, SenderPads, rot_windows};
use tacita_protocol::rng::SecretRng;
use tacita_protocol::{Error, Result};

use super::classic::{self, Gates};
use super::record::ReluRow;
use super::session::{Session, timed};

/// Fewest runs that a median is taken of.
const RUNS: usize = 5;

/// What a run shows: seconds of the steps, bytes of both phases, of all positions.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Run {
    garble: f64,
    evaluate: f64,
    ot: f64,
    labels: f64,
    offline: usize,
    online: usize,
}

/// Measures both on `n` positions: the gadget at each of `widths`, then the classic circuit.
/// Each gets about `seconds`. Every result of every run is checked.
///
/// # Errors
/// `Local` if a result is not the ReLU of its value.
pub fn measure(widths: &[u8], n: usize, seconds: f64) -> Result<Vec<ReluRow>> {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build();
    let pool = pool.map_err(|e| Error::local(format!("cannot start a thread: {e}")))?;
    pool.install(|| {
        let mut rows = Vec::new();
        for width in widths {
            let bits = CompareBits::new(*width, 0)?;
            let mut session = Session::new(SecretRng::from_os()?)?;
            let runs = repeat(seconds, || gadget(&mut session, bits, n))?;
            rows.push(row("sign and select", (bits.compared(), bits.compared() - 1), n, &runs));
        }
        let (mut session, mut window) = (Session::new(SecretRng::from_os()?)?, 0);
        let runs = repeat(seconds, || {
            window += classic::windows(n);
            classic(&mut session, window - classic::windows(n), n)
        })?;
        rows.push(row("classic", (classic::BITS, classic::ANDS), n, &runs));
        Ok(rows)
    })
}

fn repeat(seconds: f64, mut run: impl FnMut() -> Result<Run>) -> Result<Vec<Run>> {
    // Memory and caches are warm from the second run on.
    run()?;
    let (started, mut runs) = (Instant::now(), Vec::new());
    while runs.len() < RUNS || started.elapsed().as_secs_f64() < seconds {
        runs.push(run()?);
    }
    Ok(runs)
}

fn row(circuit: &str, (bits, ands): (usize, usize), n: usize, runs: &[Run]) -> ReluRow {
    let each = |of: fn(&Run) -> f64| median(runs.iter().map(of).collect()) / n as f64;
    ReluRow {
        circuit: circuit.into(),
        bits,
        ands,
        garble_us: each(|r| r.garble) * 1e6,
        evaluate_us: each(|r| r.evaluate) * 1e6,
        ot_us: each(|r| r.ot) * 1e6,
        labels_us: each(|r| r.labels) * 1e6,
        offline_bytes: each(|r| r.offline as f64),
        online_bytes: each(|r| r.online as f64),
    }
}

/// The gadget, both phases, with its oblivious transfers.
fn gadget(session: &mut Session, bits: CompareBits, n: usize) -> Result<Run> {
    let (ots, rots) = (cot_count(n, bits), rot_count(n));
    let hash = session.hash.clone();
    let x = values(&mut session.rng, n, 1 << (bits.width() - 1));
    let (x_c, x_s) = shares(&mut session.rng, &x);

    let ((mut active, mut keys, labels_sent), label_ots) = timed(|| session.label_ots(ots))?;
    let ((mut chosen, mut sent, pads_sent), pad_ots) = timed(|| session.selection_ots(rots))?;
    let (w, v) =
        (session.tweaks.0.take(rot_windows(rots))?, session.tweaks.1.take(rot_windows(rots))?);
    let offset = session.selection_delta();
    let (sender, hashed) = timed(|| SenderPads::new(&hash, w, sent.take(rots)?, offset))?;
    let (receiver, rehashed) = timed(|| ReceiverPads::new(&hash, v, chosen.take(rots)?))?;

    let w = session.tweaks.0.take(relu_windows(n, bits))?;
    let (request, d) = client_offline_request(&hash, w, bits, active.take(ots)?, sender, &x_c)?;
    let w = session.tweaks.1.take(relu_windows(n, bits))?;
    let (delta, mut rng) = (session.delta().clone(), session.rng.fork());
    let ((server, tables), garble) = timed(|| {
        server_offline(&hash, w, bits, (keys.take(ots)?, &delta), receiver, &d, &mut rng)
    })?;
    let offline = labels_sent + pads_sent + d.len() + tables.len();
    let ready = request.tables(tables)?;
    let ((message, rho), labels) = timed(|| server.online(&x_s))?;
    let (v, evaluate) = timed(|| ready.online(&message))?;
    // The client answers with its masked value, less its new share.
    let online = message.len() + size_of_val(v.as_slice());
    check("sign and select", &x, v.iter().zip(&rho).map(|(v, rho)| v.wrapping_sub(*rho)))?;
    let ot = label_ots + pad_ots + hashed + rehashed;
    Ok(Run { garble, evaluate, ot, labels, offline, online })
}

/// The classic circuit, both phases, with its oblivious transfers.
fn classic(session: &mut Session, first: u64, n: usize) -> Result<Run> {
    let ots = classic::ots(n);
    let hash = session.hash.clone();
    let gates = Gates { hash: &hash, first };
    // All of the ring: the circuit adds whole shares.
    let x = values(&mut session.rng, n, u64::MAX >> 1);
    let (x_c, x_s) = shares(&mut session.rng, &x);
    let new = session.rng.u64s(n);
    let ((mut received, mut sent, ot_bytes), ot) = timed(|| session.label_ots(ots))?;
    let (client, d) = classic::request(&x_c, &new, received.take(ots)?)?;
    let (seed, delta) = (session.rng.array(), session.delta());
    let ((server, tables), garble) =
        timed(|| classic::garble(gates, (sent.take(ots)?, delta), &d, &seed))?;
    let (message, labels) = timed(|| server.labels(&x_s))?;
    let (colours, evaluate) = timed(|| client.evaluate(gates, &tables, &message))?;
    let shares = server.decode(&colours)?;
    check("classic", &x, new.iter().zip(&shares).map(|(r, s)| r.wrapping_add(*s)))?;
    let (offline, online) = (ot_bytes + d.len() + tables.len(), message.len() + colours.len());
    Ok(Run { garble, evaluate, ot, labels, offline, online })
}

/// Values strictly within `bound`, the extreme ones first.
fn values(rng: &mut SecretRng, n: usize, bound: u64) -> Vec<i64> {
    let last = (bound - 1) as i64;
    let drawn =
        rng.u64s(n).into_iter().map(|u| (u % (2 * bound - 1)).wrapping_sub(bound - 1) as i64);
    [0, -1, 1, last, -last].into_iter().chain(drawn).take(n).collect()
}

fn shares(rng: &mut SecretRng, x: &[i64]) -> (Vec<u64>, Vec<u64>) {
    let client = rng.u64s(x.len());
    let server = x.iter().zip(&client).map(|(x, c)| (*x as u64).wrapping_sub(*c)).collect();
    (client, server)
}

fn check(circuit: &str, x: &[i64], results: impl Iterator<Item = u64>) -> Result<()> {
    let wrong = x.iter().zip(results).find(|(x, result)| (**x).max(0) != *result as i64);
    wrong.map_or(Ok(()), |(x, result)| {
        let got = result as i64;
        Err(Error::local(format!("{circuit} circuit: the ReLU of {x} came out as {got}")))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn session(seed: u64) -> Session {
        Session::new(SecretRng::from_test_seed(seed)).unwrap()
    }

    #[test]
    fn the_gadget_takes_the_bytes_of_the_protocol_document() {
        let run = gadget(&mut session(1), CompareBits::new(14, 0).unwrap(), 512).unwrap();
        // Tables, d and e, 15 OTs of 31 bits each; labels, row and bit, answer.
        let offline = 13.0 * 32.0 + 14.0 / 8.0 + 8.0 + 15.0 * 31.0 / 8.0;
        assert_eq!(run.offline as f64 / 512.0, offline);
        assert_eq!(run.online as f64 / 512.0, 13.0 * 16.0 + 8.0 + 1.0 / 8.0 + 8.0);
    }

    #[test]
    fn the_classic_circuit_takes_190_gates_and_128_transfers() {
        let run = classic(&mut session(2), 0, 512).unwrap();
        assert_eq!(run.offline as f64 / 512.0, 190.0 * 32.0 + 128.0 * (31.0 + 1.0) / 8.0);
        assert_eq!(run.online, 512 * (64 * 16 + 8));
    }

    #[test]
    fn values_stay_within_their_bound_and_begin_with_the_edges() {
        let x = values(&mut SecretRng::from_test_seed(3), 1000, 1 << 13);
        assert_eq!(x[..5], [0, -1, 1, 8191, -8191]);
        assert!(x.iter().all(|x| x.abs() < 1 << 13) && x.iter().any(|x| x.abs() > 1 << 12));
        let x = values(&mut SecretRng::from_test_seed(3), 5, u64::MAX >> 1);
        assert_eq!(x[3], i64::MAX - 1);
    }

    #[test]
    fn a_wrong_result_stops_the_run() {
        let message = check("classic", &[1, -2], [1, 5].into_iter()).unwrap_err().to_string();
        assert!(message.contains("-2") && message.contains('5'), "{message}");
        assert!(check("classic", &[1, -2], [1, 0].into_iter()).is_ok());
    }
}
