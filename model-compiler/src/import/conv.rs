//! Convolutions.

use tacita_onnx::NodeProto;
use tacita_protocol::plan::{ConvShape, CopyShape, Padding, Shape};

use super::attributes::Attributes;
use super::constant::{Constant, Reason};
use super::graph::Op;
use super::interpret::{Fault, Interpreter, Operand, Step, Value};
use super::padding::padding;
use super::phases::Strided;
use crate::error::Location;

/// Most weights of one convolution, its dilation written out (the limit of a plan).
const MAX_WEIGHTS: usize = 1 << 26;

/// A convolution whose weights are known but whose input is not looked at yet.
struct Filter {
    shape: ConvShape,
    weights: Vec<f32>,
    bias: Vec<f64>,
}

impl Filter {
    const fn kernel(&self) -> [usize; 2] {
        [self.shape.kernel_h, self.shape.kernel_w]
    }
}

impl<'m> Interpreter<'m> {
    pub(super) fn conv(&mut self, node: &NodeProto, at: &Location) -> Step {
        let w = self.filters(node)?;
        self.warn_of_shared_bias(node);
        let x = self.image(node, at)?;
        let (x, filter, strides) = self.filter(node, x, &w, at)?;
        let Ok(stride) = common_stride(x.shape, filter.kernel(), strides, &filter.shape.pad) else {
            let Filter { shape, weights, bias } = filter;
            let strided = Strided { shape, strides, weights, bias };
            return self.phases(&x, &strided, at).map(Value::Node);
        };
        let shape = ConvShape { stride, ..filter.shape };
        let filter = Filter { shape, ..filter };
        let out = shape.output();
        let (id, filter) = self.absorbed(x.id, filter);
        let Filter { shape, weights, bias } = filter;
        let x = Operand { id, ..x };
        self.push_image(Op::Conv { shape, weights, bias }, &x, out, at).map(Value::Node)
    }

    /// PyTorch's exporter has given several convolutions one bias by mistake: equal numbers at the
    /// time of export, or a fused normalisation in the wrong place.
    fn warn_of_shared_bias(&mut self, node: &NodeProto) {
        let [_, weights, bias, ..] = node.input.as_slice() else { return };
        let Ok(Some(c)) = self.optional_constant(node, 2) else { return };
        if bias.is_empty() || c.floats().iter().all(|b| *b == 0.0) {
            return;
        }
        let first = self.biases.entry(bias.clone()).or_insert_with(|| weights.clone());
        if first != weights {
            self.warnings.push(format!(
                "two convolutions with the weights `{first}` and `{weights}` share the bias \
                 `{bias}`: exporters have merged biases by mistake; compare the model's answers with \
                 the original's"
            ));
        }
    }

    /// The convolution of a node with its strides apart, and its input with the padding that the kernel cannot have.
    fn filter(
        &mut self,
        node: &NodeProto,
        x: Operand,
        w: &Constant,
        at: &Location,
    ) -> Step<(Operand, Filter, [usize; 2])> {
        let a = Attributes(node);
        let groups = usize::try_from(a.int("group", 1)).unwrap_or(0);
        let (kernel, weights) = dilated(a, w)?;
        let &[out_channels, per_group, ..] = w.dims.as_slice() else {
            return Err("its weights have no channels".into());
        };
        let has = x.shape.channels;
        if groups == 0 || per_group.checked_mul(groups) != Some(has) {
            return Err(Fault::Because(format!(
                "weights for {per_group} channels a group in {groups} groups, input has {has}"
            )));
        }
        if out_channels == 0 || out_channels % groups != 0 {
            return Err(Fault::Because(format!(
                "{out_channels} output channels in {groups} groups"
            )));
        }
        let strides = a.strides()?;
        let (x, before) = self.unpadded(x, kernel);
        let pad = padding(a, x.shape, kernel, strides, before)?;
        let (x, pad) = self.excess(x, kernel, pad, at)?;
        let ([kernel_h, kernel_w], input, stride) = (kernel, x.shape, 1);
        let shape = ConvShape { input, out_channels, kernel_h, kernel_w, stride, pad, groups };
        let bias = match self.optional_constant(node, 2)? {
            Some(b) => b.vector(out_channels)?.into_iter().map(f64::from).collect(),
            None => vec![0.0; out_channels],
        };
        Ok((x, Filter { shape, weights, bias }, strides))
    }

    /// Looks through a `Pad` with zeros that the kernel can do itself.
    pub(super) fn unpadded(&self, x: Operand, kernel: [usize; 2]) -> (Operand, Padding) {
        let found = match self.graph.op(x.id) {
            Some((Op::Copies(c), below)) => self.graph.nodes.get(below).and_then(|n| {
                let pad = zeros_around(c, n.shape, x.shape)?;
                let [h, w] = kernel;
                let fits = pad.top.max(pad.bottom) < h && pad.left.max(pad.right) < w;
                fits.then_some((below, n.shape, pad))
            }),
            _ => None,
        };
        match found {
            Some((id, shape, pad)) => {
                (Operand { id, shape, view: super::view::View::image(shape) }, pad)
            }
            None => (x, Padding::NONE),
        }
    }

    /// Padding as wide as the kernel or wider is added by a copy; the rest is the kernel's.
    fn excess(
        &mut self,
        x: Operand,
        [h, w]: [usize; 2],
        pad: Padding,
        at: &Location,
    ) -> Step<(Operand, Padding)> {
        if pad.top.max(pad.bottom) < h && pad.left.max(pad.right) < w {
            return Ok((x, pad));
        }
        Ok((self.padded(&x, pad, at)?, Padding::NONE))
    }

    /// Folds the per-channel affine maps before a convolution into it, where that is exact: an
    /// offset is not, once zeros are padded around it. Those of the image itself stay: they are its
    /// normalisation.
    fn absorbed(&self, id: usize, f: Filter) -> (usize, Filter) {
        let Some((base, scale, shift)) = self.behind(id, f.shape.pad != Padding::NONE) else {
            return (id, f);
        };
        let s = f.shape;
        let taps = s.kernel_h * s.kernel_w;
        let filter = s.weights() / s.out_channels.max(1);
        let Filter { mut weights, mut bias, .. } = f;
        for (o, (w, b)) in weights.chunks_mut(filter.max(1)).zip(&mut bias).enumerate() {
            let first = o / s.group_outputs() * s.group_inputs();
            let channels = scale.iter().zip(&shift).skip(first);
            for (w, (a, t)) in w.chunks_mut(taps.max(1)).zip(channels) {
                *b += w.iter().map(|w| f64::from(*w)).sum::<f64>() * t;
                w.iter_mut().for_each(|w| *w = (f64::from(*w) * a) as f32);
            }
        }
        (base, Filter { shape: s, weights, bias })
    }

    /// The value behind the affine maps that make node `id`, and what they do together.
    fn behind(&self, mut id: usize, padded: bool) -> Option<(usize, Vec<f64>, Vec<f64>)> {
        let mut all: Option<(Vec<f64>, Vec<f64>)> = None;
        while let Some((Op::Affine { scale, shift }, below)) = self.graph.op(id) {
            if padded && shift.iter().any(|t| *t != 0.0) {
                break;
            }
            all = Some(match all {
                None => (scale.clone(), shift.clone()),
                Some((s, t)) => {
                    let t = s.iter().zip(&t).zip(shift).map(|((s, t), own)| s * own + t).collect();
                    (s.iter().zip(scale).map(|(s, own)| s * own).collect(), t)
                }
            });
            id = below;
        }
        all.filter(|_| !self.is_image(id)).map(|(s, t)| (id, s, t))
    }

    /// True if node `id` is the graph's input, or that multiplied and shifted.
    fn is_image(&self, mut id: usize) -> bool {
        while let Some((Op::Affine { .. } | Op::Offset(_), below)) = self.graph.op(id) {
            id = below;
        }
        matches!(self.graph.op(id), Some((Op::Input, _)))
    }

    /// The first input, as an image in stored order.
    pub(super) fn image(&mut self, node: &NodeProto, at: &Location) -> Step<Operand> {
        let x = self.operand(node, 0)?;
        self.as_image(x, at)
    }
}

/// The padding that a single copy of everything puts around an image, if that is all it does.
pub(super) fn zeros_around(
    copies: &[(usize, CopyShape)],
    from: Shape,
    to: Shape,
) -> Option<Padding> {
    let [(0, c)] = copies else { return None };
    let whole = CopyShape { offset: c.offset, ..CopyShape::whole(from.channels, 0) };
    let [top, left] = c.offset.map(|o| usize::try_from(-o).ok());
    let (top, left) = (top?, left?);
    let bottom = to.height.checked_sub(from.height + top)?;
    let right = to.width.checked_sub(from.width + left)?;
    (*c == whole && to.channels == from.channels).then_some(Padding { top, left, bottom, right })
}

/// Kernel size and weights, with the zeros that dilation leaves between the taps.
pub(super) fn dilated(a: Attributes<'_>, w: &Constant) -> Reason<([usize; 2], Vec<f32>)> {
    let &[out, channels, h, width] = w.dims.as_slice() else {
        return Err(format!("weights of shape {:?}, 4 dimensions needed", w.dims));
    };
    let kernel = [h, width];
    if a.sizes("kernel_shape", kernel)? != kernel || kernel.contains(&0) || w.len() == 0 {
        return Err("its kernel_shape does not match its weights".into());
    }
    let taps = w.vector(w.len())?;
    let d = a.sizes("dilations", [1, 1])?;
    if d == [1, 1] {
        return Ok((kernel, taps));
    }
    let size = |k: usize, d: usize| (k - 1).checked_mul(d).map(|n| n + 1).filter(|n| *n <= 1 << 12);
    let (Some(dh), Some(dw)) = (size(h, d[0]), size(width, d[1])) else {
        return Err(format!("dilations {d:?} make too large a kernel"));
    };
    let total = out.checked_mul(channels).and_then(|p| p.checked_mul(dh * dw));
    let total = total.filter(|n| *n <= MAX_WEIGHTS && !d.contains(&0));
    let mut wide = vec![0.0; total.ok_or_else(|| format!("dilations {d:?} are out of range"))?];
    for (from, to) in taps.chunks(h * width).zip(wide.chunks_mut(dh * dw)) {
        for (i, v) in from.iter().enumerate() {
            if let Some(t) = to.get_mut(i / width * d[0] * dw + i % width * d[1]) {
                *t = *v;
            }
        }
    }
    Ok(([dh, dw], wide))
}

/// One stride for rows and columns. Where only one window fits, that way's own does not matter.
pub(super) fn common_stride(
    image: Shape,
    kernel: [usize; 2],
    strides: [usize; 2],
    pad: &Padding,
) -> Reason<usize> {
    let (height, width) = pad.around(image);
    let [a, b] = strides;
    let single = |n: usize, k: usize, own: usize, other: usize| n - k < own && n - k < other;
    match (kernel, a == b) {
        (_, true) => Ok(a),
        ([h, _], _) if single(height, h, a, b) => Ok(b),
        ([_, w], _) if single(width, w, b, a) => Ok(a),
        _ => Err(format!("strides {a} and {b}: only one stride for both is supported")),
    }
}
