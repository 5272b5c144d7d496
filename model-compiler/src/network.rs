//! The folded float network: the plan's structure with real weights.

use tacita_protocol::plan::{
    ConvShape, CopyShape, Head, Mask, Padding, PoolShape, Shape, class_of, classes_of, decide,
};

use crate::pixels::GraphInput;

/// A network as the plan will have it (activation tensors joined by linear operators), in floats.
///
/// The importer leaves max-pooling ([`FloatOp::MaxPool`]) and clipped ReLUs ([`Layer::cap`]) in it;
/// [`crate::lower`] writes both as sums and ReLUs, which is all that a plan knows.
#[derive(Clone)]
pub struct Network {
    /// Name, for people.
    pub name: String,
    /// Shape of the image.
    pub input: Shape,
    /// Activation tensors: the input first, the logits last.
    pub layers: Vec<Layer>,
    /// Mean of each channel, in 0..1, if known ([`crate::pixels`]).
    pub mean: Option<Vec<f32>>,
    /// Standard deviation of each channel, if known.
    pub std: Option<Vec<f32>>,
    /// What the model's graph says of its input.
    pub graph_input: GraphInput,
    /// Class names; empty if unknown.
    pub labels: Vec<String>,
    /// The client is to learn the class of the largest logit (and that logit) instead of all
    /// logits: the plan then ends in an arg-max, which this network does not show.
    pub top1: bool,
    /// What the client makes of the logits.
    pub head: Head,
    /// Value ranges that the model file carries, unparsed: a new calibration must not stumble over
    /// a damaged old one.
    pub stored_ranges: Option<StoredRanges>,
    /// What the importer wants the user to know.
    pub warnings: Vec<String>,
}

/// Metadata that [`crate::Ranges`] parses.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StoredRanges {
    /// The ranges.
    pub ranges: String,
    /// The images that they were measured on.
    pub images: String,
}

/// One activation tensor: a sum of linear operators, a bias, a masked ReLU.
#[derive(Clone)]
pub struct Layer {
    /// Name of the source layer.
    pub name: String,
    /// Shape.
    pub shape: Shape,
    /// The operators that are summed; empty for the input alone.
    pub terms: Vec<FloatTerm>,
    /// One value a channel.
    pub bias: Vec<f32>,
    /// Where a ReLU is applied.
    pub mask: Mask,
    /// Upper end of the ReLUs (6 for ReLU6); `None` once lowered.
    pub cap: Option<f32>,
    /// ReLUs that the unmasked network evaluates here (all positions, or none).
    pub unmasked_relus: usize,
}

/// One operator of a sum.
#[derive(Clone)]
pub struct FloatTerm {
    /// The tensor it reads; always an earlier one.
    pub input: usize,
    /// What it does.
    pub op: FloatOp,
}

/// A linear operator in floats.
#[derive(Clone)]
pub enum FloatOp {
    /// A convolution (or a fully connected layer), batch normalisation folded in.
    Conv {
        /// Geometry.
        shape: ConvShape,
        /// OIHW weights.
        weights: Vec<f32>,
    },
    /// The tensor itself or a block of its channels, added or subtracted; its `shift` is 0.
    Copy(CopyShape),
    /// Mean over windows, padding counted as zeros.
    AvgPool(Window),
    /// Largest value of each window, never padding. Gone once lowered.
    MaxPool(Window),
}

/// Windows over an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// Rows.
    pub kernel_h: usize,
    /// Columns.
    pub kernel_w: usize,
    /// Stride, the same both ways.
    pub stride: usize,
    /// Padding.
    pub pad: Padding,
}

impl Window {
    /// The window as a plan's pooling, whose walk over an image it shares.
    pub(crate) const fn pool(&self) -> PoolShape {
        let Self { kernel_h, kernel_w, stride, pad } = *self;
        PoolShape { kernel_h, kernel_w, stride, pad, multiplier: 1, added_frac: 0 }
    }
    /// Shape of what pooling makes of an image.
    pub const fn output(&self, input: Shape) -> Shape {
        self.pool().output(input)
    }
    /// Elements, padding included.
    pub const fn area(&self) -> usize {
        self.kernel_h * self.kernel_w
    }
}

impl FloatOp {
    /// A whole tensor of `channels` channels.
    pub const fn identity(channels: usize) -> Self {
        Self::Copy(CopyShape::whole(channels, 0))
    }

    /// Multiplies each output channel of a convolution; other operators have no weights to scale.
    pub(crate) fn scale_channels(&mut self, scale: &[f64]) {
        if let Self::Conv { shape, weights } = self {
            let filter = shape.weights() / shape.out_channels.max(1);
            for (w, s) in weights.chunks_mut(filter.max(1)).zip(scale) {
                w.iter_mut().for_each(|w| *w = (f64::from(*w) * s) as f32);
            }
        }
    }
}

impl Layer {
    /// A layer without a ReLU.
    pub fn linear(name: impl Into<String>, shape: Shape, terms: Vec<FloatTerm>) -> Self {
        Self {
            name: name.into(),
            shape,
            terms,
            bias: vec![0.0; shape.channels],
            mask: Mask::uniform(shape.len(), false),
            cap: None,
            unmasked_relus: 0,
        }
    }
}

impl Network {
    /// A network without a name, normalisation or labels.
    pub fn new(input: Shape, layers: Vec<Layer>) -> Self {
        Self {
            name: String::new(),
            input,
            layers,
            mean: None,
            std: None,
            graph_input: GraphInput::default(),
            labels: Vec::new(),
            top1: false,
            head: Head::Softmax,
            stored_ranges: None,
            warnings: Vec::new(),
        }
    }

    /// Channels of the output: logits, or values of a map at each pixel.
    pub fn logits(&self) -> usize {
        self.layers.last().map_or(0, |l| l.shape.channels)
    }

    /// The shape of the output, if it is a map: more than one row or column.
    pub fn map(&self) -> Option<Shape> {
        self.layers.last().map(|l| l.shape).filter(|s| s.height * s.width > 1)
    }

    /// The class that an output names; of a map, that of each pixel.
    pub fn decisions(&self, output: &[f32]) -> Vec<usize> {
        match self.map() {
            Some(shape) => decide(output, shape),
            None => vec![class_of(output)],
        }
    }

    /// Number of classes, of each pixel in a map: two if there is only one logit.
    pub fn classes(&self) -> usize {
        classes_of(self.logits())
    }

    /// ReLUs that the masks keep.
    pub fn relus(&self) -> usize {
        self.layers.iter().map(|l| l.mask.ones()).sum()
    }

    /// The logits for a normalised CHW image. Missing input elements count as zero.
    pub fn evaluate(&self, input: &[f32]) -> Vec<f32> {
        self.trace(input).values.pop().unwrap_or_default()
    }
}
