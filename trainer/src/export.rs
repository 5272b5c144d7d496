//! Writes a network as ONNX with its masks in place.
//!
//! Batch normalisations are left unfolded. A masked ReLU becomes
//! `Add(Mul(Relu(x), A), Mul(Sub(one, A), x))` with `A` an initializer `[1, C, H, W]`. A
//! layer without any ReLU keeps that pattern with an `A` of zeros, so that a reader can tell
//! how many ReLUs the network would have without masks.

use crate::data::Normalise;
use crate::masks::values;
use crate::net::{BN_EPSILON, ConvBn, MaskedRelu, Net};
use crate::shape::{CHANNELS, CLASSES, SIDE};
use crate::{Error, Result};
use prost::Message;
use std::path::Path;
use tacet_onnx::{
    GraphProto, ModelProto, NodeProto, OperatorSetIdProto, StringStringEntryProto, TensorProto,
    ValueInfoProto,
};
use tch::Tensor;

/// Version of the standard operators.
const OPSET: i64 = 17;
/// Version of the file format.
const IR_VERSION: i64 = 8;
/// Name of the graph's input, `[1, 3, 32, 32]`.
pub const INPUT: &str = "image";
/// Name of the graph's output, `[1, 10]`.
pub const OUTPUT: &str = "logits";

/// The network as an ONNX model; `notes` are added to the metadata as `tacet.train.*`.
///
/// # Errors
/// libtorch refuses to hand a tensor out.
pub fn model(net: &Net, notes: &[(&str, String)]) -> Result<ModelProto> {
    let mut metadata = vec![
        entry("tacet.mean", join(&Normalise::cifar10().mean)),
        entry("tacet.std", join(&Normalise::cifar10().std)),
        entry("tacet.labels", CLASSES.join(",")),
    ];
    metadata.extend(notes.iter().map(|(k, v)| entry(&format!("tacet.train.{k}"), v.clone())));
    Ok(ModelProto {
        ir_version: IR_VERSION,
        producer_name: "tacet-train".to_owned(),
        producer_version: env!("CARGO_PKG_VERSION").to_owned(),
        graph: Some(Graph::default().network(net)?),
        opset_import: vec![OperatorSetIdProto { domain: String::new(), version: OPSET }],
        metadata_props: metadata,
        ..ModelProto::default()
    })
}

/// Writes the network to `path`; gives the length of the file in bytes.
///
/// # Errors
/// The file cannot be written, or libtorch refuses to hand a tensor out.
pub fn write(net: &Net, notes: &[(&str, String)], path: &Path) -> Result<usize> {
    let bytes = model(net, notes)?.encode_to_vec();
    if let Some(dir) = path.parent().filter(|d| !d.as_os_str().is_empty()) {
        std::fs::create_dir_all(dir).map_err(Error::io(dir))?;
    }
    std::fs::write(path, &bytes).map_err(Error::io(path))?;
    Ok(bytes.len())
}

fn entry(key: &str, value: String) -> StringStringEntryProto {
    StringStringEntryProto { key: key.to_owned(), value }
}

fn join(values: &[f32]) -> String {
    values.iter().map(|v| format!("{v:.4}")).collect::<Vec<_>>().join(",")
}

/// A graph that grows by one layer after the other.
#[derive(Default)]
struct Graph {
    nodes: Vec<NodeProto>,
    constants: Vec<TensorProto>,
}

impl Graph {
    fn network(mut self, net: &Net) -> Result<GraphProto> {
        self.constants.push(TensorProto::from_f32("one", &[], &[1.0]));
        let mut relus = net.relus.iter().zip(&net.layers);
        let mut activate = |graph: &mut Self, x: String| match relus.next() {
            Some((relu, layer)) => graph.masked_relu(&layer.name, relu, &x),
            None => Ok(x),
        };
        let mut x = self.conv_bn("stem", &net.stem, INPUT)?;
        x = activate(&mut self, x)?;
        for (i, block) in net.blocks.iter().enumerate() {
            let name = format!("block{}", i + 1);
            let y = self.conv_bn(&format!("{name}.a"), &block.first, &x)?;
            let y = activate(&mut self, y)?;
            let y = self.conv_bn(&format!("{name}.b"), &block.second, &y)?;
            let skip = match &block.shortcut {
                Some(project) => self.conv_bn(&format!("{name}.shortcut"), project, &x)?,
                None => x,
            };
            let sum = self.node("Add", &format!("{name}.sum"), &[&y, &skip]);
            x = activate(&mut self, sum)?;
        }
        self.classifier(net, &x)?;
        let classes = CLASSES.len() as i64;
        Ok(GraphProto {
            node: self.nodes,
            name: "thin-resnet".to_owned(),
            initializer: self.constants,
            input: vec![ValueInfoProto::float(INPUT, &[1, CHANNELS, SIDE, SIDE])],
            output: vec![ValueInfoProto::float(OUTPUT, &[1, classes])],
            ..GraphProto::default()
        })
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

    fn conv_bn(&mut self, name: &str, layer: &ConvBn, x: &str) -> Result<String> {
        let weight = self.constant(format!("{name}.weight"), &layer.weight)?;
        let conv = format!("{name}.conv");
        let (kernel, pad) = (layer.weight.size()[2], layer.padding());
        self.nodes.push(
            NodeProto::new("Conv", &conv, &[x, &weight], &conv)
                .with_ints("kernel_shape", &[kernel; 2])
                .with_ints("strides", &[layer.stride; 2])
                .with_ints("pads", &[pad; 4])
                .with_ints("dilations", &[1, 1])
                .with_int("group", 1),
        );
        let norm = &layer.norm;
        let parts = [
            ("scale", norm.ws.as_ref()),
            ("shift", norm.bs.as_ref()),
            ("mean", Some(&norm.running_mean)),
            ("variance", Some(&norm.running_var)),
        ];
        let mut inputs = vec![conv];
        for (part, tensor) in parts.into_iter().filter_map(|(p, t)| t.map(|t| (p, t))) {
            inputs.push(self.constant(format!("{name}.bn.{part}"), tensor)?);
        }
        let inputs: Vec<&str> = inputs.iter().map(String::as_str).collect();
        let out = format!("{name}.bn");
        self.nodes.push(
            NodeProto::new("BatchNormalization", &out, &inputs, &out)
                .with_float("epsilon", BN_EPSILON as f32),
        );
        Ok(out)
    }

    fn masked_relu(&mut self, name: &str, relu: &MaskedRelu, x: &str) -> Result<String> {
        let mask = self.constant(format!("{name}.mask"), &relu.mask)?;
        let positive = self.node("Relu", &format!("{name}.relu"), &[x]);
        let kept = self.node("Mul", &format!("{name}.kept"), &[&positive, &mask]);
        let rest = self.node("Sub", &format!("{name}.rest"), &["one", &mask]);
        let linear = self.node("Mul", &format!("{name}.linear"), &[&rest, x]);
        Ok(self.node("Add", &format!("{name}.out"), &[&kept, &linear]))
    }

    fn classifier(&mut self, net: &Net, x: &str) -> Result<()> {
        let weight = self.constant("classifier.weight".to_owned(), &net.weight)?;
        let bias = self.constant("classifier.bias".to_owned(), &net.bias)?;
        let pooled = self.node("GlobalAveragePool", "pool", &[x]);
        self.nodes.push(NodeProto::new("Flatten", "flat", &[&pooled], "flat").with_int("axis", 1));
        let inputs = ["flat", weight.as_str(), bias.as_str()];
        let gemm = NodeProto::new("Gemm", "classifier", &inputs, OUTPUT);
        self.nodes.push(gemm.with_int("transB", 1));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::{HashMap, HashSet};

    fn exported() -> ModelProto {
        let mut net = Net::new(4);
        let mask = net.relus[0].mask.zeros_like();
        let ones = net.relus.iter().skip(1).map(|r| r.mask.ones_like());
        let masks: Vec<Tensor> = std::iter::once(mask).chain(ones).collect();
        net.set_masks(&masks).expect("same shapes");
        let dir = tempfile::tempdir().expect("temporary folder");
        let path = dir.path().join("models/net.onnx");
        let bytes = write(&net, &[("seed", "7".to_owned())], &path).expect("written");
        let read = std::fs::read(&path).expect("read");
        assert_eq!(read.len(), bytes);
        ModelProto::decode(read.as_slice()).expect("a model")
    }

    #[test]
    fn nodes_are_counted_and_connected() {
        let graph = exported().graph.expect("a graph");
        let mut counts: HashMap<&str, usize> = HashMap::new();
        let constants = graph.initializer.iter().map(|t| t.name.as_str());
        let mut known: HashSet<&str> = constants.chain([INPUT]).collect();
        for node in &graph.node {
            *counts.entry(&node.op_type).or_default() += 1;
            assert!(node.input.iter().all(|i| known.contains(i.as_str())), "{}", node.name);
            assert!(known.insert(&node.output[0]), "{} is made twice", node.output[0]);
        }
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
        assert!(known.contains(OUTPUT));
    }

    #[test]
    fn metadata_and_masks_are_in_the_file() {
        let model = exported();
        let metadata = model.metadata();
        assert_eq!(metadata["tacet.mean"], "0.4914,0.4822,0.4465");
        assert_eq!(metadata["tacet.std"], "0.2023,0.1994,0.2010");
        assert_eq!(metadata["tacet.labels"].split(',').count(), 10);
        assert_eq!(metadata["tacet.train.seed"], "7");
        let graph = model.graph.as_ref().expect("a graph");
        let mask = graph.initializer.iter().find(|t| t.name == "stem.mask").expect("a mask");
        assert_eq!(mask.dims, [1, 4, 32, 32]);
        assert!(mask.raw_data.iter().all(|&b| b == 0));
    }
}
