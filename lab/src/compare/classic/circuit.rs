//! The circuit: add the shares, test the sign, select, subtract the new share.
//!
//! 63 + 64 + 63 AND gates for 64-bit shares; XOR and NOT are free. Addition is that of
//! Kolesnikov, Sadeghi and Schneider (CANS 2009, section 3.1), one AND a bit, and so is subtraction
//! with its borrow.

use tacita_protocol::garble::CHUNK;
use tacita_protocol::ot::Block;

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

/// Working memory for chunks of up to [`CHUNK`] positions.
pub struct Scratch {
    sum: Vec<Block>,
    wires: Wires,
}

/// One block for each position of a chunk.
type Wire = Vec<Block>;

/// Wires that a gate needs.
struct Wires {
    a: Wire,
    b: Wire,
    product: Wire,
    /// The carry, then the borrow.
    carry: Wire,
}

impl Scratch {
    /// Sets it up.
    pub fn new() -> Self {
        let wire = || vec![Block::default(); CHUNK];
        let wires = Wires { a: wire(), b: wire(), product: wire(), carry: wire() };
        Self { sum: vec![Block::default(); CHUNK * BITS], wires }
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
    let (share, new_share) = client.split_at(n * BITS);
    let Scratch { sum, wires } = scratch;
    let sum = &mut sum[..n * BITS];
    wires.add(party, n, (share, server), sum);
    wires.select_and_subtract(party, n, (sum, new_share), out);
}

impl Wires {
    /// `sum = x + y`, the top carry left out: 63 gates.
    fn add(
        &mut self,
        party: &mut impl Party,
        n: usize,
        (x, y): (&[Block], &[Block]),
        sum: &mut [Block],
    ) {
        let [a, b, product, carry] = self.of(n);
        carry.fill(Block::default());
        let inputs = x.chunks_exact(n).zip(y.chunks_exact(n));
        for (j, ((x, y), sum)) in inputs.zip(sum.chunks_exact_mut(n)).enumerate() {
            xor(a, x, carry);
            xor(b, y, carry);
            xor(sum, a, y);
            if j + 1 < BITS {
                party.and(a, b, product);
                xor_into(carry, product);
            }
        }
    }

    /// `out = max(sum, 0) - r`: 64 gates to keep `sum` or not by its top bit, 63 for the
    /// difference `kept ^ r ^ borrow` with `borrow' = borrow ^ (!kept ^ borrow) & (r ^ borrow)`.
    fn select_and_subtract(
        &mut self,
        party: &mut impl Party,
        n: usize,
        (sum, r): (&[Block], &[Block]),
        out: &mut [Block],
    ) {
        let mut keep = sum[n * (BITS - 1)..].to_vec();
        party.not(&mut keep);
        let [a, b, product, borrow] = self.of(n);
        borrow.fill(Block::default());
        let inputs = sum.chunks_exact(n).zip(r.chunks_exact(n));
        for (j, ((x, r), out)) in inputs.zip(out.chunks_exact_mut(n)).enumerate() {
            party.and(&keep, x, product);
            xor(a, product, borrow);
            xor(b, r, borrow);
            xor(out, a, r);
            if j + 1 < BITS {
                party.not(a);
                party.and(a, b, product);
                xor_into(borrow, product);
            }
        }
    }

    fn of(&mut self, n: usize) -> [&mut [Block]; 4] {
        [&mut self.a, &mut self.b, &mut self.product, &mut self.carry].map(|wire| &mut wire[..n])
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
