//! What is left of a gate once its labels are hashed: a few XORs under masks of colour bits.
//!
//! Zahur, Rosulek, Evans (2015), figure 2. The portable functions are the definition; the vector
//! ones do two gates at a time, and keep a compiler from turning a mask into a branch.

#[cfg(target_arch = "x86_64")]
mod x86;

use crate::ot::Block;

/// A block of a table.
pub(super) type Row = [u8; Block::BYTES];

/// Labels of both inputs: zero labels in garbling, active ones in evaluation.
#[derive(Clone, Copy)]
pub(super) struct Inputs<'a> {
    pub(super) a: &'a [Block],
    pub(super) b: &'a [Block],
}

/// Hashes of both labels of both inputs.
#[derive(Clone, Copy)]
pub(super) struct GarblerHashes<'a> {
    pub(super) a0: &'a [Block],
    pub(super) a1: &'a [Block],
    pub(super) b0: &'a [Block],
    pub(super) b1: &'a [Block],
}

/// Writes the rows `T_G` and `T_E` and the output's zero labels of `out.len()` gates; no slice is
/// shorter.
pub(super) fn garble(
    offset: Block,
    labels: Inputs<'_>,
    hashes: GarblerHashes<'_>,
    (generator, evaluator): (&mut [Row], &mut [Row]),
    out: &mut [Block],
) {
    #[cfg(target_arch = "x86_64")]
    let done = x86::garble(offset, labels, hashes, (generator, evaluator), out);
    #[cfg(not(target_arch = "x86_64"))]
    let done = 0;
    garble_from(done, offset, labels, hashes, (generator, evaluator), out);
}

/// The definition, for the gates from `first` on.
fn garble_from(
    first: usize,
    offset: Block,
    labels: Inputs<'_>,
    hashes: GarblerHashes<'_>,
    (generator, evaluator): (&mut [Row], &mut [Row]),
    out: &mut [Block],
) {
    for i in first..out.len() {
        let (a, b) = (labels.a[i], labels.b[i]);
        let tg = hashes.a0[i] ^ hashes.a1[i] ^ offset.and_bit(b.lsb());
        let half = hashes.b0[i] ^ hashes.b1[i];
        out[i] = hashes.a0[i] ^ tg.and_bit(a.lsb()) ^ hashes.b0[i] ^ half.and_bit(b.lsb());
        generator[i] = tg.to_bytes();
        evaluator[i] = (half ^ a).to_bytes();
    }
}

/// Writes the output's active labels of `out.len()` gates; no slice is shorter.
pub(super) fn evaluate(
    labels: Inputs<'_>,
    hashes: Inputs<'_>,
    (generator, evaluator): (&[Row], &[Row]),
    out: &mut [Block],
) {
    #[cfg(target_arch = "x86_64")]
    let done = x86::evaluate(labels, hashes, (generator, evaluator), out);
    #[cfg(not(target_arch = "x86_64"))]
    let done = 0;
    evaluate_from(done, labels, hashes, (generator, evaluator), out);
}

/// The definition, for the gates from `first` on.
fn evaluate_from(
    first: usize,
    labels: Inputs<'_>,
    hashes: Inputs<'_>,
    (generator, evaluator): (&[Row], &[Row]),
    out: &mut [Block],
) {
    for i in first..out.len() {
        let (a, b) = (labels.a[i], labels.b[i]);
        let (tg, te) = (Block::from_bytes(generator[i]), Block::from_bytes(evaluator[i]));
        let generated = hashes.a[i] ^ tg.and_bit(a.lsb());
        out[i] = generated ^ hashes.b[i] ^ (te ^ a).and_bit(b.lsb());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::SecretRng;

    #[test]
    fn vectors_agree_with_the_definition() {
        let mut rng = SecretRng::from_test_seed(5);
        for n in [0, 1, 2, 3, 31, 64] {
            let mut blocks = || (0..n).map(|_| Block::random(&mut rng)).collect::<Vec<_>>();
            let (a, b, a0, a1, b0, b1) =
                (blocks(), blocks(), blocks(), blocks(), blocks(), blocks());
            let offset = Block::random(&mut SecretRng::from_test_seed(6));
            let (labels, hashed) = (Inputs { a: &a, b: &b }, Inputs { a: &a0, b: &b0 });
            let hashes = GarblerHashes { a0: &a0, a1: &a1, b0: &b0, b1: &b1 };
            let new = || (vec![[0; 16]; n], vec![[0; 16]; n], vec![Block::default(); n]);
            let same = |x: &[Block], y: &[Block]| x.iter().zip(y).all(|(x, y)| x.0 == y.0);
            let (mut g, mut e, mut out) = new();
            garble(offset, labels, hashes, (&mut g, &mut e), &mut out);
            let (mut g1, mut e1, mut out1) = new();
            garble_from(0, offset, labels, hashes, (&mut g1, &mut e1), &mut out1);
            assert!(g == g1 && e == e1 && same(&out, &out1), "{n} gates");
            evaluate(labels, hashed, (&g, &e), &mut out);
            evaluate_from(0, labels, hashed, (&g, &e), &mut out1);
            assert!(same(&out, &out1), "{n} gates");
        }
    }
}
