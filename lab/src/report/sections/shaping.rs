//! The check of the shaped links: whatever its file holds, as tables.

use serde_json::{Map, Value};
use tacita_page::{Section, Table};

use crate::report::inputs::{Inputs, SHAPING};

const TITLE: &str = "Shaped links";

/// The section.
pub fn section(inputs: &Inputs) -> Section {
    let Some(value) = &inputs.shaping else { return super::missing(TITLE, SHAPING) };
    let command = value.get("command").and_then(Value::as_str).unwrap_or(SHAPING.command);
    let text = "How the links that the bench shapes agree with those of the kernel (tc netem).";
    super::tables(TITLE, "a check of the method", text, command, all(value))
}

/// A table of the plain values, and one for each list of objects.
fn all(value: &Value) -> Vec<Table> {
    let mut plain = Table::new("Values", &["name", "value"]).opened();
    let mut lists = Vec::new();
    let fields: Vec<(String, &Value)> = match value {
        Value::Object(fields) => fields.iter().map(|(k, v)| (k.clone(), v)).collect(),
        other => vec![("rows".into(), other)],
    };
    for (name, value) in fields.iter().filter(|f| f.0 != "command" && f.0 != "machine") {
        match value {
            Value::Array(items) if items.iter().any(Value::is_object) => {
                lists.push(list(name, items));
            }
            value => plain.rows.push(vec![name.clone(), cell(value)]),
        }
    }
    let plain = Some(plain).filter(|t| !t.rows.is_empty());
    plain.into_iter().chain(lists).collect()
}

fn list(name: &str, items: &[Value]) -> Table {
    let objects: Vec<&Map<String, Value>> = items.iter().filter_map(Value::as_object).collect();
    let mut keys: Vec<&String> = Vec::new();
    for key in objects.iter().flat_map(|o| o.keys()) {
        if !keys.contains(&key) {
            keys.push(key);
        }
    }
    let mut table = Table::new(name, &[]).opened();
    let number = |key: &String| objects.iter().any(|o| o.get(key).is_some_and(Value::is_number));
    table.columns = keys.iter().map(|key| ((*key).clone(), number(key))).collect();
    let row = |o: &&Map<String, Value>| {
        keys.iter().map(|key| o.get(*key).map_or_else(String::new, cell)).collect()
    };
    table.rows = objects.iter().map(row).collect();
    table
}

fn cell(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_become_tables_and_the_rest_one() {
        let value = serde_json::json!({
            "command": "c", "worst": 0.04,
            "links": [{"name": "lan", "ours": 1.5}, {"name": "wan", "tc": 2}],
        });
        let tables = all(&value);
        assert_eq!(tables[0].rows, [["worst", "0.04"]]);
        assert_eq!(tables[1].columns.len(), 3);
        assert!(tables[1].rows.iter().all(|r| r.len() == 3));
        assert!(tables[1].rows[1].contains(&"wan".to_owned()));
    }
}
