//! The layout of U-Nets (Ronneberger et al. 2015): what an image holds, pixel by pixel.

use super::graph::{Builder, Conv, Graph, NodeId, Shape};

/// A U-Net. Images halve by averaging and double by transposed convolutions of 2x2 with stride 2, so
/// that every change of size is linear.
pub(super) struct UNet<'a> {
    pub input: Shape,
    /// Channels of the map that it makes.
    pub classes: i64,
    /// Channels of each level, the full size first.
    pub widths: &'a [i64],
    /// Convolutions of each level, on the way down and on the way up.
    pub depths: &'a [usize],
}

impl UNet<'_> {
    pub fn graph(&self) -> Graph {
        let mut b = Builder::new(self.input);
        let levels = self.widths.len().min(self.depths.len());
        let mut x = b.input();
        let mut skips = Vec::new();
        for level in 0..levels {
            if level > 0 {
                skips.push(x);
                x = b.avg_pool(x, 2);
            }
            x = self.block(&mut b, x, &format!("down{}", level + 1), level);
        }
        for (level, skip) in skips.into_iter().enumerate().rev() {
            let up = b.enlarge(x, &format!("up{}.enlarge", level + 1), self.widths[level]);
            let joined = b.concat(up, skip);
            x = self.block(&mut b, joined, &format!("up{}", level + 1), level);
        }
        let head = Conv { bias: true, ..Conv::same("head", self.classes, 1, 1) };
        b.conv(x, head);
        b.finish()
    }

    /// Convolutions, each with a normalisation and a ReLU.
    fn block(&self, b: &mut Builder, x: NodeId, path: &str, level: usize) -> NodeId {
        let mut y = x;
        for slot in 1..=self.depths[level] {
            y = b.conv_same(y, &format!("{path}.conv{slot}"), (self.widths[level], 3, 1));
            y = b.norm(y, &format!("{path}.bn{slot}"));
            let (name, mask) = (format!("{path}r{slot}"), format!("{path}.alpha{slot}.alphas"));
            y = b.relu(y, &name, &mask, (level + 1, slot));
        }
        y
    }
}
