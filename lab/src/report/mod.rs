//! `tacita-lab report`: one page, and its short tables as Markdown, from the files of results.
//!
//! The same files give the same bytes: no time, no random order.

mod format;
mod inputs;
mod markdown;
mod sections;
#[cfg(test)]
mod tests;

use std::path::PathBuf;

use clap::Args;
use tacita_cli::{json_line, line};
use tacita_page::{Table, page};
use tacita_protocol::Result;

use format::SEVERAL;
use inputs::{BACKENDS, COMPARE, E2E, File, Inputs, KERNELS, RELU, SWEEP};
use markdown::Block;
use sections::{
    against, alternatives, backends, conditions, headline, kernels, layers, memory, networks, relu,
    shaping, sweep,
};
use tacita_bench::store::write;

/// What page and tables are called.
const TITLE: &str = "Tacita: performance";

/// Options of `report`.
#[derive(Args)]
pub struct Options {
    /// Folder of the files of results
    #[arg(long, value_name = "DIR", default_value = "lab/results")]
    results: PathBuf,
    /// Where the page goes
    #[arg(long, value_name = "FILE", default_value = "lab/results/performance.html")]
    out: PathBuf,
    /// Where the short tables go, as Markdown
    #[arg(long, value_name = "FILE", default_value = "lab/results/performance.md")]
    tables: PathBuf,
    /// The short tables' rows as JSON
    #[arg(long)]
    pub json: bool,
}

/// Reads the results, writes the page and the tables.
///
/// # Errors
/// `Input` for malformed results, `Local` if a file cannot be written.
pub fn run(options: &Options) -> Result<()> {
    let inputs = Inputs::read(&options.results)?;
    let blocks = tables(&inputs);
    write(&options.out, &render(&inputs))?;
    write(&options.tables, &markdown::text(TITLE, &blocks))?;
    if options.json {
        return markdown::rows(&blocks).iter().try_for_each(json_line);
    }
    line(&format!("Written: {} and {}", options.out.display(), options.tables.display()))
}

/// The page.
fn render(inputs: &Inputs) -> String {
    let sections = [
        headline::section(inputs),
        sweep::section(inputs),
        against::section(inputs),
        layers::section(inputs),
        kernels::section(inputs),
        relu::section(inputs),
        backends::section(inputs),
        alternatives::section(inputs),
        memory::section(inputs),
        networks::section(inputs),
        shaping::section(inputs),
        conditions::section(inputs),
    ];
    page(TITLE, ("Sections", "part"), &sections)
}

/// The page in short.
fn tables(inputs: &Inputs) -> Vec<Block> {
    let where_ = conditions::machine(inputs)
        .map_or_else(String::new, |m| format!(" Measured on {}, {} threads.", m.cpu, m.cores));
    let text = format!(
        "`make performance` writes these tables and [the page](performance.html) from the files \
         beside them, [described here](README.md#performance).{where_}"
    );
    let or = |table: Option<Table>, command: String, file: File| match table {
        Some(table) => Block::Table(table, command),
        None => Block::Text(file.missing()),
    };
    let (measured, compared) = (inputs.kernels.as_ref(), inputs.compare.as_ref());
    let relus = inputs.relu.as_ref();
    let of = |command: Option<&String>| command.cloned().unwrap_or_default();
    // The page names each of several commands.
    let together = |command: String| match command.contains(SEVERAL) {
        true => "make performance".into(),
        false => command,
    };
    vec![
        Block::Text(text),
        or(headline::table(inputs), together(headline::command(inputs)), E2E),
        or(against::summary(inputs), together(against::command(inputs)), E2E),
        or(sweep::table(inputs), sweep::command(inputs), SWEEP),
        or(measured.map(kernels::summary), of(measured.map(|k| &k.command)), KERNELS),
        or(relus.map(relu::summary), of(relus.map(|r| &r.command)), RELU),
        or(backends::summary(inputs), together(backends::command(inputs)), BACKENDS),
        or(compared.map(alternatives::relu_summary), of(compared.map(|c| &c.command)), COMPARE),
    ]
}
