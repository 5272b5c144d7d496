//! A naive ONNX interpreter, operator by operator, nothing folded: the oracle of the importer.

use std::collections::HashMap;

use tacet_onnx::{ModelProto, NodeProto, TensorProto};

/// A float tensor.
#[derive(Clone, Debug)]
pub struct Tensor {
    dims: Vec<usize>,
    data: Vec<f64>,
}

impl Tensor {
    fn new(dims: &[usize], data: Vec<f64>) -> Self {
        assert_eq!(dims.iter().product::<usize>(), data.len());
        Self { dims: dims.to_vec(), data }
    }

    fn constant(t: &TensorProto) -> Self {
        let dims: Vec<usize> = t.dims.iter().map(|&d| d as usize).collect();
        let data = if t.data_type == 7 {
            t.int64_data.iter().map(|&x| x as f64).collect()
        } else {
            let words = t.raw_data.as_chunks::<4>().0.iter();
            words.map(|w| f64::from(f32::from_le_bytes(*w))).collect()
        };
        Self::new(&dims, data)
    }

    fn at(&self, index: &[usize]) -> f64 {
        let lead = index.len() - self.dims.len();
        let mut i = 0;
        for (&d, &x) in self.dims.iter().zip(&index[lead..]) {
            i = i * d + if d == 1 { 0 } else { x };
        }
        self.data[i]
    }
}

/// The model's output for one image.
pub fn evaluate(model: &ModelProto, image: &[f32], dims: [usize; 3]) -> Vec<f32> {
    let graph = model.graph.as_ref().unwrap();
    let mut values: HashMap<String, Tensor> =
        graph.initializer.iter().map(|t| (t.name.clone(), Tensor::constant(t))).collect();
    let image = image.iter().map(|x| f64::from(*x)).collect();
    let name = graph.input[0].name.clone();
    values.insert(name, Tensor::new(&[1, dims[0], dims[1], dims[2]], image));
    for node in &graph.node {
        let inputs: Vec<&Tensor> =
            node.input.iter().filter(|n| !n.is_empty()).map(|n| &values[n]).collect();
        let result = apply(node, &inputs);
        values.insert(node.output[0].clone(), result);
    }
    values[&graph.output[0].name].data.iter().map(|x| *x as f32).collect()
}

fn ints(node: &NodeProto, name: &str, default: &[i64]) -> Vec<usize> {
    let found = node.attribute.iter().find(|a| a.name == name);
    let ints = found.map_or(default, |a| &a.ints);
    ints.iter().map(|&x| x as usize).collect()
}

fn int(node: &NodeProto, name: &str) -> i64 {
    node.attribute.iter().find(|a| a.name == name).map_or(0, |a| a.i)
}

fn float(node: &NodeProto, name: &str) -> f64 {
    node.attribute.iter().find(|a| a.name == name).map_or(1.0, |a| f64::from(a.f))
}

fn apply(node: &NodeProto, x: &[&Tensor]) -> Tensor {
    match node.op_type.as_str() {
        "Conv" => conv(node, x),
        "Relu" => map(x[0], |v| v.max(0.0)),
        "PRelu" => zip(x[0], x[1], |v, s| if v > 0.0 { v } else { s * v }),
        "Add" | "Sum" => x[1..].iter().fold(x[0].clone(), |a, b| zip(&a, b, |a, b| a + b)),
        "Sub" => zip(x[0], x[1], |a, b| a - b),
        "Mul" => zip(x[0], x[1], |a, b| a * b),
        "BatchNormalization" => batch_norm(x),
        "AveragePool" => average(node, x[0]),
        "GlobalAveragePool" => {
            let (h, w) = (x[0].dims[2] as i64, x[0].dims[3] as i64);
            let whole = NodeProto::default().with_ints("kernel_shape", &[h, w]);
            average(&whole, x[0])
        }
        "Flatten" | "Reshape" => Tensor::new(&[1, x[0].data.len()], x[0].data.clone()),
        "Gemm" => gemm(node, x),
        "MatMul" => gemm(&NodeProto::default(), x),
        "Identity" | "Dropout" => x[0].clone(),
        "Constant" => Tensor::constant(node.attribute[0].t.as_ref().unwrap()),
        other => panic!("the reference does not know {other}"),
    }
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
    let data = indices(&dims).map(|i| f(a.at(&i), b.at(&i))).collect();
    Tensor::new(&dims, data)
}

fn indices(dims: &[usize]) -> impl Iterator<Item = Vec<usize>> + use<> {
    let (dims, total) = (dims.to_vec(), dims.iter().product::<usize>());
    (0..total).map(move |mut i| {
        let mut index = vec![0; dims.len()];
        for (x, d) in index.iter_mut().zip(&dims).rev() {
            (*x, i) = (i % d, i / d);
        }
        index
    })
}

fn conv(node: &NodeProto, x: &[&Tensor]) -> Tensor {
    let (a, w) = (x[0], x[1]);
    let pads = ints(node, "pads", &[0; 4]);
    let stride = ints(node, "strides", &[1, 1])[0];
    let [_, c, h, wd] = a.dims[..] else { panic!() };
    let [o, _, kh, kw] = w.dims[..] else { panic!() };
    let (oh, ow) = ((h + 2 * pads[0] - kh) / stride + 1, (wd + 2 * pads[1] - kw) / stride + 1);
    let data = indices(&[o, oh, ow]).map(|i| {
        let mut sum = x.get(2).map_or(0.0, |b| b.data[i[0]]);
        for k in indices(&[c, kh, kw]) {
            let (y, z) = (i[1] * stride + k[1], i[2] * stride + k[2]);
            if y >= pads[0] && z >= pads[1] && y - pads[0] < h && z - pads[1] < wd {
                sum += w.at(&[i[0], k[0], k[1], k[2]]) * a.at(&[0, k[0], y - pads[0], z - pads[1]]);
            }
        }
        sum
    });
    Tensor::new(&[1, o, oh, ow], data.collect())
}

fn batch_norm(x: &[&Tensor]) -> Tensor {
    let plane: usize = x[0].dims[2..].iter().product();
    let each = x[0].data.iter().enumerate().map(|(i, v)| {
        let p = |k: usize| x[k].data[i / plane % x[1].data.len()];
        (v - p(3)) / (p(4) + 1e-5).sqrt() * p(1) + p(2)
    });
    Tensor::new(&x[0].dims, each.collect())
}

fn average(node: &NodeProto, a: &Tensor) -> Tensor {
    let k = ints(node, "kernel_shape", &[]);
    let stride = ints(node, "strides", &[1, 1])[0];
    let [_, c, h, w] = a.dims[..] else { panic!() };
    let (oh, ow) = ((h - k[0]) / stride + 1, (w - k[1]) / stride + 1);
    let data = indices(&[c, oh, ow]).map(|i| {
        let window = indices(&[k[0], k[1]]);
        let sum: f64 =
            window.map(|t| a.at(&[0, i[0], i[1] * stride + t[0], i[2] * stride + t[1]])).sum();
        sum / (k[0] * k[1]) as f64
    });
    Tensor::new(&[1, c, oh, ow], data.collect())
}

fn gemm(node: &NodeProto, x: &[&Tensor]) -> Tensor {
    let (a, w) = (x[0], x[1]);
    let transposed = int(node, "transB") == 1;
    let outputs = w.dims[usize::from(!transposed)];
    let data = (0..outputs).map(|o| {
        let weight = |i: usize| if transposed { w.at(&[o, i]) } else { w.at(&[i, o]) };
        let dot: f64 = a.data.iter().enumerate().map(|(i, v)| v * weight(i)).sum();
        let bias = x.get(2).map_or(0.0, |b| b.at(&[0, o]));
        float(node, "alpha") * dot + float(node, "beta") * bias
    });
    Tensor::new(&[1, outputs], data.collect())
}

/// An image of uniform values in [-1, 1).
pub fn image(seed: u64, dims: [usize; 3]) -> Vec<f32> {
    let mut b = tacet_compile::testing::ModelBuilder::new(seed ^ 0x55, dims);
    b.uniforms(dims.iter().product(), 0.0, 1.0)
}

/// Asserts that the imported network computes what the model says, on two images.
pub fn assert_imports(model: &ModelProto, dims: [usize; 3]) -> tacet_compile::Network {
    use prost::Message;
    let network = tacet_compile::read(&model.encode_to_vec()).unwrap();
    for seed in 0..2 {
        let x = image(seed, dims);
        let (expected, got) = (evaluate(model, &x, dims), network.evaluate(&x));
        let scale = expected.iter().fold(1.0f32, |m, v| m.max(v.abs()));
        assert_eq!(expected.len(), got.len());
        for (e, g) in expected.iter().zip(&got) {
            assert!((e - g).abs() <= 1e-4 * scale, "{expected:?}\n{got:?}");
        }
    }
    network
}
