//! The stack machine of pickles.

use super::opcode as op;
use super::source::Source;
use super::{Id, MAX_STACK, MAX_VALUES, Pickle, Value};
use crate::import::{Parsed, Problem};
use std::collections::HashMap;

/// State of the machine.
#[derive(Debug)]
pub struct Machine<'a> {
    pub(super) source: Source<'a>,
    pub(super) values: Vec<Value>,
    stack: Vec<Id>,
    /// Heights of the stack at which a mark lies.
    marks: Vec<usize>,
    memo: HashMap<u64, Id>,
    /// Values made and copied so far.
    spent: usize,
}

impl<'a> Machine<'a> {
    /// A machine about to read `bytes`.
    pub fn new(bytes: &'a [u8]) -> Self {
        let source = Source::new(bytes);
        let (values, stack, marks, memo) = (Vec::new(), Vec::new(), Vec::new(), HashMap::new());
        Self { source, values, stack, marks, memo, spent: 0 }
    }

    /// Runs to the end of the pickle; gives it and the bytes that it took.
    pub fn run(mut self) -> Parsed<(Pickle, usize)> {
        loop {
            match self.source.byte()? {
                op::STOP => break,
                code => self.step(code)?,
            }
        }
        let root = self.pop()?;
        Ok((Pickle { values: self.values, root }, self.source.position()))
    }

    fn step(&mut self, code: u8) -> Parsed<()> {
        if let Some(value) = self.literal(code)? {
            return self.push_new(value);
        }
        let known =
            self.stack_op(code)? || self.build(code)? || self.extend(code)? || self.object(code)?;
        if known { Ok(()) } else { Err(self.problem(&format!("unknown opcode {code:#04x}"))) }
    }

    pub(super) fn problem(&self, what: &str) -> Problem {
        self.source.problem(what)
    }

    /// Counts `count` values against the limit.
    pub(super) fn charge(&mut self, count: usize) -> Parsed<()> {
        self.spent = self.spent.saturating_add(count);
        if self.spent > MAX_VALUES {
            return Err(self.problem(&format!("makes more than {MAX_VALUES} values")));
        }
        Ok(())
    }

    pub(super) fn push(&mut self, id: Id) -> Parsed<()> {
        if self.stack.len() >= MAX_STACK {
            return Err(self.problem(&format!("stacks more than {MAX_STACK} values")));
        }
        self.stack.push(id);
        Ok(())
    }

    pub(super) fn new_value(&mut self, value: Value) -> Parsed<Id> {
        self.charge(1)?;
        self.values.push(value);
        Ok(Id(self.values.len() as u32 - 1))
    }

    pub(super) fn push_new(&mut self, value: Value) -> Parsed<()> {
        let id = self.new_value(value)?;
        self.push(id)
    }

    /// Takes the top of the stack; what lies below the last mark cannot be taken.
    pub(super) fn pop(&mut self) -> Parsed<Id> {
        if self.stack.len() <= self.marks.last().copied().unwrap_or(0) {
            return Err(self.problem("takes from an empty stack"));
        }
        self.stack.pop().ok_or_else(|| self.problem("takes from an empty stack"))
    }

    pub(super) fn top(&mut self) -> Parsed<Id> {
        let id = self.pop()?;
        self.push(id)?;
        Ok(id)
    }

    /// Takes everything above the last mark, and the mark.
    pub(super) fn pop_mark(&mut self) -> Parsed<Vec<Id>> {
        let mark = self.marks.pop().ok_or_else(|| self.problem("has no mark"))?;
        Ok(self.stack.split_off(mark))
    }

    /// Opcodes that move values about; false for any other opcode.
    fn stack_op(&mut self, code: u8) -> Parsed<bool> {
        match code {
            op::MARK if self.marks.len() >= MAX_STACK => return Err(self.problem("nests too deep")),
            op::MARK => self.marks.push(self.stack.len()),
            op::POP if self.marks.last() == Some(&self.stack.len()) => _ = self.marks.pop(),
            op::POP => _ = self.pop()?,
            op::POP_MARK => _ = self.pop_mark()?,
            op::DUP => {
                let id = self.top()?;
                self.push(id)?;
            }
            op::PROTO => {
                if self.source.byte()? > 5 {
                    return Err(self.problem("unknown protocol"));
                }
            }
            op::FRAME => {
                if self.source.unsigned::<8>()? > self.source.left() as u64 {
                    return Err(self.problem("a frame is cut short"));
                }
            }
            op::PUT | op::BINPUT | op::LONG_BINPUT | op::MEMOIZE => self.put(code)?,
            op::GET | op::BINGET | op::LONG_BINGET => self.fetch(code)?,
            _ => return Ok(false),
        }
        Ok(true)
    }

    fn put(&mut self, code: u8) -> Parsed<()> {
        let index = match code {
            op::PUT => self.index_line()?,
            op::BINPUT => self.source.unsigned::<1>()?,
            op::LONG_BINPUT => self.source.unsigned::<4>()?,
            _ => self.memo.len() as u64,
        };
        let id = self.top()?;
        self.memo.insert(index, id);
        Ok(())
    }

    fn fetch(&mut self, code: u8) -> Parsed<()> {
        let index = match code {
            op::GET => self.index_line()?,
            op::BINGET => self.source.unsigned::<1>()?,
            _ => self.source.unsigned::<4>()?,
        };
        let id = self.memo.get(&index).copied();
        self.push(id.ok_or_else(|| self.problem("recalls what it never stored"))?)
    }

    fn index_line(&mut self) -> Parsed<u64> {
        self.source.ascii()?.parse().map_err(|_| self.problem("a memo index is no number"))
    }

    /// Opcodes that make containers; false for any other opcode.
    fn build(&mut self, code: u8) -> Parsed<bool> {
        let value = match code {
            op::EMPTY_LIST => Value::List(Vec::new()),
            op::LIST => Value::List(self.pop_mark()?),
            op::EMPTY_TUPLE => Value::Tuple(Vec::new()),
            op::TUPLE => Value::Tuple(self.pop_mark()?),
            op::TUPLE1 => Value::Tuple(self.pop_last(1)?),
            op::TUPLE2 => Value::Tuple(self.pop_last(2)?),
            op::TUPLE3 => Value::Tuple(self.pop_last(3)?),
            op::EMPTY_DICT => Value::Dict(Vec::new()),
            op::DICT => Value::Dict(self.pop_pairs()?),
            op::EMPTY_SET => Value::Set(Vec::new()),
            op::FROZENSET => Value::Set(self.pop_mark()?),
            _ => return Ok(false),
        };
        self.push_new(value)?;
        Ok(true)
    }

    fn pop_last(&mut self, count: usize) -> Parsed<Vec<Id>> {
        let mut items = (0..count).map(|_| self.pop()).collect::<Parsed<Vec<_>>>()?;
        items.reverse();
        Ok(items)
    }

    fn pop_pairs(&mut self) -> Parsed<Vec<(Id, Id)>> {
        let items = self.pop_mark()?;
        if !items.len().is_multiple_of(2) {
            return Err(self.problem("a dictionary has a key without a value"));
        }
        Ok(items.chunks_exact(2).map(|pair| (pair[0], pair[1])).collect())
    }

    /// Opcodes that add to the container on top of the stack; false for any other opcode.
    fn extend(&mut self, code: u8) -> Parsed<bool> {
        match code {
            op::APPEND => {
                let item = self.pop()?;
                self.add_items(&[item])?;
            }
            op::APPENDS | op::ADDITEMS => {
                let items = self.pop_mark()?;
                self.add_items(&items)?;
            }
            op::SETITEM => {
                let pair = self.pop_last(2)?;
                self.add_pairs(&[(pair[0], pair[1])])?;
            }
            op::SETITEMS => {
                let pairs = self.pop_pairs()?;
                self.add_pairs(&pairs)?;
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// What is added to an inert object is dropped with it.
    fn add_items(&mut self, items: &[Id]) -> Parsed<()> {
        let id = self.top()?;
        match &mut self.values[id.0 as usize] {
            Value::List(list) | Value::Set(list) => list.extend_from_slice(items),
            Value::Object(_) => {}
            _ => return Err(self.problem("adds an element to no list")),
        }
        Ok(())
    }

    fn add_pairs(&mut self, pairs: &[(Id, Id)]) -> Parsed<()> {
        let id = self.top()?;
        match &mut self.values[id.0 as usize] {
            Value::Dict(entries) => entries.extend_from_slice(pairs),
            Value::Object(_) => {}
            _ => return Err(self.problem("adds an entry to no dictionary")),
        }
        Ok(())
    }
}
