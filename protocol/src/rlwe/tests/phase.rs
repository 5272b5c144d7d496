//! Noise inside ciphertexts, seen with the secret key.

use super::full::SEED;
use super::*;
use crate::rlwe::evaluate::sum_products;
use crate::rlwe::keys::SecretKey;
use crate::rlwe::packing::Cell;
use crate::rlwe::params::{add_mod_q, signed_mod_q};
use crate::rlwe::poly::{Coeff, Ntt, Poly, product};

/// A client's upload as the server holds it, and the masks in it.
struct Upload {
    key: SecretKey,
    cells: CellMap,
    input: Vec<Ciphertext>,
    r: Vec<u64>,
}

fn upload(packing: &Packing, seed: u64) -> Upload {
    let mut rng = SecretRng::from_test_seed(seed);
    let key = SecretKey::generate(&mut rng);
    let mut defined = Defined::none(packing.batch(), packing.shape().input.len());
    let cells = CellMap::new(packing, &mut defined).unwrap();
    let mut r = vec![0; defined.len()];
    let bytes = encrypt_mask(&key, &cells, &SEED, 0, &mut r, &mut rng).unwrap();
    let input = receive_upload(&cells, &SEED, 0, &bytes).unwrap();
    Upload { key, cells, input, r }
}

/// `b - a*s - DELTA*message`, centred.
fn noise(b: u128, masked: u128, message: u64) -> i128 {
    let minus = |x: u128| signed_mod_q(-(x as i128));
    let encoded = u128::from(DELTA) * u128::from(message);
    let x = add_mod_q(add_mod_q(b, minus(masked)), minus(encoded));
    if x > Q / 2 { x as i128 - Q as i128 } else { x as i128 }
}

/// The coefficients of a transformed polynomial.
fn coefficients(poly: &Poly<Ntt>) -> Poly<Coeff> {
    let mut one = vec![0; DEGREE];
    one[0] = 1;
    product(poly, &Poly::from_signed(&one).into_ntt())
}

#[test]
fn uploads_carry_the_masks() {
    let packing = Packing::choose(&conv(3, 100, 100, 4, 3, 1), 1).unwrap();
    let up = upload(&packing, 41);
    assert!(packing.tiles() > 1);
    let mut kinds = [0; 4];
    for (i, ciphertext) in up.input.iter().enumerate() {
        let b = coefficients(&ciphertext.b);
        let masked = product(&ciphertext.a, &up.key.s);
        for (j, cell) in up.cells.cells(i).enumerate() {
            let (kind, message, most) = match cell {
                Cell::Free(e) => (0, up.r[e], 22),
                Cell::Known(e) => (1, up.r[e], 21),
                Cell::Zero => (2, 0, 21),
                Cell::Skip => (3, 0, i128::MAX),
            };
            kinds[kind] += 1;
            assert!(noise(b.lift(j), masked.lift(j), message).abs() <= most, "{cell:?}");
        }
    }
    assert!(kinds.iter().all(|k| *k > 0), "{kinds:?}");
}

/// The noise of all outputs before freshening.
fn evaluated_noise(packing: &Packing, raw: &[i32], up: &Upload) -> Vec<i128> {
    let expected = direct(packing.shape(), packing.batch(), raw, &up.r);
    let mut out = Vec::new();
    for group in 0..packing.output_groups() {
        let sums = sum_products(packing, Weights::Raw(raw), group, &up.input, &|| ());
        for (tile, sum) in sums.into_iter().enumerate() {
            let (a, b) = (sum.a.into_coeff(), sum.b.into_coeff());
            let masked = product(&a.into_ntt(), &up.key.s);
            for (at, element) in packing.wanted(tile, group) {
                out.push(noise(b.lift(at), masked.lift(at), expected[element]));
            }
        }
    }
    out
}

#[test]
fn evaluated_noise_stays_within_the_bound() {
    // Channels of very different size, packed together: the noise of the large one reaches the
    // outputs of the small one.
    let shape = conv(40, 4, 4, 24, 3, 1);
    let mut raw = weights(&shape, 2, &mut SecretRng::from_test_seed(42));
    raw[..360].fill(2047);
    let packing = Packing::choose(&shape, 1).unwrap();
    assert!(packing.channels_per_response() > 1);
    let up = upload(&packing, 43);
    let noise = evaluated_noise(&packing, &raw, &up);
    let most = noise.iter().map(|e| e.unsigned_abs()).max().unwrap();
    let bound = noise_bound(&raw, &shape);
    assert!(most <= bound && bound < 100 * most, "{most} of {bound}");
    // An output of channel 1, whose own weights could never make this much.
    let own: u128 = raw[360..720].iter().map(|w| u128::from(w.unsigned_abs())).sum();
    let channel_1 = noise[16..32].iter().map(|e| e.unsigned_abs()).max().unwrap();
    assert!(channel_1 > 22 * own, "{channel_1} of {}", 22 * own);
}
