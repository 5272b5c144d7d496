//! Half-gates AND, a batch of independent gates at a time.
//!
//! Zahur, Rosulek, Evans, "Two Halves Make a Whole" (Eurocrypt 2015), figure 2, with free XOR
//! (Kolesnikov, Schneider 2008) and point-and-permute. A gate is two blocks, `T_G` and `T_E`.

use zeroize::{Zeroize, ZeroizeOnDrop};

use super::carry::CHUNK;
use crate::ot::{Block, Delta, GateHash, WINDOW_TWEAKS};

/// Bytes of a garbled AND gate.
pub const AND_BYTES: usize = 2 * Block::BYTES;

/// First tweak of the evaluator's halves; the generator's halves start at 0.
const EVALUATOR_HALF: u64 = CHUNK as u64;
const _: () = assert!(2 * CHUNK <= WINDOW_TWEAKS, "two tweaks a gate, one window");

/// One block for each position of a chunk.
pub(super) type Wire = [Block; CHUNK];

/// Working memory, kept between batches and wiped at the end.
#[derive(Zeroize, ZeroizeOnDrop)]
pub(super) struct Wires<const N: usize>(pub(super) Box<[Wire; N]>);

impl<const N: usize> Wires<N> {
    pub(super) fn new() -> Self {
        Self(Box::new([[Block::default(); CHUNK]; N]))
    }
}

/// Garbles batches of gates under one offset.
pub struct Garbler<'a> {
    hash: &'a GateHash,
    delta: &'a Delta,
    hashes: Wires<4>,
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
        let offset = self.delta.block();
        self.hash_inputs(window, a, b);
        let [ha0, ha1, hb0, hb1] = &*self.hashes.0;
        let (generator, evaluator) = tables.split_at_mut(Block::BYTES * n);
        let rows =
            generator.chunks_exact_mut(Block::BYTES).zip(evaluator.chunks_exact_mut(Block::BYTES));
        for (i, (g, e)) in rows.enumerate() {
            let (pa, pb) = (a[i].lsb(), b[i].lsb());
            let tg = ha0[i] ^ ha1[i] ^ offset.and_bit(pb);
            let half = hb0[i] ^ hb1[i];
            out[i] = ha0[i] ^ tg.and_bit(pa) ^ hb0[i] ^ half.and_bit(pb);
            g.copy_from_slice(&tg.to_bytes());
            e.copy_from_slice(&(half ^ a[i]).to_bytes());
        }
    }

    /// Hashes both labels of both inputs.
    fn hash_inputs(&mut self, window: u64, a: &[Block], b: &[Block]) {
        let offset = self.delta.block();
        let [ha0, ha1, hb0, hb1] = &mut *self.hashes.0;
        for i in 0..a.len() {
            (ha0[i], ha1[i]) = (a[i], a[i] ^ offset);
            (hb0[i], hb1[i]) = (b[i], b[i] ^ offset);
        }
        let hash = self.hash.window(window);
        hash.hash(0, &mut ha0[..a.len()]);
        hash.hash(0, &mut ha1[..a.len()]);
        hash.hash(EVALUATOR_HALF, &mut hb0[..a.len()]);
        hash.hash(EVALUATOR_HALF, &mut hb1[..a.len()]);
    }
}

/// Evaluates batches of gates.
pub struct Evaluator<'a> {
    hash: &'a GateHash,
    hashes: Wires<2>,
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
        let [ha, hb] = &mut *self.hashes.0;
        ha[..n].copy_from_slice(a);
        hb[..n].copy_from_slice(b);
        let hash = self.hash.window(window);
        hash.hash(0, &mut ha[..n]);
        hash.hash(EVALUATOR_HALF, &mut hb[..n]);
        let (generator, evaluator) = tables.split_at(Block::BYTES * n);
        let rows = read_blocks(generator).zip(read_blocks(evaluator));
        for (i, (tg, te)) in rows.enumerate() {
            let generated = ha[i] ^ tg.and_bit(a[i].lsb());
            let evaluated = hb[i] ^ (te ^ a[i]).and_bit(b[i].lsb());
            out[i] = generated ^ evaluated;
        }
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
