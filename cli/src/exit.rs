//! Exit codes: one per culprit.

use std::process::ExitCode;

use serde_json::json;
use tacita_protocol::wire::AbortReason;
use tacita_protocol::{Error, Result};

use crate::log::LogFormat;
use crate::output::{json_line, printable};

/// The table for `--help`.
pub const EXIT_CODES: &str = "\
Exit codes:
  0  done
  2  usage: the command line is wrong
  3  configuration: an unusable image, plan, address or certificate; also a certificate that
     either side refuses
  4  the other side is incompatible: another version or another plan
  5  the other side broke the protocol or stopped on an error
  6  network: nobody answers, the connection broke, or the server is busy or shutting down
  7  this machine failed: no memory, no threads, no output";

/// The exit code for an error.
pub fn exit_code(error: &Error) -> u8 {
    match error {
        Error::Input { .. } => 3,
        Error::PeerIncompatible { .. } => 4,
        Error::PeerMisbehaved { .. } => 5,
        Error::PeerAborted { reason } => match AbortReason::from_text(reason) {
            Some(
                AbortReason::Busy
                | AbortReason::ShuttingDown
                | AbortReason::Idle
                | AbortReason::Connection,
            ) => 6,
            Some(AbortReason::Incompatible) => 4,
            _ => 5,
        },
        Error::Network { .. } | Error::Refused { .. } => 6,
        _ => 7,
    }
}

/// Reports how a program ended: an error goes to stdout if results are JSON, to the log if logs
/// are, and to people otherwise.
pub fn finish(outcome: Result<()>, json: bool, log: LogFormat) -> ExitCode {
    let Err(error) = outcome else { return ExitCode::SUCCESS };
    let code = exit_code(&error);
    if json {
        // If even that fails, the exit code remains.
        let _ = json_line(&json!({"event": "error", "message": error.to_string(), "code": code}));
    } else if log == LogFormat::Json {
        tracing::error!(code, "{error}");
    } else {
        eprintln!("error: {}", printable(&error.to_string()));
    }
    ExitCode::from(code)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_class_has_its_code() {
        let aborted = |reason: &str| Error::PeerAborted { reason: reason.into() };
        for (error, code) in [
            (Error::input(""), 3),
            (Error::incompatible(""), 4),
            (Error::misbehaved(""), 5),
            (Error::network(""), 6),
            (Error::local(""), 7),
            (aborted(AbortReason::Busy.text()), 6),
            (aborted(AbortReason::ShuttingDown.text()), 6),
            (aborted(AbortReason::Incompatible.text()), 4),
            (aborted(AbortReason::ProtocolError.text()), 5),
            (aborted("words of another implementation"), 5),
        ] {
            assert_eq!(exit_code(&error), code, "{error}");
        }
    }
}
