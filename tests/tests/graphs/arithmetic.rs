//! Arithmetic with constants, batch normalisation, activations.

use tacita_onnx::{DataType, TensorProto};

use crate::graph::{Graph, MOST, Value, signed};

/// Batch normalisation, as one node or as the arithmetic that it stands for.
pub fn batch_norm(g: &mut Graph, x: &Value) -> Value {
    let n = x.channels();
    let [gamma, var] = [(0.6, 1.5), (0.4, 1.6)].map(|(a, b)| g.draw.reals(n, a, b));
    let [beta, mean] = [0.3, 0.3].map(|s| g.draw.reals(n, -s, s));
    if x.last || g.draw.once_in(5) {
        return written_out(g, x, [&gamma, &beta, &mean, &var]);
    }
    let mut node = g.node("BatchNormalization", &[&x.name]);
    for v in [gamma, beta, mean, var] {
        node.input.push(g.floats(&[n], &v));
    }
    let node = if g.draw.once_in(2) { node.with_float("epsilon", 1e-3) } else { node };
    g.image(node, x, x.dims)
}

/// `(x - mean) / sqrt(var + epsilon) * gamma + beta`.
fn written_out(g: &mut Graph, x: &Value, [gamma, beta, mean, var]: [&[f32]; 4]) -> Value {
    let dims = x.per_channel();
    let [gamma, beta, mean, var] = [gamma, beta, mean, var].map(|v| g.floats(&dims, v));
    let epsilon = g.scalar(1e-5);
    let var = g.op("Add", &[&var, &epsilon]);
    let deviation = g.op("Sqrt", &[&var]);
    let centred = g.map("Sub", x, &[&mean]);
    if g.draw.once_in(2) {
        let factor = g.op("Div", &[&gamma, &deviation]);
        let y = g.map("Mul", &centred, &[&factor]);
        return g.map("Add", &y, &[&beta]);
    }
    let y = g.map("Div", &centred, &[&deviation]);
    let y = g.map("Mul", &y, &[&gamma]);
    g.map("Add", &y, &[&beta])
}

/// A constant of one number, one a channel, or (for sums) one an element.
fn operand(g: &mut Graph, x: &Value, from: f32, to: f32, each: bool) -> String {
    let dims = match g.draw.below(4) {
        0 => vec![],
        1 if each => x.dims[1..].to_vec(),
        2 => [&[1], x.per_channel().as_slice()].concat(),
        _ => x.per_channel(),
    };
    let n = dims.iter().product();
    let values = g.draw.reals(n, from, to);
    g.floats(&dims, &values)
}

/// `x op c` or `c op x`.
pub fn with_constant(g: &mut Graph, x: &Value) -> Value {
    let op = g.draw.pick(&["Add", "Sub", "Mul", "Div"]);
    let c = match op {
        "Add" | "Sub" => operand(g, x, -0.5, 0.5, true),
        _ => operand(g, x, 0.6, 1.6, false),
    };
    if op != "Div" && g.draw.once_in(3) {
        let node = g.node(op, &[&c, &x.name]);
        return g.image(node, x, x.dims);
    }
    g.map(op, x, &[&c])
}

pub fn negated(g: &mut Graph, x: &Value) -> Value {
    g.map("Neg", x, &[])
}

/// An operator that leaves values alone.
pub fn idle(g: &mut Graph, x: &Value) -> Value {
    match g.draw.below(4) {
        0 => g.map("Identity", x, &[]),
        1 if g.opset >= 12 => {
            let ratio = g.scalar(0.4);
            g.map("Dropout", x, &[&ratio])
        }
        1 => g.map("Dropout", x, &[]),
        2 => {
            let half = g.draw.pick(&[DataType::Float16, DataType::Double]);
            let y = cast(g, x, half);
            cast(g, &y, DataType::Float)
        }
        _ => cast(g, x, DataType::Float),
    }
}

pub fn cast(g: &mut Graph, x: &Value, to: DataType) -> Value {
    let node = g.node("Cast", &[&x.name]).with_int("to", to as i64);
    g.image(node, x, x.dims)
}

pub fn relu(g: &mut Graph, x: &Value) -> Value {
    g.map("Relu", x, &[])
}

pub fn activation(g: &mut Graph, x: &Value) -> Value {
    match g.draw.below(16) {
        0 => {
            let node = g.node("LeakyRelu", &[&x.name]);
            let alpha = g.draw.real(0.01, 0.4);
            let node = if g.draw.once_in(4) { node } else { node.with_float("alpha", alpha) };
            g.image(node, x, x.dims)
        }
        1 => {
            let slopes = if g.draw.once_in(3) {
                g.number(0.25)
            } else {
                let slopes = g.draw.reals(x.channels(), 0.0, 0.5);
                g.floats(&x.per_channel(), &slopes)
            };
            g.map("PRelu", x, &[&slopes])
        }
        2 | 3 => clip(g, x),
        4 | 5 => extremum(g, x),
        6 => g.map("Abs", x, &[]),
        7 => hard_sigmoid(g, x),
        8 => masked(g, x),
        _ => relu(g, x),
    }
}

fn hard_sigmoid(g: &mut Graph, x: &Value) -> Value {
    let node = g.node("HardSigmoid", &[&x.name]);
    let node = if g.draw.once_in(2) { node } else { node.with_float("alpha", 1.0 / 6.0) };
    g.image(node, x, x.dims)
}

fn clip(g: &mut Graph, x: &Value) -> Value {
    let (low, high) = match g.draw.below(5) {
        0 => (Some(0.0), Some(6.0)),
        1 => (Some(g.draw.real(-1.0, 0.0)), Some(g.draw.real(0.2, 2.0))),
        2 => (Some(g.draw.real(-0.5, 0.5)), None),
        3 => (None, Some(g.draw.real(0.1, 2.0))),
        _ => (Some(0.0), None),
    };
    let low = low.map_or(String::new(), |v| g.scalar(v));
    let mut node = g.node("Clip", &[&x.name, &low]);
    if let Some(high) = high {
        node.input.push(g.scalar(high));
    }
    g.image(node, x, x.dims)
}

/// The larger or smaller of the value and a constant.
fn extremum(g: &mut Graph, x: &Value) -> Value {
    let op = g.draw.pick(&["Max", "Min"]);
    let c = operand(g, x, -0.4, 0.4, false);
    let inputs = if g.draw.once_in(2) { [&x.name, &c] } else { [&c, &x.name] }.map(|s| s.as_str());
    let node = g.node(op, &inputs);
    g.image(node, x, x.dims)
}

/// A ReLU in some places only.
fn masked(g: &mut Graph, x: &Value) -> Value {
    let by_channel = g.draw.once_in(2);
    let dims = if by_channel { x.per_channel() } else { x.dims[1..].to_vec() };
    let n: usize = dims.iter().product();
    let kept: Vec<bool> = (0..n).map(|_| g.draw.once_in(2)).collect();
    let rectified = relu(g, x);
    if g.draw.once_in(3) {
        let name = g.fresh("kept");
        let raw_data = kept.iter().map(|k| u8::from(*k)).collect();
        let (dims, data_type) = (signed(&dims), DataType::Bool as i32);
        let kept = TensorProto { name, dims, data_type, raw_data, ..TensorProto::default() };
        let kept = g.tensor(kept);
        let node = g.node("Where", &[&kept, &rectified.name, &x.name]);
        return g.image(node, x, x.dims);
    }
    let mask: Vec<f32> = kept.iter().map(|k| f32::from(u8::from(*k))).collect();
    let mask = g.plain(&dims, &mask);
    let one = g.scalar(1.0);
    let rest = g.op("Sub", &[&one, &mask]);
    let (a, b) = (g.map("Mul", &rectified, &[&mask]), g.map("Mul", x, &[&rest]));
    g.map("Add", &a, &[&b.name])
}

/// `Size` within what a value may have.
pub fn small(dims: [usize; 4]) -> bool {
    dims.iter().product::<usize>() <= MOST
}
