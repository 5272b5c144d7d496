//! A client process, watched: what it says, and what both processes had used by then.

use std::io::{BufRead, BufReader, Read};
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Instant;

use serde::Deserialize;
use serde_json::Value;
use tacita_bench::certs::Certs;
use tacita_bench::client::{Answer, Summary};
use tacita_bench::process::sibling;
use tacita_bench::server::Server;
use tacita_protocol::Result;

use super::failed;
use super::usage::Usage;

/// What the client said.
#[derive(Debug)]
pub enum Said {
    /// A step begins (its log).
    Step(Step),
    /// An image's answer and the seconds of its layers.
    Image(Box<Answer>, Vec<Layer>),
    /// The end.
    Summary(Box<Summary>),
}

/// A step of the client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Tickets.
    Offline,
    /// An inference.
    Online,
}

/// Wall seconds that the client spent on a layer.
#[derive(Clone, Debug, Deserialize)]
pub struct Layer {
    /// Name of its tensor.
    pub name: String,
    /// Seconds.
    pub seconds: f64,
}

/// A moment: what was said, and what the client and the server had used.
pub struct Mark {
    /// When.
    pub at: Instant,
    /// What was said.
    pub said: Said,
    /// The client.
    pub client: Usage,
    /// The server.
    pub server: Usage,
}

/// A whole session.
pub struct Observed {
    /// In the order of time.
    pub marks: Vec<Mark>,
    /// The server's peak memory after the session, in bytes.
    pub server_peak: u64,
}

/// Infers the images in one session, over `network` if given.
///
/// # Errors
/// `Local` if the client fails or says something else than expected.
pub fn session(
    server: &Server,
    certs: &Certs,
    images: &[PathBuf],
    options: &[String],
) -> Result<Observed> {
    let mut command = sibling("tacita-client")?;
    command.args(["infer", "--json", "--log", "json", "--server", &server.addr]);
    command.args(["--server-name", "localhost"]).args(options);
    command.arg("--ca").arg(&certs.ca);
    // The steps are in its log.
    command.args(images).env("TACITA_LOG", "info");
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().map_err(failed)?;
    let ids = (child.id(), server.id());
    let (to, marks) = channel();
    let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
    if let Some(stdout) = stdout {
        follow(stdout, to.clone(), ids, event);
    }
    if let Some(stderr) = stderr {
        follow(stderr, to, ids, logged);
    }
    let marks = collect(&marks);
    let status = child.wait().map_err(failed)?;
    let marks = marks?;
    if !status.success() || !marks.iter().any(|m| matches!(m.said, Said::Summary(_))) {
        return Err(failed(format!("ended early ({status}): its log is above")));
    }
    Ok(Observed { marks, server_peak: server.peak_memory().unwrap_or_default() })
}

/// A line's meaning; `None` if it has none for us.
type Reader = fn(&str) -> std::result::Result<Option<Said>, String>;

/// Reads a pipe to its end on a thread, noting both processes' use as lines come.
fn follow(
    pipe: impl Read + Send + 'static,
    to: Sender<std::result::Result<Mark, String>>,
    (client, server): (u32, u32),
    read: Reader,
) {
    std::thread::spawn(move || {
        for line in BufReader::new(pipe).lines().map_while(std::result::Result::ok) {
            let at = Instant::now();
            let mark = read(&line).map(|said| {
                let (client, server) = (Usage::of(client), Usage::of(server));
                said.map(|said| Mark { at, said, client, server })
            });
            // Nobody listens after a failure; the pipe is emptied all the same.
            let _ = mark.transpose().map(|mark| to.send(mark));
        }
    });
}

/// All marks, by time: the two pipes' threads are not in step.
fn collect(from: &Receiver<std::result::Result<Mark, String>>) -> Result<Vec<Mark>> {
    let mut marks = from.iter().collect::<std::result::Result<Vec<_>, _>>().map_err(failed)?;
    marks.sort_by_key(|m| m.at);
    Ok(marks)
}

/// A line of the client's results.
fn event(line: &str) -> std::result::Result<Option<Said>, String> {
    let unexpected = |e: serde_json::Error| format!("unexpected output: {e}: {line}");
    let value: Value = serde_json::from_str(line).map_err(unexpected)?;
    match value.get("event").and_then(Value::as_str) {
        Some("image") => {
            let layers = value.pointer("/online/layers").cloned().unwrap_or_default();
            let layers = serde_json::from_value(layers).map_err(unexpected)?;
            let answer = serde_json::from_value(value).map_err(unexpected)?;
            Ok(Some(Said::Image(Box::new(answer), layers)))
        }
        Some("summary") => {
            let summary = serde_json::from_value(value).map_err(unexpected)?;
            Ok(Some(Said::Summary(Box::new(summary))))
        }
        _ => Err(format!("unexpected output: {line}")),
    }
}

/// A line of the client's log: the steps that we time by, the rest for the user.
fn logged(line: &str) -> std::result::Result<Option<Said>, String> {
    let value: Value = serde_json::from_str(line).unwrap_or_default();
    let text = value.pointer("/fields/message").and_then(Value::as_str).unwrap_or(line);
    if text.starts_with("running ") {
        return Ok(Some(Said::Step(Step::Online)));
    }
    tacita_cli::tell(&format!("  {text}"));
    Ok(text.starts_with("making ").then_some(Said::Step(Step::Offline)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_found_in_the_log() {
        let line = |text: &str| format!(r#"{{"level":"INFO","fields":{{"message":"{text}"}}}}"#);
        let step = |text: &str| match logged(&line(text)).unwrap() {
            Some(Said::Step(step)) => Some(step),
            _ => None,
        };
        assert_eq!(step("making 8 tickets"), Some(Step::Offline));
        assert_eq!(step("running a.png"), Some(Step::Online));
        assert_eq!(step("connecting to localhost"), None);
        assert!(logged("no JSON").unwrap().is_none());
    }

    #[test]
    fn other_output_than_expected_is_an_error() {
        for line in ["", "{}", r#"{"event":"image"}"#, r#"{"event":"image_error"}"#] {
            assert!(event(line).is_err(), "{line}");
        }
    }
}
