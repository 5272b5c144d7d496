//! `tacita-bench e2e`: what a whole private run costs on a given network, phase by phase and layer
//! by layer, both parties as processes of their own.

mod args;
mod measure;
mod row;
mod source;
mod table;
mod usage;
mod watch;

use std::path::Path;

use tacita_cli::{json_line, line};
use tacita_protocol::{Error, Result};

pub use args::{Common, E2e};
pub use row::Row;
pub use source::Source;
use tacita_bench::certs;
use tacita_bench::server::Server;
use tacita_bench::stage::temporary;
use tacita_bench::store::append_json;

/// Runs one configuration and prints its row.
///
/// # Errors
/// Whatever goes wrong, said plainly; `Local` if bytes, rounds or logits are not as they should be.
pub fn run(args: &E2e) -> Result<()> {
    let source = Source::named(&args.common.net, Some(args.relus))?;
    let row = row(&source, &args.common)?;
    finish(&row, &args.common)?;
    if args.common.json { json_line(&row) } else { line(&table::text(&row)) }
}

/// Appends the row to the file of results, if there is one.
///
/// # Errors
/// `Local` if that cannot be written.
pub fn finish(row: &Row, common: &Common) -> Result<()> {
    common.out.as_deref().map_or(Ok(()), |out| append_json(out, row))
}

/// Runs one configuration.
///
/// # Errors
/// As [`run`].
pub fn row(source: &Source, common: &Common) -> Result<Row> {
    let dir = temporary()?;
    let file = dir.path().join("model.plan");
    note(&format!("{}: making the plan", source.name()));
    let plan = source.write(&file)?;
    let public = &plan.public;
    note(&format!(
        "{}: {} of {} ReLUs, {} tickets a run, network {}",
        source.name(),
        public.relus(),
        public.unmasked_relus(),
        common.batch,
        common.network
    ));
    let images = source::images(public, common.images(), dir.path())?;
    let observed = observe(&file, dir.path(), &images, common)?;
    let choices = common.choices(public)?;
    measure::check(&plan, &choices, &observed)?;
    measure::row(source.name(), public, (common, &choices), &observed)
}

/// One session of both processes.
fn observe(
    plan: &Path,
    dir: &Path,
    images: &[std::path::PathBuf],
    common: &Common,
) -> Result<watch::Observed> {
    let certs = certs::make(dir)?;
    let server = Server::start(plan, &certs, Some(common.batch))?;
    watch::session(&server, &certs, images, &common.client())
}

/// Progress.
fn note(text: &str) {
    tacita_cli::tell(text);
}

/// A failure of this program or its processes.
fn failed(what: impl std::fmt::Display) -> Error {
    Error::local(format!("tacita-client: {what}"))
}
