//! Literals, and the records of what would have been calls.

use super::machine::Machine;
use super::opcode as op;
use super::{Id, Object, Value};
use crate::import::Parsed;

impl Machine<'_> {
    /// The value of an opcode that stands for one by itself; nothing for any other opcode.
    pub(super) fn literal(&mut self, code: u8) -> Parsed<Option<Value>> {
        let source = &mut self.source;
        Ok(Some(match code {
            op::NONE => Value::None,
            op::NEWTRUE => Value::Bool(true),
            op::NEWFALSE => Value::Bool(false),
            op::INT | op::LONG => self.int_line(code)?,
            op::BININT => Value::Int(i64::from(i32::from_le_bytes(source.array()?))),
            op::BININT1 => Value::Int(i64::from(source.byte()?)),
            op::BININT2 => Value::Int(source.unsigned::<2>()? as i64),
            op::LONG1 => integer(source.counted::<1>()?),
            op::LONG4 => integer(source.counted::<4>()?),
            op::FLOAT => self.float_line()?,
            op::BINFLOAT => Value::Float(f64::from_be_bytes(source.array()?)),
            op::STRING => self.quoted_line()?,
            op::BINSTRING => python2_text(source.counted::<4>()?.to_vec()),
            op::SHORT_BINSTRING => python2_text(source.counted::<1>()?.to_vec()),
            op::UNICODE => Value::Str(unescape(source.line()?, false).into_iter().collect()),
            op::BINUNICODE => self.text::<4>()?,
            op::SHORT_BINUNICODE => self.text::<1>()?,
            op::BINUNICODE8 => self.text::<8>()?,
            op::BINBYTES => Value::Bytes(source.counted::<4>()?.to_vec()),
            op::SHORT_BINBYTES => Value::Bytes(source.counted::<1>()?.to_vec()),
            op::BINBYTES8 | op::BYTEARRAY8 => Value::Bytes(source.counted::<8>()?.to_vec()),
            _ => return Ok(None),
        }))
    }

    fn text<const N: usize>(&mut self) -> Parsed<Value> {
        let bytes = self.source.counted::<N>()?;
        // Python writes lone surrogates, which are not UTF-8; no name that matters has any.
        Ok(Value::Str(String::from_utf8_lossy(bytes).into_owned()))
    }

    /// `I00` and `I01` are booleans; a long integer ends in `L`.
    fn int_line(&mut self, code: u8) -> Parsed<Value> {
        let line = self.source.ascii()?;
        match (code, line) {
            (op::INT, "00") => return Ok(Value::Bool(false)),
            (op::INT, "01") => return Ok(Value::Bool(true)),
            _ => {}
        }
        let digits = line.strip_suffix('L').unwrap_or(line);
        let parsed = digits.parse::<i128>().map_err(|_| self.problem("an integer is no number"))?;
        Ok(integer(&parsed.to_le_bytes()))
    }

    fn float_line(&mut self) -> Parsed<Value> {
        let parsed = self.source.ascii()?.parse();
        Ok(Value::Float(parsed.map_err(|_| self.problem("a float is no number"))?))
    }

    fn quoted_line(&mut self) -> Parsed<Value> {
        let line = self.source.line()?;
        let inner = [b'\'', b'"'].iter().find_map(|quote| {
            line.strip_prefix(std::slice::from_ref(quote))?
                .strip_suffix(std::slice::from_ref(quote))
        });
        let inner = inner.ok_or_else(|| self.problem("a text has no quotes"))?;
        // Escapes of this kind of text stand for bytes.
        let bytes = unescape(inner, true).into_iter().map(|c| c as u32 as u8);
        Ok(python2_text(bytes.collect()))
    }

    /// Opcodes about classes, calls and references; false for any other opcode.
    pub(super) fn object(&mut self, code: u8) -> Parsed<bool> {
        match code {
            op::GLOBAL => {
                let class = self.global_lines()?;
                self.push(class)?;
            }
            op::STACK_GLOBAL => {
                let (name, module) = (self.pop()?, self.pop()?);
                self.push_new(Value::Global { module, name })?;
            }
            op::REDUCE | op::NEWOBJ => {
                let (args, class) = (self.pop()?, self.pop()?);
                self.call(class, args)?;
            }
            op::NEWOBJ_EX => {
                let (_keywords, args, class) = (self.pop()?, self.pop()?, self.pop()?);
                self.call(class, args)?;
            }
            op::INST => {
                let (class, args) = (self.global_lines()?, self.pop_mark()?);
                self.call_with(class, args)?;
            }
            op::OBJ => {
                let mut args = self.pop_mark()?;
                if args.is_empty() {
                    return Err(self.problem("an object has no class"));
                }
                let class = args.remove(0);
                self.call_with(class, args)?;
            }
            op::BUILD => self.set_state()?,
            op::PERSID => {
                let line = self.source.line()?.to_vec();
                let id = self.new_value(python2_text(line))?;
                self.push_new(Value::Persistent(id))?;
            }
            op::BINPERSID => {
                let id = self.pop()?;
                self.push_new(Value::Persistent(id))?;
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    fn global_lines(&mut self) -> Parsed<Id> {
        let module = self.source.ascii()?.to_owned();
        let name = self.source.ascii()?.to_owned();
        let (module, name) =
            (self.new_value(Value::Str(module))?, self.new_value(Value::Str(name))?);
        self.new_value(Value::Global { module, name })
    }

    fn call_with(&mut self, class: Id, args: Vec<Id>) -> Parsed<()> {
        let args = self.new_value(Value::Tuple(args))?;
        self.call(class, args)
    }

    /// Pushes the container that a call of a container's class makes, or the record of any
    /// other call.
    fn call(&mut self, class: Id, args: Id) -> Parsed<()> {
        let known = match self.container_name(class) {
            Some(name) => self.container(name, args)?,
            None => None,
        };
        self.push_new(known.unwrap_or(Value::Object(Object { class, args, state: None })))
    }

    fn text_of(&self, id: Id) -> Option<&str> {
        match self.values.get(id.0 as usize)? {
            Value::Str(text) => Some(text),
            _ => None,
        }
    }

    fn container_name(&self, class: Id) -> Option<&'static str> {
        let &Value::Global { module, name } = self.values.get(class.0 as usize)? else {
            return None;
        };
        match (self.text_of(module)?, self.text_of(name)?) {
            ("collections", "OrderedDict") => Some("dict"),
            ("builtins" | "__builtin__", name) => ["dict", "list", "tuple", "set", "frozenset"]
                .into_iter()
                .find(|&known| known == name),
            _ => None,
        }
    }

    /// The container made from nothing or from one other; nothing for other arguments.
    fn container(&mut self, name: &str, args: Id) -> Parsed<Option<Value>> {
        let items = match self.items(args) {
            Some([]) => Vec::new(),
            Some(&[one]) => match self.items(one) {
                Some(items) => items.to_vec(),
                None => return Ok(None),
            },
            _ => return Ok(None),
        };
        // A copy of a long list takes one opcode: without the charge, a short file could ask
        // for any amount of memory.
        self.charge(items.len())?;
        Ok(Some(match name {
            "dict" => {
                let pair =
                    |&item| self.items(item).and_then(|pair| Some((*pair.first()?, *pair.get(1)?)));
                let Some(entries) = items.iter().map(pair).collect() else { return Ok(None) };
                Value::Dict(entries)
            }
            "list" => Value::List(items),
            "tuple" => Value::Tuple(items),
            _ => Value::Set(items),
        }))
    }

    fn items(&self, id: Id) -> Option<&[Id]> {
        match self.values.get(id.0 as usize)? {
            Value::List(items) | Value::Tuple(items) | Value::Set(items) => Some(items),
            _ => None,
        }
    }

    /// Notes the state of an object; attributes of a dictionary (PyTorch's `_metadata`) are
    /// dropped.
    fn set_state(&mut self) -> Parsed<()> {
        let state = self.pop()?;
        let id = self.top()?;
        match &mut self.values[id.0 as usize] {
            Value::Object(object) => object.state = Some(state),
            Value::Dict(_) | Value::Set(_) | Value::List(_) => {}
            _ => return Err(self.problem("gives a state to no object")),
        }
        Ok(())
    }
}

/// An integer of little-endian two's complement; shortened where 64 bits hold it.
fn integer(bytes: &[u8]) -> Value {
    let sign = if bytes.last().is_some_and(|&b| b >= 0x80) { 0xff } else { 0 };
    let (low, high) = bytes.split_at(bytes.len().min(8));
    let mut all = [sign; 8];
    all[..low.len()].copy_from_slice(low);
    let value = i64::from_le_bytes(all);
    let fits = high.iter().all(|&b| b == sign) && (value < 0) == (sign == 0xff);
    if fits {
        return Value::Int(value);
    }
    let mut long = bytes.to_vec();
    // Bytes that repeat the sign add nothing.
    while let [.., before, last] = long[..]
        && last == sign
        && (before >= 0x80) == (sign == 0xff)
    {
        long.pop();
    }
    Value::Long(long)
}

/// A text of Python 2 may hold any bytes.
fn python2_text(bytes: Vec<u8>) -> Value {
    String::from_utf8(bytes).map_or_else(|e| Value::Bytes(e.into_bytes()), Value::Str)
}

/// Resolves the escapes of `repr` (`quoted`) or of raw Unicode text, whose bytes are Latin-1.
fn unescape(bytes: &[u8], quoted: bool) -> Vec<char> {
    let mut out = Vec::new();
    let mut rest = bytes;
    while let [first, tail @ ..] = rest {
        let escape = if *first == b'\\' { escaped(tail, quoted) } else { None };
        let (c, used) = escape.unwrap_or((char::from(*first), 0));
        out.push(c);
        rest = &tail[used..];
    }
    out
}

/// The character that the escape before `tail` stands for, and the bytes of `tail` it takes.
fn escaped(tail: &[u8], quoted: bool) -> Option<(char, usize)> {
    let hex = |digits: usize| {
        let text = std::str::from_utf8(tail.get(1..=digits)?).ok()?;
        Some((char::from_u32(u32::from_str_radix(text, 16).ok()?)?, digits + 1))
    };
    match (tail.first()?, quoted) {
        (b'u', false) => hex(4),
        (b'U', false) => hex(8),
        (b'x', true) => hex(2),
        (b'n', true) => Some(('\n', 1)),
        (b'r', true) => Some(('\r', 1)),
        (b't', true) => Some(('\t', 1)),
        (&quote @ (b'\\' | b'\'' | b'"'), true) => Some((char::from(quote), 1)),
        _ => None,
    }
}
