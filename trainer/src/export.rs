//! Writes a network as ONNX with its masks in place.
//!
//! Batch normalisations are left unfolded. A masked ReLU becomes
//! `Add(Mul(Relu(x), A), Mul(Sub(one, A), x))` with `A` an initializer `[1, C, H, W]`. A
//! layer without any ReLU keeps that pattern with an `A` of zeros, so that a reader can tell
//! how many ReLUs the network would have without masks.

use crate::data::Normalise;
use crate::masks::values;
use crate::net::{BN_EPSILON, MaskedRelu, Net, Norm, Weights};
use crate::results::replace;
use crate::{Error, Result};
use prost::Message;
use std::path::Path;
use tacita_architectures::{Conv, Family, Graph, Node, NodeId, Op};
use tacita_onnx::{
    GraphProto, ModelProto, NodeProto, OperatorSetIdProto, StringStringEntryProto, TensorProto,
    ValueInfoProto,
};
use tch::Tensor;

/// Version of the standard operators.
const OPSET: i64 = 17;
/// Version of the file format.
const IR_VERSION: i64 = 8;
/// Name of the graph's input, `[1, C, H, W]`.
pub const INPUT: &str = "image";
/// Name of the graph's output, `[1, classes]`, or a map `[1, classes, H, W]`.
pub const OUTPUT: &str = "logits";

/// What the file says beside the network.
#[derive(Clone, Copy, Debug)]
pub struct Notes<'a> {
    /// Names of the classes in the order of the logits.
    pub classes: &'a [String],
    /// How pixels are normalised before they enter the network.
    pub normalise: &'a Normalise,
    /// Added to the metadata as `tacita.train.*`.
    pub more: &'a [(&'a str, String)],
}

/// The network as an ONNX model.
///
/// # Errors
/// libtorch refuses to hand a tensor out.
pub fn model(net: &Net, notes: Notes<'_>) -> Result<ModelProto> {
    // The comma separates labels.
    let labels: Vec<String> = notes.classes.iter().map(|c| c.replace(',', " ")).collect();
    let mut metadata = vec![
        entry("tacita.mean", join(&notes.normalise.mean)),
        entry("tacita.std", join(&notes.normalise.std)),
        entry("tacita.labels", labels.join(",")),
    ];
    metadata.extend(notes.more.iter().map(|(k, v)| entry(&format!("tacita.train.{k}"), v.clone())));
    Ok(ModelProto {
        ir_version: IR_VERSION,
        producer_name: "tacita-train".to_owned(),
        producer_version: env!("CARGO_PKG_VERSION").to_owned(),
        graph: Some(Writer::default().network(net)?),
        opset_import: vec![OperatorSetIdProto { domain: String::new(), version: OPSET }],
        metadata_props: metadata,
        ..ModelProto::default()
    })
}

/// Writes the network to `path`; gives the bytes of the file.
///
/// # Errors
/// The file cannot be written, or libtorch refuses to hand a tensor out.
pub fn write(net: &Net, notes: Notes<'_>, path: &Path) -> Result<Vec<u8>> {
    let bytes = model(net, notes)?.encode_to_vec();
    if let Some(dir) = path.parent().filter(|d| !d.as_os_str().is_empty()) {
        std::fs::create_dir_all(dir).map_err(Error::io(dir))?;
    }
    replace(path, &bytes)?;
    Ok(bytes)
}

fn entry(key: &str, value: String) -> StringStringEntryProto {
    StringStringEntryProto { key: key.to_owned(), value }
}

fn join(values: &[f32]) -> String {
    values.iter().map(f32::to_string).collect::<Vec<_>>().join(",")
}

/// A graph that grows by one operation after the other.
#[derive(Default)]
struct Writer {
    nodes: Vec<NodeProto>,
    constants: Vec<TensorProto>,
    /// Names of the values of the network's nodes.
    names: Vec<String>,
    /// No ReLU is masked, and none is to be later: masks of ones would be most of the file.
    plain: bool,
}

impl Writer {
    fn network(mut self, net: &Net) -> Result<GraphProto> {
        let graph = net.graph();
        let full = net.masks()?.counts().iter().sum::<usize>() == graph.counts().relus;
        self.plain = full && matches!(net.network.layout, Family::UNet { .. });
        if !self.plain {
            self.constants.push(TensorProto::from_f32("one", &[], &[1.0]));
        }
        for (at, node) in graph.nodes.iter().enumerate() {
            let name = match at {
                0 => INPUT.to_owned(),
                _ => self.operation(net, graph, (at, node))?,
            };
            self.names.push(name);
        }
        // A map ends in a convolution, which bears its own name.
        let mut output = vec![1, graph.classes()];
        if let (Some(name), Some(last)) = (self.names.last().cloned(), graph.nodes.last())
            && name != OUTPUT
        {
            self.nodes.push(NodeProto::new("Identity", "map", &[&name], OUTPUT));
            output.extend([last.shape.height, last.shape.width]);
        }
        let s = graph.input();
        Ok(GraphProto {
            node: self.nodes,
            name: net.network.name.clone(),
            initializer: self.constants,
            input: vec![ValueInfoProto::float(INPUT, &[1, s.channels, s.height, s.width])],
            output: vec![ValueInfoProto::float(OUTPUT, &output)],
            ..GraphProto::default()
        })
    }

    fn operation(
        &mut self,
        net: &Net,
        graph: &Graph,
        (at, node): (NodeId, &Node),
    ) -> Result<String> {
        let x = self.names[node.inputs[0]].clone();
        let name = |op: &str| format!("{op}{at}");
        match (&node.op, &net.weights[at]) {
            (Op::Conv(conv), Weights::Affine(weight, bias)) => {
                self.conv(conv, (weight, bias.as_ref()), &x)
            }
            (Op::Enlarge(prefix, _), Weights::Affine(weight, bias)) => {
                self.enlarge(prefix, (weight, bias.as_ref()), &x)
            }
            (Op::Concat, _) => {
                let y = self.names[node.inputs[1]].clone();
                Ok(self.concat(&name("joined"), [&x, &y]))
            }
            (Op::Norm(prefix), Weights::Norm(norms)) => match norms.last() {
                Some(norm) => self.norm(prefix, norm, &x),
                None => Ok(x),
            },
            (Op::Relu(layer), _) => {
                self.masked_relu(&graph.layers[*layer].name, &net.relus[*layer], &x)
            }
            (Op::Add, _) => {
                let y = self.names[node.inputs[1]].clone();
                Ok(self.node("Add", &name("sum"), &[&x, &y]))
            }
            (&Op::MaxPool { kernel, stride, pad }, _) => {
                Ok(self.pool("MaxPool", &name("pool"), &x, (kernel, stride, pad)))
            }
            (&Op::AvgPool(side), _) => {
                Ok(self.pool("AveragePool", &name("pool"), &x, (side, side, 0)))
            }
            (Op::GlobalPool, _) => Ok(self.node("GlobalAveragePool", &name("pool"), &[&x])),
            (&Op::PadShortcut { stride, before, after }, _) => {
                Ok(self.pad_shortcut(&name("shortcut"), &x, stride, (before, after)))
            }
            (Op::Linear(prefix, _), Weights::Affine(weight, bias)) => {
                self.classifier(prefix, (weight, bias.as_ref()), &x)
            }
            _ => Ok(x),
        }
    }

    /// Adds a node whose output bears its name.
    fn node(&mut self, op: &str, name: &str, inputs: &[&str]) -> String {
        self.nodes.push(NodeProto::new(op, name, inputs, name));
        name.to_owned()
    }

    /// Adds a constant.
    fn constant(&mut self, name: String, tensor: &Tensor) -> Result<String> {
        self.constants.push(TensorProto::from_f32(&name, &tensor.size(), &values(tensor)?));
        Ok(name)
    }

    /// Adds a constant of integers.
    fn integers(&mut self, name: String, values: &[i64]) -> String {
        self.constants.push(TensorProto::from_i64(&name, values));
        name
    }

    /// Adds weight and bias; gives the names of `x` and both.
    fn affine(
        &mut self,
        prefix: &str,
        (weight, bias): (&Tensor, Option<&Tensor>),
        x: &str,
    ) -> Result<Vec<String>> {
        let mut inputs = vec![x.to_owned(), self.constant(format!("{prefix}.weight"), weight)?];
        if let Some(bias) = bias {
            inputs.push(self.constant(format!("{prefix}.bias"), bias)?);
        }
        Ok(inputs)
    }

    fn conv(
        &mut self,
        conv: &Conv,
        weights: (&Tensor, Option<&Tensor>),
        x: &str,
    ) -> Result<String> {
        let inputs = self.affine(&conv.name, weights, x)?;
        let inputs: Vec<&str> = inputs.iter().map(String::as_str).collect();
        let out = format!("{}.conv", conv.name);
        self.nodes.push(
            NodeProto::new("Conv", &out, &inputs, &out)
                .with_ints("kernel_shape", &[conv.kernel; 2])
                .with_ints("strides", &[conv.stride; 2])
                .with_ints("pads", &[conv.pad; 4])
                .with_ints("dilations", &[1, 1])
                .with_int("group", conv.groups),
        );
        Ok(out)
    }

    fn enlarge(
        &mut self,
        prefix: &str,
        weights: (&Tensor, Option<&Tensor>),
        x: &str,
    ) -> Result<String> {
        let inputs = self.affine(prefix, weights, x)?;
        let inputs: Vec<&str> = inputs.iter().map(String::as_str).collect();
        let out = format!("{prefix}.out");
        self.nodes.push(
            NodeProto::new("ConvTranspose", &out, &inputs, &out)
                .with_ints("kernel_shape", &[2; 2])
                .with_ints("strides", &[2; 2]),
        );
        Ok(out)
    }

    fn concat(&mut self, name: &str, inputs: [&str; 2]) -> String {
        self.nodes.push(NodeProto::new("Concat", name, &inputs, name).with_int("axis", 1));
        name.to_owned()
    }

    fn norm(&mut self, prefix: &str, norm: &Norm, x: &str) -> Result<String> {
        let parts = [
            ("scale", &norm.scale),
            ("shift", &norm.shift),
            ("mean", &norm.mean),
            ("variance", &norm.variance),
        ];
        let mut inputs = vec![x.to_owned()];
        for (part, tensor) in parts {
            inputs.push(self.constant(format!("{prefix}.{part}"), tensor)?);
        }
        let inputs: Vec<&str> = inputs.iter().map(String::as_str).collect();
        let out = format!("{prefix}.norm");
        self.nodes.push(
            NodeProto::new("BatchNormalization", &out, &inputs, &out)
                .with_float("epsilon", BN_EPSILON as f32),
        );
        Ok(out)
    }

    fn masked_relu(&mut self, name: &str, relu: &MaskedRelu, x: &str) -> Result<String> {
        if self.plain {
            return Ok(self.node("Relu", &format!("{name}.out"), &[x]));
        }
        let mask = self.constant(format!("{name}.mask"), &relu.mask)?;
        let positive = self.node("Relu", &format!("{name}.relu"), &[x]);
        let kept = self.node("Mul", &format!("{name}.kept"), &[&positive, &mask]);
        let rest = self.node("Sub", &format!("{name}.rest"), &["one", &mask]);
        let linear = self.node("Mul", &format!("{name}.linear"), &[&rest, x]);
        Ok(self.node("Add", &format!("{name}.out"), &[&kept, &linear]))
    }

    fn pool(&mut self, op: &str, name: &str, x: &str, window: (i64, i64, i64)) -> String {
        let (kernel, stride, pad) = window;
        self.nodes.push(
            NodeProto::new(op, name, &[x], name)
                .with_ints("kernel_shape", &[kernel; 2])
                .with_ints("strides", &[stride; 2])
                .with_ints("pads", &[pad; 4]),
        );
        name.to_owned()
    }

    /// Every `stride`-th pixel, then zero channels around.
    fn pad_shortcut(&mut self, name: &str, x: &str, stride: i64, pads: (i64, i64)) -> String {
        let part = |part: &str| format!("{name}.{part}");
        let starts = self.integers(part("starts"), &[0, 0]);
        let ends = self.integers(part("ends"), &[i64::MAX, i64::MAX]);
        let axes = self.integers(part("axes"), &[2, 3]);
        let steps = self.integers(part("steps"), &[stride; 2]);
        let slice = self.node("Slice", &part("slice"), &[x, &starts, &ends, &axes, &steps]);
        let pads = self.integers(part("pads"), &[0, pads.0, 0, 0, 0, pads.1, 0, 0]);
        self.node("Pad", name, &[&slice, &pads])
    }

    fn classifier(
        &mut self,
        prefix: &str,
        weights: (&Tensor, Option<&Tensor>),
        x: &str,
    ) -> Result<String> {
        self.nodes.push(NodeProto::new("Flatten", "flat", &[x], "flat").with_int("axis", 1));
        let inputs = self.affine(prefix, weights, "flat")?;
        let inputs: Vec<&str> = inputs.iter().map(String::as_str).collect();
        let gemm = NodeProto::new("Gemm", prefix, &inputs, OUTPUT);
        self.nodes.push(gemm.with_int("transB", 1));
        Ok(OUTPUT.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::masks::MaskSet;
    use std::collections::{HashMap, HashSet};
    use tacita_architectures::{Options, Shape};
    use tch::Device;

    fn net(name: &str) -> Net {
        let input = Shape { channels: 3, height: 32, width: 32 };
        let base_width = name.starts_with("resnet").then_some(4);
        let options = Options { base_width, ..Options::named(name) };
        Net::new(&options.network(input, 10).expect("a network"), Device::Cpu)
    }

    fn exported(mut net: Net) -> ModelProto {
        let culled: Vec<bool> = (0..net.layers().len()).map(|i| i == 0).collect();
        net.set_masks(&MaskSet::full(net.layers(), &culled)).expect("same shapes");
        let dir = tempfile::tempdir().expect("temporary folder");
        let path = dir.path().join("models/net.onnx");
        let classes: Vec<String> = (0..10).map(|i| format!("class {i}")).collect();
        let more = [("seed", "7".to_owned())];
        let normalise = Normalise::cifar10();
        let notes = Notes { classes: &classes, normalise: &normalise, more: &more };
        let bytes = write(&net, notes, &path).expect("written");
        assert_eq!(std::fs::read(&path).expect("read"), bytes);
        ModelProto::decode(bytes.as_slice()).expect("a model")
    }

    #[test]
    fn every_family_makes_a_connected_graph() {
        for name in ["resnet18", "wrn22-8", "vgg16", "mobilenetv1", "minionn"] {
            let options = Options { width_multiplier: 0.125, ..Options::named(name) };
            let input = Shape { channels: 3, height: 32, width: 32 };
            let network = options.network(input, 10).expect("a network");
            let graph = exported(Net::new(&network, Device::Cpu)).graph.expect("a graph");
            connected(&graph);
        }
    }

    /// Every value is made once, before it is read.
    fn connected(graph: &GraphProto) {
        let constants = graph.initializer.iter().map(|t| t.name.as_str());
        let mut known: HashSet<&str> = constants.chain([INPUT]).collect();
        for node in &graph.node {
            assert!(node.input.iter().all(|i| known.contains(i.as_str())), "{}", node.name);
            assert!(known.insert(&node.output[0]), "{} is made twice", node.output[0]);
        }
        assert!(known.contains(OUTPUT));
    }

    #[test]
    fn nodes_are_counted_and_connected() {
        let graph = exported(net("resnet20")).graph.expect("a graph");
        connected(&graph);
        let mut counts: HashMap<&str, usize> = HashMap::new();
        graph.node.iter().for_each(|node| *counts.entry(&node.op_type).or_default() += 1);
        let want = [
            ("Conv", 21),
            ("BatchNormalization", 21),
            ("Relu", 19),
            ("Mul", 38),
            ("Sub", 19),
            ("Add", 28),
            ("GlobalAveragePool", 1),
            ("Flatten", 1),
            ("Gemm", 1),
        ];
        assert_eq!(counts, HashMap::from(want));
    }

    #[test]
    fn metadata_and_masks_are_in_the_file() {
        let model = exported(net("resnet20"));
        let metadata = model.metadata();
        assert_eq!(metadata["tacita.mean"], "0.4914,0.4822,0.4465");
        assert_eq!(metadata["tacita.std"], "0.2023,0.1994,0.201");
        assert_eq!(metadata["tacita.labels"].split(',').count(), 10);
        assert_eq!(metadata["tacita.train.seed"], "7");
        let graph = model.graph.as_ref().expect("a graph");
        let mask = graph.initializer.iter().find(|t| t.name == "stem.mask").expect("a mask");
        assert_eq!(mask.dims, [1, 4, 32, 32]);
        assert!(mask.raw_data.iter().all(|&b| b == 0));
    }
}
