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

/// Zero rows and columns added around an image.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Padding {
    /// Rows above.
    pub top: usize,
    /// Columns to the left.
    pub left: usize,
    /// Rows below.
    pub bottom: usize,
    /// Columns to the right.
    pub right: usize,
}

impl Padding {
    /// None.
    pub const NONE: Self = Self::symmetric(0, 0);

    /// The same on opposite sides.
    pub const fn symmetric(rows: usize, columns: usize) -> Self {
        Self { top: rows, left: columns, bottom: rows, right: columns }
    }

    /// Rows and columns of an image with it.
    pub const fn around(&self, image: Shape) -> (usize, usize) {
        (image.height + self.top + self.bottom, image.width + self.left + self.right)
    }
}

/// A two-dimensional convolution (dilation = 1; a dilated kernel is a larger one with zeros). A
/// fully connected layer is one whose kernel covers its input. Weights are stored (output channel,
/// input channel within the group, row, column).
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
    /// Zeros around the input.
    pub pad: Padding,
    /// Groups of channels that are convolved apart, in order; as many as there are input channels
    /// makes a depthwise convolution. Divides both channel counts.
    pub groups: usize,
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
            pad: Padding::symmetric(pad, pad),
            groups: 1,
        }
    }

    /// Shape of the output tensor.
    pub const fn output(&self) -> Shape {
        let (height, width) = self.pad.around(self.input);
        Shape {
            channels: self.out_channels,
            height: (height - self.kernel_h) / self.stride + 1,
            width: (width - self.kernel_w) / self.stride + 1,
        }
    }
    /// Input channels of one group.
    pub const fn group_inputs(&self) -> usize {
        self.input.channels / self.groups
    }
    /// Output channels of one group.
    pub const fn group_outputs(&self) -> usize {
        self.out_channels / self.groups
    }
    /// Multiplications of one evaluation.
    pub const fn macs(&self) -> usize {
        let out = self.output();
        self.weights() * out.height * out.width
    }
    /// Number of weights.
    pub const fn weights(&self) -> usize {
        self.out_channels * self.group_inputs() * self.kernel_h * self.kernel_w
    }
}
