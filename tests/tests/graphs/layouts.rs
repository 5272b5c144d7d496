//! Transposing, reshaping and shuffling.

use crate::graph::{Graph, Value, signed};

impl Graph {
    pub fn channels_first(&mut self, x: &Value) -> Value {
        if x.last { self.turned_to(x, false) } else { x.clone() }
    }

    pub fn turned_to(&mut self, x: &Value, last: bool) -> Value {
        let order = if last { [0, 2, 3, 1] } else { [0, 3, 1, 2] };
        let node = self.node("Transpose", &[&x.name]).with_ints("perm", &order.map(|k| k as i64));
        Value { name: self.add(node), dims: order.map(|k| x.dims[k]), last }
    }

    pub fn reshape(&mut self, x: &str, to: &[i64]) -> String {
        let to = self.ints(to);
        self.op("Reshape", &[x, &to])
    }
}

/// Channels to the other end.
pub fn turn(g: &mut Graph, x: &Value) -> Value {
    g.turned_to(x, !x.last)
}

/// ShuffleNet's exchange of channels between groups.
pub fn shuffle(g: &mut Graph, x: &Value) -> Value {
    let x = g.channels_first(x);
    let [_, c, h, w] = x.dims;
    let groups: Vec<usize> = (2..c).filter(|n| c.is_multiple_of(*n)).collect();
    if groups.is_empty() {
        return x;
    }
    let groups = g.draw.pick(&groups);
    let flat = g.draw.once_in(2);
    let mut apart = vec![1, groups, c / groups];
    apart.extend(if flat { vec![h * w] } else { vec![h, w] });
    let y = g.reshape(&x.name, &signed(&apart));
    let order: &[i64] = if flat { &[0, 2, 1, 3] } else { &[0, 2, 1, 3, 4] };
    let node = g.node("Transpose", &[&y]).with_ints("perm", order);
    let y = g.add(node);
    let to = signed(&x.dims);
    let to = if g.draw.once_in(2) { [1, -1, to[2], to[3]].to_vec() } else { to };
    Value { name: g.reshape(&y, &to), ..x }
}

/// Blocks of pixels as channels, in any of the two usual orders.
pub fn unshuffled(g: &mut Graph, x: &Value) -> Value {
    let x = g.channels_first(x);
    let [_, c, h, w] = x.dims;
    if h % 2 != 0 || w % 2 != 0 {
        return x;
    }
    let apart = g.reshape(&x.name, &signed(&[1, c, h / 2, 2, w / 2, 2]));
    let order = g.draw.pick(&[[0, 1, 3, 5, 2, 4], [0, 3, 5, 1, 2, 4]]);
    let node = g.node("Transpose", &[&apart]).with_ints("perm", &order);
    let y = g.add(node);
    let dims = [1, 4 * c, h / 2, w / 2];
    Value { name: g.reshape(&y, &signed(&dims)), dims, last: false }
}

/// A reshape there and back, its sizes taken from the value's own shape.
pub fn there_and_back(g: &mut Graph, x: &Value) -> Value {
    let own = g.op("Shape", &[&x.name]);
    if g.draw.once_in(3) {
        let flat = g.reshape(&x.name, &[1, -1]);
        return Value { name: g.op("Reshape", &[&flat, &own]), ..x.clone() };
    }
    let first = g.ints(&[0]);
    let batch = g.op("Gather", &[&own, &first]);
    let second = g.ints(&[1]);
    let next = g.op("Gather", &[&own, &second]);
    let rest = g.ints(&[-1]);
    let node = g.node("Concat", &[&batch, &next, &rest]).with_int("axis", 0);
    let to = g.add(node);
    let rows = g.op("Reshape", &[&x.name, &to]);
    let rows = if g.draw.once_in(2) { g.op("Relu", &[&rows]) } else { rows };
    Value { name: g.op("Reshape", &[&rows, &own]), ..x.clone() }
}

/// A dimension of one more, and without it again.
pub fn squeezed(g: &mut Graph, x: &Value) -> Value {
    let axis = g.draw.between(0, 4) as i64;
    let node = g.node("Unsqueeze", &[&x.name]);
    let node = g.with_axes(node, &[axis], 13);
    let y = g.add(node);
    let y = if g.draw.once_in(2) { g.op("Relu", &[&y]) } else { y };
    let node = g.node("Squeeze", &[&y]);
    let node = g.with_axes(node, &[axis], 13);
    Value { name: g.add(node), ..x.clone() }
}

/// A matrix over the channels of every pixel, which are last.
pub fn pixelwise(g: &mut Graph, x: &Value) -> Value {
    let x = if x.last { x.clone() } else { g.turned_to(x, true) };
    let (from, to) = (x.channels(), g.draw.between(1, 8));
    let bound = 1.4 * (3.0 / from as f32).sqrt();
    let weights = g.draw.reals(from * to, -bound, bound);
    let weights = g.weights(&[from, to], &weights);
    let node = g.node("MatMul", &[&x.name, &weights]);
    let dims = [1, x.dims[1], x.dims[2], to];
    if !crate::arithmetic::small(dims) {
        return x;
    }
    let y = g.image(node, &x, dims);
    let bias = g.draw.reals(to, -0.3, 0.3);
    let bias = g.floats(&[to], &bias);
    g.map("Add", &y, &[&bias])
}
