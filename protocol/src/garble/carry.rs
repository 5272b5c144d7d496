//! The carry circuit: bit `m - 1` of a sum of two `m`-bit numbers, up to the second one's top bit.
//!
//! `carry' = carry ^ (c ^ carry) & (s ^ carry)` for each bit pair `(c, s)`, starting from
//! `carry_1 = c_0 & s_0`: one AND a bit (Kolesnikov, Sadeghi, Schneider, CANS 2009, section 3.1).
//! The output is `Y = c_{m-1} ^ carry_{m-1}`, the sum's sign but for the second number's top bit,
//! which its owner XORs into the meaning of the label. So `m` bits cost `m - 1` gates.
//!
//! Labels of a chunk lie bit by bit: bit `j` of position `i` of `n` at `j * n + i`; tables
//! likewise, gate by gate.

use super::half_gate::{AND_BYTES, Evaluator, Garbler, Wires};
use crate::ot::Block;

/// Positions garbled together: one window of tweaks, two a gate.
pub const CHUNK: usize = 256;

/// Bytes of the tables of `n` positions comparing `m` bits.
pub fn carry_tables_bytes(n: usize, m: usize) -> usize {
    n * m.saturating_sub(1) * AND_BYTES
}

impl Garbler<'_> {
    /// Garbles the circuit at `y.len()` positions, at most [`CHUNK`].
    ///
    /// `c` holds the zero labels of the first number (`m` a position), `s` those of the second
    /// (`m - 1`); gate `j` uses window `first + j`. `y` takes the zero labels of Y.
    pub fn carry(
        &mut self,
        first: u64,
        c: &[Block],
        s: &[Block],
        tables: &mut [u8],
        y: &mut [Block],
    ) {
        let mut wires = Wires::new();
        let mut tables = tables.chunks_exact_mut(AND_BYTES * y.len());
        ripple(&mut wires, first, c, s, y, |window, a, b, out| {
            if let Some(table) = tables.next() {
                self.and(window, a, b, table, out);
            }
        });
    }
}

impl Evaluator<'_> {
    /// Evaluates the circuit on active labels; the counterpart of [`Garbler::carry`].
    pub fn carry(&mut self, first: u64, c: &[Block], s: &[Block], tables: &[u8], y: &mut [Block]) {
        let mut wires = Wires::new();
        let mut tables = tables.chunks_exact(AND_BYTES * y.len());
        ripple(&mut wires, first, c, s, y, |window, a, b, out| {
            if let Some(table) = tables.next() {
                self.and(window, a, b, table, out);
            }
        });
    }
}

/// The circuit itself, the same for both parties: XORs are free, `and(window, a, b, out)` is one
/// gate. Leaves Y in `carry`.
fn ripple(
    wires: &mut Wires<3, CHUNK>,
    first: u64,
    c: &[Block],
    s: &[Block],
    carry: &mut [Block],
    mut and: impl FnMut(u64, &[Block], &[Block], &mut [Block]),
) {
    let n = carry.len();
    let [a, b, product] = wires.0.each_mut().map(|wire| &mut wire[..n]);
    carry.fill(Block::default());
    let mut c = c.chunks_exact(n);
    for ((window, sj), cj) in (first..).zip(s.chunks_exact(n)).zip(c.by_ref()) {
        for i in 0..n {
            a[i] = cj[i] ^ carry[i];
            b[i] = sj[i] ^ carry[i];
        }
        and(window, a, b, product);
        xor_into(carry, product);
    }
    if let Some(top) = c.next() {
        xor_into(carry, top);
    }
}

fn xor_into(to: &mut [Block], from: &[Block]) {
    for (a, b) in to.iter_mut().zip(from) {
        *a ^= *b;
    }
}
