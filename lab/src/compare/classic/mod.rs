//! The classic garbled ReLU over additive shares, as a baseline: what Delphi (Mishra et al., USENIX
//! Security 2020) and MiniONN do with a prime field, here over the ring of 64 bits.
//!
//! The garbled circuit takes both shares `x = x_C + x_S` and the client's new share `r'`, and gives
//! the server `max(x, 0) - r'`. The client (evaluator) gets its 128 labels a position by correlated
//! OT offline; the server sends its 64 labels online; the client answers with the colours of the
//! outputs, a bit each, which only the server can read. Gates, hash, OTs and labels are the
//! protocol's own, so that the circuit alone makes the difference. Three things are kinder to
//! it than the published systems: no modular reduction, labels by correlated OT, and outputs as
//! colours rather than labels.

mod circuit;
mod parties;
#[cfg(test)]
mod tests;

use tacita_protocol::garble::{AND_BYTES, CHUNK, Evaluator, Garbler};
use tacita_protocol::ot::{Block, CotView, Delta, GateHash};
use tacita_protocol::{Error, Result};

use circuit::{Scratch, relu};
use parties::{Evaluating, Garbling};

pub use circuit::{ANDS, BITS, CLIENT_BITS};

/// Bytes of the tables of a position.
const TABLES: usize = ANDS * AND_BYTES;
/// Bytes of the server's labels of a position.
const LABELS: usize = BITS * Block::BYTES;

/// Hashes that both parties use: that of the gates, from the window `first` on.
#[derive(Clone, Copy)]
pub struct Gates<'a> {
    /// The session's hash.
    pub hash: &'a GateHash,
    /// The first of [`windows`] windows that nothing else uses.
    pub first: u64,
}

/// Windows of tweaks that `n` positions use: one for each gate of a chunk.
pub fn windows(n: usize) -> u64 {
    (n.div_ceil(CHUNK) * ANDS) as u64
}

/// Correlated OTs of `n` positions.
pub fn ots(n: usize) -> usize {
    n * CLIENT_BITS
}

/// The client's part, its labels known.
pub struct Client {
    active: Vec<Block>,
    n: usize,
}

/// The server's part, garbled.
pub struct Server {
    delta: Delta,
    labels: InputLabels,
    outputs: Vec<Block>,
    n: usize,
}

/// The client's request for its labels: its bits against the OTs' random ones, packed.
///
/// # Errors
/// `Input` unless there are [`ots`] correlated OTs and as many shares as new shares.
pub fn request(x_c: &[u64], new: &[u64], cots: CotView<'_>) -> Result<(Client, Vec<u8>)> {
    let n = x_c.len();
    counts([(new.len(), n), (cots.bits.len(), ots(n))])?;
    let mut d = vec![0u8; ots(n).div_ceil(8)];
    let chunks = x_c.chunks(CHUNK).zip(new.chunks(CHUNK));
    let inputs = chunks.flat_map(|(x, r)| bits(x).chain(bits(r)));
    for (i, (input, t)) in inputs.zip(cots.bits).enumerate() {
        if let Some(byte) = d.get_mut(i / 8) {
            *byte |= (input ^ t) << (i % 8);
        }
    }
    Ok((Client { active: cots.blocks.to_vec(), n }, d))
}

/// Garbles what the client requested. `keys` are the server's correlated OTs under `delta`; `seed`
/// is fresh. Returns the tables to send.
///
/// # Errors
/// `Input` unless there are [`ots`] keys and as many bits in the request.
pub fn garble(
    gates: Gates<'_>,
    (keys, delta): (&[Block], &Delta),
    d: &[u8],
    seed: &[u8; 16],
) -> Result<(Server, Vec<u8>)> {
    let n = keys.len() / CLIENT_BITS;
    counts([(keys.len(), ots(n)), (d.len(), ots(n).div_ceil(8))])?;
    let labels = InputLabels(GateHash::new(seed));
    let mut tables = vec![0; n * TABLES];
    let mut outputs = vec![Block::default(); n * BITS];
    let mut scratch = Scratch::new();
    let mut garbler = Garbler::new(gates.hash, delta);
    let chunks = tables.chunks_mut(CHUNK * TABLES).zip(outputs.chunks_mut(CHUNK * BITS));
    for (i, ((tables, out), keys)) in chunks.zip(keys.chunks(CHUNK * CLIENT_BITS)).enumerate() {
        let n = out.len() / BITS;
        let client = zero_labels(keys, d, i * CHUNK * CLIENT_BITS, delta);
        let server = labels.chunk(i, n);
        let mut party = Garbling {
            garbler: &mut garbler,
            delta: delta.block(),
            window: gates.first + (i * ANDS) as u64,
            tables: tables.chunks_exact_mut(n * AND_BYTES),
        };
        relu(&mut party, &mut scratch, n, (&client, &server), out);
    }
    Ok((Server { delta: delta.clone(), labels, outputs, n }, tables))
}

impl Server {
    /// The labels of the server's shares, to send.
    ///
    /// # Errors
    /// `Input` unless there is one share a position.
    pub fn labels(&self, x_s: &[u64]) -> Result<Vec<u8>> {
        counts([(x_s.len(), self.n)])?;
        let mut message = Vec::with_capacity(x_s.len() * LABELS);
        for (i, x) in x_s.chunks(CHUNK).enumerate() {
            for (zero, bit) in self.labels.chunk(i, x.len()).into_iter().zip(bits(x)) {
                message.extend_from_slice(&(zero ^ times(self.delta.block(), bit)).to_bytes());
            }
        }
        Ok(message)
    }

    /// The server's new shares, from the colours that the client sends.
    ///
    /// # Errors
    /// `Input` unless there are 8 bytes a position.
    pub fn decode(&self, colours: &[u8]) -> Result<Vec<u64>> {
        counts([(colours.len(), self.n * BITS / 8)])?;
        let mut shares = vec![0u64; self.n];
        let outputs = self.outputs.chunks(CHUNK * BITS).zip(shares.chunks_mut(CHUNK));
        for ((zero, shares), colours) in outputs.zip(colours.chunks(CHUNK * BITS / 8)) {
            let n = shares.len();
            for (k, zero) in zero.iter().enumerate() {
                let colour = colours.get(k / 8).map_or(0, |byte| (byte >> (k % 8)) & 1);
                if let Some(share) = shares.get_mut(k % n) {
                    *share |= u64::from(colour ^ zero.lsb()) << (k / n);
                }
            }
        }
        Ok(shares)
    }
}

impl Client {
    /// Evaluates the tables on both parties' labels; returns the outputs' colours to send, packed.
    ///
    /// # Errors
    /// `Input` for tables or labels of another length.
    pub fn evaluate(&self, gates: Gates<'_>, tables: &[u8], labels: &[u8]) -> Result<Vec<u8>> {
        counts([(tables.len(), self.n * TABLES), (labels.len(), self.n * LABELS)])?;
        let mut colours = vec![0; self.n * BITS / 8];
        let mut scratch = Scratch::new();
        let mut evaluator = Evaluator::new(gates.hash);
        let chunks = tables.chunks(CHUNK * TABLES).zip(labels.chunks(CHUNK * LABELS));
        let chunks = chunks.zip(self.active.chunks(CHUNK * CLIENT_BITS));
        let outputs = colours.chunks_mut(CHUNK * BITS / 8);
        for (i, (((tables, labels), client), colours)) in chunks.zip(outputs).enumerate() {
            let n = tables.len() / TABLES;
            let server: Vec<Block> = labels.as_chunks().0.iter().map(read).collect();
            let mut party = Evaluating {
                evaluator: &mut evaluator,
                window: gates.first + (i * ANDS) as u64,
                tables: tables.chunks_exact(n * AND_BYTES),
            };
            let mut out = vec![Block::default(); n * BITS];
            relu(&mut party, &mut scratch, n, (client, &server), &mut out);
            for (byte, labels) in colours.iter_mut().zip(out.chunks(8)) {
                *byte = labels.iter().rev().fold(0, |byte, label| byte << 1 | label.lsb());
            }
        }
        Ok(colours)
    }
}

/// Zero labels of the server's inputs: hashes under a secret key, so that they need not be kept.
struct InputLabels(GateHash);

impl InputLabels {
    /// Those of chunk `index` of `n` positions, bit by bit.
    fn chunk(&self, index: usize, n: usize) -> Vec<Block> {
        let mut labels = vec![Block::default(); n * BITS];
        self.0.window(index as u64).hash(0, &mut labels);
        labels
    }
}

/// Zero labels of the client's bits of a chunk whose first OT is number `first`.
fn zero_labels(keys: &[Block], d: &[u8], first: usize, delta: &Delta) -> Vec<Block> {
    let bit = |i: usize| d.get(i / 8).map_or(0, |byte| (byte >> (i % 8)) & 1);
    let keys = keys.iter().zip(first..);
    keys.map(|(key, i)| *key ^ times(delta.block(), bit(i))).collect()
}

/// The bits of a chunk's values, bit by bit.
fn bits(values: &[u64]) -> impl Iterator<Item = u8> {
    (0..BITS).flat_map(move |j| values.iter().map(move |x| ((x >> j) & 1) as u8))
}

/// `block` if `bit` is 1, zero if it is 0, without a branch.
fn times(block: Block, bit: u8) -> Block {
    let mask = u128::from(bit).wrapping_neg();
    Block::from_bytes((u128::from_le_bytes(block.to_bytes()) & mask).to_le_bytes())
}

fn read(bytes: &[u8; Block::BYTES]) -> Block {
    Block::from_bytes(*bytes)
}

fn counts<const N: usize>(pairs: [(usize, usize); N]) -> Result<()> {
    match pairs.iter().find(|(got, wanted)| got != wanted) {
        None => Ok(()),
        Some((got, wanted)) => {
            Err(Error::input(format!("classic circuit: {got} items where it takes {wanted}")))
        }
    }
}
