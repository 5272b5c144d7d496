//! Packings against the definition of a convolution, on plaintext polynomials.

use super::*;
use crate::rlwe::packing::Cell;
use proptest::prelude::*;

/// Evaluates a packing on plaintext polynomials; cells that must not matter hold garbage.
fn evaluate_plain(
    packing: &Packing,
    defined: &mut Defined,
    weights: &[i32],
    x: &[u64],
) -> Vec<u64> {
    let mut rng = SecretRng::from_test_seed(99);
    let before = defined.clone();
    let cells = CellMap::new(packing, defined).unwrap();
    assert_eq!(cells.ciphertexts(), packing.uploads());
    assert_eq!(cells.bytes(), packing.upload_bytes(&before).unwrap());
    for i in 0..cells.ciphertexts() {
        assert_eq!(cells.cells(i).map(Cell::bytes).sum::<usize>(), cells.size(i));
    }
    let input: Vec<Vec<u64>> = (0..cells.ciphertexts())
        .map(|i| {
            let value = |cell| match cell {
                Cell::Free(e) | Cell::Known(e) => x[e],
                Cell::Zero => 0,
                Cell::Skip => rng.u64(),
            };
            cells.cells(i).map(value).collect()
        })
        .collect();
    let mut y = vec![0u64; packing.batch() * packing.shape().output().len()];
    let mut written = vec![false; y.len()];
    for tile in 0..packing.tiles() {
        for group in 0..packing.output_groups() {
            for (at, element) in packing.wanted(tile, group) {
                assert!(!std::mem::replace(&mut written[element], true), "an output twice");
                y[element] = coefficient(packing, weights, &input, tile, group, at);
            }
        }
    }
    assert!(written.iter().all(|w| *w), "an output is missing");
    y
}

fn coefficient(
    packing: &Packing,
    weights: &[i32],
    input: &[Vec<u64>],
    tile: usize,
    group: usize,
    at: usize,
) -> u64 {
    let mut sum = 0u64;
    for i in 0..packing.input_groups() {
        let x = &input[tile * packing.input_groups() + i];
        for tap in packing.taps(group, i) {
            let j = (at + DEGREE - tap.at) % DEGREE;
            let term = (weights[tap.weight] as u64).wrapping_mul(x[j]);
            let negative = tap.negative ^ (tap.at + j >= DEGREE);
            sum = if negative { sum.wrapping_sub(term) } else { sum.wrapping_add(term) };
        }
    }
    sum
}

fn check(packing: &Packing, seed: u64) {
    let (shape, batch) = (*packing.shape(), packing.batch());
    let mut rng = SecretRng::from_test_seed(seed);
    let weights = weights(&shape, 1000, &mut rng);
    let x = rng.u64s(batch * shape.input.len());
    let mut defined = Defined::none(batch, shape.input.len());
    let y = evaluate_plain(packing, &mut defined, &weights, &x);
    assert!(y == direct(&shape, batch, &weights, &x), "{shape:?} batch {batch} {}", line(packing));
}

/// A packing in one line.
pub(super) fn line(p: &Packing) -> String {
    format!(
        "rows {} c {} m {} block {} tiles {} uploads {} responses {} products {}",
        p.tile_rows(),
        p.channels_per_input(),
        p.channels_per_response(),
        p.block(),
        p.tiles(),
        p.uploads(),
        p.responses(),
        p.products()
    )
}

prop_compose! {
    fn any_shape()(
        c in 1usize..6, h in 1usize..12, w in 1usize..12, out in 1usize..6,
        kernel_h in 1usize..5, kernel_w in 1usize..5, stride in 1usize..4,
        (top, left, bottom, right) in (0usize..4, 0usize..4, 0usize..4, 0usize..4),
    ) -> ConvShape {
        let mut shape = ConvShape {
            input: Shape::new(c, h, w), out_channels: out, stride, groups: 1,
            pad: Padding { top, left, bottom, right },
            kernel_h: kernel_h.min(h + top + bottom), kernel_w: kernel_w.min(w + left + right),
        };
        if reads_only_padding(&shape) {
            (shape.pad, shape.kernel_h, shape.kernel_w) = (Padding::NONE, 1, 1);
        }
        shape
    }
}

fn reads_only_padding(shape: &ConvShape) -> bool {
    let misses = |len: usize, pad: usize, kernel: usize, out: usize| {
        (0..out).all(|i| i * shape.stride + kernel <= pad || i * shape.stride >= pad + len)
    };
    let (input, out) = (shape.input, shape.output());
    misses(input.height, shape.pad.top, shape.kernel_h, out.height)
        || misses(input.width, shape.pad.left, shape.kernel_w, out.width)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]
    #[test]
    fn any_layout_computes_the_convolution(
        shape in any_shape(), batch in 1usize..5, pick: prop::sample::Index, seed: u64
    ) {
        check(&Packing::choose(&shape, batch).unwrap(), seed);
        let all = Packing::all(&shape, batch);
        check(pick.get(&all), seed);
    }

    #[test]
    fn both_parties_choose_alike(shape in any_shape(), batch in 1usize..5) {
        let (p, q) = (Packing::choose(&shape, batch).unwrap(), Packing::choose(&shape, batch).unwrap());
        prop_assert_eq!(line(&p), line(&q));
    }
}

prop_compose! {
    /// Many channels of small images: polynomials full of blocks.
    fn full_shape()(
        c in 20usize..60, len in 1usize..6, out in 20usize..60,
        kernel in 1usize..4, stride in 1usize..3,
    ) -> ConvShape {
        conv(c, len, len, out, kernel.min(2 * (len / 2) + 1), stride)
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn full_polynomials_do_not_alias(
        shape in full_shape(), batch in 1usize..3, pick: prop::sample::Index, seed: u64
    ) {
        check(pick.get(&Packing::all(&shape, batch)), seed);
    }
}

#[test]
fn corner_shapes() {
    let shapes = [
        conv(1, 100, 100, 2, 3, 1), // larger than a polynomial
        conv(3, 40, 40, 8, 7, 2),   // a stem
        conv(130, 1, 1, 40, 1, 1),  // fully connected
        conv(20, 1, 1, 20, 3, 1),   // taps that only read padding
        conv(40, 2, 2, 48, 3, 1),   // short blocks: taps of two channels share positions
        conv(8, 9, 9, 8, 1, 2),     // a projection
        conv(5, 13, 7, 6, 5, 3),
        conv(2, 1, 300, 3, 3, 1),
    ];
    for (i, shape) in shapes.iter().enumerate() {
        for batch in [1, 3] {
            check(&Packing::choose(shape, batch).unwrap(), i as u64);
        }
    }
}

#[test]
fn a_second_convolution_of_the_tensor_reuses_its_masks() {
    let (first, second) = (conv(4, 10, 10, 5, 1, 2), conv(4, 10, 10, 3, 3, 1));
    let mut rng = SecretRng::from_test_seed(7);
    let x = rng.u64s(2 * first.input.len());
    let mut defined = Defined::none(2, first.input.len());
    for shape in [first, second] {
        let weights = weights(&shape, 1000, &mut rng);
        let packing = Packing::choose(&shape, 2).unwrap();
        let y = evaluate_plain(&packing, &mut defined, &weights, &x);
        assert!(y == direct(&shape, 2, &weights, &x));
        if shape == first {
            assert_eq!(defined.missing().count(), 2 * 4 * 75);
        }
    }
    assert_eq!(defined.missing().count(), 0);
}

#[test]
fn what_does_not_fit_is_refused() {
    let wide = conv(1, 4, 5000, 1, 3, 1);
    let refusal = Packing::choose(&wide, 1).err().unwrap();
    assert!(matches!(refusal, crate::Error::Input { .. }), "{refusal}");
    let blind = ConvShape { pad: Padding::symmetric(1, 1), ..conv(1, 1, 1, 1, 1, 2) };
    assert!(Packing::choose(&blind, 1).is_err_and(|e| e.to_string().contains("only padding")));
    assert!(Packing::choose(&conv(1, 4, 4, 1, 3, 1), 0).is_err());
    assert!(Packing::choose(&conv(1, 4, 4, 1, 3, 1), 1 << 40).is_err());
    assert!(Packing::choose(&conv(1, 1, 8192, 1, 1, 1), 2).is_ok());
}
