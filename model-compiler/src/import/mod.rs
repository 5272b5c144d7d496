//! ONNX to [`Network`]: decode, recognise masked ReLUs, fold, cut into activation tensors.

mod attributes;
mod constant;
mod fold;
mod graph;
mod interpret;
mod linear;
mod locate;
mod masked_relu;
mod metadata;
mod ops;

use prost::Message;
use tacet_onnx::{DimensionValue, GraphProto, ModelProto, ValueInfoProto};
use tacet_protocol::plan::Shape;

use crate::error::{Error, Result};
use crate::lower::lower;
use crate::network::Network;
use interpret::Interpreter;

/// Largest model file, in bytes.
pub const MAX_MODEL_BYTES: usize = 512 << 20;
/// Operator sets whose meaning the importer knows.
const OPSETS: std::ops::RangeInclusive<i64> = 7..=24;

/// Reads an ONNX model and lowers it to what a plan knows.
///
/// # Errors
/// As [`read`] and [`lower`].
pub fn import(bytes: &[u8]) -> Result<Network> {
    let mut network = read(bytes)?;
    lower(&mut network)?;
    Ok(network)
}

/// Like [`import`], from a decoded model.
///
/// # Errors
/// As [`import`].
pub fn import_model(model: &ModelProto) -> Result<Network> {
    let mut network = read_model(model)?;
    lower(&mut network)?;
    Ok(network)
}

/// Reads an ONNX model into a folded float network, not yet lowered.
///
/// # Errors
/// [`Error::Input`] for damaged bytes, [`Error::Unsupported`] and [`Error::Node`] naming the node
/// that private inference cannot take.
pub fn read(bytes: &[u8]) -> Result<Network> {
    if bytes.len() > MAX_MODEL_BYTES {
        return Err(Error::input("the model file is over 512 MiB"));
    }
    let model = ModelProto::decode(bytes).map_err(|e| {
        Error::input(format!("not an ONNX model, or damaged ({e}): export it again"))
    })?;
    read_model(&model)
}

/// Like [`read`], from a decoded model.
///
/// # Errors
/// As [`read`].
pub fn read_model(model: &ModelProto) -> Result<Network> {
    check_opset(model)?;
    let graph = model.graph.as_ref().ok_or_else(|| Error::input("the ONNX file has no graph"))?;
    let mut run = Interpreter::new(graph)?;
    let (name, shape) = graph_input(graph, &run)?;
    run.define_input(name, shape)?;
    for node in &graph.node {
        run.node(node)?;
    }
    let [output] = graph.output.as_slice() else {
        return Err(Error::input(format!("{} graph outputs, 1 is needed", graph.output.len())));
    };
    let output = run.output(&output.name)?;
    let mut network = fold::fold(run.graph, output)?;
    network.warnings.append(&mut run.warnings);
    metadata::read(model, &mut network)?;
    network.name = if graph.name.is_empty() { "network".into() } else { graph.name.clone() };
    Ok(network)
}

fn check_opset(model: &ModelProto) -> Result<()> {
    let standard = model.opset_import.iter().find(|o| o.domain.is_empty() || o.domain == "ai.onnx");
    match standard.map(|o| o.version) {
        Some(v) if OPSETS.contains(&v) => Ok(()),
        Some(v) => Err(Error::input(format!(
            "the model uses ONNX operator set {v}, {} to {} are known: export with another \
             opset_version",
            OPSETS.start(),
            OPSETS.end()
        ))),
        None => Err(Error::input("the model names no ONNX operator set: export it again")),
    }
}

/// The only graph input that is no constant.
fn graph_input<'g>(graph: &'g GraphProto, run: &Interpreter<'g>) -> Result<(&'g str, Shape)> {
    let inputs: Vec<_> = graph.input.iter().filter(|i| !run.is_constant(&i.name)).collect();
    match inputs.as_slice() {
        [input] => Ok((&input.name, input_shape(input)?)),
        [] => Err(Error::input("the graph has no input")),
        many => Err(Error::input(format!(
            "{} graph inputs ({}): only the image may be one; masks must be stored as constants \
             (buffers of the module, not arguments)",
            many.len(),
            many.iter().map(|i| i.name.as_str()).collect::<Vec<_>>().join(", ")
        ))),
    }
}

fn input_shape(input: &ValueInfoProto) -> Result<Shape> {
    let shape = input.r#type.as_ref().and_then(|t| t.tensor_type.as_ref());
    let dims = shape.and_then(|t| t.shape.as_ref()).map(|s| s.dim.as_slice()).unwrap_or_default();
    let fixed = |d: &tacet_onnx::DimensionProto| match &d.value {
        Some(DimensionValue::Value(v)) => usize::try_from(*v).ok().filter(|v| *v > 0),
        _ => None,
    };
    let [batch, c, h, w] = dims else {
        return Err(Error::input(format!(
            "the graph input `{}` has {} dimensions, 4 (batch, channels, rows, columns) are needed",
            input.name,
            dims.len()
        )));
    };
    if fixed(batch).is_some_and(|b| b != 1) {
        return Err(Error::input(
            "the model was exported for several images at once: export it \
             with batch size 1",
        ));
    }
    match (fixed(c), fixed(h), fixed(w)) {
        (Some(c), Some(h), Some(w)) => Ok(Shape::new(c, h, w)),
        _ => Err(Error::input(
            "the image size of the model is not fixed: export it without \
             dynamic axes other than the batch",
        )),
    }
}
