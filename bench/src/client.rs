//! A `tacita-client infer` process and the JSON it prints, a line an image.

use std::ffi::OsString;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::Stdio;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tacita_cli::{Ot, Relu};
use tacita_protocol::wire::Traffic;
use tacita_protocol::{Error, Result};

use crate::certs::Certs;
use crate::process::{high_water_mark, sibling};
use crate::table::bytes;

/// Time and traffic of a step.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
pub struct Cost {
    /// Wall seconds at the client.
    pub seconds: f64,
    /// Bytes to the server, above TLS.
    #[serde(rename = "sent")]
    pub up: u64,
    /// Bytes from the server.
    #[serde(rename = "received")]
    pub down: u64,
    /// Round trips.
    pub rounds: u64,
    /// Tickets made; only in offline steps.
    #[serde(default)]
    pub tickets: usize,
}

impl Cost {
    /// Bytes and rounds alone.
    pub fn traffic(&self) -> Traffic {
        Traffic { up: self.up, down: self.down, rounds: self.rounds }
    }

    /// For programs.
    pub fn json(&self) -> Value {
        json!({"seconds": self.seconds, "up": self.up, "down": self.down, "rounds": self.rounds})
    }

    fn bytes(&self) -> u64 {
        self.up + self.down
    }
}

/// The client's answer for one image.
#[derive(Clone, Debug, Deserialize)]
pub struct Answer {
    /// The file.
    pub image: PathBuf,
    /// Class index.
    pub class: usize,
    /// Class name.
    pub label: String,
    /// Logits, if the plan reveals them.
    #[serde(default)]
    pub logits: Vec<f64>,
    /// The winning logit, if the plan reveals it alone.
    #[serde(default)]
    pub logit: Option<f64>,
    /// The offline run that made this image's ticket.
    pub offline_batch: Cost,
    /// The inference.
    pub online: Cost,
    /// ReLUs evaluated.
    pub relus: u64,
    /// ReLUs of the unmasked network.
    pub unmasked_relus: u64,
}

impl Answer {
    /// The private logits that are known beside the clear ones (of all classes) they should equal.
    pub fn beside(&self, clear: &[f64]) -> (Vec<f64>, Vec<f64>) {
        match self.logit {
            None => (self.logits.clone(), clear.to_vec()),
            Some(logit) => (vec![logit], clear.get(self.class).copied().into_iter().collect()),
        }
    }
}

/// What the client prints last.
#[derive(Clone, Debug, Deserialize)]
pub struct Summary {
    /// Handshake, keys, base OTs.
    pub setup: Cost,
    /// All offline runs.
    pub offline: Cost,
    /// All inferences.
    pub online: Cost,
    /// Bytes on the socket, TLS included.
    pub socket: Socket,
    /// Most memory that the client held while it answered, in bytes, where the system tells.
    #[serde(skip)]
    pub peak_memory: Option<u64>,
}

/// Bytes below TLS.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
pub struct Socket {
    /// To the server.
    pub sent: u64,
    /// From the server.
    pub received: u64,
}

/// Infers the images in one session; `each` sees every answer as it comes.
///
/// # Errors
/// `Local` if the client fails or prints something else.
pub fn infer(
    addr: &str,
    certs: &Certs,
    images: &[PathBuf],
    (batch, relu, ot): (Option<usize>, Option<Relu>, Ot),
    each: impl FnMut(&Answer) -> Result<()>,
) -> Result<Summary> {
    run(addr, certs, images, &choices(batch, relu, ot), each)
}

/// Arguments that say how an inference is done.
pub fn choices(batch: Option<usize>, relu: Option<Relu>, ot: Ot) -> Vec<OsString> {
    let mut all = vec!["--ot".to_owned(), ot.to_string()];
    if let Some(relu) = relu {
        all.extend(["--relu".to_owned(), relu.to_string()]);
    }
    if let Some(batch) = batch {
        all.extend(["--batch".to_owned(), batch.to_string()]);
    }
    all.into_iter().map(OsString::from).collect()
}

/// Head of the columns of [`cost_cells`].
pub fn cost_head() -> String {
    format!(
        "{:>9} {:>9}  {:>9} {:>9} {:>6}  ReLUs",
        "ticket s", "bytes", "online s", "bytes", "rounds"
    )
}

/// What an answer cost: a ticket's share of its batch, and the inference.
pub fn cost_cells(offline_batch: &Cost, online: &Cost) -> String {
    let share = |x: f64| x / offline_batch.tickets.max(1) as f64;
    format!(
        "{:>9.3} {:>9}  {:>9.3} {:>9} {:>6}",
        share(offline_batch.seconds),
        bytes(share(offline_batch.bytes() as f64)),
        online.seconds,
        bytes(online.bytes() as f64),
        online.rounds,
    )
}

/// What stands under a table of such costs.
pub fn cost_note(summary: &Summary) -> String {
    format!(
        "A ticket's figures are its share of its batch. Session set-up {:.2} s, {}. All over TLS 1.3 \
         on loopback, bytes both ways, counted above TLS.",
        summary.setup.seconds,
        bytes(summary.setup.bytes() as f64),
    )
}

/// Runs `tacita-client infer` with `more` arguments; `each` sees every answer as it comes, in a form
/// of its own.
///
/// # Errors
/// `Local` if the client fails or prints something else.
pub fn run<A: DeserializeOwned>(
    addr: &str,
    certs: &Certs,
    images: &[PathBuf],
    more: &[OsString],
    mut each: impl FnMut(&A) -> Result<()>,
) -> Result<Summary> {
    let mut command = sibling("tacita-client")?;
    command.args(["infer", "--json", "--server", addr, "--server-name", "localhost"]);
    command.arg("--ca").arg(&certs.ca).args(more);
    command.args(images).stdout(Stdio::piped()).stdin(Stdio::null());
    let failed = |what: String| Error::local(format!("tacita-client: {what}"));
    let mut child = command.spawn().map_err(|e| failed(e.to_string()))?;
    let stdout = child.stdout.take().ok_or_else(|| failed("has no output".into()))?;
    let (mut summary, mut peak) = (None, None);
    for line in BufReader::new(stdout).lines() {
        let line = line.map_err(|e| failed(e.to_string()))?;
        let value: Value =
            serde_json::from_str(&line).map_err(|e| failed(format!("{e}: {line}")))?;
        let unexpected = |e: serde_json::Error| failed(format!("unexpected output: {e}: {line}"));
        match value.get("event").and_then(Value::as_str) {
            Some("image") => {
                peak = peak.max(high_water_mark(child.id()));
                each(&serde_json::from_value(value).map_err(unexpected)?)?;
            }
            Some("summary") => summary = Some(serde_json::from_value(value).map_err(unexpected)?),
            _ => return Err(failed(format!("unexpected output: {line}"))),
        }
    }
    let status = child.wait().map_err(|e| failed(e.to_string()))?;
    summary
        .filter(|_| status.success())
        .map(|s: Summary| Summary { peak_memory: peak, ..s })
        .ok_or_else(|| failed(format!("ended early ({status}): its log is above")))
}

/// The pictures of a folder, by name.
///
/// # Errors
/// `Input` if there are none.
pub fn pictures(dir: &Path) -> Result<Vec<PathBuf>> {
    let unreadable = |e| Error::input(format!("cannot read the folder {}: {e}", dir.display()));
    let mut found = Vec::new();
    for entry in std::fs::read_dir(dir).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        if path.extension().is_some_and(|e| e == "png" || e == "jpg" || e == "jpeg") {
            found.push(path);
        }
    }
    found.sort();
    if found.is_empty() {
        return Err(Error::input(format!("no PNG or JPEG pictures in {}", dir.display())));
    }
    Ok(found)
}
