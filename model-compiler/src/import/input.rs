//! The graph's input: which one it is, its shape, and whether channels come first or last.

use tacita_onnx::{DataType, DimensionValue, GraphProto, NodeProto, ValueInfoProto};
use tacita_protocol::plan::Shape;

use super::attributes::Attributes;
use super::view::View;
use crate::error::{Error, Result};

/// Rows and columns of the smallest picture that a flat input is taken for.
const LEAST_SIDE: usize = 4;
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

/// The image, or what else the network is fed.
pub(super) struct Input<'m> {
    pub name: &'m str,
    /// Its stored shape.
    pub shape: Shape,
    /// What the model sees of it.
    pub view: View,
    /// Its sizes behind the batch, as the model has them.
    pub dims: Vec<usize>,
    /// Channels are the last of them.
    pub channels_last: bool,
    /// It can be no picture.
    pub arrays_only: bool,
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
            let layout = layout(input, nodes)?;
            Ok(Input { bytes: is_bytes(input)?, ..layout })
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

fn layout<'m>(input: &'m ValueInfoProto, nodes: &[&NodeProto]) -> Result<Input<'m>> {
    let (dims, batched) = dimensions(input)?;
    let name = input.name.as_str();
    let too_large = || Error::input("the graph input is too large");
    let product = dims.iter().try_fold(1usize, |p, d| p.checked_mul(*d));
    product.filter(|n| *n <= 1 << 22).ok_or_else(too_large)?;
    let order = first_order(name, nodes);
    let (shape, view, channels_last) = match *dims.as_slice() {
        [a, b, c] if is_channels_last(order, [a, b, c]) => {
            let shape = Shape::new(c, a, b);
            (shape, View::channels_last(shape), true)
        }
        [a, b, c] => (Shape::new(a, b, c), View::image(Shape::new(a, b, c)), false),
        [a, b] if order == Order::Transposed(Some(&[0, 2, 1])) => {
            let shape = Shape::new(b, 1, a);
            let view = View::signal(shape).transposed(&[0, 2, 1]);
            (shape, view.ok_or_else(too_large)?, true)
        }
        [a, b] => (Shape::new(a, 1, b), View::signal(Shape::new(a, 1, b)), false),
        [n] if batched && n.isqrt() * n.isqrt() == n && n.isqrt() >= LEAST_SIDE => {
            let shape = Shape::new(1, n.isqrt(), n.isqrt());
            let view = View::image(shape).reshaped(&[1, n]);
            (shape, view.ok_or_else(too_large)?, false)
        }
        [n] => {
            let shape = Shape::new(n, 1, 1);
            let view = View::vector(shape);
            let view = if batched { Some(view) } else { view.reshaped(&[n]) };
            (shape, view.ok_or_else(too_large)?, false)
        }
        _ => {
            return Err(Error::input(format!(
                "the graph input `{name}` has {} dimensions, 4 (batch, channels, rows, columns) \
                 at most are possible",
                dims.len() + 1
            )));
        }
    };
    let picture = matches!(shape.channels, 1 | 3) && shape.height > 1 && dims.len() != 2;
    Ok(Input { name, shape, view, dims, channels_last, arrays_only: !picture, bytes: false })
}

/// Sizes behind the batch; a single dimension has no batch before it.
fn dimensions(input: &ValueInfoProto) -> Result<(Vec<usize>, bool)> {
    let shape = input.r#type.as_ref().and_then(|t| t.tensor_type.as_ref());
    let dims = shape.and_then(|t| t.shape.as_ref()).map(|s| s.dim.as_slice()).unwrap_or_default();
    let fixed = |d: &tacita_onnx::DimensionProto| match &d.value {
        Some(DimensionValue::Value(v)) => usize::try_from(*v).ok().filter(|v| *v > 0),
        _ => None,
    };
    let Some((batch, rest)) = dims.split_first() else { return Ok((vec![], false)) };
    if let (Some(n), []) = (fixed(batch), rest) {
        return Ok((vec![n], false));
    }
    if fixed(batch).is_some_and(|b| b != 1) {
        return Err(Error::input(
            "the model was exported for several images at once: export it with batch size 1",
        ));
    }
    let sizes: Option<Vec<usize>> = rest.iter().map(fixed).collect();
    let sizes = sizes.filter(|s| s.iter().all(|d| *d <= 1 << 22));
    let sizes = sizes.ok_or_else(|| {
        Error::input(
            "the image size of the model is not fixed: export it without dynamic axes other than \
             the batch",
        )
    })?;
    Ok((sizes, true))
}

/// What the model's first operator with a mind of its own says of its input's dimensions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Order<'m> {
    /// Transposes them.
    Transposed(Option<&'m [i64]>),
    /// Has no use for them.
    Flat,
    /// Takes them as they come.
    Kept,
}

fn first_order<'m>(name: &'m str, nodes: &[&'m NodeProto]) -> Order<'m> {
    let mut names = vec![name];
    for node in nodes {
        if !node.input.iter().any(|i| names.contains(&i.as_str())) {
            continue;
        }
        match node.op_type.as_str() {
            "Transpose" => return Order::Transposed(Attributes(node).ints("perm")),
            "Flatten" | "Reshape" | "MatMul" | "ReduceMean" => return Order::Flat,
            // Says nothing of the order.
            "Shape" => {}
            op if KEEPS_ORDER.contains(&op) => {
                names.extend(node.output.iter().map(String::as_str));
            }
            _ => return Order::Kept,
        }
    }
    Order::Kept
}

/// True if the model transposes its image to channels first, or has no use for its order and the
/// sizes say that channels are last.
fn is_channels_last(order: Order<'_>, [a, _, c]: [usize; 3]) -> bool {
    match order {
        Order::Transposed(perm) => perm == Some(&[0, 3, 1, 2]),
        Order::Flat => (c == 1 || c == 3) && a > 4,
        Order::Kept => false,
    }
}
