//! A convolution of any stride as a stride-1, unpadded convolution over phase images.
//!
//! Phase `(ay, ax)` of a stride-`s` convolution is the image `X[Y][X'] = x[s*Y + ay - top]
//! [s*X' + ax - left]` with the kernel taps `(s*qy + ay, s*qx + ax)`; the outputs of the phases
//! add up. All phases share one frame of `out + taps - 1` rows and columns. Zero columns at a
//! row's end serve as those at the next row's start, and likewise zero rows between the stacked
//! images of a batch.

use std::ops::Range;

use crate::error::{Error, Result};
use crate::plan::{ConvShape, Shape};

/// One phase image and its part of the kernel.
#[derive(Clone)]
pub(super) struct Phase {
    /// Offset of the phase in the kernel.
    pub(super) origin: (usize, usize),
    /// Kernel taps of this phase, rows and columns.
    pub(super) taps: (usize, usize),
    /// Frame rows that hold image rows which a tap reads.
    pub(super) rows: Range<usize>,
    /// Frame columns that hold image columns which a tap reads.
    pub(super) cols: Range<usize>,
}

/// Geometry of the phase images of one convolution in a tall stack.
#[derive(Clone)]
pub(super) struct Frame {
    pub(super) shape: ConvShape,
    pub(super) output: Shape,
    pub(super) phases: Vec<Phase>,
    /// Largest tap counts over the phases.
    pub(super) taps: (usize, usize),
    /// Positions from one frame row to the next.
    pub(super) row_stride: usize,
    /// Rows from one image of a batch to the next.
    pub(super) image_stride: usize,
}

/// Frame indices of one axis that a phase reads and that lie inside the image.
fn inside(
    out: usize,
    taps: usize,
    len: usize,
    stride: usize,
    origin: usize,
    pad: usize,
) -> Range<usize> {
    let first = pad.saturating_sub(origin).div_ceil(stride);
    let end = (len + pad).saturating_sub(origin).div_ceil(stride).min(out + taps - 1);
    first..end.max(first)
}

impl Frame {
    pub(super) fn new(shape: &ConvShape) -> Result<Self> {
        check(shape)?;
        let (output, stride) = (shape.output(), shape.stride);
        let mut phases = Vec::new();
        for ay in 0..stride.min(shape.kernel_h) {
            for ax in 0..stride.min(shape.kernel_w) {
                let taps = (
                    (shape.kernel_h - ay).div_ceil(stride),
                    (shape.kernel_w - ax).div_ceil(stride),
                );
                let rows =
                    inside(output.height, taps.0, shape.input.height, stride, ay, shape.pad.top);
                let cols =
                    inside(output.width, taps.1, shape.input.width, stride, ax, shape.pad.left);
                if !rows.is_empty() && !cols.is_empty() {
                    phases.push(Phase { origin: (ay, ax), taps, rows, cols });
                }
            }
        }
        if phases.is_empty() {
            return Err(Error::input(format!("a convolution that reads only padding: {shape:?}")));
        }
        let most = |f: fn(&Phase) -> usize| phases.iter().map(f).max().unwrap_or(1);
        let taps = (most(|p| p.taps.0), most(|p| p.taps.1));
        let least = |f: fn(&Phase) -> usize| phases.iter().map(f).min().unwrap_or(0);
        let (height, width) = (output.height + taps.0 - 1, output.width + taps.1 - 1);
        let shared_cols = least(|p| p.cols.start).min(width - most(|p| p.cols.end).min(width));
        let shared_rows = least(|p| p.rows.start).min(height - most(|p| p.rows.end).min(height));
        Ok(Self {
            shape: *shape,
            output,
            taps,
            // Two outputs never share a position, even where both read only zeros.
            row_stride: (width - shared_cols).max(output.width),
            image_stride: (height - shared_rows).max(output.height),
            phases,
        })
    }

    /// Images of all phases of all input channels.
    pub(super) fn phase_channels(&self) -> usize {
        self.shape.input.channels * self.phases.len()
    }

    /// Rows of the tall stack that hold outputs (and junk between images).
    pub(super) fn stack_rows(&self, batch: usize) -> usize {
        (batch - 1) * self.image_stride + self.output.height
    }

    /// How far before an output its last tap's cell lies.
    pub(super) fn largest_tap(&self) -> usize {
        (self.taps.0 - 1) * self.row_stride + self.taps.1 - 1
    }
}

fn check(shape: &ConvShape) -> Result<()> {
    let fits = |len: usize, pads: [usize; 2], kernel: usize| {
        let padded = pads.iter().try_fold(len, |sum, pad| sum.checked_add(*pad));
        kernel >= 1 && padded.is_some_and(|l| l >= kernel)
    };
    let pad = &shape.pad;
    let sane = shape.stride >= 1
        && !shape.input.is_empty()
        && shape.out_channels >= 1
        && shape.groups == 1
        && fits(shape.input.height, [pad.top, pad.bottom], shape.kernel_h)
        && fits(shape.input.width, [pad.left, pad.right], shape.kernel_w);
    if sane {
        Ok(())
    } else {
        Err(Error::input(format!("a convolution that cannot be packed: {shape:?}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::Padding;

    fn frame(len: usize, kernel: usize, stride: usize, pad: usize) -> Frame {
        Frame::new(&ConvShape {
            input: Shape::new(1, len, len),
            out_channels: 1,
            kernel_h: kernel,
            kernel_w: kernel,
            stride,
            pad: Padding::symmetric(pad, pad),
            groups: 1,
        })
        .unwrap()
    }

    #[test]
    fn padding_is_shared_between_rows_and_images() {
        let f = frame(32, 3, 1, 1);
        assert_eq!((f.row_stride, f.image_stride, f.phases.len()), (33, 33, 1));
        assert_eq!(f.phases[0].cols, 1..33);
        assert_eq!(frame(32, 1, 1, 0).row_stride, 32);
    }

    #[test]
    fn strides_split_into_phases() {
        let f = frame(32, 3, 2, 1);
        assert_eq!(f.phases.len(), 4);
        assert_eq!(f.taps, (2, 2));
        assert_eq!((f.phases[0].cols.clone(), f.phases[3].cols.clone()), (1..17, 0..16));
        // A 1x1 kernel reads one phase only.
        assert_eq!(frame(32, 1, 2, 0).phases.len(), 1);
        // Padding beyond the kernel makes outputs that read nothing, each with its own place.
        assert_eq!(frame(4, 1, 1, 2).row_stride, 8);
    }

    #[test]
    fn impossible_shapes_are_refused() {
        let mut s = frame(4, 3, 1, 0).shape;
        s.kernel_h = 5;
        assert!(matches!(Frame::new(&s), Err(Error::Input { .. })));
        s.kernel_h = 0;
        assert!(Frame::new(&s).is_err());
        s = ConvShape { stride: 0, kernel_h: 1, ..s };
        assert!(Frame::new(&s).is_err());
    }
}
