//! Signals: operators on `[1, channels, length]` are those on an image of one row.

use std::borrow::Cow;
use std::rc::Rc;

use tacita_onnx::NodeProto;

use super::constant::{Constant, Reason};
use super::interpret::{Interpreter, Operand, Value};

/// Operators with windows, and what resizes.
const WINDOWS: [&str; 8] = [
    "Conv",
    "ConvTranspose",
    "MaxPool",
    "AveragePool",
    "GlobalAveragePool",
    "GlobalMaxPool",
    "Resize",
    "Upsample",
];

/// Attributes with one entry an axis.
const AXES: [(&str, i64); 5] = [
    ("kernel_shape", 1),
    ("strides", 1),
    ("dilations", 1),
    ("output_padding", 0),
    ("output_shape", 1),
];

impl<'m> Interpreter<'m> {
    /// True if the node's window slides over a signal.
    pub(super) fn is_line(&self, node: &NodeProto) -> bool {
        let signal = |x: &Operand| x.view.rank() == 3;
        WINDOWS.contains(&node.op_type.as_str()) && self.operand(node, 0).is_ok_and(|x| signal(&x))
    }

    /// A convolution's weights; those of a signal with a row.
    pub(super) fn filters(&self, node: &NodeProto) -> Reason<Rc<Constant>> {
        let (w, x) = (self.constant(node, 1)?, self.operand(node, 0)?);
        let (own, image) = (w.dims.len(), x.view.rank());
        // What is neither an image nor a signal is refused as such.
        if matches!(image, 3 | 4) && own != image {
            return Err(match own {
                5 => "a 3-dimensional convolution: images and signals only are supported".into(),
                _ => format!("weights of {own} dimensions for a value of {image}"),
            });
        }
        let &[out, per_group, length] = w.dims.as_slice() else { return Ok(w) };
        Ok(Rc::new(w.reshaped(vec![out, per_group, 1, length])?))
    }
}

/// The node with attributes for an image of one row.
pub(super) fn lifted(node: &NodeProto) -> NodeProto {
    let mut node = node.clone();
    for a in &mut node.attribute {
        if let Some((_, row)) = AXES.iter().find(|(name, _)| *name == a.name) {
            a.ints.insert(0, *row);
        } else if a.name == "pads"
            && let [before, behind] = a.ints[..]
        {
            a.ints = vec![0, before, 0, behind];
        }
    }
    node
}

/// The node as its handler takes it.
pub(super) fn plain(node: &NodeProto, line: bool) -> Cow<'_, NodeProto> {
    if line { Cow::Owned(lifted(node)) } else { Cow::Borrowed(node) }
}

/// A signal of an image of one row.
pub(super) fn lowered(value: Value) -> Reason<Value> {
    let Value::Node(x) = value else { return Ok(value) };
    let view = x.view.without(|k| k == 2).ok_or("its result has more than one row")?;
    Ok(Value::Node(Operand { view, ..x }))
}
