//! Half-gates AND, a batch of independent gates at a time.
//!
//! Zahur, Rosulek, Evans, "Two Halves Make a Whole" (Eurocrypt 2015), figure 2, with free XOR
//! (Kolesnikov, Schneider 2008) and point-and-permute. A gate is two blocks, `T_G` and `T_E`.

use zeroize::{Zeroize, ZeroizeOnDrop};

use super::carry::CHUNK;
use super::combine::{self, GarblerHashes, Inputs, Row};
use crate::ot::{Block, Delta, GateHash, WINDOW_TWEAKS, WindowHash};

/// Bytes of a garbled AND gate.
pub const AND_BYTES: usize = 2 * Block::BYTES;

/// First tweak of the evaluator's halves; the generator's halves start at 0.
const EVALUATOR_HALF: u64 = CHUNK as u64;
const _: () = assert!(2 * CHUNK <= WINDOW_TWEAKS, "two tweaks a gate, one window");

/// Working memory, kept between batches and wiped at the end.
#[derive(Zeroize, ZeroizeOnDrop)]
pub(super) struct Wires<const N: usize, const LEN: usize>(pub(super) Box<[[Block; LEN]; N]>);

impl<const N: usize, const LEN: usize> Wires<N, LEN> {
    pub(super) fn new() -> Self {
        Self(Box::new([[Block::default(); LEN]; N]))
    }
}

/// Gates hashed and combined at a time: their labels and hashes stay in the first-level cache.
const STEP: usize = 64;

/// Garbles batches of gates under one offset.
pub struct Garbler<'a> {
    hash: &'a GateHash,
    delta: &'a Delta,
    hashes: Wires<4, STEP>,
}

impl<'a> Garbler<'a> {
    /// Sets up working memory.
    pub fn new(hash: &'a GateHash, delta: &'a Delta) -> Self {
        Self { hash, delta, hashes: Wires::new() }
    }

    /// Garbles `out = a & b` for up to [`CHUNK`] gates, given the wires' zero labels.
    ///
    /// `window` must be used for nothing else. `tables` takes all `T_G`, then all `T_E`. All
    /// slices belong to the same number of gates.
    pub fn and(
        &mut self,
        window: u64,
        a: &[Block],
        b: &[Block],
        tables: &mut [u8],
        out: &mut [Block],
    ) {
        let n = out.len();
        debug_assert!(n <= CHUNK && a.len() == n && b.len() == n);
        debug_assert!(tables.len() == AND_BYTES * n);
        let hash = self.hash.window(window);
        let (generator, evaluator) = tables.split_at_mut(Block::BYTES * n);
        let inputs = a.chunks(STEP).zip(b.chunks(STEP));
        let rows = generator
            .as_chunks_mut()
            .0
            .chunks_mut(STEP)
            .zip(evaluator.as_chunks_mut().0.chunks_mut(STEP));
        for ((i, ((a, b), rows)), out) in inputs.zip(rows).enumerate().zip(out.chunks_mut(STEP)) {
            let labels = Inputs { a, b };
            self.hash_inputs(&hash, (i * STEP) as u64, labels);
            combine::garble(self.delta.block(), labels, self.hashes(), rows, out);
        }
    }

    /// Hashes both labels of both inputs.
    fn hash_inputs(&mut self, hash: &WindowHash, first: u64, labels: Inputs<'_>) {
        let (offset, n) = (self.delta.block(), labels.a.len());
        let [ha0, ha1, hb0, hb1] = &mut *self.hashes.0;
        for (labels, h0, h1) in [(labels.a, ha0, ha1), (labels.b, hb0, hb1)] {
            h0[..n].copy_from_slice(labels);
            h1.iter_mut().zip(labels).for_each(|(h, l)| *h = *l ^ offset);
        }
        let [ha0, ha1, hb0, hb1] = &mut *self.hashes.0;
        hash.hash(first, &mut ha0[..n]);
        hash.hash(first, &mut ha1[..n]);
        hash.hash(EVALUATOR_HALF + first, &mut hb0[..n]);
        hash.hash(EVALUATOR_HALF + first, &mut hb1[..n]);
    }

    fn hashes(&self) -> GarblerHashes<'_> {
        let [a0, a1, b0, b1] = &*self.hashes.0;
        GarblerHashes { a0, a1, b0, b1 }
    }
}

/// Evaluates batches of gates.
pub struct Evaluator<'a> {
    hash: &'a GateHash,
    hashes: Wires<2, STEP>,
}

impl<'a> Evaluator<'a> {
    /// Sets up working memory.
    pub fn new(hash: &'a GateHash) -> Self {
        Self { hash, hashes: Wires::new() }
    }

    /// Evaluates up to [`CHUNK`] gates on active labels; the counterpart of [`Garbler::and`].
    pub fn and(&mut self, window: u64, a: &[Block], b: &[Block], tables: &[u8], out: &mut [Block]) {
        let n = out.len();
        debug_assert!(n <= CHUNK && a.len() == n && b.len() == n);
        debug_assert!(tables.len() == AND_BYTES * n);
        let hash = self.hash.window(window);
        let (generator, evaluator) = tables.split_at(Block::BYTES * n);
        let rows = generator.as_chunks().0.chunks(STEP).zip(evaluator.as_chunks().0.chunks(STEP));
        let inputs = a.chunks(STEP).zip(b.chunks(STEP));
        for ((i, ((a, b), rows)), out) in inputs.zip(rows).enumerate().zip(out.chunks_mut(STEP)) {
            let labels = Inputs { a, b };
            self.step(&hash, (i * STEP) as u64, labels, rows, out);
        }
    }

    /// One step of gates.
    fn step(
        &mut self,
        hash: &WindowHash,
        first: u64,
        labels: Inputs<'_>,
        rows: (&[Row], &[Row]),
        out: &mut [Block],
    ) {
        let (n, [a, b]) = (out.len(), &mut *self.hashes.0);
        a[..n].copy_from_slice(labels.a);
        b[..n].copy_from_slice(labels.b);
        hash.hash(first, &mut a[..n]);
        hash.hash(EVALUATOR_HALF + first, &mut b[..n]);
        combine::evaluate(labels, Inputs { a, b }, rows, out);
    }
}

/// Reads whole blocks off bytes.
pub(crate) fn read_blocks(bytes: &[u8]) -> impl Iterator<Item = Block> {
    bytes.chunks_exact(Block::BYTES).map(|c| {
        let mut block = [0; Block::BYTES];
        block.copy_from_slice(c);
        Block::from_bytes(block)
    })
}
