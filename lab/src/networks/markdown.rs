//! The rows as Markdown.

use tacita_bench::table::{bytes, markdown};
use tacita_cli::line;
use tacita_protocol::Result;

use super::row::{Phase, Row};

const HEAD: [&str; 14] = [
    "network",
    "weights",
    "input",
    "ReLUs",
    "comparisons",
    "float, off by",
    "fixed = float",
    "offline a ticket",
    "online an image",
    "measured",
    "private = clear",
    "offline s",
    "online s",
    "compile",
];

/// Prints the table and what it leaves out.
///
/// # Errors
/// `Local` if stdout is closed.
pub fn print(rows: &[Row]) -> Result<()> {
    markdown(&HEAD, &rows.iter().map(cells).collect::<Vec<_>>())?;
    for row in rows {
        if let Some(why) = &row.refused {
            line(&format!("\n{}: {why}", row.network))?;
        }
        if let Some(how) = row.private.as_ref().and_then(|p| p.deviation.as_ref()) {
            line(&format!("\n{}: {how}", row.network))?;
        }
    }
    Ok(())
}

fn cells(r: &Row) -> Vec<String> {
    let [c, h, w] = r.input;
    let imported = c > 0;
    let mut cells = vec![r.network.clone(), r.weights.clone()];
    cells.push(if imported { format!("{c}x{h}x{w}") } else { "refused".into() });
    let relus = format!("{} of {}", r.relus, r.unmasked_relus);
    cells.push(or_dash(imported.then_some(relus)));
    cells.push(or_dash(r.compile.as_ref().map(|c| c.comparisons.to_string())));
    cells.push(or_dash(r.float.as_ref().map(|f| format!("{:.1e}", f.largest_difference))));
    cells.push(or_dash(r.fixed.as_ref().map(|f| {
        format!("{} of {}, {:.3} of {:.1}", f.same, f.images, f.largest_difference, f.largest_logit)
    })));
    let share = |p: Phase, n: usize| bytes(p.bytes() as f64 / n.max(1) as f64);
    let predicted = r.predicted.as_ref();
    cells.push(or_dash(
        predicted.map(|p| format!("{} (B = {})", share(p.offline, p.batch), p.batch)),
    ));
    cells.push(or_dash(predicted.map(|p| share(p.online, 1))));
    let private = r.private.as_ref();
    let verdict = |exact| if exact { "as predicted" } else { "NOT as predicted" };
    cells.push(or_dash(private.map(|p| verdict(p.as_predicted).into())));
    cells.push(or_dash(private.map(|p| format!("{} of {}", p.same, p.images))));
    cells.push(or_dash(private.map(|p| format!("{:.2}", p.offline_seconds))));
    cells.push(or_dash(private.map(|p| format!("{:.3}", p.online_seconds))));
    cells.push(or_dash(r.compile.as_ref().map(|c| {
        let memory = c.peak_memory.map_or("-".into(), |n| bytes(n as f64));
        format!("{:.1} s, {memory}", c.seconds)
    })));
    cells
}

fn or_dash(cell: Option<String>) -> String {
    cell.unwrap_or_else(|| "-".into())
}

#[cfg(test)]
mod tests {
    use super::super::row::{Predicted, Private};
    use super::*;

    #[test]
    fn every_row_has_a_cell_for_every_column() {
        let empty = cells(&Row::default());
        assert_eq!(empty.len(), HEAD.len());
        assert_eq!(empty[2], "refused");
        assert!(empty[3..].iter().all(|c| c == "-"), "{empty:?}");
        let offline = Phase { up: 1000, down: 7000, rounds: 2 };
        let predicted = Predicted { batch: 4, offline, online: Phase::default() };
        let private = Private { same: 3, images: 4, ..Private::default() };
        let row = Row { predicted: Some(predicted), private: Some(private), ..Row::default() };
        let full = cells(&row);
        assert_eq!(full[7], "2.0 kB (B = 4)");
        assert_eq!((full[9].as_str(), full[10].as_str()), ("NOT as predicted", "3 of 4"));
    }
}
