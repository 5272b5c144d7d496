//! The public half of a plan: shapes, masks, scales, widths.

use std::ops::Range;

use serde::{Deserialize, Serialize};

use super::choices::ReluChoices;
use super::head::Head;
use super::shape::{ConvShape, Padding, Shape};
use super::top1::Reveals;
use crate::bytes;
use crate::error::Result;
use crate::gadget::CompareBits;

/// Everything the client and the server both know about the network.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PublicPlan {
    /// Name of the network, for people.
    pub name: String,
    /// How an image becomes tensor 0.
    pub input: InputSpec,
    /// Activation tensors in topological order: the input first, what is revealed last.
    pub tensors: Vec<TensorSpec>,
    /// Class names; empty if unknown.
    pub labels: Vec<String>,
    /// Tickets that one offline run makes by default (`B` in docs/protocol.md, section 4).
    pub batch: usize,
    /// What computes the ReLUs of each tensor by default; the client may choose otherwise.
    pub relu_choices: ReluChoices,
    /// What the last tensor tells the client.
    pub reveals: Reveals,
    /// What the client makes of logits.
    pub head: Head,
}

/// How pixels become the input tensor: `(pixel / 255 - mean) / std` per channel; and how arrays of
/// numbers do.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct InputSpec {
    /// Mean of each channel, in 0..1.
    pub mean: Vec<f32>,
    /// Standard deviation of each channel.
    pub std: Vec<f32>,
    /// Pictures can be fed; else arrays alone.
    pub pictures: bool,
    /// How arrays become the input tensor; `None` if pictures alone do.
    pub arrays: Option<ArraySpec>,
}

/// How arrays in the network's own units become the input tensor: `(x - mean) / std` per channel.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ArraySpec {
    /// Sizes, as the network's graph has them behind the batch.
    pub dims: Vec<usize>,
    /// The channels are the last dimension; else the tensor's order is the array's.
    pub channels_last: bool,
    /// Mean of each channel.
    pub mean: Vec<f32>,
    /// Standard deviation of each channel.
    pub std: Vec<f32>,
}

impl InputSpec {
    /// Pictures alone.
    pub const fn new(mean: Vec<f32>, std: Vec<f32>) -> Self {
        Self { mean, std, pictures: true, arrays: None }
    }
}

/// One activation tensor and how it is computed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TensorSpec {
    /// Name of the source layer, for people.
    pub name: String,
    /// Shape.
    pub shape: Shape,
    /// Fractional bits of the activation.
    pub frac: u32,
    /// Bits that local truncation takes off: the sum of the terms carries `frac + truncate`
    /// fractional bits.
    pub truncate: u32,
    /// After truncation `|x| < 2^magnitude` (from calibration, with the compiler's margin).
    pub magnitude: u32,
    /// Low bits that the comparison ignores: it can then mistake the sign of `|x| < 2^dropped`.
    pub dropped: u32,
    /// The linear operators that are summed; empty for the input alone.
    pub terms: Vec<Term>,
    /// Where a ReLU is applied.
    pub mask: Mask,
    /// ReLUs that the unmasked network evaluates here (all positions, or none).
    pub unmasked_relus: usize,
}

/// One operator of a sum.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Term {
    /// The tensor it reads; always an earlier one.
    pub input: usize,
    /// What it does.
    pub op: Linear,
}

/// A linear operator.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Linear {
    /// A convolution (or a fully connected layer) whose weights only the server knows.
    Conv(ConvShape),
    /// `± (a << shift)`, or a part of it at a part of the output. Public: needs no encryption.
    Copy(CopyShape),
    /// Sum over windows times `multiplier`. Public: needs no encryption.
    AvgPool(PoolShape),
}

/// A block of channels copied to another place: every `stride`-th row and column of it, to every
/// `spread`-th row and column.
///
/// Output `(to + c, spread[0]*y + at[0], spread[1]*x + at[1])` gains
/// `± (a[from + step*c][stride[0]*y + offset[0]][stride[1]*x + offset[1]] << shift)` for
/// `c < channels`; outside of the input it gains nothing. Shortcuts, concatenation, slices, padding
/// and the comparisons of max-pooling are all of this form; sums of copies that spread enlarge
/// images.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CopyShape {
    /// Bits.
    pub shift: u32,
    /// Subtracts instead of adding.
    pub negative: bool,
    /// First channel read.
    pub from: usize,
    /// Channels of the input from one channel copied to the next.
    pub step: usize,
    /// First channel written.
    pub to: usize,
    /// Channels copied.
    pub channels: usize,
    /// Rows and columns of the input from one element copied to the next.
    pub stride: [usize; 2],
    /// Row and column of the input that is read first; negative lies before the input.
    pub offset: [isize; 2],
    /// Rows and columns of the output from one element copied to the next.
    pub spread: [usize; 2],
    /// Row and column of the output that is written first.
    pub at: [usize; 2],
}

impl CopyShape {
    /// A whole tensor of `channels` channels, as it is.
    pub const fn whole(channels: usize, shift: u32) -> Self {
        Self {
            shift,
            negative: false,
            from: 0,
            step: 1,
            to: 0,
            channels,
            stride: [1; 2],
            offset: [0; 2],
            spread: [1; 2],
            at: [0; 2],
        }
    }

    /// Calls `f(input index, output index, count)` for each run of elements that is copied; the
    /// input's elements are `stride[1]` apart, the output's `spread[1]`.
    pub fn for_each_run(
        &self,
        input: Shape,
        output: Shape,
        mut f: impl FnMut(usize, usize, usize),
    ) {
        let rows = self.inside(0, input.height, output.height);
        let columns = self.inside(1, input.width, output.width);
        let source = |i: usize, axis: usize| {
            (i * self.stride[axis]).saturating_add_signed(self.offset[axis])
        };
        let target = |i: usize, axis: usize| i * self.spread[axis] + self.at[axis];
        if columns.is_empty() {
            return;
        }
        let (first, start) = (source(columns.start, 1), target(columns.start, 1));
        for c in 0..self.channels {
            for y in rows.clone() {
                let row = (self.from + self.step * c) * input.height + source(y, 0);
                let to = (self.to + c) * output.height + target(y, 0);
                f(row * input.width + first, to * output.width + start, columns.len());
            }
        }
    }

    /// Elements along an axis that lie inside both the input and the output.
    fn inside(&self, axis: usize, input: usize, output: usize) -> Range<usize> {
        let (offset, stride) = (self.offset[axis], self.stride[axis]);
        let before = offset.min(0).unsigned_abs();
        let first = before.div_ceil(stride);
        let reach = input.saturating_add(before).saturating_sub(offset.max(0).unsigned_abs());
        let room = output.saturating_sub(self.at[axis]).div_ceil(self.spread[axis]);
        let end = reach.div_ceil(stride).min(room);
        first..end.max(first)
    }
}

/// Average pooling: `multiplier * sum over the window`, padding counted as zeros.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PoolShape {
    /// Window rows.
    pub kernel_h: usize,
    /// Window columns.
    pub kernel_w: usize,
    /// Stride, the same both ways.
    pub stride: usize,
    /// Zeros around the input.
    pub pad: Padding,
    /// `round(2^s / (kernel_h * kernel_w))`; 1 when the window is a power of two (the division
    /// is then part of the truncation).
    pub multiplier: u32,
    /// Fractional bits that the operator adds.
    pub added_frac: u32,
}

impl PoolShape {
    /// Shape of the output.
    pub const fn output(&self, input: Shape) -> Shape {
        let (height, width) = self.pad.around(input);
        Shape {
            channels: input.channels,
            height: (height - self.kernel_h) / self.stride + 1,
            width: (width - self.kernel_w) / self.stride + 1,
        }
    }

    /// Calls `f(output index, run of input indices)` for each row of each window.
    pub fn for_each_row(&self, input: Shape, mut f: impl FnMut(usize, Range<usize>)) {
        let out = self.output(input);
        let clip = |at: usize, pad: usize, kernel: usize, len: usize| {
            let first = at * self.stride;
            first.saturating_sub(pad).min(len)..(first + kernel).saturating_sub(pad).min(len)
        };
        for i in 0..out.len() {
            let (x, rest) = (i % out.width, i / out.width);
            let (y, ch) = (rest % out.height, rest / out.height);
            let columns = clip(x, self.pad.left, self.kernel_w, input.width);
            for row in clip(y, self.pad.top, self.kernel_h, input.height) {
                let at = (ch * input.height + row) * input.width;
                f(i, at + columns.start..at + columns.end);
            }
        }
    }
}

/// ReLU positions of a tensor, one bit an element in CHW order (1 = ReLU, 0 = identity).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mask {
    bits: Vec<u8>,
    len: usize,
}

impl Mask {
    /// The same bit everywhere.
    pub fn uniform(len: usize, relu: bool) -> Self {
        Self::from_bits((0..len).map(|_| relu))
    }
    /// From one bit an element.
    pub fn from_bits(bits: impl IntoIterator<Item = bool>) -> Self {
        let mut len = 0;
        let bits = bytes::pack_bits(bits.into_iter().inspect(|_| len += 1));
        Self { bits, len }
    }
    /// Number of elements.
    pub fn len(&self) -> usize {
        self.len
    }
    /// True if there are no elements.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }
    /// True if element `i` goes through a ReLU.
    pub fn relu(&self, i: usize) -> bool {
        bytes::bit(&self.bits, i)
    }
    /// Number of ReLU positions.
    pub fn ones(&self) -> usize {
        self.bits.iter().map(|b| b.count_ones() as usize).sum()
    }
    /// Elements with a ReLU, ascending.
    pub fn relu_positions(&self) -> Vec<usize> {
        (0..self.len).filter(|&i| self.relu(i)).collect()
    }
    /// Elements without, ascending.
    pub fn identity_positions(&self) -> Vec<usize> {
        (0..self.len).filter(|&i| !self.relu(i)).collect()
    }
    /// True if the stored bits are exactly as many as `len` needs, the spare ones zero.
    pub(super) fn is_well_formed(&self) -> bool {
        let spare = self.bits.len() * 8 - self.len.min(self.bits.len() * 8);
        self.bits.len() == self.len.div_ceil(8)
            && self.bits.last().is_none_or(|b| u32::from(*b).leading_zeros() - 24 >= spare as u32)
    }
}

impl TensorSpec {
    /// Width of the comparison: `magnitude + 1` bits hold the sign, and one more where low bits are
    /// dropped, since dropping them from both shares can lower a value by one unit of the rest.
    ///
    /// # Errors
    /// `Error::Input` if the width or the dropped bits are out of range.
    pub fn compare(&self) -> Result<CompareBits> {
        let narrow = |bits: u32| u8::try_from(bits).unwrap_or(u8::MAX);
        CompareBits::new(
            narrow(self.magnitude + 1 + u32::from(self.dropped > 0)),
            narrow(self.dropped),
        )
    }
}

impl PublicPlan {
    /// The tensor that is opened to the client.
    pub fn output(&self) -> Option<&TensorSpec> {
        self.tensors.last()
    }
    /// Tensors with ReLUs, in order, and their numbers among all tensors.
    pub fn relu_tensors(&self) -> impl Iterator<Item = (usize, &TensorSpec)> {
        self.tensors.iter().enumerate().filter(|(_, t)| t.mask.ones() > 0)
    }
    /// ReLUs evaluated per inference.
    pub fn relus(&self) -> usize {
        self.tensors.iter().map(|t| t.mask.ones()).sum()
    }
    /// ReLUs of the unmasked network.
    pub fn unmasked_relus(&self) -> usize {
        self.tensors.iter().map(|t| t.unmasked_relus).sum()
    }
}
