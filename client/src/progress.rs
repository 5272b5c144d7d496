//! What is going on, on stderr: a spinner with live byte counts on a terminal, else a line a step.

use std::io::IsTerminal;
use std::sync::Arc;
use std::time::Duration;

use indicatif::{HumanBytes, ProgressBar, ProgressState, ProgressStyle};
use tacita_cli::{LogFormat, tell};
use tacita_protocol::wire::RawTraffic;

/// Reports steps.
#[derive(Clone, Copy)]
pub struct Progress {
    look: Look,
}

#[derive(Clone, Copy)]
enum Look {
    Spinner,
    Lines,
    Log,
}

/// A step under way; it is over when this is dropped.
pub struct Step(Option<ProgressBar>);

impl Drop for Step {
    fn drop(&mut self) {
        if let Some(bar) = &self.0 {
            bar.finish_and_clear();
        }
    }
}

impl Progress {
    /// In the format that logs have.
    pub fn new(log: LogFormat) -> Self {
        let look = match log {
            LogFormat::Json => Look::Log,
            LogFormat::Text if std::io::stderr().is_terminal() => Look::Spinner,
            LogFormat::Text => Look::Lines,
        };
        Self { look }
    }

    /// Starts a step. With `raw`, a spinner shows the connection's bytes.
    pub fn step(&self, what: String, raw: Option<&Arc<RawTraffic>>) -> Step {
        match self.look {
            Look::Spinner => Step(Some(spinner(what, raw.map(Arc::clone)))),
            Look::Lines => {
                tell(&what);
                Step(None)
            }
            Look::Log => {
                tracing::info!("{what}");
                Step(None)
            }
        }
    }

    /// Something the user should know.
    pub fn note(&self, what: &str) {
        match self.look {
            Look::Spinner | Look::Lines => tell(what),
            Look::Log => tracing::warn!("{what}"),
        }
    }
}

fn spinner(what: String, raw: Option<Arc<RawTraffic>>) -> ProgressBar {
    let traffic = move |_: &ProgressState, out: &mut dyn std::fmt::Write| {
        if let Some(raw) = &raw {
            let (up, down) = (HumanBytes(raw.sent()), HumanBytes(raw.received()));
            // There is nowhere to report a failure to show progress.
            let _ = write!(out, "({up} up, {down} down so far)");
        }
    };
    let style = ProgressStyle::with_template("{spinner} {msg} {elapsed} {traffic}")
        .unwrap_or_else(|_| ProgressStyle::default_spinner())
        .with_key("traffic", traffic);
    let bar = ProgressBar::new_spinner().with_style(style).with_message(what);
    bar.enable_steady_tick(Duration::from_millis(120));
    bar
}
