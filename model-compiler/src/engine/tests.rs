use proptest::prelude::*;
use tacita_protocol::linear::{self, Backend};
use tacita_protocol::plan::Shape;

use super::*;
use crate::draw::splitmix;

/// Any convolution that a plan may have: groups, strides, one-sided padding.
fn shapes() -> impl Strategy<Value = ConvShape> {
    let pads = [0usize..3, 0..3, 0..3, 0..3];
    let size = (1usize..13, 1usize..40, 1usize..4, 1usize..4, 1usize..4);
    (size, (1usize..4, 1usize..4, 1usize..9), pads).prop_map(
        |((height, width, kernel_h, kernel_w, stride), (groups, from, to), pads)| {
            let input = Shape::new(groups * from, height.max(kernel_h), width.max(kernel_w));
            let [top, left, bottom, right] = pads;
            let pad = Padding {
                top: top.min(kernel_h - 1),
                left: left.min(kernel_w - 1),
                bottom: bottom.min(kernel_h - 1),
                right: right.min(kernel_w - 1),
            };
            ConvShape { input, out_channels: groups * to, kernel_h, kernel_w, stride, pad, groups }
        },
    )
}

fn draw(n: usize, bound: i64, state: &mut u64) -> Vec<i64> {
    (0..n).map(|_| (splitmix(state) % (2 * bound as u64 + 1)) as i64 - bound).collect()
}

/// The protocol's own integer convolution.
fn oracle(s: &ConvShape, w: &[i64], a: &[i64]) -> Vec<i64> {
    let w: Vec<i32> = w.iter().map(|w| *w as i32).collect();
    let a: Vec<u64> = a.iter().map(|a| *a as u64).collect();
    let mut z = vec![3u64; s.output().len()];
    linear::conv(Backend::Scalar, s, &w, &a, &mut z);
    z.into_iter().map(|z| z as i64).collect()
}

fn check(s: &ConvShape, seed: u64, bounds: [i64; 2]) {
    let mut state = seed;
    let w = draw(s.weights(), bounds[0], &mut state);
    let a = draw(s.input.len(), bounds[1], &mut state);
    let real = |x: &[i64]| x.iter().map(|x| *x as f64).collect::<Vec<_>>();
    let mut z = vec![3.0; s.output().len()];
    Filters::new(s, real(&w)).add_to(&real(&a), &mut z);
    let z: Vec<i64> = z.into_iter().map(|z| z as i64).collect();
    assert_eq!(z, oracle(s, &w, &a), "{s:?}");
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(200) })]

    #[test]
    fn integers_are_exact(s in shapes(), seed: u64) {
        check(&s, seed, [1 << 15, 1 << 26]);
    }

    #[test]
    fn floats_are_exact_where_they_can_be(s in shapes(), seed: u64) {
        let mut state = seed;
        let (w, a) = (draw(s.weights(), 15, &mut state), draw(s.input.len(), 255, &mut state));
        let real = |x: &[i64]| x.iter().map(|x| *x as f32).collect::<Vec<_>>();
        let mut z = vec![3.0f32; s.output().len()];
        Filters::new(&s, real(&w)).add_to(&real(&a), &mut z);
        let z: Vec<i64> = z.into_iter().map(|z| z as i64).collect();
        prop_assert_eq!(z, oracle(&s, &w, &a));
    }
}

#[test]
fn several_blocks_make_one_image() {
    let input = Shape::new(40, 33, 70);
    for stride in [1, 2] {
        check(&ConvShape::same(input, 5, 3, stride), 1, [100, 1000]);
    }
}

#[test]
fn damaged_inputs_do_not_crash() {
    let s = ConvShape::same(Shape::new(4, 5, 5), 3, 3, 1);
    let mut z = vec![0.0; s.output().len()];
    Filters::new(&s, vec![1.0; 108]).add_to(&[], &mut z);
    Filters::new(&s, vec![1.0; 100]).add_to(&[1.0; 20], &mut z);
    Filters::<f64>::new(&s, vec![]).add_to(&[1.0; 100], &mut z[..5]);
    assert!(z.iter().all(|z| *z == 0.0));
}

/// Speed of the layers of ResNet18 at 32x32; `cargo test --release -p tacita-compile -- --ignored
/// --nocapture speed`.
#[test]
#[ignore = "a measurement"]
fn speed() {
    for (channels, side) in [(64, 32), (128, 16), (256, 8), (512, 4)] {
        let s = ConvShape::same(Shape::new(channels, side, side), channels, 3, 1);
        println!("{channels} channels of {side}x{side}, GMAC/s on one thread:");
        time(&s, 1.5f32, "f32");
        time(&s, 1.5f64, "f64");
        let (w, a) = (vec![7; s.weights()], vec![9; s.input.len()]);
        let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
        pool.install(|| {
            report("integers of the protocol", &s, || {
                linear::conv(Backend::detect(), &s, &w, &a, &mut vec![0; s.output().len()]);
            });
        });
    }
}

fn time<T: Scalar>(s: &ConvShape, one: T, name: &str) {
    let ones = |n| vec![one; n];
    let (a, mut z) = (ones(s.input.len()), ones(s.output().len()));
    let filters = Filters::new(s, ones(s.weights()));
    report(name, s, || filters.add_to(&a, &mut z));
    report("  row by row", s, || direct::group(s, &filters.weights, &a, &mut z));
}

fn report(name: &str, s: &ConvShape, mut f: impl FnMut()) {
    f();
    let start = std::time::Instant::now();
    let mut runs = 0;
    while start.elapsed().as_secs_f64() < 0.4 {
        f();
        runs += 1;
    }
    let rate = (runs * s.macs()) as f64 / start.elapsed().as_secs_f64() / 1e9;
    println!("  {name}: {rate:.1}");
}
