//! Pickles as plain data.
//!
//! The machine knows the opcodes of protocols 0 to 5, but no function: a call of an ordered
//! dictionary, a set or the like yields the container, and any other call an [`Object`], which
//! records what was to be called and does nothing. All values of a pickle lie in one arena and
//! name each other by [`Id`], so that shared and even circular values cost nothing and dropping
//! them never recurses. The memory used is bounded by the length of the pickle and [`MAX_VALUES`].

use super::Parsed;

mod calls;
mod machine;
mod opcode;
mod source;

/// Most values that one pickle may make: far above the some ten thousand of a large checkpoint.
pub const MAX_VALUES: usize = 2_000_000;

/// Most values that may wait on the stack of the machine.
pub const MAX_STACK: usize = 1_000_000;

/// Names a value of the pickle that it came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Id(u32);

/// A value of Python.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// `None`.
    None,
    /// `True` or `False`.
    Bool(bool),
    /// An integer of 64 bits.
    Int(i64),
    /// A longer integer: two's complement, least significant byte first.
    Long(Vec<u8>),
    /// A floating-point number.
    Float(f64),
    /// Bytes, or a text of Python 2 that is not UTF-8.
    Bytes(Vec<u8>),
    /// Text.
    Str(String),
    /// A list.
    List(Vec<Id>),
    /// A tuple.
    Tuple(Vec<Id>),
    /// A set or frozen set.
    Set(Vec<Id>),
    /// A dictionary, ordered or not, in order of insertion.
    Dict(Vec<(Id, Id)>),
    /// A class or function that the pickle names; never looked up.
    Global {
        /// Text: its module.
        module: Id,
        /// Text: its name in the module.
        name: Id,
    },
    /// What a call of a global would have made.
    Object(Object),
    /// A reference to something outside the pickle, as PyTorch uses for storages.
    Persistent(Id),
}

/// The inert record of a call.
#[derive(Clone, Debug, PartialEq)]
pub struct Object {
    /// What was to be called.
    pub class: Id,
    /// Its arguments, a tuple as a rule.
    pub args: Id,
    /// The state it was to be given afterwards, most often a dictionary of its attributes.
    pub state: Option<Id>,
}

/// A pickle that was read.
#[derive(Clone, Debug)]
pub struct Pickle {
    values: Vec<Value>,
    root: Id,
}

/// Reads the pickle at the start of `bytes`; gives the bytes that it took, too.
///
/// # Errors
/// It is cut short, damaged, or exceeds a limit.
pub fn parse(bytes: &[u8]) -> Parsed<(Pickle, usize)> {
    machine::Machine::new(bytes).run()
}

impl Pickle {
    /// The value that the pickle stands for.
    pub fn root(&self) -> Id {
        self.root
    }

    /// A value; `None` of Python for an id of another pickle.
    pub fn value(&self, id: Id) -> &Value {
        self.values.get(id.0 as usize).unwrap_or(&Value::None)
    }

    /// All values, in the order in which they were made.
    pub fn ids(&self) -> impl Iterator<Item = Id> + use<> {
        (0..self.values.len() as u32).map(Id)
    }

    /// The text of a value, if it is one.
    pub fn text(&self, id: Id) -> Option<&str> {
        match self.value(id) {
            Value::Str(text) => Some(text),
            _ => None,
        }
    }

    /// A value as a count: an integer that is not negative.
    pub fn count(&self, id: Id) -> Option<usize> {
        match self.value(id) {
            Value::Int(value) => usize::try_from(*value).ok(),
            _ => None,
        }
    }

    /// The elements of a list or tuple.
    pub fn sequence(&self, id: Id) -> Option<&[Id]> {
        match self.value(id) {
            Value::List(items) | Value::Tuple(items) => Some(items),
            _ => None,
        }
    }

    /// The entries of a dictionary.
    pub fn dict(&self, id: Id) -> Option<&[(Id, Id)]> {
        match self.value(id) {
            Value::Dict(entries) => Some(entries),
            _ => None,
        }
    }

    /// The entry of a dictionary under a text; the last of several, as in Python.
    pub fn get(&self, dict: Id, key: &str) -> Option<Id> {
        let entries = self.dict(dict)?;
        entries.iter().rev().find(|(k, _)| self.text(*k) == Some(key)).map(|&(_, value)| value)
    }

    /// Module and name of a global.
    pub fn global(&self, id: Id) -> Option<(&str, &str)> {
        match *self.value(id) {
            Value::Global { module, name } => Some((self.text(module)?, self.text(name)?)),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests;
