//! Tensor and convolution shapes.

use serde::{Deserialize, Serialize};

/// Shape of an activation tensor, stored channel-major (C, H, W).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Shape {
    /// Channels.
    pub channels: usize,
    /// Rows.
    pub height: usize,
    /// Columns.
    pub width: usize,
}

impl Shape {
    /// A shape.
    pub const fn new(channels: usize, height: usize, width: usize) -> Self {
        Self { channels, height, width }
    }
    /// Number of elements.
    pub const fn len(&self) -> usize {
        self.channels * self.height * self.width
    }
    /// True if there are no elements.
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// A two-dimensional convolution (groups = 1, dilation = 1). A fully connected layer is one with
/// a 1x1 input and a 1x1 kernel. Weights are stored (output channel, input channel, row, column).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ConvShape {
    /// Shape of the input tensor.
    pub input: Shape,
    /// Output channels.
    pub out_channels: usize,
    /// Kernel rows.
    pub kernel_h: usize,
    /// Kernel columns.
    pub kernel_w: usize,
    /// Stride, the same both ways.
    pub stride: usize,
    /// Zero rows added above and below.
    pub pad_h: usize,
    /// Zero columns added left and right.
    pub pad_w: usize,
}

impl ConvShape {
    /// A convolution of odd kernel size that keeps the image's size (divided by the stride).
    pub const fn same(input: Shape, out_channels: usize, kernel: usize, stride: usize) -> Self {
        let pad = kernel / 2;
        Self {
            input,
            out_channels,
            kernel_h: kernel,
            kernel_w: kernel,
            stride,
            pad_h: pad,
            pad_w: pad,
        }
    }

    /// Shape of the output tensor.
    pub const fn output(&self) -> Shape {
        Shape {
            channels: self.out_channels,
            height: (self.input.height + 2 * self.pad_h - self.kernel_h) / self.stride + 1,
            width: (self.input.width + 2 * self.pad_w - self.kernel_w) / self.stride + 1,
        }
    }
    /// Number of weights.
    pub const fn weights(&self) -> usize {
        self.out_channels * self.input.channels * self.kernel_h * self.kernel_w
    }
}
