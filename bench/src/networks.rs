//! Plans of well-known residual networks with random weights: costs depend on shapes and masks
//! alone.

use tacet_protocol::Result;
use tacet_protocol::plan::{
    ConvShape, CopyShape, InputSpec, Linear, Mask, Padding, Plan, PoolShape, PublicPlan,
    SecretPlan, Shape, TensorSecrets, TensorSpec, Term,
};
use tacet_protocol::rng::SecretRng;

const FRAC: u32 = 10;
const WEIGHT_FRAC: u32 = 10;
/// 14 bits a comparison, as the per-ReLU figures of the protocol document.
const MAGNITUDE: u32 = 13;

/// A residual network for 3x32x32 images: stem, stages of basic blocks (projection shortcuts at
/// stride 2), global average pooling, one fully connected layer.
pub struct Residual {
    /// Name.
    pub name: &'static str,
    /// Channels of each stage; the stem has the first's.
    pub widths: &'static [usize],
    /// Blocks of each stage.
    pub blocks: usize,
    /// Logits.
    pub classes: usize,
}

/// ResNet20: 188,416 ReLUs.
pub const RESNET20: Residual =
    Residual { name: "ResNet20", widths: &[16, 32, 64], blocks: 3, classes: 10 };
/// ResNet18 at 32x32: 557,056 ReLUs.
pub const RESNET18: Residual =
    Residual { name: "ResNet18", widths: &[64, 128, 256, 512], blocks: 2, classes: 100 };

impl Residual {
    /// The plan, keeping about `keep` of the ReLUs (1.0: all of them), drawn at random.
    ///
    /// # Errors
    /// If the plan does not validate.
    pub fn plan(&self, keep: f64) -> Result<Plan> {
        let mut build = Builder { tensors: Vec::new(), keep, rng: SecretRng::from_os()? };
        let image = Shape::new(3, 32, 32);
        build.add("image", image, 0, Vec::new(), false);
        let stem = ConvShape::same(image, self.widths.first().copied().unwrap_or(1), 3, 1);
        let mut last = build.add("stem", stem.output(), WEIGHT_FRAC, vec![(0, stem)], true);
        for (stage, width) in self.widths.iter().enumerate() {
            for block in 0..self.blocks {
                let stride = if stage > 0 && block == 0 { 2 } else { 1 };
                last = build.block(&format!("stage{stage}.{block}"), last, *width, stride);
            }
        }
        build.head(last, self.classes);
        let secret = SecretPlan { tensors: build.secrets() };
        let public = PublicPlan {
            name: self.name.into(),
            input: InputSpec { mean: vec![0.5; 3], std: vec![0.25; 3] },
            tensors: build.tensors,
            labels: Vec::new(),
            batch: 1,
        };
        Plan::new(public, secret)
    }
}

struct Builder {
    tensors: Vec<TensorSpec>,
    keep: f64,
    rng: SecretRng,
}

impl Builder {
    fn shape(&self, tensor: usize) -> Shape {
        self.tensors.get(tensor).map_or(Shape::new(1, 1, 1), |t| t.shape)
    }

    /// Adds a tensor made by convolutions of earlier ones; returns its index.
    fn add(
        &mut self,
        name: &str,
        shape: Shape,
        truncate: u32,
        convs: Vec<(usize, ConvShape)>,
        relu: bool,
    ) -> usize {
        let terms = convs.into_iter().map(|(input, c)| Term { input, op: Linear::Conv(c) });
        self.push(name, shape, truncate, terms.collect(), relu)
    }

    fn push(
        &mut self,
        name: &str,
        shape: Shape,
        truncate: u32,
        terms: Vec<Term>,
        relu: bool,
    ) -> usize {
        let threshold = (self.keep * 32.0f64.exp2()) as u64;
        let mut kept = || relu && (self.rng.u64() >> 32) < threshold;
        let mask = Mask::from_bits((0..shape.len()).map(|_| kept()));
        self.tensors.push(TensorSpec {
            name: name.into(),
            shape,
            frac: FRAC,
            truncate,
            magnitude: MAGNITUDE,
            dropped: 0,
            terms,
            mask,
            unmasked_relus: if relu { shape.len() } else { 0 },
        });
        self.tensors.len() - 1
    }

    /// conv - ReLU - conv - add - ReLU.
    fn block(&mut self, name: &str, input: usize, width: usize, stride: usize) -> usize {
        let from = self.shape(input);
        let first = ConvShape::same(from, width, 3, stride);
        let inner =
            self.add(&format!("{name}.1"), first.output(), WEIGHT_FRAC, vec![(input, first)], true);
        let second = ConvShape::same(first.output(), width, 3, 1);
        let mut terms = vec![Term { input: inner, op: Linear::Conv(second) }];
        let shortcut = if stride == 1 && from.channels == width {
            Linear::Copy(CopyShape::whole(width, WEIGHT_FRAC))
        } else {
            Linear::Conv(ConvShape::same(from, width, 1, stride))
        };
        terms.push(Term { input, op: shortcut });
        self.push(&format!("{name}.2"), second.output(), WEIGHT_FRAC, terms, true)
    }

    fn head(&mut self, input: usize, classes: usize) {
        let from = self.shape(input);
        let area = (from.height * from.width).ilog2();
        let pool = PoolShape {
            kernel_h: from.height,
            kernel_w: from.width,
            stride: 1,
            pad: Padding::NONE,
            multiplier: 1,
            added_frac: area,
        };
        let pooled = Shape::new(from.channels, 1, 1);
        let terms = vec![Term { input, op: Linear::AvgPool(pool) }];
        let pool = self.push("pool", pooled, area, terms, false);
        let fc = ConvShape::same(pooled, classes, 1, 1);
        self.add("logits", fc.output(), WEIGHT_FRAC, vec![(pool, fc)], false);
    }

    /// Uniform weights that keep activations near their size.
    fn secrets(&mut self) -> Vec<TensorSecrets> {
        let mut secrets = Vec::with_capacity(self.tensors.len());
        for spec in &self.tensors {
            let weights = spec.terms.iter().map(|term| {
                let Linear::Conv(c) = &term.op else { return Vec::new() };
                let fan_in = (c.input.channels * c.kernel_h * c.kernel_w) as f64;
                let bound = (f64::from(WEIGHT_FRAC).exp2() * (1.0 / fan_in).sqrt()) as i64 + 1;
                let mut draw = || (self.rng.u64() % (2 * bound as u64 + 1)) as i64 - bound;
                (0..c.weights()).map(|_| draw() as i32).collect()
            });
            secrets.push(TensorSecrets { weights: weights.collect(), bias: Vec::new() });
        }
        secrets
    }
}
