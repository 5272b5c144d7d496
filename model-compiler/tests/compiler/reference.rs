//! A naive ONNX interpreter, operator by operator, nothing folded: the oracle of the importer.

use std::collections::HashMap;

use tacita_compile::pixels::Before;
use tacita_onnx::{DimensionValue, ModelProto, NodeProto, TensorProto};

use crate::reference_resize::{conv_transpose, depth_to_space};
use crate::reference_windows::{average, conv, extend, maximum};

/// A float tensor.
#[derive(Clone, Debug)]
pub struct Tensor {
    pub dims: Vec<usize>,
    pub data: Vec<f64>,
}

impl Tensor {
    pub fn new(dims: &[usize], data: Vec<f64>) -> Self {
        assert_eq!(dims.iter().product::<usize>(), data.len());
        Self { dims: dims.to_vec(), data }
    }

    /// Elements given by their indices.
    pub fn from_fn(dims: &[usize], f: impl FnMut(Vec<usize>) -> f64) -> Self {
        Self::new(dims, indices(dims).map(f).collect())
    }

    fn constant(t: &TensorProto) -> Self {
        let dims: Vec<usize> = t.dims.iter().map(|&d| d as usize).collect();
        let data = if t.data_type == 7 && t.raw_data.is_empty() {
            t.int64_data.iter().map(|&x| x as f64).collect()
        } else if t.data_type == 7 {
            let words = t.raw_data.as_chunks::<8>().0.iter();
            words.map(|w| i64::from_le_bytes(*w) as f64).collect()
        } else if t.raw_data.is_empty() {
            t.float_data.iter().map(|&x| f64::from(x)).collect()
        } else {
            let words = t.raw_data.as_chunks::<4>().0.iter();
            words.map(|w| f64::from(f32::from_le_bytes(*w))).collect()
        };
        Self::new(&dims, data)
    }

    pub fn at(&self, index: &[usize]) -> f64 {
        let lead = index.len() - self.dims.len();
        let mut i = 0;
        for (&d, &x) in self.dims.iter().zip(&index[lead..]) {
            i = i * d + if d == 1 { 0 } else { x };
        }
        self.data[i]
    }

    fn ints(&self) -> Vec<i64> {
        self.data.iter().map(|v| *v as i64).collect()
    }
}

/// The model's output for one image, given in CHW order.
pub fn evaluate(model: &ModelProto, image: &[f32], dims: [usize; 3]) -> Vec<f32> {
    let graph = model.graph.as_ref().unwrap();
    let mut values: HashMap<String, Tensor> =
        graph.initializer.iter().map(|t| (t.name.clone(), Tensor::constant(t))).collect();
    values.insert(graph.input[0].name.clone(), input(model, image, dims));
    for node in &graph.node {
        let inputs: Vec<&Tensor> =
            node.input.iter().filter(|n| !n.is_empty()).map(|n| &values[n]).collect();
        let results = apply(node, &inputs);
        for (name, result) in node.output.iter().zip(results) {
            values.insert(name.clone(), result);
        }
    }
    values[&graph.output[0].name].data.iter().map(|x| *x as f32).collect()
}

/// The image as the model's input has it: channels first or last.
fn input(model: &ModelProto, image: &[f32], [c, h, w]: [usize; 3]) -> Tensor {
    let data = image.iter().map(|x| f64::from(*x)).collect();
    let first = Tensor::new(&[1, c, h, w], data);
    let tensor = model.graph.as_ref().unwrap().input[0].r#type.as_ref().unwrap();
    let shape = tensor.tensor_type.as_ref().unwrap().shape.as_ref().unwrap();
    let size = |d: &tacita_onnx::DimensionProto| match d.value {
        Some(DimensionValue::Value(v)) => v as usize,
        _ => 1,
    };
    let sizes: Vec<usize> = shape.dim.iter().map(size).collect();
    if sizes == [1, h, w, c] && sizes != first.dims {
        return permuted(&first, &[0, 2, 3, 1]);
    }
    assert_eq!(sizes, first.dims);
    first
}

fn find<'n>(node: &'n NodeProto, name: &str) -> Option<&'n tacita_onnx::AttributeProto> {
    node.attribute.iter().find(|a| a.name == name)
}

pub fn ints(node: &NodeProto, name: &str, default: &[i64]) -> Vec<usize> {
    signed(node, name, default).iter().map(|&x| x as usize).collect()
}

fn signed(node: &NodeProto, name: &str, default: &[i64]) -> Vec<i64> {
    find(node, name).map_or(default, |a| &a.ints).to_vec()
}

pub fn text(node: &NodeProto, name: &str) -> String {
    let text = find(node, name).map(|a| a.s.clone()).unwrap_or_default();
    String::from_utf8(text).unwrap()
}

pub fn int(node: &NodeProto, name: &str, default: i64) -> i64 {
    find(node, name).map_or(default, |a| a.i)
}

fn float(node: &NodeProto, name: &str, default: f64) -> f64 {
    find(node, name).map_or(default, |a| f64::from(a.f))
}

fn axis(k: i64, x: &Tensor) -> usize {
    (if k < 0 { k + x.dims.len() as i64 } else { k }) as usize
}

/// Axes from the second input or the attribute.
fn axes(node: &NodeProto, x: &[&Tensor]) -> Vec<usize> {
    let given = x.get(1).map_or_else(|| signed(node, "axes", &[]), |t| t.ints());
    given.into_iter().map(|k| axis(k, x[0])).collect()
}

fn apply(node: &NodeProto, x: &[&Tensor]) -> Vec<Tensor> {
    if node.op_type == "Split" {
        return split(node, x);
    }
    vec![match node.op_type.as_str() {
        "Conv" => conv(node, x),
        "ConvTranspose" => conv_transpose(node, x),
        "DepthToSpace" => depth_to_space(node, x[0]),
        "Relu" => map(x[0], |v| v.max(0.0)),
        "LeakyRelu" => map(x[0], |v| v.max(0.0) + float(node, "alpha", 0.01) * v.min(0.0)),
        "Abs" => map(x[0], f64::abs),
        "Neg" => map(x[0], |v| -v),
        "Clip" => {
            let bound = |i: usize, name| x.get(i).map_or(float(node, name, 0.0), |t| t.data[0]);
            let (low, high) = (bound(1, "min"), bound(2, "max"));
            map(x[0], |v| v.max(low).min(high))
        }
        "PRelu" => zip(x[0], x[1], |v, s| if v > 0.0 { v } else { s * v }),
        "Add" | "Sum" => x[1..].iter().fold(x[0].clone(), |a, b| zip(&a, b, |a, b| a + b)),
        "Sub" => zip(x[0], x[1], |a, b| a - b),
        "Mul" => zip(x[0], x[1], |a, b| a * b),
        "Div" => zip(x[0], x[1], |a, b| a / b),
        "Max" => zip(x[0], x[1], f64::max),
        "Min" => zip(x[0], x[1], f64::min),
        "Where" => {
            let kept = zip(x[0], x[1], |m, v| m * v);
            zip(&kept, &zip(x[0], x[2], |m, v| (1.0 - m) * v), |a, b| a + b)
        }
        "BatchNormalization" => batch_norm(x),
        "AveragePool" => average(node, x[0]),
        "MaxPool" => maximum(node, x[0]),
        "GlobalAveragePool" => average(&whole(x[0]), x[0]),
        "GlobalMaxPool" => maximum(&whole(x[0]), x[0]),
        "ReduceMean" => reduce(node, x, |v| v.iter().sum::<f64>() / v.len() as f64),
        "ReduceSum" => reduce(node, x, |v| v.iter().sum()),
        "ReduceMax" => reduce(node, x, |v| v.iter().copied().fold(f64::MIN, f64::max)),
        "Flatten" => Tensor::new(&[1, x[0].data.len()], x[0].data.clone()),
        "Reshape" => reshape(x),
        "Squeeze" => {
            let gone = axes(node, x);
            let kept = x[0].dims.iter().enumerate().filter(|(k, _)| !gone.contains(k));
            Tensor::new(&kept.map(|(_, d)| *d).collect::<Vec<_>>(), x[0].data.clone())
        }
        "Unsqueeze" => {
            let mut dims = x[0].dims.clone();
            x[1].ints().iter().for_each(|&k| dims.insert(k as usize, 1));
            Tensor::new(&dims, x[0].data.clone())
        }
        "Transpose" => {
            let reversed: Vec<i64> = (0..x[0].dims.len() as i64).rev().collect();
            permuted(x[0], &ints(node, "perm", &reversed))
        }
        "ConstantOfShape" => {
            let value = find(node, "value").and_then(|a| a.t.as_ref()).map(Tensor::constant);
            let dims: Vec<usize> = x[0].ints().iter().map(|&d| d as usize).collect();
            Tensor::from_fn(&dims, |_| value.as_ref().map_or(0.0, |v| v.data[0]))
        }
        "Shape" => {
            let dims = x[0].dims.iter().map(|&d| d as f64).collect();
            Tensor::new(&[x[0].dims.len()], dims)
        }
        "Concat" => concat(x, axis(int(node, "axis", 0), x[0])),
        "Slice" => slice(x),
        "Gather" => {
            let at: Vec<usize> = x[1].ints().iter().map(|&i| i as usize).collect();
            let k = axis(int(node, "axis", 0), x[0]);
            let mut picked = taken(x[0], k, &at);
            picked.dims.splice(k..=k, x[1].dims.iter().copied());
            picked
        }
        "Pad" => extend(x[0], &x[1].ints(), x.get(2).map_or(0.0, |v| v.data[0])),
        "Gemm" => gemm(node, x),
        "MatMul" => mat_mul(x),
        "Identity" | "Dropout" | "Cast" => x[0].clone(),
        "Constant" => Tensor::constant(node.attribute[0].t.as_ref().unwrap()),
        other => panic!("the reference does not know {other}"),
    }]
}

fn map(x: &Tensor, f: impl Fn(f64) -> f64) -> Tensor {
    Tensor::new(&x.dims, x.data.iter().map(|v| f(*v)).collect())
}

fn zip(a: &Tensor, b: &Tensor, f: impl Fn(f64, f64) -> f64) -> Tensor {
    let (long, short) = if a.dims.len() >= b.dims.len() { (a, b) } else { (b, a) };
    let lead = long.dims.len() - short.dims.len();
    let mut dims = long.dims.clone();
    for (d, s) in dims[lead..].iter_mut().zip(&short.dims) {
        *d = (*d).max(*s);
    }
    Tensor::from_fn(&dims, |i| f(a.at(&i), b.at(&i)))
}

/// All indices into a tensor, in storage order.
pub fn indices(dims: &[usize]) -> impl Iterator<Item = Vec<usize>> + use<> {
    let (dims, total) = (dims.to_vec(), dims.iter().product::<usize>());
    (0..total).map(move |mut i| {
        let mut index = vec![0; dims.len()];
        for (x, d) in index.iter_mut().zip(&dims).rev() {
            (*x, i) = (i % d, i / d);
        }
        index
    })
}

fn batch_norm(x: &[&Tensor]) -> Tensor {
    let plane: usize = x[0].dims[2..].iter().product();
    let each = x[0].data.iter().enumerate().map(|(i, v)| {
        let p = |k: usize| x[k].data[i / plane % x[1].data.len()];
        (v - p(3)) / (p(4) + 1e-5).sqrt() * p(1) + p(2)
    });
    Tensor::new(&x[0].dims, each.collect())
}

/// A window over all of an image.
fn whole(a: &Tensor) -> NodeProto {
    NodeProto::default().with_ints("kernel_shape", &[a.dims[2] as i64, a.dims[3] as i64])
}

fn reduce(node: &NodeProto, x: &[&Tensor], f: impl Fn(&[f64]) -> f64) -> Tensor {
    let (a, over) = (x[0], axes(node, x));
    let size = |k: usize, on: bool| if over.contains(&k) == on { a.dims[k] } else { 1 };
    let kept: Vec<usize> = (0..a.dims.len()).map(|k| size(k, false)).collect();
    let window: Vec<usize> = (0..a.dims.len()).map(|k| size(k, true)).collect();
    let out = Tensor::from_fn(&kept, |i| {
        let at = |w: Vec<usize>| a.at(&i.iter().zip(w).map(|(a, b)| a + b).collect::<Vec<_>>());
        f(&indices(&window).map(at).collect::<Vec<_>>())
    });
    if int(node, "keepdims", 1) == 1 {
        return out;
    }
    let dims: Vec<usize> = (0..kept.len()).filter(|k| !over.contains(k)).map(|k| kept[k]).collect();
    Tensor::new(&dims, out.data)
}

fn reshape(x: &[&Tensor]) -> Tensor {
    let total = x[0].data.len();
    let target = x[1].ints();
    let copied = |(i, t): (usize, &i64)| if *t == 0 { x[0].dims[i] as i64 } else { *t };
    let target: Vec<i64> = target.iter().enumerate().map(copied).collect();
    let known: i64 = target.iter().filter(|t| **t > 0).product();
    let dims = target.iter().map(|&t| if t < 0 { total / known as usize } else { t as usize });
    Tensor::new(&dims.collect::<Vec<_>>(), x[0].data.clone())
}

pub fn permuted(x: &Tensor, order: &[usize]) -> Tensor {
    let dims: Vec<usize> = order.iter().map(|&k| x.dims[k]).collect();
    Tensor::from_fn(&dims, |i| {
        let mut from = vec![0; i.len()];
        order.iter().zip(&i).for_each(|(&k, &v)| from[k] = v);
        x.at(&from)
    })
}

fn concat(x: &[&Tensor], k: usize) -> Tensor {
    let mut dims = x[0].dims.clone();
    dims[k] = x.iter().map(|t| t.dims[k]).sum();
    Tensor::from_fn(&dims, |mut i| {
        let part = x.iter().find(|t| {
            let own = i[k] < t.dims[k];
            i[k] -= if own { 0 } else { t.dims[k] };
            own
        });
        part.unwrap().at(&i)
    })
}

/// The elements at `at` along one axis.
fn taken(x: &Tensor, k: usize, at: &[usize]) -> Tensor {
    let mut dims = x.dims.clone();
    dims[k] = at.len();
    Tensor::from_fn(&dims, |mut i| {
        i[k] = at[i[k]];
        x.at(&i)
    })
}

fn slice(x: &[&Tensor]) -> Tensor {
    let [starts, ends, axes, steps] = [1, 2, 3, 4].map(|i| x[i].ints());
    let mut out = x[0].clone();
    for (((s, e), k), step) in starts.iter().zip(ends).zip(axes).zip(steps) {
        let k = axis(k, &out);
        let n = out.dims[k] as i64;
        let at = |i: i64| if i < 0 { i.saturating_add(n).max(-1) } else { i.min(n) };
        let picks: Vec<usize> = if step > 0 {
            (at(*s).max(0)..at(e)).step_by(step as usize).map(|i| i as usize).collect()
        } else {
            let down = (at(e) + 1..=at(*s).min(n - 1)).rev();
            down.step_by(step.unsigned_abs() as usize).map(|i| i as usize).collect()
        };
        out = taken(&out, k, &picks);
    }
    out
}

fn split(node: &NodeProto, x: &[&Tensor]) -> Vec<Tensor> {
    let k = axis(int(node, "axis", 0), x[0]);
    let mut start = 0;
    let part = |size: i64| {
        let at: Vec<usize> = (start..start + size as usize).collect();
        start += size as usize;
        taken(x[0], k, &at)
    };
    x[1].ints().into_iter().map(part).collect()
}

fn gemm(node: &NodeProto, x: &[&Tensor]) -> Tensor {
    let (a, w) = (x[0], x[1]);
    let transposed = int(node, "transB", 0) == 1;
    let outputs = w.dims[usize::from(!transposed)];
    Tensor::from_fn(&[1, outputs], |i| {
        let o = i[1];
        let weight = |i: usize| if transposed { w.at(&[o, i]) } else { w.at(&[i, o]) };
        let dot: f64 = a.data.iter().enumerate().map(|(i, v)| v * weight(i)).sum();
        let bias = x.get(2).map_or(0.0, |b| b.at(&[0, o]));
        float(node, "alpha", 1.0) * dot + float(node, "beta", 1.0) * bias
    })
}

fn mat_mul(x: &[&Tensor]) -> Tensor {
    let (a, w) = (x[0], x[1]);
    let mut dims = a.dims.clone();
    *dims.last_mut().unwrap() = w.dims[1];
    Tensor::from_fn(&dims, |i| {
        let (o, mut at) = (i[i.len() - 1], i);
        let last = at.len() - 1;
        let dot = |k| {
            at[last] = k;
            a.at(&at) * w.at(&[k, o])
        };
        (0..w.dims[0]).map(dot).sum()
    })
}

/// An image of uniform values in [-1, 1).
pub fn image(seed: u64, dims: [usize; 3]) -> Vec<f32> {
    let mut b = tacita_compile::testing::ModelBuilder::new(seed ^ 0x55, dims);
    b.uniforms(dims.iter().product(), 0.0, 1.0)
}

/// What the client makes of the graph's input `x`, if that is what the pixels are.
pub fn normalised(network: &mut tacita_compile::Network, x: &[f32]) -> Vec<f32> {
    let bytes = network.graph_input.bytes;
    let before = if bytes { Before::bytes() } else { Before::range(0.0, 1.0) };
    network.feed(&before).unwrap();
    let plane = network.input.height * network.input.width;
    let of = |v: &Option<Vec<f32>>, i: usize| v.as_ref().unwrap()[i / plane];
    let each = x.iter().enumerate().map(|(i, &x)| {
        let p = if bytes { x / 255.0 } else { x };
        (p - of(&network.mean, i)) / of(&network.std, i)
    });
    each.collect()
}

/// Asserts that the imported network computes what the model says, on two images.
pub fn assert_imports(model: &ModelProto, dims: [usize; 3]) -> tacita_compile::Network {
    use prost::Message;
    let network = tacita_compile::read(&model.encode_to_vec()).unwrap();
    for seed in 0..2 {
        let x = image(seed, dims);
        let expected = evaluate(model, &x, dims);
        let mut fed = network.clone();
        let x = normalised(&mut fed, &x);
        let got = fed.evaluate(&x);
        let scale = expected.iter().fold(1.0f32, |m, v| m.max(v.abs()));
        assert_eq!(expected.len(), got.len());
        for (e, g) in expected.iter().zip(&got) {
            assert!((e - g).abs() <= 1e-4 * scale, "{expected:?}\n{got:?}");
        }
    }
    network
}
