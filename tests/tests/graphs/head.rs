//! From an image to logits, and what may stand behind those.

use tacita_onnx::DataType;

use crate::arithmetic::relu;
use crate::graph::{Graph, MOST, Value, Way, signed};
use crate::windows::{Aim, conv};

/// `[1, len]`
#[derive(Clone)]
pub struct Vector {
    pub name: String,
    pub len: usize,
}

/// The logits of a classifier that ends in `x`.
pub fn logits(g: &mut Graph, x: &Value, gain: f32) -> Vector {
    let classes = g.draw.between(2, 10);
    if g.draw.once_in(6) {
        let y = conv(g, x, Aim { channels: Some(classes), same: true, gain });
        if y.channels() == classes {
            return pooled(g, &y);
        }
    }
    let mut v = features(g, x);
    for _ in 0..g.draw.below(3) {
        v = hidden(g, v);
    }
    let v = dense(g, &v, classes, gain);
    match g.draw.below(8) {
        0 => Vector { name: scaled(g, &v.name), ..v },
        _ => v,
    }
}

/// Logits multiplied by one number.
fn scaled(g: &mut Graph, x: &str) -> String {
    let by = g.number(1.7);
    g.op("Mul", &[x, &by])
}

fn features(g: &mut Graph, x: &Value) -> Vector {
    match g.draw.below(6) {
        0 if x.len() <= MOST => flattened(g, x),
        1 => {
            let (a, b) = (pooled(g, x), pooled(g, x));
            let axis = g.axis(1, 2);
            let node = g.node("Concat", &[&a.name, &b.name]).with_int("axis", axis);
            Vector { name: g.add(node), len: a.len + b.len }
        }
        2 => tokens(g, x),
        _ => pooled(g, x),
    }
}

/// All elements, in the model's order.
fn flattened(g: &mut Graph, x: &Value) -> Vector {
    let name = match g.draw.below(3) {
        0 => g.op("Flatten", &[&x.name]),
        1 => g.reshape(&x.name, &[1, -1]),
        _ => g.reshape(&x.name, &[0, x.len() as i64]),
    };
    Vector { name, len: x.len() }
}

/// One number a channel.
fn pooled(g: &mut Graph, x: &Value) -> Vector {
    let len = x.channels();
    if x.last || g.draw.once_in(3) {
        let op = g.draw.pick(&["ReduceMean", "ReduceMean", "ReduceMax"]);
        let (a, b) = (x.axis(Way::Rows), x.axis(Way::Columns));
        let axes = [g.axis(a, 4), g.axis(b, 4)];
        let keep = g.draw.below(2) as i64;
        let node = g.node(op, &[&x.name]);
        let node = g.with_axes(node, &axes, 18).with_int("keepdims", keep);
        let name = g.add(node);
        return Vector { name: if keep == 1 { flat(g, &name, x.last, len) } else { name }, len };
    }
    let op = g.draw.pick(&["GlobalAveragePool", "GlobalAveragePool", "GlobalMaxPool"]);
    let y = g.op(op, &[&x.name]);
    Vector { name: flat(g, &y, false, len), len }
}

/// `[1, n]` of one pixel.
fn flat(g: &mut Graph, x: &str, last: bool, n: usize) -> String {
    match g.draw.below(5) {
        0 => g.op("Flatten", &[x]),
        1 => g.reshape(x, &[1, -1]),
        2 => g.reshape(x, &[-1, n as i64]),
        3 => {
            // What PyTorch's tracing makes of `x.view(x.size(0), -1)`.
            let shape = g.op("Shape", &[x]);
            let zero = g.ints(&[0]);
            let batch = g.op("Gather", &[&shape, &zero]);
            let rest = g.ints(&[-1]);
            let node = g.node("Concat", &[&batch, &rest]).with_int("axis", 0);
            let to = g.add(node);
            g.op("Reshape", &[x, &to])
        }
        _ => {
            let node = g.node("Squeeze", &[x]);
            let node = g.with_axes(node, if last { &[1, 2] } else { &[2, 3] }, 13);
            g.add(node)
        }
    }
}

/// Pixels as rows of a matrix, multiplied, and averaged.
fn tokens(g: &mut Graph, x: &Value) -> Vector {
    let x = g.channels_first(x);
    let [_, c, h, w] = x.dims;
    let y = g.reshape(&x.name, &signed(&[1, c, h * w]));
    let node = g.node("Transpose", &[&y]).with_ints("perm", &[0, 2, 1]);
    let y = g.add(node);
    let (len, bound) = (g.draw.between(2, 8), 1.4 * (3.0 / c as f32).sqrt());
    let weights = g.draw.reals(c * len, -bound, bound);
    let weights = g.weights(&[c, len], &weights);
    let y = g.op("MatMul", &[&y, &weights]);
    let bias = g.draw.reals(len, -0.3, 0.3);
    let bias = g.floats(&[len], &bias);
    let y = g.op("Add", &[&bias, &y]);
    let y = g.op("Relu", &[&y]);
    let node = g.node("ReduceMean", &[&y]);
    let node = g.with_axes(node, &[1], 18).with_int("keepdims", 0);
    Vector { name: g.add(node), len }
}

/// A hidden layer, or something smaller between two.
fn hidden(g: &mut Graph, x: Vector) -> Vector {
    match g.draw.below(7) {
        0 => Vector { name: g.op("Dropout", &[&x.name]), ..x },
        1 => normalised(g, x),
        2 => {
            let y = dense(g, &x, x.len.min(40), 1.0);
            let y = Vector { name: g.op("Relu", &[&y.name]), ..y };
            let same = y.len == x.len;
            if same { Vector { name: g.op("Add", &[&x.name, &y.name]), ..x } } else { y }
        }
        3 if (3..64).contains(&x.len) => {
            let ends = [1, x.len as i64].map(|v| g.ints(&[v]));
            let axis = g.ints(&[1]);
            Vector { name: g.op("Slice", &[&x.name, &ends[0], &ends[1], &axis]), len: x.len - 1 }
        }
        _ => {
            let to = g.draw.between(3, 16);
            let y = dense(g, &x, to, 1.0);
            Vector { name: g.op("Relu", &[&y.name]), ..y }
        }
    }
}

fn normalised(g: &mut Graph, x: Vector) -> Vector {
    let n = x.len;
    let [gamma, var] = [(0.6, 1.5), (0.4, 1.6)].map(|(a, b)| g.draw.reals(n, a, b));
    let [beta, mean] = [0.3, 0.3].map(|s| g.draw.reals(n, -s, s));
    let mut node = g.node("BatchNormalization", &[&x.name]);
    for v in [gamma, beta, mean, var] {
        node.input.push(g.floats(&[n], &v));
    }
    Vector { name: g.add(node), ..x }
}

/// A fully connected layer in one of its forms.
fn dense(g: &mut Graph, x: &Vector, to: usize, gain: f32) -> Vector {
    let bound = 1.7 * gain * (3.0 / x.len as f32).sqrt();
    let weights = g.draw.reals(x.len * to, -bound, bound);
    let bias = g.draw.reals(to, -0.4 * gain, 0.4 * gain);
    let name = match g.draw.below(4) {
        0 => {
            let weights = g.weights(&[x.len, to], &weights);
            let y = g.op("MatMul", &[&x.name, &weights]);
            let bias = g.floats(&[to], &bias);
            if g.draw.once_in(2) { g.op("Add", &[&y, &bias]) } else { g.op("Add", &[&bias, &y]) }
        }
        1 => {
            let weights = g.weights(&[x.len, to], &weights);
            let node = g.node("Gemm", &[&x.name, &weights]).with_float("alpha", 0.8);
            g.add(node)
        }
        _ => {
            let weights = g.weights(&[to, x.len], &weights);
            let dims: &[usize] = if g.draw.once_in(4) { &[1, to] } else { &[to] };
            let bias = g.floats(dims, &bias);
            let node = g.node("Gemm", &[&x.name, &weights, &bias]).with_int("transB", 1);
            let node = if g.draw.once_in(6) { node.with_float("beta", 0.5) } else { node };
            g.add(node)
        }
    };
    Vector { name, len: to }
}

/// The operators behind the logits: none, or some that keep their order. True if the last tells the
/// class alone.
pub fn finish(g: &mut Graph, logits: &str) -> (String, bool) {
    let along = g.axis(1, 2);
    let along = |node: tacita_onnx::NodeProto| node.with_int("axis", along);
    let op = g.draw.pick(&["", "", "", "Softmax", "LogSoftmax", "Sigmoid", "ArgMax", "Both"]);
    match op {
        "" => (logits.to_owned(), false),
        "Sigmoid" => (g.op(op, &[logits]), false),
        "Softmax" | "LogSoftmax" => {
            let node = along(g.node(op, &[logits]));
            (g.add(node), false)
        }
        _ => {
            let scores = if op == "Both" {
                along(g.node("Softmax", &[logits]))
            } else {
                g.node("Identity", &[logits])
            };
            let scores = g.add(scores);
            let keep = g.draw.below(2) as i64;
            let node = along(g.node("ArgMax", &[&scores])).with_int("keepdims", keep);
            let class = g.add(node);
            if g.draw.once_in(3) {
                let node = g.node("Cast", &[&class]).with_int("to", DataType::Int32 as i64);
                return (g.add(node), true);
            }
            (class, true)
        }
    }
}

/// A ReLU before everything is flattened, as most networks have.
pub fn closed(g: &mut Graph, x: &Value) -> Value {
    if g.draw.once_in(2) { relu(g, x) } else { x.clone() }
}
