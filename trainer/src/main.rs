//! `tacita-train`: see `tacita-train --help`.

use clap::Parser;
use serde_json::json;
use std::io::Write;
use std::process::ExitCode;
use tacita_train::cli::{Cli, LogForm};
use tacita_train::{Error, Result, verbs};

fn main() -> ExitCode {
    // Before anything of libtorch runs: it looks for CUDA once.
    let cuda = tacita_train::cuda::load();
    tacita_train::memory::keep_freed();
    let cli = Cli::parse();
    let done = log(cli.log).and_then(|()| {
        tracing::debug!(cuda = ?cuda, "CUDA libraries");
        verbs::perform(&cli.verb)
    });
    match done.map(|(text, value)| if cli.json { value.to_string() } else { text }) {
        Ok(text) => {
            // A closed pipe is the reader's choice, not a failure.
            let _ = writeln!(std::io::stdout(), "{text}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            let code = error.exit_code();
            let text = if cli.json {
                json!({"error": error.to_string(), "exit_code": code}).to_string()
            } else {
                format!("tacita-train: {error}")
            };
            let _ = writeln!(std::io::stderr(), "{text}");
            ExitCode::from(code)
        }
    }
}

fn log(form: LogForm) -> Result<()> {
    let filter = tracing_subscriber::EnvFilter::try_from_default_env()
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("info"));
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    let set = match form {
        LogForm::Text => log.with_target(false).try_init(),
        LogForm::Json => log.json().try_init(),
    };
    set.map_err(|_| Error::Log)
}
