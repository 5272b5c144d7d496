//! Outputs that are maps: a value, or a logit a class, for each pixel.

use super::graph::PublicPlan;
use super::shape::Shape;

impl PublicPlan {
    /// The shape of what an inference opens, if that is a map: more than one row or column.
    pub fn map(&self) -> Option<Shape> {
        self.output().map(|t| t.shape).filter(|s| s.height * s.width > 1)
    }
}

/// The class of each pixel of a map in CHW order, in the order of rows: of one channel 1 where it
/// is positive (a probability over one half, if it is a logit) and else 0, of several the first of
/// the largest.
pub fn decide<T: PartialOrd + Copy + Default>(map: &[T], shape: Shape) -> Vec<usize> {
    let plane = shape.height * shape.width;
    let at = |c: usize, i: usize| map.get(c * plane + i).copied().unwrap_or_default();
    let largest = |i: usize| {
        let mut best = (0, at(0, i));
        for c in 1..shape.channels {
            if at(c, i) > best.1 {
                best = (c, at(c, i));
            }
        }
        best.0
    };
    let positive = |i: usize| usize::from(at(0, i) > T::default());
    (0..plane).map(|i| if shape.channels == 1 { positive(i) } else { largest(i) }).collect()
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
