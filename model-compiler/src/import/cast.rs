//! Casts. Values that depend on the image are real numbers here: casting them to another kind of
//! float changes nothing, casting them to integers or truth values cuts their fractions off, which
//! no linear operator does. Only the image itself may be of bytes, which are integers already.

use tacita_onnx::{DataType, NodeProto};

use super::attributes::Attributes;
use super::constant::{Constant, Data};
use super::interpret::{Fault, Interpreter, Operand, Step, Value};

impl<'m> Interpreter<'m> {
    pub(super) fn cast(&self, node: &NodeProto) -> Step {
        let to = i32::try_from(Attributes(node).int("to", 0)).unwrap_or(0);
        self.cast_to(self.value(node, 0)?, to)
    }

    pub(super) fn cast_like(&self, node: &NodeProto) -> Step {
        let to = match self.value(node, 1)? {
            Value::Const(c) if matches!(c.data, Data::Ints(_)) => DataType::Int64,
            Value::Node(x) if self.is_bytes(&x) => DataType::Uint8,
            _ => DataType::Float,
        };
        self.cast_to(self.value(node, 0)?, to as i32)
    }

    fn cast_to(&self, value: Value, to: i32) -> Step {
        let Value::Node(x) = &value else { return Ok(value) };
        let kind = DataType::try_from(to);
        let wider = matches!(
            kind,
            Ok(DataType::Uint8
                | DataType::Uint16
                | DataType::Int16
                | DataType::Int32
                | DataType::Int64
                | DataType::Uint32
                | DataType::Uint64)
        );
        // A class is an integer already.
        let class = (self.arg_max || self.mapped)
            && self.dropped.as_ref().is_some_and(|(_, of)| of.id == x.id);
        let real = kind.is_ok_and(|k| k.is_real() || k == DataType::Undefined);
        if real || wider && (class || self.is_bytes(x)) {
            return Ok(value);
        }
        Err(Fault::Because(format!(
            "it casts values that depend on the image to {}: that cuts their fractions off, for \
             which there is no private gadget; export the network without it",
            DataType::name_of(to)
        )))
    }

    /// True for the image itself where that is of bytes.
    fn is_bytes(&self, x: &Operand) -> bool {
        self.bytes && x.id == 0
    }

    /// Refuses arithmetic of bytes and integers: it wraps around, and divides without a rest.
    pub(super) fn check_integers(&self, x: &Operand, c: &Constant) -> Step<()> {
        if self.is_bytes(x) && matches!(c.data, Data::Ints(_)) {
            return Err("it calculates with integers: cast the image to float first".into());
        }
        Ok(())
    }
}
