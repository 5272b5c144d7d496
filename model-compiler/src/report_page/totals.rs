//! The plan in a dozen numbers.

use tacita_page::Table;
use tacita_page::text::count;
use tacita_protocol::plan::log2_truncation_failure;
use tacita_protocol::wire::Traffic;

use super::{Page, none};
use crate::error::Result;

/// The totals.
pub fn table(p: &Page<'_>) -> Result<Table> {
    let (plan, prediction) = (p.contents.plan, p.contents.prediction);
    let public = &plan.public;
    let batch = prediction.batch.max(1) as u64;
    let (relus, all) = (public.relus(), public.unmasked_relus());
    let share = 100.0 * relus as f64 / all.max(1) as f64;
    let shape = p.layers.first().map_or_else(none, super::shape);
    let flooding = p.layers.iter().filter_map(|l| l.flooding_bits).min();
    let hash: String = plan.hash()?.iter().map(|b| format!("{b:02x}")).collect();
    let per_ticket = |bytes: u64| count(bytes.div_ceil(batch));
    let offline = prediction.offline;
    let mut table = Table::new("Totals", &["Quantity", "Value"]).opened();
    let mut row = |name: &str, value: String| table.rows.push(vec![name.to_owned(), value]);
    row("Image and logits", format!("{shape}, {}", count(public.classes() as u64)));
    row("The client learns", public.reveals.to_string());
    row("ReLUs", format!("{} of {} ({share:.1} %)", count(relus as u64), count(all as u64)));
    row("Comparison bits", widths(p));
    row(
        "Offline, a ticket",
        format!("{} B up, {} B down", per_ticket(offline.up), per_ticket(offline.down)),
    );
    row("Offline, a run", format!("{} for {} tickets", traffic(offline), prediction.batch));
    row("Online, an image", traffic(prediction.online));
    row("Once a session", traffic(prediction.session));
    let failure = log2_truncation_failure(public);
    row("Truncation failure", format!("2^{failure:.1} an inference"));
    row("Flooding", flooding.map_or_else(none, |b| format!("{b} bits at least")));
    row("Plan", hash);
    row("Page made by", p.contents.command.to_owned());
    Ok(table)
}

fn traffic(t: Traffic) -> String {
    format!("{} B up, {} B down, {} round trips", count(t.up), count(t.down), t.rounds)
}

/// The narrowest and the widest comparison.
fn widths(p: &Page<'_>) -> String {
    let bits = || p.layers.iter().filter_map(|l| l.compare_bits);
    match (bits().min(), bits().max()) {
        (Some(least), Some(most)) if least == most => least.to_string(),
        (Some(least), Some(most)) => format!("{least} to {most}"),
        _ => none(),
    }
}
