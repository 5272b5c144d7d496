//! ResNet18 with about 50,000 ReLUs on every link.

use tacita_page::text::count;
use tacita_page::{Section, Table};

use crate::report::format::{commands, maybe, size, time};
use crate::report::inputs::{E2E, Inputs, Run};
use crate::report::sections::cost::{COLUMNS, row};

/// The network of the headline, and its ReLUs.
pub const NET: &str = "resnet18";
const RELUS: u64 = 50_000;
const TITLE: &str = "ResNet18 with 50,000 ReLUs";

/// The runs of the headline: ResNet18 within a tenth of 50,000 ReLUs.
pub fn runs(inputs: &Inputs) -> Vec<&Run> {
    let near = |r: &&Run| r.net == NET && r.relus.abs_diff(RELUS) <= RELUS / 10;
    inputs.e2e.iter().filter(near).collect()
}

/// The section.
pub fn section(inputs: &Inputs) -> Section {
    let runs = runs(inputs);
    match table(inputs) {
        None => super::missing(TITLE, E2E),
        Some(table) => {
            let text = "One image, server and client as two processes over TLS. Offline seconds \
                        and bytes are those of one ticket of a later batch; the first batch also \
                        prepares the weights.";
            super::tables(
                TITLE,
                "end to end",
                text,
                &command(inputs),
                vec![table.opened(), processors(&runs).opened(), beginnings(&runs)],
            )
        }
    }
}

/// What made the table.
pub fn command(inputs: &Inputs) -> String {
    commands(runs(inputs).iter().map(|r| r.command.as_str()))
}

/// The table, if there is a run.
pub fn table(inputs: &Inputs) -> Option<Table> {
    let runs = runs(inputs);
    let first = runs.first()?;
    let caption = format!(
        "ResNet18 at 32x32, {} of {} ReLUs, on each link",
        count(first.relus),
        count(first.unmasked_relus)
    );
    let mut table = Table::new(&caption, &COLUMNS);
    table.rows = runs.iter().map(|r| row(r).to_vec()).collect();
    Some(table)
}

/// What a session costs before its first later batch.
fn beginnings(runs: &[&Run]) -> Table {
    let headings = ["link", "#set-up", "#set-up bytes", "#first batch", "#later batch"];
    let mut table = Table::new("Set-up and whole batches", &headings);
    let row = |r: &&Run| {
        let bytes = size(r.setup.up + r.setup.down);
        let seconds = [r.setup.seconds, r.first_offline.seconds, r.offline.seconds].map(time);
        let [setup, first, later] = seconds;
        vec![r.link(), setup, bytes, first, later]
    };
    table.rows = runs.iter().map(row).collect();
    table
}

/// Processor time of both parties.
fn processors(runs: &[&Run]) -> Table {
    let headings = ["link", "#client, offline", "#server", "#client, online", "#server"];
    let mut table = Table::new("Processor time of a ticket and of an image", &headings);
    let row = |r: &&Run| {
        let (off, on) = (&r.offline, &r.online);
        let seconds = [off.client_cpu, off.server_cpu, on.client_cpu, on.server_cpu];
        std::iter::once(r.link()).chain(seconds.map(|s| maybe(s, time))).collect()
    };
    table.rows = runs.iter().map(row).collect();
    table
}
