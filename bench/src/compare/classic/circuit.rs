//! The circuit: add the shares, test the sign, select, subtract the new share.
//!
//! 63 + 64 + 63 AND gates for 64-bit shares; XOR and NOT are free. Addition is that of
//! Kolesnikov, Sadeghi and Schneider (CANS 2009, section 3.1), one AND a bit, and so is subtraction
//! with its borrow.

use tacet_protocol::garble::CHUNK;
use tacet_protocol::ot::Block;

/// Bits of a share.
pub const BITS: usize = 64;
/// AND gates of a position.
pub const ANDS: usize = (BITS - 1) + BITS + (BITS - 1);
/// The client's input bits of a position: its share, then its new share.
pub const CLIENT_BITS: usize = 2 * BITS;

/// What a party does at a gate of a whole chunk.
pub trait Party {
    /// `out = a & b`. Gates come in the same order at both parties.
    fn and(&mut self, a: &[Block], b: &[Block], out: &mut [Block]);
    /// `wire = !wire`.
    fn not(&self, wire: &mut [Block]);
}

/// One block for each position of a chunk.
type Wire = Vec<Block>;

/// Working memory for chunks of up to [`CHUNK`] positions.
pub struct Scratch {
    sum: Vec<Block>,
    a: Wire,
    b: Wire,
    product: Wire,
    carry: Wire,
}

impl Scratch {
    /// Sets it up.
    pub fn new() -> Self {
        let wire = || vec![Block::default(); CHUNK];
        let sum = vec![Block::default(); CHUNK * BITS];
        Self { sum, a: wire(), b: wire(), product: wire(), carry: wire() }
    }
}

/// The circuit on the labels of `n` positions, at most [`CHUNK`].
///
/// Labels lie bit by bit: bit `j` of position `i` at `j * n + i`. `client` holds
/// [`CLIENT_BITS`] a position, `server` and `out` [`BITS`]; `out` is `max(x, 0) - r'`.
pub fn relu(
    party: &mut impl Party,
    scratch: &mut Scratch,
    n: usize,
    (client, server): (&[Block], &[Block]),
    out: &mut [Block],
) {
    let Scratch { sum, a, b, product, carry } = scratch;
    let sum = &mut sum[..n * BITS];
    let [a, b, product, carry] = [a, b, product, carry].map(|wire| &mut wire[..n]);
    let (share, new_share) = client.split_at(n * BITS);
    carry.fill(Block::default());
    let inputs = share.chunks_exact(n).zip(server.chunks_exact(n));
    for (j, ((x, y), sum)) in inputs.zip(sum.chunks_exact_mut(n)).enumerate() {
        xor(a, x, carry);
        xor(b, y, carry);
        xor(sum, a, y);
        if j + 1 < BITS {
            party.and(a, b, product);
            xor_into(carry, product);
        }
    }
    // From here on the borrow, and whether the value is kept.
    let (low, top) = sum.split_at(n * (BITS - 1));
    let mut keep = top.to_vec();
    party.not(&mut keep);
    carry.fill(Block::default());
    let values = low.chunks_exact(n).chain([top]);
    for (j, ((x, r), out)) in
        values.zip(new_share.chunks_exact(n)).zip(out.chunks_exact_mut(n)).enumerate()
    {
        party.and(&keep, x, product);
        // Difference: kept ^ r ^ borrow. Borrow: borrow ^ (!kept ^ borrow) & (r ^ borrow).
        xor(a, product, carry);
        xor(b, r, carry);
        xor(out, a, r);
        if j + 1 < BITS {
            party.not(a);
            party.and(a, b, product);
            xor_into(carry, product);
        }
    }
}

fn xor(out: &mut [Block], a: &[Block], b: &[Block]) {
    for (out, (a, b)) in out.iter_mut().zip(a.iter().zip(b)) {
        *out = *a ^ *b;
    }
}

fn xor_into(to: &mut [Block], from: &[Block]) {
    for (to, from) in to.iter_mut().zip(from) {
        *to ^= *from;
    }
}
