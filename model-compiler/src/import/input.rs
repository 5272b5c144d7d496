//! The graph's input: which one it is, its shape, and whether channels come first or last.

use tacita_onnx::{DataType, DimensionValue, GraphProto, NodeProto, ValueInfoProto};
use tacita_protocol::plan::Shape;

use super::attributes::Attributes;
use super::view::View;
use crate::error::{Error, Result};

/// Operators that keep the order of a value's dimensions.
const KEEPS_ORDER: [&str; 20] = [
    "Add",
    "Sub",
    "Mul",
    "Div",
    "Neg",
    "Abs",
    "Cast",
    "CastLike",
    "Identity",
    "Dropout",
    "Pad",
    "Clip",
    "Min",
    "Max",
    "Relu",
    "Slice",
    "Gather",
    "Concat",
    "Split",
    "Unsqueeze",
];

/// The image.
pub(super) struct Input<'m> {
    pub name: &'m str,
    /// Its stored shape.
    pub shape: Shape,
    /// What the model sees of it.
    pub view: View,
    /// Its elements are bytes.
    pub bytes: bool,
}

/// The only graph input that is no constant.
pub(super) fn find<'m>(
    graph: &'m GraphProto,
    nodes: &[&NodeProto],
    is_constant: impl Fn(&str) -> bool,
) -> Result<Input<'m>> {
    let inputs: Vec<_> = graph.input.iter().filter(|i| !is_constant(&i.name)).collect();
    match inputs.as_slice() {
        [input] => {
            let (shape, view) = layout(input, nodes)?;
            Ok(Input { name: &input.name, shape, view, bytes: is_bytes(input)? })
        }
        [] => Err(Error::input("the graph has no input")),
        many => Err(Error::input(format!(
            "{} graph inputs ({}): only the image may be one; masks must be stored as constants \
             (buffers of the module, not arguments)",
            many.len(),
            many.iter().map(|i| i.name.as_str()).collect::<Vec<_>>().join(", ")
        ))),
    }
}

/// True for uint8, false for floats; other pixels are not known.
fn is_bytes(input: &ValueInfoProto) -> Result<bool> {
    let tensor = input.r#type.as_ref().and_then(|t| t.tensor_type.as_ref());
    let kind = tensor.map_or(0, |t| t.elem_type);
    match DataType::try_from(kind) {
        Ok(DataType::Uint8) => Ok(true),
        Ok(kind) if kind.is_real() || kind == DataType::Undefined => Ok(false),
        _ => Err(Error::input(format!(
            "the graph input `{}` is of type {}: an image of floats or of bytes (uint8) is needed",
            input.name,
            DataType::name_of(kind)
        ))),
    }
}

fn layout(input: &ValueInfoProto, nodes: &[&NodeProto]) -> Result<(Shape, View)> {
    let sizes = dimensions(input)?;
    match *sizes.as_slice() {
        [a, b, c] => {
            let last = Shape::new(c, a, b);
            if is_channels_last(&input.name, [a, b, c], nodes) {
                return Ok((last, View::channels_last(last)));
            }
            let first = Shape::new(a, b, c);
            Ok((first, View::image(first)))
        }
        [n] if n.isqrt() * n.isqrt() == n => {
            let shape = Shape::new(1, n.isqrt(), n.isqrt());
            let view = View::image(shape).reshaped(&[1, n]);
            Ok((shape, view.ok_or_else(|| Error::input("the graph input is too large"))?))
        }
        _ => Err(Error::input(format!(
            "the graph input `{}` has {} dimensions, 4 (batch, channels, rows, columns) are needed",
            input.name,
            sizes.len() + 1
        ))),
    }
}

/// Sizes behind the batch.
fn dimensions(input: &ValueInfoProto) -> Result<Vec<usize>> {
    let shape = input.r#type.as_ref().and_then(|t| t.tensor_type.as_ref());
    let dims = shape.and_then(|t| t.shape.as_ref()).map(|s| s.dim.as_slice()).unwrap_or_default();
    let fixed = |d: &tacita_onnx::DimensionProto| match &d.value {
        Some(DimensionValue::Value(v)) => usize::try_from(*v).ok().filter(|v| *v > 0),
        _ => None,
    };
    let Some((batch, rest)) = dims.split_first() else { return Ok(vec![]) };
    if fixed(batch).is_some_and(|b| b != 1) {
        return Err(Error::input(
            "the model was exported for several images at once: export it with batch size 1",
        ));
    }
    let sizes: Option<Vec<usize>> = rest.iter().map(fixed).collect();
    let sizes = sizes.filter(|s| s.iter().all(|d| *d <= 1 << 22));
    sizes.ok_or_else(|| {
        Error::input(
            "the image size of the model is not fixed: export it without dynamic axes other than \
             the batch",
        )
    })
}

/// True if the model transposes its image to channels first, or has no use for its order and the
/// sizes say that channels are last.
fn is_channels_last(name: &str, [a, _, c]: [usize; 3], nodes: &[&NodeProto]) -> bool {
    let mut names = vec![name];
    for node in nodes {
        if !node.input.iter().any(|i| names.contains(&i.as_str())) {
            continue;
        }
        match node.op_type.as_str() {
            "Transpose" => return Attributes(node).ints("perm") == Some(&[0, 3, 1, 2]),
            "Flatten" | "Reshape" | "MatMul" | "ReduceMean" => {
                return (c == 1 || c == 3) && a > 4;
            }
            // Says nothing of the order.
            "Shape" => {}
            op if KEEPS_ORDER.contains(&op) => {
                names.extend(node.output.iter().map(String::as_str));
            }
            _ => return false,
        }
    }
    false
}
