//! Logs, on stderr.

use std::io::{IsTerminal, Write};

use clap::ValueEnum;
use serde_json::json;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;

use crate::lossy;

/// How log lines look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}

/// Starts logging at `level` (say `info`); the environment variable `TACITA_LOG` overrides it.
pub fn init_log(format: LogFormat, level: &str) {
    init_log_to(std::io::stderr, format, level);
}

/// As [`init_log`], for a program that must outlive its output: log lines and the lines of stdout
/// are written by threads of their own, and dropped and counted where they cannot be written
/// ([`lossy::lost`]).
///
/// # Errors
/// `Local` if the system has no threads or descriptors left.
pub fn init_lossy_log(format: LogFormat, level: &str) -> tacita_protocol::Result<()> {
    lossy::install(match format {
        LogFormat::Text => |lost| format!("WARN {lost} log lines could not be written\n"),
        LogFormat::Json => |lost| {
            let fields = json!({"message": "log lines could not be written", "lost": lost});
            format!("{}\n", json!({"level": "WARN", "fields": fields}))
        },
    })?;
    init_log_to(|| lossy::Log, format, level);
    Ok(())
}

fn init_log_to<W>(writer: W, format: LogFormat, level: &str)
where
    W: for<'a> MakeWriter<'a, Writer: Write> + Send + Sync + 'static,
{
    let filter = EnvFilter::try_from_env("TACITA_LOG").unwrap_or_else(|_| EnvFilter::new(level));
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(std::io::stderr().is_terminal())
        // It would complain on stderr, which is what failed, and panic.
        .log_internal_errors(false)
        .with_writer(writer);
    // A second call keeps the first logger, which is what tests want.
    let _ = match format {
        LogFormat::Text => builder.with_target(false).try_init(),
        LogFormat::Json => builder.json().try_init(),
    };
}
