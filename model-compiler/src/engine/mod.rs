//! Convolutions in the clear, the same code for floats and for exact integers.
//!
//! A convolution is a matrix product: the weights of one group (outputs x taps) times the input's
//! values under each tap (taps x output pixels), gathered for a few output rows at a time so that
//! they stay in the cache. Groups of few outputs, depthwise ones above all, would waste the
//! product's tiles: they are added up row by row instead, and fully connected layers are dot
//! products. Everything here runs on one thread; callers work on many images at once.
//!
//! With `f64` the result is exact as long as every product and partial sum is an integer below
//! `2^53`, whatever the order of the sum: the caller sees to that.

mod direct;
mod gather;
mod product;

use tacita_protocol::plan::{ConvShape, Padding};

pub(crate) use product::Scalar;

/// Fewest output channels of a group that the matrix product is worth it for.
const MIN_OUTPUTS: usize = 4;

/// Fewest output pixels for which packing the weights is worth it (measured).
const MIN_PIXELS: usize = 64;

/// A convolution with its weights laid out for many evaluations.
pub(crate) struct Filters<T> {
    shape: ConvShape,
    method: Method,
    weights: Vec<T>,
}

/// How a convolution is evaluated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Method {
    /// Dot products.
    Dense,
    /// Row by row.
    Direct,
    /// A matrix product with the input as it lies.
    Pointwise,
    /// A matrix product with gathered values.
    Gathered,
}

impl Method {
    fn of(s: &ConvShape) -> Self {
        let (out, taps) = (s.output(), s.group_inputs() * s.kernel_h * s.kernel_w);
        let unpadded = s.pad == Padding::NONE;
        if out.height * out.width == 1 && s.groups == 1 && taps == s.input.len() && unpadded {
            Self::Dense
        } else if s.group_outputs() < MIN_OUTPUTS {
            Self::Direct
        } else if taps == s.group_inputs() && s.stride == 1 && unpadded {
            Self::Pointwise
        } else {
            Self::Gathered
        }
    }
}

impl<T: Scalar> Filters<T> {
    /// True unless the image is so small that laying out the weights again for every product, which
    /// `matrixmultiply` does, takes longer than multiplying.
    pub(crate) fn pays(shape: &ConvShape) -> bool {
        let out = shape.output();
        !matches!(Method::of(shape), Method::Pointwise | Method::Gathered)
            || out.height * out.width >= MIN_PIXELS
    }

    /// `weights` as [`ConvShape`] has them; missing ones count as zero.
    pub(crate) fn new(shape: &ConvShape, mut weights: Vec<T>) -> Self {
        weights.resize(shape.weights(), T::default());
        let method = Method::of(shape);
        if matches!(method, Method::Pointwise | Method::Gathered) {
            weights = columns(shape, &weights);
        }
        Self { shape: *shape, method, weights }
    }

    /// `z += weights * a`: `a` in CHW order with the shape's input, `z` with its output. Where `a`
    /// or `z` are too short nothing is added.
    pub(crate) fn add_to(&self, a: &[T], z: &mut [T]) {
        let s = &self.shape;
        let (input, out) = (s.input, s.output());
        let (plane, area) = (out.height * out.width, input.height * input.width);
        if a.len() < input.len() || z.len() < out.len() {
            return;
        }
        let of_group = self.weights.len() / s.groups.max(1);
        let groups = (self.weights.chunks(of_group.max(1)))
            .zip(a.chunks(area * s.group_inputs()))
            .zip(z.chunks_mut(plane * s.group_outputs()));
        for ((w, a), z) in groups {
            match self.method {
                Method::Dense => direct::dense(w, a, z),
                Method::Direct => direct::group(s, w, a, z),
                Method::Pointwise => {
                    let size = [s.group_outputs(), s.group_inputs(), plane];
                    T::product(size, w, (a, plane), (z, plane));
                }
                Method::Gathered => gather::group(s, w, a, z),
            }
        }
    }
}

/// Each group's weights with all outputs of one tap side by side: the order in which the matrix
/// product packs them, several times faster where the image is small.
fn columns<T: Scalar>(s: &ConvShape, weights: &[T]) -> Vec<T> {
    let taps = s.group_inputs() * s.kernel_h * s.kernel_w;
    let mut out = Vec::with_capacity(weights.len());
    for group in weights.chunks(taps * s.group_outputs()) {
        for tap in 0..taps {
            out.extend(group.iter().skip(tap).step_by(taps));
        }
    }
    out
}

#[cfg(test)]
mod tests;
