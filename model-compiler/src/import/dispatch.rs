//! The table of operators.

use tacita_onnx::NodeProto;

use super::constant::{Constant, ElementWise};
use super::constant_ops;
use super::interpret::{Fault, Interpreter, Step, Value};
use super::line;
use crate::error::Location;

type Handler = for<'i, 'm, 'n> fn(&'i mut Interpreter<'m>, &'n NodeProto, &'n Location) -> Step;

/// Operators on values that depend on the image.
const TABLE: &[(&str, Handler)] = &[
    ("Abs", |i, n, at| i.abs(n, at)),
    ("Add", |i, n, at| i.element_wise(ElementWise::Add, n, at)),
    ("ArgMax", |i, n, at| i.arg_max(n, at)),
    ("AveragePool", |i, n, at| i.average_pool(n, at)),
    ("BatchNormalization", |i, n, at| i.batch_norm(n, at)),
    ("Cast", |i, n, _| i.cast(n)),
    ("CastLike", |i, n, _| i.cast_like(n)),
    ("Clip", |i, n, at| i.clip(n, at)),
    ("Concat", |i, n, at| i.concat(n, at)),
    ("Conv", |i, n, at| i.conv(n, at)),
    ("ConvTranspose", |i, n, at| i.conv_transpose(n, at)),
    ("DepthToSpace", |i, n, at| i.depth_to_space(n, at)),
    ("Div", |i, n, at| i.element_wise(ElementWise::Div, n, at)),
    ("Dropout", |i, n, _| i.dropout(n)),
    ("Expand", |i, n, _| i.expand(n)),
    ("Flatten", |i, n, at| i.flatten(n, at)),
    ("Gather", |i, n, at| i.gather(n, at)),
    ("Gemm", |i, n, at| i.gemm(n, at)),
    ("GlobalAveragePool", |i, n, at| i.global_average_pool(n, at)),
    ("GlobalMaxPool", |i, n, at| i.global_max_pool(n, at)),
    ("HardSigmoid", |i, n, at| i.hard_sigmoid(n, at)),
    ("Identity", |i, n, _| Ok(i.value(n, 0)?)),
    ("LeakyRelu", |i, n, at| i.leaky_relu(n, at)),
    ("LogSoftmax", |i, n, at| i.softmax(n, at)),
    ("MatMul", |i, n, at| i.mat_mul(n, at)),
    ("Max", |i, n, at| i.extremum(1.0, n, at)),
    ("MaxPool", |i, n, at| i.max_pool(n, at)),
    ("Mean", |i, n, at| i.mean(n, at)),
    ("Min", |i, n, at| i.extremum(-1.0, n, at)),
    ("Mul", |i, n, at| i.element_wise(ElementWise::Mul, n, at)),
    ("Neg", |i, n, at| i.negate(n, at)),
    ("PRelu", |i, n, at| i.prelu(n, at)),
    ("Pad", |i, n, at| i.pad(n, at)),
    ("Pow", |i, n, _| i.power(n)),
    ("ReduceMax", |i, n, at| i.reduce_max(n, at)),
    ("ReduceMean", |i, n, at| i.reduce_mean(n, at)),
    ("ReduceSum", |i, n, at| i.reduce_sum(n, at)),
    ("Relu", |i, n, at| i.relu(n, at)),
    ("Reshape", |i, n, at| i.reshape(n, at)),
    ("Resize", |i, n, at| i.resize(n, at)),
    ("Shape", |i, n, _| i.shape_of(n)),
    ("Sigmoid", |i, n, at| i.sigmoid(n, at)),
    ("Slice", |i, n, at| i.slice(n, at)),
    ("Softmax", |i, n, at| i.softmax(n, at)),
    ("SpaceToDepth", |i, n, at| i.space_to_depth(n, at)),
    ("Squeeze", |i, n, _| i.squeeze(n)),
    ("Sub", |i, n, at| i.element_wise(ElementWise::Sub, n, at)),
    ("Sum", |i, n, at| i.sum(n, at)),
    ("Transpose", |i, n, _| i.transpose(n)),
    ("Unsqueeze", |i, n, _| i.unsqueeze(n)),
    ("Upsample", |i, n, at| i.resize(n, at)),
    ("Where", |i, n, at| i.select(n, at)),
];

/// Operators that have no use for infinite constants.
const CALCULATES: [&str; 11] = [
    "Add",
    "BatchNormalization",
    "Conv",
    "ConvTranspose",
    "Div",
    "Gemm",
    "MatMul",
    "Mul",
    "PRelu",
    "Sub",
    "Sum",
];

impl<'m> Interpreter<'m> {
    /// Names the constant that is not finite.
    fn check_finite(&self, node: &NodeProto) -> Step<()> {
        for (i, name) in node.input.iter().enumerate() {
            if let Some(Value::Const(c)) = self.optional(node, i)? {
                c.finite().map_err(|why| format!("its constant `{name}` is unusable: {why}"))?;
            }
        }
        Ok(())
    }

    /// The values that a node makes.
    pub(super) fn dispatch(&mut self, node: &NodeProto, at: &Location) -> Step<Vec<Value>> {
        if !node.domain.is_empty() && node.domain != "ai.onnx" {
            return Err(Fault::Unsupported);
        }
        if let Some(constant) = self.on_constants(node)? {
            return Ok(vec![constant]);
        }
        if let ("Split", Value::Const(x)) = (node.op_type.as_str(), self.value(node, 0)?) {
            let sizes = self.optional_constant(node, 1)?;
            let parts = constant_ops::split(node, &x, sizes.as_deref())?;
            return parts.into_iter().map(|c| self.folded(c)).collect();
        }
        if CALCULATES.contains(&node.op_type.as_str()) {
            self.check_finite(node)?;
        }
        if node.op_type == "Split" {
            return self.split(node, at);
        }
        let found = TABLE.iter().find(|(name, _)| *name == node.op_type);
        let (_, handler) = found.ok_or(Fault::Unsupported)?;
        let line = self.is_line(node);
        let value = handler(self, &line::plain(node, line), at)?;
        Ok(vec![if line { line::lowered(value)? } else { value }])
    }

    /// The result if every input is a constant and the operator is known on constants.
    fn on_constants(&mut self, node: &NodeProto) -> Step<Option<Value>> {
        let mut constants = Vec::new();
        for i in 0..node.input.len() {
            match self.optional(node, i)? {
                Some(Value::Const(c)) => constants.push(c),
                Some(Value::Node(_)) => return Ok(None),
                None => {}
            }
        }
        let inputs: Vec<&Constant> = constants.iter().map(AsRef::as_ref).collect();
        constant_ops::evaluate(node, &inputs).map(|c| self.folded(c?)).transpose()
    }
}
