//! Convolutions, fully connected layers, batch normalisation, pooling.

use tacet_onnx::NodeProto;
use tacet_protocol::plan::{ConvShape, Padding, Shape};

use super::attributes::Attributes;
use super::constant::{Constant, Reason};
use super::graph::Op;
use super::interpret::{Fault, Interpreter, Operand, Value};
use crate::error::Location;

type Step = Result<Value, Fault>;

impl<'m> Interpreter<'m> {
    pub(super) fn conv(&mut self, node: &NodeProto, at: &Location) -> Step {
        let (x, w) = (self.image(node)?, self.constant(node, 1)?);
        let a = Attributes(node);
        let &[out_channels, channels, kernel_h, kernel_w] = w.dims.as_slice() else {
            return Err(Fault::Because(format!(
                "weights of shape {:?}, 4 dimensions needed",
                w.dims
            )));
        };
        a.require("group", 1, "grouped and depthwise convolutions are not supported")?;
        a.undilated()?;
        if channels != x.shape.channels {
            let has = x.shape.channels;
            return Err(Fault::Because(format!(
                "weights for {channels} channels, input has {has}"
            )));
        }
        let kernel = [kernel_h, kernel_w];
        if a.sizes("kernel_shape", kernel)? != kernel || kernel.contains(&0) || out_channels == 0 {
            return Err("its kernel_shape does not match its weights".into());
        }
        let stride = a.stride()?;
        let [pad_h, pad_w] = padding(a, x.shape, kernel, stride)?;
        let input = x.shape;
        let pad = Padding::symmetric(pad_h, pad_w);
        let shape = ConvShape { input, out_channels, kernel_h, kernel_w, stride, pad, groups: 1 };
        let bias = match self.optional_constant(node, 2)? {
            Some(b) => b.vector(out_channels)?,
            None => vec![0.0; out_channels],
        };
        let weights = w.vector(w.len())?;
        let out = shape.output();
        self.push(Op::Conv { shape, weights, bias }, vec![x.id], out, false, at)
    }

    pub(super) fn batch_norm(&mut self, node: &NodeProto, at: &Location) -> Step {
        let x = self.operand(node, 0)?;
        let a = Attributes(node);
        a.require("training_mode", 0, "export the model in evaluation mode")?;
        a.require("spatial", 1, "normalisation per pixel is not supported")?;
        let n = x.shape.channels;
        if x.flat && x.shape.height * x.shape.width > 1 {
            return Err("normalisation of a flattened image is not supported".into());
        }
        let param = |i| self.constant(node, i)?.vector(n);
        let [gamma, beta, mean, var] = [param(1)?, param(2)?, param(3)?, param(4)?];
        let eps = f64::from(a.float("epsilon", 1e-5));
        let scale =
            gamma.iter().zip(&var).map(|(g, v)| f64::from(*g) / (f64::from(*v) + eps).sqrt());
        let scale: Vec<f64> = scale.collect();
        let offsets = beta.iter().zip(&mean).zip(&scale);
        let shift = offsets.map(|((b, m), s)| f64::from(*b) - f64::from(*m) * s).collect();
        if scale.iter().any(|s| !s.is_finite()) {
            return Err("a variance is not positive".into());
        }
        self.push(Op::Affine { scale, shift }, vec![x.id], x.shape, x.flat, at)
    }

    /// `alpha * x * W + beta * C`.
    pub(super) fn gemm(&mut self, node: &NodeProto, at: &Location) -> Step {
        let (x, w) = (self.operand(node, 0)?, self.constant(node, 1)?);
        let a = Attributes(node);
        a.require("transA", 0, "the input must be a row of features")?;
        let w = if a.int("transB", 0) == 0 { w.transposed()? } else { w.as_ref().clone() };
        let bias = match self.optional_constant(node, 2)? {
            Some(c) => c.broadcast(&[1, w.dims.first().copied().unwrap_or(0)])?,
            None => vec![],
        };
        self.fully_connected(x, &w, &bias, [a.float("alpha", 1.0), a.float("beta", 1.0)], at)
    }

    pub(super) fn mat_mul(&mut self, node: &NodeProto, at: &Location) -> Step {
        let (x, w) = (self.operand(node, 0)?, self.constant(node, 1)?);
        self.fully_connected(x, &w.transposed()?, &[], [1.0, 1.0], at)
    }

    /// A fully connected layer is a convolution whose kernel covers its input. `w` is
    /// (outputs, features), features in CHW order as flattening leaves them.
    fn fully_connected(
        &mut self,
        x: Operand,
        w: &Constant,
        bias: &[f32],
        [alpha, beta]: [f32; 2],
        at: &Location,
    ) -> Step {
        let &[out_channels, features] = w.dims.as_slice() else {
            return Err("its weights are no matrix".into());
        };
        if !x.flat || features != x.shape.len() {
            let dims = x.dims();
            return Err(Fault::Because(format!(
                "weights for {features} features on an input of shape {dims:?}: flatten it first"
            )));
        }
        let (input, Shape { height: kernel_h, width: kernel_w, .. }) = (x.shape, x.shape);
        let shape = ConvShape { kernel_h, kernel_w, ..ConvShape::same(input, out_channels, 1, 1) };
        let weights = w.vector(w.len())?.into_iter().map(|v| v * alpha).collect();
        let mut full: Vec<f32> = bias.iter().map(|v| v * beta).collect();
        full.resize(out_channels, 0.0);
        if full.iter().any(|b| !b.is_finite()) {
            return Err("its bias is not finite".into());
        }
        let op = Op::Conv { shape, weights, bias: full };
        self.push(op, vec![x.id], Shape::new(out_channels, 1, 1), true, at)
    }

    pub(super) fn average_pool(&mut self, node: &NodeProto, at: &Location) -> Step {
        let x = self.image(node)?;
        let a = Attributes(node);
        a.undilated()?;
        let kernel = a.sizes("kernel_shape", [0, 0])?;
        let stride = a.stride()?;
        if padding(a, x.shape, kernel, stride)? != [0, 0] {
            return Err("padded average pooling is not supported".into());
        }
        let [h, w] = kernel;
        let left = [(x.shape.height, h), (x.shape.width, w)].map(|(n, k)| (n - k) % stride);
        if a.int("ceil_mode", 0) != 0 && left != [0, 0] {
            return Err("ceil_mode with windows over the edge is not supported".into());
        }
        self.pool(x, kernel, stride, at)
    }

    pub(super) fn global_average_pool(&mut self, node: &NodeProto, at: &Location) -> Step {
        let x = self.image(node)?;
        self.pool(x, [x.shape.height, x.shape.width], 1, at)
    }

    fn pool(&mut self, x: Operand, kernel: [usize; 2], stride: usize, at: &Location) -> Step {
        let [h, w] = kernel;
        if kernel == [1, 1] && stride == 1 {
            return Ok(Value::Node(x));
        }
        let out = |n: usize, k: usize| (n - k) / stride + 1;
        let shape = Shape::new(x.shape.channels, out(x.shape.height, h), out(x.shape.width, w));
        self.push(Op::AvgPool { kernel, stride }, vec![x.id], shape, false, at)
    }

    /// The first input, as an image.
    fn image(&self, node: &NodeProto) -> Reason<Operand> {
        let x = self.operand(node, 0)?;
        if x.flat { Err("its input is a vector, an image is needed".into()) } else { Ok(x) }
    }
}

/// Rows and columns of zeros added on each side. On success the window fits the padded input.
fn padding(
    a: Attributes<'_>,
    input: Shape,
    kernel: [usize; 2],
    stride: usize,
) -> Reason<[usize; 2]> {
    let size = [input.height, input.width];
    let [top, left, bottom, right] = match a.string("auto_pad").as_str() {
        "" | "NOTSET" => a.sizes("pads", [0; 4])?,
        "VALID" => [0; 4],
        mode @ ("SAME_UPPER" | "SAME_LOWER") => same(mode, size, kernel, stride),
        other => return Err(format!("auto_pad `{other}` is not supported")),
    };
    if top != bottom || left != right {
        return Err(format!(
            "padding differs between opposite sides (top {top}, bottom {bottom}, left {left}, \
             right {right}): only symmetric padding is supported"
        ));
    }
    let pads = [top, left];
    for ((k, p), n) in kernel.iter().zip(&pads).zip(&size) {
        if *k == 0 || p >= k || n + 2 * p < *k {
            return Err(format!("a window of {k} with padding {p} does not fit a size of {n}"));
        }
    }
    Ok(pads)
}

/// Padding that keeps `size / stride` outputs, the odd row or column at the named end.
fn same(mode: &str, size: [usize; 2], kernel: [usize; 2], stride: usize) -> [usize; 4] {
    let split = |n: usize, k: usize| {
        let total = ((n.div_ceil(stride) - 1) * stride + k).saturating_sub(n);
        let (less, more) = (total / 2, total - total / 2);
        if mode == "SAME_UPPER" { (less, more) } else { (more, less) }
    };
    let [(top, bottom), (left, right)] = [split(size[0], kernel[0]), split(size[1], kernel[1])];
    [top, left, bottom, right]
}
