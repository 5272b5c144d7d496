//! Small facts beside the weights: epoch, accuracies, options of the run.

use crate::import::pickle::{Id, Value};
use crate::import::torch::{ArrayData, TorchFile};
use std::collections::BTreeMap;

/// Most facts that are kept.
const MAX_NOTES: usize = 200;

/// Longest name or text of a fact, in bytes.
const MAX_TEXT: usize = 200;

/// Numbers and short texts at the top of the file, and one level below it as `outer.inner`.
pub fn notes(file: &mut TorchFile, state: Id) -> BTreeMap<String, String> {
    let mut notes = BTreeMap::new();
    for (name, id) in facts(file, file.pickle.root()) {
        if id == state {
            continue;
        }
        add(file, &mut notes, name.clone(), id);
        let inner = match file.pickle.value(id) {
            Value::Object(object) => object.state.unwrap_or(id),
            _ => id,
        };
        for (field, id) in facts(file, inner) {
            add(file, &mut notes, format!("{name}.{field}"), id);
        }
    }
    notes
}

/// The first entries of a dictionary that have a short text as key.
fn facts(file: &TorchFile, dict: Id) -> Vec<(String, Id)> {
    let entries = file.pickle.dict(dict).unwrap_or_default();
    let fact = |&(key, value): &(Id, Id)| {
        let name = file.pickle.text(key).filter(|name| name.len() <= MAX_TEXT)?;
        Some((name.to_owned(), value))
    };
    entries.iter().filter_map(fact).take(MAX_NOTES).collect()
}

fn add(file: &mut TorchFile, notes: &mut BTreeMap<String, String>, name: String, id: Id) {
    let text = match file.pickle.value(id) {
        Value::Bool(value) => Some(value.to_string()),
        Value::Int(value) => Some(value.to_string()),
        Value::Float(value) => Some(value.to_string()),
        Value::Str(text) if text.len() <= MAX_TEXT => Some(text.clone()),
        Value::Object(_) => scalar(file, id),
        _ => None,
    };
    if let Some(text) = text.filter(|_| notes.len() < MAX_NOTES) {
        notes.insert(name, text);
    }
}

/// The value of a tensor of one element. What is no such tensor is no fact.
fn scalar(file: &mut TorchFile, id: Id) -> Option<String> {
    let tensor = file.tensor(id).ok()??;
    if tensor.dims.iter().any(|&dim| dim != 1) {
        return None;
    }
    match file.array(&tensor).ok()?.data {
        ArrayData::Float(data) => data.first().map(f32::to_string),
        ArrayData::Double(data) => data.first().map(f64::to_string),
        ArrayData::Int(data) => data.first().map(i64::to_string),
    }
}
