//! Online convolutions on shares.

use super::count;
use crate::linear::{Backend, conv};
use crate::plan::{ConvShape, Shape};
use crate::rng::SecretRng;

const IMAGE: Shape = Shape::new(16, 16, 16);

fn count_conv(backend: Backend, shape: ConvShape) {
    let mut rng = SecretRng::from_test_seed(5);
    let a = rng.u64s(shape.input.len());
    let weights: Vec<i32> = (0..shape.weights()).map(|_| (rng.u64() % 2001) as i32).collect();
    let mut z = vec![0; shape.output().len()];
    count(move || conv(backend, &shape, &weights, &a, &mut z));
}

#[test]
#[ignore = "counted by scripts/instructions.py"]
fn conv_3x3() {
    count_conv(Backend::detect(), ConvShape::same(IMAGE, 16, 3, 1));
}

#[test]
#[ignore = "counted by scripts/instructions.py"]
fn conv_3x3_stride_2() {
    count_conv(Backend::detect(), ConvShape::same(IMAGE, 32, 3, 2));
}

#[test]
#[ignore = "counted by scripts/instructions.py"]
fn conv_depthwise() {
    let dense = ConvShape::same(IMAGE, 16, 3, 1);
    count_conv(Backend::detect(), ConvShape { groups: 16, ..dense });
}

#[test]
#[ignore = "counted by scripts/instructions.py"]
fn fully_connected() {
    count_conv(Backend::detect(), ConvShape::same(Shape::new(512, 1, 1), 100, 1, 1));
}

#[test]
#[ignore = "counted by scripts/instructions.py"]
fn conv_3x3_scalar() {
    count_conv(Backend::Scalar, ConvShape::same(IMAGE, 16, 3, 1));
}
