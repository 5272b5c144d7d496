//! Outputs that are maps: a value, or a logit a class, for each pixel.

use super::graph::PublicPlan;
use super::head::named;
use super::shape::Shape;

impl PublicPlan {
    /// The shape of what an inference opens, if that is a map: more than one row or column.
    pub fn map(&self) -> Option<Shape> {
        self.output().map(|t| t.shape).filter(|s| s.height * s.width > 1)
    }
}

/// The class of each pixel of a map in CHW order, in the order of rows: what its channels name as
/// logits ([`class_of`](super::class_of)).
pub fn decide<T: PartialOrd + Copy + Default>(map: &[T], shape: Shape) -> Vec<usize> {
    let plane = shape.height * shape.width;
    let at = |c: usize, i: usize| map.get(c * plane + i).copied().unwrap_or_default();
    (0..plane).map(|i| named((0..shape.channels).map(|c| at(c, i)))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pixels_are_decided_one_by_one() {
        assert_eq!(decide(&[-1, 0, 1, 2], Shape::new(1, 2, 2)), [0, 0, 1, 1]);
        assert_eq!(decide(&[0.5, -1.0, 0.5, 3.0, 0.25, -2.0], Shape::new(3, 1, 2)), [0, 1]);
    }
}
