//! `tacita-bench sweep`: how cost follows the number of ReLUs.

use clap::Args;
use tacita_bench::networks::Keep;
use tacita_bench::table::{bytes, markdown};
use tacita_cli::{json_line, line};
use tacita_protocol::{Error, Result};

use crate::e2e::{self, Common, Row, Source};

/// Options of `sweep`.
#[derive(Args)]
pub struct Sweep {
    #[command(flatten)]
    pub common: Common,
    /// ReLUs to keep, one run each
    #[arg(long, value_delimiter = ',', value_parser = keep,
          default_value = "0,6k,12k,25k,50k,100k,200k,all")]
    budgets: Vec<Keep>,
}

fn keep(text: &str) -> std::result::Result<Keep, String> {
    text.parse().map_err(|e: Error| e.to_string())
}

/// A run for each budget; rows are kept as they come.
///
/// # Errors
/// As [`e2e::row`].
pub fn run(args: &Sweep) -> Result<()> {
    let common = &args.common;
    let sources = args.budgets.iter().map(|keep| Source::named(&common.net, Some(*keep)));
    // Unknown names and impossible budgets are found before hours are spent.
    let sources = sources.collect::<Result<Vec<_>>>()?;
    let mut rows = Vec::new();
    for source in &sources {
        let row = e2e::row(source, common)?;
        e2e::finish(&row, common)?;
        if common.json {
            json_line(&row)?;
        }
        rows.push(row);
    }
    if common.json { Ok(()) } else { table(common, &rows) }
}

fn table(common: &Common, rows: &[Row]) -> Result<()> {
    line(&format!("{}, {} tickets a run, {}:\n", common.net, common.batch, common.network))?;
    let cells = rows.iter().map(|r| {
        let online = &r.online;
        vec![
            r.relus.to_string(),
            format!("{:.3} s", r.offline.seconds_a_ticket),
            bytes(r.offline.bytes_a_ticket),
            format!("{:.3} s", r.offline.client_cpu + r.offline.server_cpu),
            format!("{:.4} s", online.phase.seconds),
            bytes((online.phase.up + online.phase.down) as f64),
            online.phase.rounds.to_string(),
            format!("{:.3} s", online.client_cpu + online.server_cpu),
        ]
    });
    let head = [
        "ReLUs",
        "offline a ticket",
        "bytes",
        "CPU, both",
        "online an image",
        "bytes",
        "round trips",
        "CPU, both",
    ];
    markdown(&head, &cells.collect::<Vec<_>>())
}
