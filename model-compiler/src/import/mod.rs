//! ONNX to [`Network`]: decode, recognise masked ReLUs, fold, cut into activation tensors.
//!
//! One pass over the nodes ([`interpret`]) makes a [`graph`] of the operators that matter: shape
//! arithmetic is folded away ([`constant_ops`]), transposes and reshapes are [`view`]s of stored
//! tensors, each family of operators has a file. [`fold`] then cuts the graph into layers.

mod activation;
mod affine;
mod attributes;
mod cast;
mod commute;
mod constant;
mod constant_math;
mod constant_ops;
mod conv;
mod copies;
mod cuts;
mod decode;
mod dense;
mod dimensions;
mod dispatch;
mod external;
mod fold;
mod graph;
mod input;
mod interpret;
mod layout;
mod line;
mod locate;
mod masked_relu;
mod metadata;
mod normalise;
mod padding;
mod pending;
mod phases;
mod pieces;
mod pool;
mod reduce;
mod refuse;
mod resize;
mod sorted;
mod transposed;
mod view;
mod walks;

use prost::Message;
use tacita_onnx::ModelProto;

pub use external::{has_external, load};

use crate::error::{Error, Result};
use crate::lower::lower;
use crate::network::Network;
use crate::pixels::GraphInput;
use interpret::Interpreter;
use sorted::sorted;

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
    read_model(&decode_model(bytes)?)
}

fn decode_model(bytes: &[u8]) -> Result<ModelProto> {
    ModelProto::decode(bytes)
        .map_err(|e| Error::input(format!("not an ONNX model, or damaged ({e}): export it again")))
}

/// Like [`read`], from a decoded model.
///
/// # Errors
/// As [`read`].
pub fn read_model(model: &ModelProto) -> Result<Network> {
    let opset = check_opset(model)?;
    let graph = model.graph.as_ref().ok_or_else(|| Error::input("the ONNX file has no graph"))?;
    let mut run = Interpreter::new(graph, opset)?;
    let nodes = sorted(&graph.node)?;
    let input = input::find(graph, &nodes, |name| run.is_constant(name))?;
    run.define_input(&input)?;
    let [output] = graph.output.as_slice() else {
        return Err(Error::input(format!("{} graph outputs, 1 is needed", graph.output.len())));
    };
    run.nodes(&nodes, &output.name)?;
    let output = run.output(&output.name)?;
    let hint = normalise::hint(&run.graph, &run.statistics);
    let affine = normalise::take(&mut run.graph, output);
    let mut network = fold::fold(run.graph, output)?;
    network.top1 = run.arg_max;
    network.head = run.head;
    network.warnings.append(&mut run.warnings);
    network.graph_input = GraphInput {
        bytes: input.bytes,
        affine,
        hint,
        dims: input.dims,
        channels_last: input.channels_last,
        arrays_only: input.arrays_only,
    };
    metadata::read(model, &mut network)?;
    network.name = if graph.name.is_empty() { "network".into() } else { graph.name.clone() };
    Ok(network)
}

fn check_opset(model: &ModelProto) -> Result<i64> {
    let standard = model.opset_import.iter().find(|o| o.domain.is_empty() || o.domain == "ai.onnx");
    match standard.map(|o| o.version) {
        Some(v) if OPSETS.contains(&v) => Ok(v),
        Some(v) => Err(Error::input(format!(
            "the model uses ONNX operator set {v}, {} to {} are known: export with another \
             opset_version",
            OPSETS.start(),
            OPSETS.end()
        ))),
        None => Err(Error::input("the model names no ONNX operator set: export it again")),
    }
}
