//! Ctrl-C and SIGTERM.

use std::sync::mpsc::channel;
use std::time::Duration;

use tacita_protocol::{Error, Result};
use tokio::runtime::{Builder, Runtime};
use tokio::signal::unix::{Signal as Stream, SignalKind, signal};

use crate::exit::report;
use crate::failure::{Failure, Signal};
use crate::log::LogFormat;
use crate::output::seal_stdout;

/// How long last words may take. Nobody may be reading them.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// From now on Ctrl-C and SIGTERM end the program at once, with an exit code of their own and as
/// many words as other failures; `describe` adds to them. A line of stdout that is being written is
/// finished first, and none follows.
///
/// # Errors
/// `Local` if the system has no thread left for it.
pub fn end_on_signals(
    json: bool,
    log: LogFormat,
    describe: impl Fn(Failure) -> Failure + Send + 'static,
) -> Result<()> {
    let failed = |e| Error::local(format!("cannot listen for signals: {e}"));
    let runtime = Builder::new_current_thread().enable_all().build().map_err(failed)?;
    let streams = {
        let _inside = runtime.enter();
        let listen = |kind| signal(kind).map_err(failed);
        [listen(SignalKind::interrupt())?, listen(SignalKind::terminate())?]
    };
    let wait = move || {
        let signal = next(&runtime, streams);
        last_words(describe(Failure::signal(signal)), json, log);
        std::process::exit(signal.code().into());
    };
    std::thread::Builder::new().name("signals".into()).spawn(wait).map_err(failed)?;
    Ok(())
}

fn next(runtime: &Runtime, [mut interrupt, mut terminate]: [Stream; 2]) -> Signal {
    runtime.block_on(async {
        tokio::select! {
            _ = interrupt.recv() => Signal::Interrupt,
            _ = terminate.recv() => Signal::Terminate,
        }
    })
}

/// Says them on a thread of their own: it may wait for ever for a reader.
fn last_words(failure: Failure, json: bool, log: LogFormat) {
    let (said, wait) = channel();
    let speak = move || {
        seal_stdout(|| report(&failure, json, log));
        // The other end may have given up waiting.
        let _ = said.send(());
    };
    if std::thread::Builder::new().spawn(speak).is_ok() {
        let _ = wait.recv_timeout(LAST_WORDS);
    }
}
