//! Cutting images apart and putting them together.

use crate::arithmetic::{activation, small, with_constant};
use crate::graph::{Graph, Value, Way, with_text};
use crate::windows::{Aim, conv};

const WAYS: [Way; 4] = [Way::Channels, Way::Channels, Way::Rows, Way::Columns];

/// A slice along an axis or two.
pub fn slice(g: &mut Graph, x: &Value) -> Value {
    let first = g.draw.pick(&WAYS);
    let second = g.draw.pick(&WAYS);
    let mut ways = vec![first];
    if second != first && g.draw.once_in(3) {
        ways.push(second);
    }
    let (mut y, mut of) = (x.clone(), [vec![], vec![], vec![], vec![]]);
    for way in ways {
        let n = x.size(way);
        if n < 2 {
            continue;
        }
        let step = g.draw.pick(&[1, 1, 1, 2, 3]);
        let start = g.draw.below(n / 2 + 1).min(n - 1);
        let end = g.draw.between(start + 1, n);
        y.dims = y.resized(way, (end - start).div_ceil(step));
        let reach = if end == n && g.draw.once_in(2) { i64::MAX } else { from_end(g, end, n) };
        let numbers = [from_end(g, start, n), reach, g.axis(x.axis(way), 4), step as i64];
        of.iter_mut().zip(numbers).for_each(|(list, v)| list.push(v));
    }
    if of[0].is_empty() {
        return y;
    }
    let inputs: Vec<String> = of.iter().map(|v| g.ints(v)).collect();
    let unstepped = of[3].iter().all(|s| *s == 1) && g.draw.once_in(2);
    let mut node = g.node("Slice", &[&x.name]);
    node.input.extend(inputs.into_iter().take(if unstepped { 3 } else { 4 }));
    g.image(node, x, y.dims)
}

/// A position, counted from the end in some cases.
fn from_end(g: &mut Graph, at: usize, n: usize) -> i64 {
    at as i64 - if at < n && g.draw.once_in(3) { n as i64 } else { 0 }
}

/// Channels in any order, or evenly spaced rows or columns.
pub fn gather(g: &mut Graph, x: &Value) -> Value {
    let way = g.draw.pick(&WAYS);
    let n = x.size(way);
    let picks: Vec<usize> = if way == Way::Channels {
        let mut all: Vec<usize> = (0..n).collect();
        g.draw.shuffle(&mut all);
        all.truncate(g.draw.between(n.div_ceil(2), n));
        all
    } else {
        let step = g.draw.between(1, 2);
        (g.draw.below(n.min(2))..n).step_by(step).collect()
    };
    if picks.len() == 1 && g.draw.once_in(2) {
        return one(g, x, way, picks[0]);
    }
    let picks: Vec<i64> = picks.iter().map(|&p| from_end(g, p, n)).collect();
    let at = g.ints(&picks);
    let node = g.node("Gather", &[&x.name, &at]).with_int("axis", x.axis(way) as i64);
    g.image(node, x, x.resized(way, picks.len()))
}

/// A single row, column or channel; its dimension goes and comes back.
fn one(g: &mut Graph, x: &Value, way: Way, at: usize) -> Value {
    let name = g.fresh("index");
    let tensor = tacita_onnx::TensorProto {
        dims: vec![],
        ..tacita_onnx::TensorProto::from_i64(&name, &[at as i64])
    };
    let at = g.tensor(tensor);
    let axis = x.axis(way) as i64;
    let node = g.node("Gather", &[&x.name, &at]).with_int("axis", axis);
    let without = g.add(node);
    let node = g.node("Unsqueeze", &[&without]);
    let node = g.with_axes(node, &[axis], 13);
    g.image(node, x, x.resized(way, 1))
}

/// Zeros around the image, or another number.
pub fn pad(g: &mut Graph, x: &Value) -> Value {
    let mut pads = [0i64; 8];
    let mut dims = x.dims;
    let ways = if g.draw.once_in(4) { &WAYS[..] } else { &WAYS[2..] };
    for &way in ways {
        let k = x.axis(way);
        let [before, after] = [0, 4].map(|side| {
            pads[k + side] = g.draw.below(3) as i64;
            pads[k + side]
        });
        dims[k] = (x.dims[k] as i64 + before + after) as usize;
    }
    if !small(dims) {
        return x.clone();
    }
    let at = g.ints(&pads);
    let mut node = g.node("Pad", &[&x.name, &at]);
    if g.draw.once_in(2) {
        let value = if g.draw.once_in(2) { 0.0 } else { g.draw.real(-0.5, 0.5) };
        node.input.push(g.scalar(value));
    }
    let node = if g.draw.once_in(2) { with_text(node, "mode", "constant") } else { node };
    g.image(node, x, dims)
}

/// Something small of a part.
fn worked(g: &mut Graph, x: &Value) -> Value {
    match g.draw.below(4) {
        0 => x.clone(),
        1 => activation(g, x),
        2 => with_constant(g, x),
        _ if x.last => activation(g, x),
        _ => {
            let y = conv(g, x, Aim::same(x.channels()));
            activation(g, &y)
        }
    }
}

/// Parts of an image one way, each worked on.
pub fn split(g: &mut Graph, x: &Value) -> Value {
    let way = g.draw.pick(&WAYS);
    let (n, axis) = (x.size(way), x.axis(way));
    if n < 2 {
        return x.clone();
    }
    let count = if n % 3 == 0 && g.draw.once_in(2) { 3 } else { 2 };
    let equal = n % count == 0 && g.draw.once_in(2);
    let first = if equal { n / count } else { g.draw.between(1, n - 1) };
    let sizes = if equal { vec![first; count] } else { vec![first, n - first] };
    let parts = divided(g, x, axis, &sizes, equal);
    let parts = parts.into_iter().zip(&sizes).map(|(name, &size)| Value {
        name,
        dims: x.resized(way, size),
        last: x.last,
    });
    let parts: Vec<Value> = parts.collect();
    if equal && g.draw.once_in(3) {
        let other = worked(g, &parts[1]);
        return g.map("Add", &parts[0], &[&other.name]);
    }
    let mut parts: Vec<Value> = parts.iter().map(|p| worked(g, p)).collect();
    if g.draw.once_in(2) {
        parts.reverse();
    }
    joined(g, &parts, way)
}

fn divided(g: &mut Graph, x: &Value, axis: usize, sizes: &[usize], equal: bool) -> Vec<String> {
    let mut node = g.node("Split", &[&x.name]).with_int("axis", axis as i64);
    let outputs: Vec<String> = sizes.iter().map(|_| g.fresh("part")).collect();
    let list: Vec<i64> = sizes.iter().map(|&s| s as i64).collect();
    if !equal || g.draw.once_in(2) {
        if g.opset < 13 {
            node = node.with_ints("split", &list);
        } else {
            node.input.push(g.ints(&list));
        }
    } else if g.opset >= 18 {
        node = node.with_int("num_outputs", sizes.len() as i64);
    }
    node.output.clone_from(&outputs);
    g.nodes.push(node);
    outputs
}

/// Images that differ in one way only, side by side.
pub fn joined(g: &mut Graph, parts: &[Value], way: Way) -> Value {
    let Some(first) = parts.first() else { unreachable!("something is joined") };
    let axis = first.axis(way);
    let inputs: Vec<&str> = parts.iter().map(|p| p.name.as_str()).collect();
    let named = g.axis(axis, 4);
    let node = g.node("Concat", &inputs).with_int("axis", named);
    let total = parts.iter().map(|p| p.dims[axis]).sum();
    g.image(node, first, first.resized(way, total))
}

/// Branches from one image: joined, added, or the larger of both.
pub fn branches(g: &mut Graph, x: &Value) -> Value {
    let x = &if x.last && g.draw.once_in(2) { g.channels_first(x) } else { x.clone() };
    let how = g.draw.pick(&["Concat", "Concat", "Add", "Add", "Sub", "Sum", "Max", "Min", "Mean"]);
    let alike = how != "Concat";
    let branch = |g: &mut Graph| {
        if x.last {
            return worked(g, x);
        }
        let channels = if alike { x.channels() } else { g.draw.between(1, 6) };
        let y = conv(g, x, Aim::same(channels));
        if g.draw.once_in(2) { activation(g, &y) } else { y }
    };
    let (a, b) = (branch(g), if g.draw.once_in(2) { x.clone() } else { branch(g) });
    match how {
        "Concat" => {
            let dims = a.resized(Way::Channels, a.channels() + b.channels());
            if small(dims) { joined(g, &[a, b], Way::Channels) } else { a }
        }
        "Sum" | "Mean" if g.draw.once_in(2) => g.map(how, &a, &[&b.name, &x.name]),
        _ => g.map(how, &a, &[&b.name]),
    }
}

/// Every second row and column, four times, as channels.
pub fn focus(g: &mut Graph, x: &Value) -> Value {
    if [Way::Rows, Way::Columns].iter().any(|w| !x.size(*w).is_multiple_of(2)) {
        return x.clone();
    }
    let phases: Vec<Value> = (0..4)
        .map(|i| {
            let mut y = x.clone();
            for (way, start) in [(Way::Rows, i % 2), (Way::Columns, i / 2)] {
                let numbers = [start as i64, i64::MAX, x.axis(way) as i64, 2];
                let inputs = numbers.map(|v| g.ints(&[v]));
                let mut node = g.node("Slice", &[&y.name]);
                node.input.extend(inputs);
                let dims = y.resized(way, x.size(way) / 2);
                y = g.image(node, x, dims);
            }
            y
        })
        .collect();
    joined(g, &phases, Way::Channels)
}
