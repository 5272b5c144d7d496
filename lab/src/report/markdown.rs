//! The tables as Markdown and as JSON.

use serde_json::{Map, Value, json};
use tacita_page::Table;

/// A table, or what stands where it is missing.
#[derive(Clone, Debug)]
pub enum Block {
    /// A table and the command that made its figures.
    Table(Table, String),
    /// A sentence.
    Text(String),
}

/// A heading and the blocks as Markdown.
pub fn text(title: &str, blocks: &[Block]) -> String {
    let shown = blocks.iter().map(|block| match block {
        Block::Text(text) => format!("{text}\n"),
        Block::Table(table, command) => {
            format!("{} (`{command}`):\n\n{}", table.caption, grid(table))
        }
    });
    let shown: Vec<String> = shown.collect();
    format!("# {title}\n\n{}", shown.join("\n"))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_in_a_cell_does_not_part_it() {
        let mut table = Table::new("t", &["a", "#b"]);
        table.rows.push(vec!["x|y".into(), "1".into()]);
        let block = Block::Table(table, "c".into());
        let text = text("Head", &[block.clone(), Block::Text("none".into())]);
        assert_eq!(text, "# Head\n\nt (`c`):\n\n| a | b |\n|---|---:|\n| x\\|y | 1 |\n\nnone\n");
        assert_eq!(
            rows(&[block]),
            [json!({"table": "t", "command": "c", "row": {"a": "x|y", "b": "1"}})]
        );
    }
}
