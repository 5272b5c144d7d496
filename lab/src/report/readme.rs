//! The README's tables between two markers.

use std::path::Path;

use serde_json::{Map, Value, json};
use tacita_page::Table;
use tacita_protocol::{Error, Result};

/// Where the tables begin.
pub const START: &str = "<!-- performance -->";
/// Where they end.
pub const END: &str = "<!-- /performance -->";

/// A table, or what stands where it is missing.
#[derive(Clone, Debug)]
pub enum Block {
    /// A table and the command that made its figures.
    Table(Table, String),
    /// A sentence.
    Text(String),
}

/// The blocks as Markdown.
pub fn markdown(blocks: &[Block]) -> String {
    let shown = blocks.iter().map(|block| match block {
        Block::Text(text) => format!("{text}\n"),
        Block::Table(table, command) => {
            format!("{} (`{command}`):\n\n{}", table.caption, grid(table))
        }
    });
    shown.collect::<Vec<_>>().join("\n")
}

fn grid(table: &Table) -> String {
    let line = |cells: &mut dyn Iterator<Item = String>| {
        let cells: Vec<String> = cells.map(|c| c.replace('|', "\\|")).collect();
        format!("| {} |\n", cells.join(" | "))
    };
    let head = line(&mut table.columns.iter().map(|c| c.0.clone()));
    let rule = table.columns.iter().map(|c| if c.1 { "---:|" } else { "---|" }).collect::<String>();
    let rows = table.rows.iter().map(|row| line(&mut row.iter().cloned())).collect::<String>();
    format!("{head}|{rule}\n{rows}")
}

/// The rows as JSON objects, one a row.
pub fn rows(blocks: &[Block]) -> Vec<Value> {
    let tables = blocks.iter().filter_map(|block| match block {
        Block::Table(table, command) => Some((table, command)),
        Block::Text(_) => None,
    });
    let of = |(table, command): (&Table, &String)| {
        let cells = |row: &Vec<String>| -> Map<String, Value> {
            let pairs = table.columns.iter().zip(row);
            pairs.map(|(column, cell)| (column.0.clone(), json!(cell))).collect()
        };
        let all = table
            .rows
            .iter()
            .map(|r| json!({"table": table.caption, "command": command, "row": cells(r)}));
        all.collect::<Vec<_>>()
    };
    tables.flat_map(of).collect()
}

/// `readme` with `tables` between its markers.
///
/// # Errors
/// `Input` if a marker is missing, stands twice, or they are in the wrong order.
pub fn replace(readme: &str, path: &Path, tables: &str) -> Result<String> {
    let once = |marker: &str| {
        let mut places = readme.match_indices(marker).map(|(at, _)| at);
        places.next().filter(|_| places.next().is_none()).ok_or_else(|| {
            Error::input(format!(
                "{} must have the lines `{START}` and `{END}` once each, for the tables between them",
                path.display()
            ))
        })
    };
    let (start, end) = (once(START)?, once(END)?);
    let kept = readme.get(..start + START.len()).zip(readme.get(end..)).filter(|_| start < end);
    let (before, after) = kept.ok_or_else(|| {
        Error::input(format!("{}: `{END}` stands before `{START}`", path.display()))
    })?;
    Ok(format!("{before}\n\n{tables}\n{after}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn replaced(text: &str) -> Result<String> {
        replace(text, Path::new("README.md"), "new\n")
    }

    #[test]
    fn what_stands_between_the_markers_goes() {
        let text = format!("a\n{START}\nold\n{END}\nb\n");
        let once = replaced(&text).unwrap();
        assert_eq!(once, format!("a\n{START}\n\nnew\n\n{END}\nb\n"));
        assert_eq!(replaced(&once).unwrap(), once);
    }

    #[test]
    fn missing_markers_are_refused() {
        for text in ["", START, END, &format!("{END} {START}"), &format!("{START}{START}{END}")] {
            let message = replaced(text).unwrap_err().to_string();
            assert!(message.contains("README.md") && message.contains(START), "{message}");
        }
    }

    #[test]
    fn a_bar_in_a_cell_does_not_part_it() {
        let mut table = Table::new("t", &["a", "#b"]);
        table.rows.push(vec!["x|y".into(), "1".into()]);
        let block = Block::Table(table, "c".into());
        let text = markdown(&[block.clone(), Block::Text("none".into())]);
        assert_eq!(text, "t (`c`):\n\n| a | b |\n|---|---:|\n| x\\|y | 1 |\n\nnone\n");
        assert_eq!(
            rows(&[block]),
            [json!({"table": "t", "command": "c", "row": {"a": "x|y", "b": "1"}})]
        );
    }
}
