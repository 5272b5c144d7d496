//! Plain and Markdown tables on stdout.

pub use crate::meter::median;
use tacita_cli::line;
use tacita_protocol::Result;

/// Prints a Markdown table.
///
/// # Errors
/// `Local` if stdout is closed.
pub fn markdown(head: &[&str], rows: &[Vec<String>]) -> Result<()> {
    line(&format!("| {} |", head.join(" | ")))?;
    line(&format!("|{}", "---|".repeat(head.len())))?;
    rows.iter().try_for_each(|row| line(&format!("| {} |", row.join(" | "))))
}

/// Bytes with a unit, three digits.
pub fn bytes(n: f64) -> String {
    match n {
        n if n < 1e3 => format!("{n:.0} B"),
        n if n < 1e6 => format!("{:.1} kB", n / 1e3),
        n => format!("{:.2} MB", n / 1e6),
    }
}
