//! Deterministic ONNX models with random weights, for tests and benchmarks of this workspace.

mod random;

use prost::Message;
use tacita_onnx::{
    GraphProto, ModelProto, NodeProto, OperatorSetIdProto, StringStringEntryProto, TensorProto,
    ValueInfoProto,
};

use crate::draw::splitmix;

pub use random::RandomNetwork;

/// IEEE half precision, rounded towards zero; what is too small for its normal range is zero, and
/// nothing may be too large.
pub const fn half(x: f32) -> u16 {
    let bits = x.to_bits();
    let (sign, exponent) = ((bits >> 16 & 0x8000) as u16, (bits >> 23 & 255) as i32 - 127);
    if exponent < -14 {
        return sign;
    }
    sign | ((exponent + 15) as u16) << 10 | (bits >> 13 & 1023) as u16
}

/// Geometry of a square convolution.
#[derive(Clone, Copy, Debug)]
pub struct ConvSpec {
    /// Input channels.
    pub from: usize,
    /// Output channels.
    pub to: usize,
    /// Kernel rows and columns.
    pub kernel: usize,
    /// Stride.
    pub stride: usize,
    /// Zero padding on every side.
    pub pad: usize,
}

impl ConvSpec {
    /// `from -> to` channels, an odd kernel that keeps the size (divided by the stride).
    pub const fn same(from: usize, to: usize, kernel: usize, stride: usize) -> Self {
        Self { from, to, kernel, stride, pad: kernel / 2 }
    }
}

/// How an exporter writes `m * relu(x) + (1 - m) * x`.
#[derive(Clone, Copy, Debug, Default)]
pub struct MaskForm {
    /// `Relu(Mul(x, m))` instead of `Mul(Relu(x), m)`.
    pub relu_outside: bool,
    /// `Add(Q, P)` instead of `Add(P, Q)`.
    pub swap_add: bool,
    /// The constant first in both products.
    pub swap_mul: bool,
    /// `1 - m` as a `Sub` node instead of a second constant.
    pub sub_node: bool,
}

impl MaskForm {
    /// All sixteen.
    pub fn all() -> Vec<Self> {
        let bit = |i: u32, k: u32| (i >> k) & 1 == 1;
        let form = |i| Self {
            relu_outside: bit(i, 0),
            swap_add: bit(i, 1),
            swap_mul: bit(i, 2),
            sub_node: bit(i, 3),
        };
        (0..16).map(form).collect()
    }
}

/// Builds a model node by node; every method returns the name of the value it makes.
pub struct ModelBuilder {
    graph: GraphProto,
    metadata: Vec<StringStringEntryProto>,
    state: u64,
}

impl ModelBuilder {
    /// A model for images of `[channels, rows, columns]`, its weights drawn from `seed`.
    pub fn new(seed: u64, [c, h, w]: [usize; 3]) -> Self {
        let input = ValueInfoProto::float("image", &[1, c as i64, h as i64, w as i64]);
        let graph = GraphProto { name: "test".into(), input: vec![input], ..Default::default() };
        Self { graph, metadata: vec![], state: seed }
    }

    /// Name of the image.
    pub fn image(&self) -> String {
        "image".into()
    }

    /// A draw from [-1, 1).
    pub fn uniform(&mut self) -> f32 {
        (splitmix(&mut self.state) >> 40) as f32 / (1u64 << 23) as f32 - 1.0
    }

    /// Draws from `[centre - spread, centre + spread)`.
    pub fn uniforms(&mut self, n: usize, centre: f32, spread: f32) -> Vec<f32> {
        (0..n).map(|_| centre + spread * self.uniform()).collect()
    }

    /// A 0/1 mask that keeps about `keep` of its positions.
    pub fn mask(&mut self, n: usize, keep: f32) -> Vec<f32> {
        (0..n).map(|_| f32::from(u8::from(self.uniform() < 2.0 * keep - 1.0))).collect()
    }

    /// Adds a constant.
    pub fn constant(&mut self, name: &str, dims: &[usize], values: &[f32]) -> String {
        let dims: Vec<i64> = dims.iter().map(|&d| d as i64).collect();
        self.graph.initializer.push(TensorProto::from_f32(name, &dims, values));
        name.into()
    }

    /// Adds any node.
    pub fn push(&mut self, node: NodeProto) -> String {
        let name = node.output.first().cloned().unwrap_or_default();
        self.graph.node.push(node);
        name
    }

    /// A node of the given operator, named after the layer as PyTorch does.
    pub fn op(&mut self, op: &str, layer: &str, inputs: &[&str]) -> String {
        let name = format!("/{}/{op}", layer.replace('.', "/"));
        let output = format!("{name}_output_0");
        self.push(NodeProto::new(op, &name, inputs, &output))
    }

    /// A convolution with uniform weights of the usual scale.
    pub fn conv(&mut self, layer: &str, x: &str, s: ConvSpec, bias: bool) -> String {
        let fan_in = s.from * s.kernel * s.kernel;
        let w = self.uniforms(s.to * fan_in, 0.0, (6.0 / fan_in as f32).sqrt());
        let weight = format!("{layer}.weight");
        self.constant(&weight, &[s.to, s.from, s.kernel, s.kernel], &w);
        let mut inputs = vec![x.to_owned(), weight];
        if bias {
            let b = self.uniforms(s.to, 0.0, 0.3);
            inputs.push(self.constant(&format!("{layer}.bias"), &[s.to], &b));
        }
        let inputs: Vec<&str> = inputs.iter().map(String::as_str).collect();
        let (k, p, stride) = (s.kernel as i64, s.pad as i64, s.stride as i64);
        let name = format!("/{}/Conv", layer.replace('.', "/"));
        let node = NodeProto::new("Conv", &name, &inputs, &format!("{name}_output_0"));
        let node = node.with_ints("kernel_shape", &[k, k]).with_ints("pads", &[p, p, p, p]);
        let node = node.with_ints("strides", &[stride, stride]).with_ints("dilations", &[1, 1]);
        self.push(node.with_int("group", 1))
    }

    /// A batch normalisation with random statistics.
    pub fn batch_norm(&mut self, layer: &str, x: &str, channels: usize) -> String {
        let gamma = self.uniforms(channels, 0.9, 0.3);
        let beta = self.uniforms(channels, 0.0, 0.2);
        let mean = self.uniforms(channels, 0.0, 0.2);
        let var = self.uniforms(channels, 1.2, 0.5);
        let mut inputs = vec![x.to_owned()];
        for (name, v) in
            [("weight", gamma), ("bias", beta), ("running_mean", mean), ("running_var", var)]
        {
            inputs.push(self.constant(&format!("{layer}.{name}"), &[channels], &v));
        }
        let inputs: Vec<&str> = inputs.iter().map(String::as_str).collect();
        let name = format!("/{}/BatchNormalization", layer.replace('.', "/"));
        let output = format!("{name}_output_0");
        let node = NodeProto::new("BatchNormalization", &name, &inputs, &output);
        self.push(node.with_float("epsilon", 1e-5))
    }

    /// `m * relu(x) + (1 - m) * x` with `m` a constant of `[1, channels, rows, columns]`.
    pub fn masked_relu(
        &mut self,
        layer: &str,
        x: &str,
        [c, h, w]: [usize; 3],
        mask: &[f32],
        form: MaskForm,
    ) -> String {
        let keep = self.constant(&format!("{layer}.mask"), &[1, c, h, w], mask);
        let pass = if form.sub_node {
            let one = self.constant(&format!("{layer}.one"), &[], &[1.0]);
            self.op("Sub", layer, &[&one, &keep])
        } else {
            let pass: Vec<f32> = mask.iter().map(|m| 1.0 - m).collect();
            self.constant(&format!("{layer}.pass"), &[1, c, h, w], &pass)
        };
        let pair = |a: &str, b: &str, swap: bool| {
            if swap { [b.to_owned(), a.to_owned()] } else { [a.to_owned(), b.to_owned()] }
        };
        let mul = |this: &mut Self, part: &str, a: &str, b: &str| {
            let [a, b] = pair(a, b, form.swap_mul);
            this.op("Mul", &format!("{layer}.{part}"), &[&a, &b])
        };
        let p = if form.relu_outside {
            let scaled = mul(self, "keep", x, &keep);
            self.op("Relu", layer, &[&scaled])
        } else {
            let relu = self.op("Relu", layer, &[x]);
            mul(self, "keep", &relu, &keep)
        };
        let q = mul(self, "pass", x, &pass);
        let [a, b] = pair(&p, &q, form.swap_add);
        self.op("Add", layer, &[&a, &b])
    }

    /// A fully connected layer on a flat value, `transB` = 1 as PyTorch exports it.
    pub fn gemm(&mut self, layer: &str, x: &str, from: usize, to: usize) -> String {
        let w = self.uniforms(from * to, 0.0, (3.0 / from as f32).sqrt());
        let b = self.uniforms(to, 0.0, 0.3);
        let weight = self.constant(&format!("{layer}.weight"), &[to, from], &w);
        let bias = self.constant(&format!("{layer}.bias"), &[to], &b);
        let name = format!("/{}/Gemm", layer.replace('.', "/"));
        let node = NodeProto::new("Gemm", &name, &[x, &weight, &bias], "logits");
        self.push(node.with_int("transB", 1))
    }

    /// Adds an entry to the model's metadata.
    pub fn metadata(&mut self, key: &str, value: &str) {
        let (key, value) = (key.to_owned(), value.to_owned());
        self.metadata.push(StringStringEntryProto { key, value });
    }

    /// The model whose output is `output`.
    pub fn finish(mut self, output: &str, classes: usize) -> ModelProto {
        self.graph.output = vec![ValueInfoProto::float(output, &[1, classes as i64])];
        let opset = OperatorSetIdProto { domain: String::new(), version: 17 };
        ModelProto {
            ir_version: 8,
            producer_name: "tacita tests".into(),
            graph: Some(self.graph),
            opset_import: vec![opset],
            metadata_props: self.metadata,
            ..Default::default()
        }
    }
}

/// A CIFAR ResNet in the shape of the bundled model.
#[derive(Clone, Copy, Debug)]
pub struct ResNet {
    /// Seed of the weights and masks.
    pub seed: u64,
    /// Channels of the three stages.
    pub widths: [usize; 3],
    /// Residual blocks a stage (3 makes a ResNet20).
    pub blocks: usize,
    /// Rows and columns of the image, divisible by 4.
    pub side: usize,
    /// Classes.
    pub classes: usize,
    /// Share of ReLUs that the masks keep.
    pub keep: f32,
}

impl ResNet {
    /// The thin ResNet20 for 32x32 images.
    pub const fn thin20(seed: u64, keep: f32) -> Self {
        Self { seed, widths: [16, 32, 64], blocks: 3, side: 32, classes: 10, keep }
    }

    /// A small relative that tests can run in milliseconds.
    pub const fn tiny(seed: u64, keep: f32) -> Self {
        Self { seed, widths: [4, 8, 8], blocks: 1, side: 8, classes: 5, keep }
    }

    /// The model.
    pub fn model(self) -> ModelProto {
        let mut b = ModelBuilder::new(self.seed, [3, self.side, self.side]);
        let image = b.image();
        let first = ConvSpec::same(3, self.widths[0], 3, 1);
        let mut x = self.conv_bn(&mut b, ["conv1", "bn1"], &image, first);
        let mut side = self.side;
        x = self.activation(&mut b, "act1", &x, first.to, side);
        let mut from = first.to;
        for (stage, to) in self.widths.into_iter().enumerate() {
            for block in 0..self.blocks {
                let stride = if stage > 0 && block == 0 { 2 } else { 1 };
                side /= stride;
                let name = format!("layer{}.{block}", stage + 1);
                x = self.block(&mut b, &name, &x, ConvSpec::same(from, to, 3, stride), side);
                from = to;
            }
        }
        x = b.op("GlobalAveragePool", "avgpool", &[&x]);
        x = b.op("Flatten", "flatten", &[&x]);
        x = b.gemm("fc", &x, from, self.classes);
        b.metadata("tacita.mean", "0.4914, 0.4822, 0.4465");
        b.metadata("tacita.std", "0.2470, 0.2435, 0.2616");
        let labels: Vec<String> = (0..self.classes).map(|i| format!("class{i}")).collect();
        b.metadata("tacita.labels", &labels.join(","));
        b.finish(&x, self.classes)
    }

    /// The model file.
    pub fn bytes(self) -> Vec<u8> {
        self.model().encode_to_vec()
    }

    fn block(self, b: &mut ModelBuilder, name: &str, x: &str, s: ConvSpec, side: usize) -> String {
        let part = |p: &str| format!("{name}.{p}");
        let mut y = self.conv_bn(b, [&part("conv1"), &part("bn1")], x, s);
        y = self.activation(b, &part("act1"), &y, s.to, side);
        let second = ConvSpec::same(s.to, s.to, 3, 1);
        y = self.conv_bn(b, [&part("conv2"), &part("bn2")], &y, second);
        let shortcut = if s.stride == 1 && s.from == s.to {
            x.to_owned()
        } else {
            let projection = ConvSpec { kernel: 1, pad: 0, ..s };
            self.conv_bn(b, [&part("shortcut.0"), &part("shortcut.1")], x, projection)
        };
        let sum = b.op("Add", &part("add"), &[&y, &shortcut]);
        self.activation(b, &part("act2"), &sum, s.to, side)
    }

    fn conv_bn(self, b: &mut ModelBuilder, names: [&str; 2], x: &str, s: ConvSpec) -> String {
        let y = b.conv(names[0], x, s, false);
        b.batch_norm(names[1], &y, s.to)
    }

    fn activation(self, b: &mut ModelBuilder, name: &str, x: &str, c: usize, n: usize) -> String {
        let mask = b.mask(c * n * n, self.keep);
        let form = MaskForm { sub_node: true, ..MaskForm::default() };
        b.masked_relu(name, x, [c, n, n], &mask, form)
    }
}
