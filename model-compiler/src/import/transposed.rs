//! Transposed convolutions, by phases.
//!
//! The outputs `s t + a` of one remainder `a` of a transposed convolution with stride `s` are a plain
//! convolution, with stride 1, of every `s`-th tap of the kernel, turned around. All remainders
//! together are one convolution with `s` times `s` as many channels, and copies that put each
//! channel in its place (sub-pixel convolution; Shi et al. 2016, section 3.2): it costs what that
//! convolution does.

use tacita_onnx::NodeProto;
use tacita_protocol::plan::{ConvShape, CopyShape, MAX_WEIGHTS, Padding, Shape};

use super::attributes::Attributes;
use super::constant::Reason;
use super::conv::dilated;
use super::graph::Op;
use super::interpret::{Interpreter, Operand, Step, Value};
use super::view::View;
use crate::error::Location;

/// Most remainders of rows and columns together.
const MAX_PHASES: usize = 1 << 10;

/// One axis: which taps make which outputs.
#[derive(Clone, Copy, Debug)]
struct Line {
    stride: usize,
    kernel: usize,
    /// Zeros cut off in front.
    pad: usize,
    input: usize,
    output: usize,
}

impl Line {
    /// The output before the first of remainder `a` that the kernel's tap 0 and input 0 make lies
    /// so many strides before it; and which tap that is.
    const fn shift(&self, a: usize) -> (usize, usize) {
        ((a + self.pad) / self.stride, (a + self.pad) % self.stride)
    }

    /// Outputs of one remainder.
    const fn count(&self) -> usize {
        self.output.div_ceil(self.stride)
    }

    /// Taps of the stride-1 kernel, and the zeros before and behind its input.
    fn window(&self) -> (usize, usize, usize) {
        let (mut before, mut last) = (self.count().saturating_sub(self.input), 0);
        for a in 0..self.stride {
            let (shift, first) = self.shift(a);
            let taps = self.kernel.saturating_sub(first).div_ceil(self.stride);
            before = before.max(taps.saturating_sub(1 + shift));
            last = last.max(shift);
        }
        let kernel = last + before + 1;
        (kernel, before, (self.count() + kernel - 1).saturating_sub(self.input + before))
    }

    /// The tap of the original kernel at tap `m` of remainder `a`.
    fn tap(&self, a: usize, m: usize, before: usize) -> Option<usize> {
        let (shift, first) = self.shift(a);
        let tap = first + self.stride * (shift + before).checked_sub(m)?;
        (tap < self.kernel).then_some(tap)
    }
}

/// A transposed convolution.
struct Transposed {
    lines: [Line; 2],
    groups: usize,
    /// Output channels.
    channels: usize,
    /// (input channel, output channel within the group, row, column).
    weights: Vec<f32>,
    bias: Vec<f64>,
}

impl Transposed {
    const fn phases(&self) -> usize {
        self.lines[0].stride * self.lines[1].stride
    }

    /// The convolution that makes all phases.
    fn conv(&self, input: Shape) -> Reason<ConvShape> {
        let [(kernel_h, top, bottom), (kernel_w, left, right)] = self.lines.map(|l| l.window());
        let pad = Padding { top, left, bottom, right };
        let (out_channels, groups) = (self.channels * self.phases(), self.groups);
        let area = kernel_h.checked_mul(kernel_w).and_then(|a| a.checked_mul(input.channels));
        let all = area.and_then(|a| a.checked_mul(out_channels / groups.max(1)));
        if all.is_none_or(|n| n > MAX_WEIGHTS) {
            return Err("its kernel is too large".into());
        }
        Ok(ConvShape { input, out_channels, kernel_h, kernel_w, stride: 1, pad, groups })
    }

    /// That convolution's weights: its output `channel * phases + phase`.
    fn turned(&self, s: &ConvShape) -> Vec<f32> {
        let [rows, columns] = self.lines;
        let area = rows.kernel * columns.kernel;
        let per_group = self.channels / self.groups;
        let taps = s.kernel_h * s.kernel_w;
        let mut all = Vec::with_capacity(s.weights());
        for out in 0..s.out_channels {
            let (channel, phase) = (out / self.phases(), out % self.phases());
            let (a, b) = (phase / columns.stride, phase % columns.stride);
            for i in 0..s.group_inputs() {
                let input = channel / per_group * s.group_inputs() + i;
                let plane = (input * per_group + channel % per_group) * area;
                all.extend((0..taps).map(|t| {
                    let row = rows.tap(a, t / s.kernel_w, s.pad.top)?;
                    let column = columns.tap(b, t % s.kernel_w, s.pad.left)?;
                    self.weights.get(plane + row * columns.kernel + column).copied()
                }));
            }
        }
        all.into_iter().map(|w| w.unwrap_or(0.0)).collect()
    }

    /// Where each phase goes.
    fn copies(&self) -> Vec<(usize, CopyShape)> {
        let [rows, columns] = self.lines;
        let copy = |phase: usize| {
            let at = [phase / columns.stride, phase % columns.stride];
            let spread = [rows.stride, columns.stride];
            let step = self.phases();
            CopyShape { from: phase, step, spread, at, ..CopyShape::whole(self.channels, 0) }
        };
        let writes = |c: &CopyShape| c.at[0] < rows.output && c.at[1] < columns.output;
        (0..self.phases()).map(copy).filter(writes).map(|c| (0, c)).collect()
    }
}

impl<'m> Interpreter<'m> {
    pub(super) fn conv_transpose(&mut self, node: &NodeProto, at: &Location) -> Step {
        let x = self.image(node, at)?;
        let t = self.transposed(node, &x)?;
        let shape = t.conv(x.shape)?;
        let (rows, columns) = (t.lines[0].output, t.lines[1].output);
        let bias = t.bias.iter().flat_map(|b| std::iter::repeat_n(*b, t.phases())).collect();
        let op = Op::Conv { shape, weights: t.turned(&shape), bias };
        let phases = self.push_image(op, &x, shape.output(), at)?;
        let to = Shape::new(t.channels, rows, columns);
        if t.phases() == 1 && phases.shape == to {
            return Ok(Value::Node(phases));
        }
        self.copies(t.copies(), vec![phases.id], to, View::image(to), at).map(Value::Node)
    }

    fn transposed(&self, node: &NodeProto, x: &Operand) -> Step<Transposed> {
        let a = Attributes(node);
        let w = self.filters(node)?;
        let (kernel, weights) = dilated(a, &w)?;
        let groups = usize::try_from(a.int("group", 1)).unwrap_or(0);
        let has = x.shape.channels;
        let &[inputs, per_group, ..] = w.dims.as_slice() else {
            return Err("its weights have no channels".into());
        };
        if groups == 0 || inputs != has || !has.is_multiple_of(groups) || per_group == 0 {
            return Err(format!(
                "weights for {inputs} channels in {groups} groups, input has {has}"
            )
            .into());
        }
        let channels = per_group.checked_mul(groups).filter(|n| *n <= 1 << 16);
        let channels = channels.ok_or("it makes too many channels")?;
        let lines = lines(a, x.shape, kernel)?;
        let bias = match self.optional_constant(node, 2)? {
            Some(b) => b.vector(channels)?.into_iter().map(f64::from).collect(),
            None => vec![0.0; channels],
        };
        Ok(Transposed { lines, groups, channels, weights, bias })
    }
}

/// Both axes, padding and output size as the attributes have them.
fn lines(a: Attributes<'_>, image: Shape, kernel: [usize; 2]) -> Reason<[Line; 2]> {
    let strides = a.strides()?;
    if strides[0] * strides[1] > MAX_PHASES {
        return Err(format!("strides {strides:?} are too large"));
    }
    let extra = a.sizes("output_padding", [0, 0])?;
    let pads = a.sizes("pads", [0; 4])?;
    let wanted = match a.ints("output_shape") {
        None => None,
        // Some exporters give all four dimensions.
        Some([_, _, h, w]) => Some([*h, *w]),
        Some([h, w]) => Some([*h, *w]),
        Some(other) => return Err(format!("an output_shape of {other:?}")),
    };
    let sizes = [image.height, image.width];
    let mode = a.string("auto_pad");
    let line = |k: usize| {
        let (stride, kernel, input) = (strides[k], kernel[k], sizes[k]);
        let full = (input - 1) * stride + kernel + extra[k];
        let same = mode.starts_with("SAME").then_some(input * stride);
        let given = wanted.and_then(|w| usize::try_from(*w.get(k)?).ok()).or(same);
        let (pad, output) = match given {
            None if mode == "VALID" => (0, Some(full)),
            None => (pads[k], full.checked_sub(pads[k] + pads[k + 2])),
            Some(output) => {
                let total = full.saturating_sub(output);
                let pad = if mode == "SAME_UPPER" { total / 2 } else { total.div_ceil(2) };
                (pad, Some(output).filter(|o| *o <= full))
            }
        };
        let output = output.filter(|o| (1..=1 << 22).contains(o));
        let output = output.ok_or_else(|| {
            format!("its padding and output size do not fit {full} rows or columns")
        })?;
        Ok::<_, String>(Line { stride, kernel, pad, input, output })
    };
    match mode.as_str() {
        "" | "NOTSET" | "VALID" | "SAME_UPPER" | "SAME_LOWER" => Ok([line(0)?, line(1)?]),
        other => Err(format!("auto_pad `{other}` is not supported")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every pair of an input and a tap reaches its output, and no other does.
    #[test]
    fn phases_are_the_transposed_convolution() {
        for (stride, kernel, pad, extra, input) in (1..5).flat_map(|s| {
            (1..7).flat_map(move |k| {
                (0..6).flat_map(move |p| {
                    (0..s).flat_map(move |e| (1..5).map(move |n| (s, k, p, e, n)))
                })
            })
        }) {
            let full: usize = (input - 1) * stride + kernel + extra;
            let Some(output) = full.checked_sub(pad).filter(|o| *o > 0) else { continue };
            let line = Line { stride, kernel, pad, input, output };
            let (taps, before, behind) = line.window();
            assert!(before < taps && behind < taps, "{line:?}");
            assert!(input + before + behind + 1 - taps >= line.count(), "{line:?}");
            let mut expected = Vec::new();
            for (i, k) in (0..input).flat_map(|i| (0..kernel).map(move |k| (i, k))) {
                let at = (i * stride + k).checked_sub(pad).filter(|o| *o < output);
                expected.extend(at.map(|o| (o, i, k)));
            }
            let mut got = Vec::new();
            for (t, a, m) in (0..line.count())
                .flat_map(|t| (0..stride).flat_map(move |a| (0..taps).map(move |m| (t, a, m))))
            {
                let input = (t + m).checked_sub(before).filter(|i| *i < input);
                let o = t * stride + a;
                if let (Some(i), Some(k)) = (input, line.tap(a, m, before))
                    && o < output
                {
                    got.push((o, i, k));
                }
            }
            expected.sort_unstable();
            got.sort_unstable();
            assert_eq!(got, expected, "{line:?}");
        }
    }
}
