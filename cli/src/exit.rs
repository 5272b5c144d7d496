//! How programs end: exit codes, one per culprit, and last words.

use std::any::Any;
use std::io::IsTerminal;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;
use std::sync::Mutex;
use std::time::Duration;

use tacita_protocol::Error;

use crate::failure::Failure;
use crate::log::LogFormat;
use crate::lossy;
use crate::memory::keep_freed_memory;
use crate::output::{json_line, printable, stdout_closed, tell};

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
  7  this machine failed: no memory, no threads, no output; or the program has a bug and says so
  8  some images are without an answer, each said so; all others have theirs
  9  a server was stopped before the requests under way were finished: by a second signal, or
     because its --grace was over
  130, 143  ended by Ctrl-C (SIGINT), by SIGTERM
  134  ended by the system because no memory was left (SIGABRT)
  141  whoever read the results stopped reading (as in `| head -1`), so the rest was left undone";

/// The exit code of a server that is stopped before it is done.
pub const STOPPED_EARLY: u8 = 9;
/// How long a program waits at its end for output that nobody takes.
const FLUSH: Duration = Duration::from_millis(500);
/// What a shell reports of a program like `cat` that stdout was closed on.
const STDOUT_CLOSED: u8 = 141;

/// Where the last panic was.
static PANICKED_AT: Mutex<Option<String>> = Mutex::new(None);

/// Runs a program to its end and reports how it ended: a bug in it is an error like others. Its
/// freed memory is kept for reuse.
pub fn run<F: Into<Failure>>(
    json: bool,
    log: LogFormat,
    program: impl FnOnce() -> Result<(), F>,
) -> ExitCode {
    // Before threads start: heaps that are there already stay.
    keep_freed_memory();
    note_panics();
    let outcome = catch_unwind(AssertUnwindSafe(|| program().map_err(Into::into)));
    finish(outcome.unwrap_or_else(|panic| Err(bug(panic))), json, log)
}

/// Has panics noted instead of printed: a panic's message may quote the data that caused it, and
/// stderr may be closed.
fn note_panics() {
    std::panic::set_hook(Box::new(|info| {
        if let Ok(mut place) = PANICKED_AT.lock() {
            *place = info.location().map(ToString::to_string);
        }
    }));
}

fn bug(panic: Box<dyn Any + Send>) -> Failure {
    // Whatever it carries may panic when it is dropped.
    std::mem::forget(panic);
    let place = PANICKED_AT.lock().ok().and_then(|mut place| place.take());
    Failure::bug(place.unwrap_or_else(|| "an unknown place".to_owned()))
}

/// Reports how a program ended: an error goes to stdout if results are JSON, to the log if logs
/// are, and to people otherwise.
pub fn finish<F: Into<Failure>>(outcome: Result<(), F>, json: bool, log: LogFormat) -> ExitCode {
    let code = outcome.map_or_else(|failure| conclude(&failure.into(), json, log), |()| 0);
    lossy::flush(FLUSH);
    ExitCode::from(code)
}

/// Says what went wrong; the exit code for it.
fn conclude(failure: &Failure, json: bool, log: LogFormat) -> u8 {
    if stdout_closed() && matches!(failure.error(), Some(Error::Local { .. })) {
        // Nobody is there to be told, and nothing is wrong.
        return STDOUT_CLOSED;
    }
    report(failure, json, log);
    failure.code()
}

/// Tells of a failure.
pub(crate) fn report(failure: &Failure, json: bool, log: LogFormat) {
    if json && json_line(&failure.event()).is_ok() {
        return;
    }
    if log == LogFormat::Json {
        tracing::error!(code = failure.code(), "{failure}");
    } else {
        // What a progress bar left on the line goes.
        let clear = if std::io::stderr().is_terminal() { "\r\x1b[K" } else { "" };
        tell(&format!("{clear}error: {}", printable(&failure.to_string())));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_a_local_failure_that_names_its_place() {
        let ended = run(true, LogFormat::Text, || -> Result<(), Failure> {
            let none: Vec<u8> = Vec::new();
            let _ = none[std::hint::black_box(3)];
            Ok(())
        });
        assert_eq!(ended, ExitCode::from(7));
        note_panics();
        let panic = catch_unwind(|| panic!("a secret")).unwrap_err();
        let _ = std::panic::take_hook();
        let told = bug(panic).to_string();
        assert!(told.contains("exit.rs:") && told.contains("a bug"), "{told}");
        assert!(!told.contains("secret"), "{told}");
    }
}
