//! The comparison as Markdown.

use tacita_bench::table::{bytes, markdown};
use tacita_cli::line;
use tacita_protocol::Result;

use super::record::{ClearRow, Comparison, Tfhe};

/// Prints every table.
///
/// # Errors
/// `Local` if stdout is closed.
pub fn print(c: &Comparison) -> Result<()> {
    relu(c)?;
    if let Some(tfhe) = &c.tfhe {
        homomorphic(tfhe)?;
    }
    clear(&c.clear)?;
    peers(c)
}

fn relu(c: &Comparison) -> Result<()> {
    line("One ReLU over 64-bit shares, one core, bytes both ways:\n")?;
    let row = |r: &super::record::ReluRow| {
        vec![
            r.circuit.clone(),
            r.bits.to_string(),
            r.ands.to_string(),
            format!("{:.3}", r.garble_us),
            format!("{:.3}", r.evaluate_us),
            format!("{:.3}", r.ot_us),
            format!("{:.3}", r.labels_us),
            bytes(r.offline_bytes),
            bytes(r.online_bytes),
        ]
    };
    let head = [
        "circuit",
        "bits",
        "ANDs",
        "garble us",
        "evaluate us",
        "OTs us",
        "labels us",
        "offline",
        "online",
    ];
    markdown(&head, &c.relu.iter().map(row).collect::<Vec<_>>())
}

fn homomorphic(t: &Tfhe) -> Result<()> {
    line(&format!(
        "\nOne ReLU of an {} under tfhe {}: {:.3} s on {} threads; {} a ciphertext, {} of keys at the \
         server.",
        t.kind,
        t.version,
        t.seconds,
        t.threads,
        bytes(t.ciphertext_bytes),
        bytes(t.server_key_bytes)
    ))
}

fn clear(rows: &[ClearRow]) -> Result<()> {
    if rows.is_empty() {
        return Ok(());
    }
    line("\nWhole networks in the clear and privately, seconds an image:\n")?;
    let row = |r: &ClearRow| {
        let private = |of: fn(&super::record::PrivateRun) -> String| {
            r.private.as_ref().map_or_else(|| "-".into(), of)
        };
        vec![
            r.net.clone(),
            r.runtime.clone(),
            r.threads.to_string(),
            format!("{:.5}", r.seconds),
            private(|p| format!("{:.3} (B = {})", p.offline_seconds, p.batch)),
            private(|p| format!("{:.4}", p.online_seconds)),
            private(|p| format!("{} of {}", p.same, p.images)),
        ]
    };
    let head = [
        "network",
        "runtime",
        "threads",
        "clear",
        "private, offline",
        "private, online",
        "same label",
    ];
    markdown(&head, &rows.iter().map(row).collect::<Vec<_>>())
}

/// Figures from elsewhere, where each comes from in a column of its own.
fn peers(c: &Comparison) -> Result<()> {
    line("\nNot measured here:\n")?;
    let rows = c.peers.iter().map(|p| {
        let value = match p.unit.as_str() {
            "B" => bytes(p.value),
            unit => format!("{} {unit}", p.value),
        };
        let cells = [&p.system, &p.network, &p.figure, &value, &p.origin, &p.conditions];
        cells.map(String::clone).to_vec()
    });
    let head = ["system", "network", "figure", "value", "origin", "conditions"];
    markdown(&head, &rows.collect::<Vec<_>>())
}
