//! Convolutions and pools.

use tacita_onnx::NodeProto;

use crate::graph::{Graph, MOST, Value, Way, with_text};

/// One way of a window.
#[derive(Clone, Copy, Debug)]
struct Span {
    /// Size of the image.
    size: usize,
    /// Reach of the kernel, its dilation included.
    reach: usize,
    stride: usize,
    pads: [usize; 2],
}

impl Span {
    fn output(&self, ceil: bool) -> usize {
        let [before, after] = self.pads;
        let room = self.size + before + after - self.reach;
        let windows = if ceil { room.div_ceil(self.stride) } else { room / self.stride };
        // A window that starts behind the image is none.
        let beyond = ceil && windows * self.stride >= self.size + before;
        windows + 1 - usize::from(beyond)
    }
}

/// How the padding is written down.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Padding {
    Numbers,
    Valid,
    Same(&'static str),
}

/// What is asked of a convolution.
#[derive(Clone, Copy)]
pub struct Aim {
    /// Channels of its output.
    pub channels: Option<usize>,
    /// Keeps rows and columns.
    pub same: bool,
    /// What its weights are multiplied by.
    pub gain: f32,
}

impl Aim {
    /// Keeps rows and columns.
    pub const fn same(channels: usize) -> Self {
        Self { channels: Some(channels), same: true, gain: 1.0 }
    }
}

fn divisors(n: usize) -> Vec<usize> {
    (1..=n).filter(|d| n.is_multiple_of(*d)).collect()
}

/// `[rows, columns]` of a window over `x`, and how its padding is written.
fn spans(g: &mut Graph, x: &Value, reach: [usize; 2], same: bool) -> ([Span; 2], Padding) {
    let d = &mut g.draw;
    let strides = if same {
        [1, 1]
    } else {
        d.pick(&[[1, 1], [1, 1], [2, 2], [2, 2], [1, 2], [2, 1], [3, 2], [3, 3]])
    };
    let how = match d.below(8) {
        0 => Padding::Same("SAME_UPPER"),
        1 => Padding::Same("SAME_LOWER"),
        2 if !same && fits(x, reach) => Padding::Valid,
        _ => Padding::Numbers,
    };
    let even = d.once_in(2);
    let span = |i: usize| {
        let (size, reach, stride) = (x.size([Way::Rows, Way::Columns][i]), reach[i], strides[i]);
        let pads = match how {
            Padding::Valid => [0, 0],
            Padding::Same(_) => [0, 0],
            Padding::Numbers if same => {
                let before = if even { reach / 2 } else { d.below(reach) };
                [before, reach - 1 - before]
            }
            Padding::Numbers if even => [reach / 2; 2],
            Padding::Numbers => [d.below(reach), d.below(reach)],
        };
        let lacking = reach.saturating_sub(size + pads[0] + pads[1]);
        Span { size, reach, stride, pads: [pads[0], pads[1] + lacking] }
    };
    ([0, 1].map(span), how)
}

fn fits(x: &Value, reach: [usize; 2]) -> bool {
    x.size(Way::Rows) >= reach[0] && x.size(Way::Columns) >= reach[1]
}

/// Writes strides and padding; rows and columns of the output.
fn described(
    g: &mut Graph,
    node: NodeProto,
    [r, c]: [Span; 2],
    how: Padding,
    ceil: bool,
) -> (NodeProto, [usize; 2]) {
    let strides = [r.stride as i64, c.stride as i64];
    let node = if strides != [1, 1] || g.draw.once_in(2) {
        node.with_ints("strides", &strides)
    } else {
        node
    };
    match how {
        Padding::Same(name) => {
            (with_text(node, "auto_pad", name), [r, c].map(|s| s.size.div_ceil(s.stride)))
        }
        Padding::Valid => (with_text(node, "auto_pad", "VALID"), [r, c].map(|s| s.output(false))),
        Padding::Numbers => {
            let pads = [r.pads[0], c.pads[0], r.pads[1], c.pads[1]].map(|p| p as i64);
            let node = if pads == [0; 4] && g.draw.once_in(2) {
                node
            } else {
                node.with_ints("pads", &pads)
            };
            (node, [r, c].map(|s| s.output(ceil)))
        }
    }
}

/// A convolution as drawn.
pub fn any_conv(g: &mut Graph, x: &Value) -> Value {
    let aim = Aim { channels: None, same: g.draw.once_in(2), gain: 1.0 };
    conv(g, x, aim)
}

pub fn conv(g: &mut Graph, x: &Value, aim: Aim) -> Value {
    let x = &g.channels_first(x);
    let channels = x.channels();
    let groups = g.draw.pick(&divisors(channels));
    let groups =
        if g.draw.once_in(2) || aim.channels.is_some_and(|n| n % groups != 0) { 1 } else { groups };
    let out = aim.channels.unwrap_or_else(|| groups * g.draw.between(1, (12 / groups).max(1)));
    let kernel = g.draw.pick(&[[1, 1], [3, 3], [3, 3], [3, 3], [2, 2], [5, 5], [1, 3], [3, 2]]);
    let dilations = if g.draw.once_in(5) { g.draw.pick(&[[2, 2], [1, 2], [3, 1]]) } else { [1, 1] };
    let reach = [0, 1].map(|i| (kernel[i] - 1) * dilations[i] + 1);
    let (spans, how) = spans(g, x, reach, aim.same);
    let per_group = channels / groups;
    let fan_in = (per_group * kernel[0] * kernel[1]) as f32;
    let bound = 1.4 * aim.gain * (3.0 / fan_in).sqrt();
    let weights = g.draw.reals(out * per_group * kernel[0] * kernel[1], -bound, bound);
    let weights = g.weights(&[out, per_group, kernel[0], kernel[1]], &weights);
    let mut node = g.node("Conv", &[&x.name, &weights]);
    if g.draw.once_in(2) {
        let bias = g.draw.reals(out, -0.3 * aim.gain, 0.3 * aim.gain);
        node.input.push(g.floats(&[out], &bias));
    }
    let (mut node, [h, w]) = described(g, node, spans, how, false);
    if groups > 1 || g.draw.once_in(2) {
        node = node.with_int("group", groups as i64);
    }
    if dilations != [1, 1] || g.draw.once_in(2) {
        node = node.with_ints("dilations", &dilations.map(|d| d as i64));
    }
    if g.draw.once_in(2) {
        node = node.with_ints("kernel_shape", &kernel.map(|k| k as i64));
    }
    if out * h * w > MOST {
        return x.clone();
    }
    g.image(node, x, [1, out, h, w])
}

/// An average or maximum over windows.
pub fn pool(g: &mut Graph, x: &Value) -> Value {
    let x = &g.channels_first(x);
    let op = g.draw.pick(&["MaxPool", "AveragePool"]);
    let kernel = g.draw.pick(&[[2, 2], [2, 2], [3, 3], [3, 3], [1, 2], [3, 2]]);
    let (mut spans, how) = spans(g, x, kernel, false);
    if how == Padding::Numbers && g.draw.once_in(2) {
        spans.iter_mut().filter(|s| s.size >= s.reach).for_each(|s| s.pads = [0, 0]);
    }
    if spans.iter().any(|s| s.pads[1] >= s.reach) {
        return x.clone();
    }
    let ceil = how == Padding::Numbers && g.draw.once_in(4);
    let node = g.node(op, &[&x.name]).with_ints("kernel_shape", &kernel.map(|k| k as i64));
    let (mut node, [h, w]) = described(g, node, spans, how, ceil);
    if ceil {
        node = node.with_int("ceil_mode", 1);
    }
    if op == "AveragePool" && g.draw.once_in(2) {
        node = node.with_int("count_include_pad", 1);
    }
    g.image(node, x, [1, x.channels(), h, w])
}

/// A pool over one way or both, which leaves one row, one column or one pixel.
pub fn reduce(g: &mut Graph, x: &Value) -> Value {
    let (op, since) = g.draw.pick(&[
        ("ReduceMean", 18),
        ("ReduceMean", 18),
        ("ReduceMax", 18),
        ("ReduceSum", 13),
    ]);
    let ways = g.draw.pick(&[Way::Rows, Way::Columns]);
    let axis = x.axis(ways);
    let node = g.node(op, &[&x.name]);
    let named = g.axis(axis, 4);
    let node = g.with_axes(node, &[named], since).with_int("keepdims", 1);
    let y = g.image(node, x, x.resized(ways, 1));
    if op == "ReduceSum" {
        // Values stay of one size.
        let n = g.number(x.dims[axis] as f32);
        return g.map("Div", &y, &[&n]);
    }
    y
}
