//! `e2e.jsonl` and `sweep.jsonl`.

use serde::Deserialize;
use tacita_bench::machine::Machine;

/// One network, one mask, one link: server and client as two processes.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct Run {
    /// The command that made the row.
    pub command: String,
    /// Where.
    #[serde(default)]
    pub machine: Machine,
    /// The network.
    pub net: String,
    /// What computes the ReLUs.
    #[serde(default = "garbled")]
    pub relu: String,
    /// ReLUs kept.
    pub relus: u64,
    /// ReLUs without a mask.
    #[serde(default)]
    pub unmasked_relus: u64,
    /// Tickets made at a time.
    #[serde(default)]
    pub batch: u64,
    /// The link.
    pub network: String,
    /// Its delay and bandwidth.
    #[serde(default)]
    pub network_numbers: String,
    /// Once a session.
    #[serde(default)]
    pub setup: Phase,
    /// The first batch, in which the weights are prepared.
    #[serde(default)]
    pub first_offline: Phase,
    /// A later batch.
    pub offline: Phase,
    /// An image.
    pub online: Phase,
    /// Most memory of the client, in bytes.
    #[serde(default)]
    pub client_peak: Option<f64>,
    /// Most memory of the server, in bytes.
    #[serde(default)]
    pub server_peak: Option<f64>,
    /// Tensor by tensor.
    #[serde(default)]
    pub layers: Vec<Layer>,
}

/// Time and traffic of a step.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Phase {
    /// Wall seconds; online the median over the images.
    pub seconds: f64,
    /// Bytes to the server.
    pub up: f64,
    /// Bytes to the client.
    pub down: f64,
    /// Round trips.
    pub rounds: u64,
    /// Offline: seconds over the batch.
    pub seconds_a_ticket: Option<f64>,
    /// Offline: bytes both ways over the batch.
    pub bytes_a_ticket: Option<f64>,
    /// Processor seconds of the client, a ticket or an image.
    pub client_cpu: Option<f64>,
    /// Processor seconds of the server, a ticket or an image.
    pub server_cpu: Option<f64>,
    /// Images.
    pub images: u64,
}

/// One tensor of a run.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Layer {
    /// Its name.
    pub name: String,
    /// ReLUs kept.
    pub relus: u64,
    /// Bytes of a ticket to the server.
    pub offline_up: f64,
    /// Bytes of a ticket to the client.
    pub offline_down: f64,
    /// Bytes of an image to the server.
    pub online_up: f64,
    /// Bytes of an image to the client.
    pub online_down: f64,
    /// Wall seconds online, the median.
    pub seconds: f64,
}

/// Network, ReLUs, link, batch.
pub type Task = (String, u64, String, u64);

/// What rows stand for that do not say what computed their ReLUs.
fn garbled() -> String {
    "gc".into()
}

impl Run {
    /// What tells runs apart.
    pub fn key(&self) -> (Task, String) {
        (self.task(), self.relu.clone())
    }

    /// What it computed, whatever its ReLUs were made of.
    pub fn task(&self) -> Task {
        (self.net.clone(), self.relus, self.network.clone(), self.batch)
    }

    /// Seconds of a ticket and of the image that spends it.
    pub fn seconds(&self) -> f64 {
        self.ticket_seconds() + self.online.seconds
    }

    /// Bytes of a ticket and of the image that spends it.
    pub fn bytes(&self) -> f64 {
        self.ticket_bytes() + self.image_bytes()
    }

    /// Seconds of a ticket.
    pub fn ticket_seconds(&self) -> f64 {
        self.offline.seconds_a_ticket.unwrap_or(self.offline.seconds / self.tickets())
    }

    /// Bytes of a ticket, both ways.
    pub fn ticket_bytes(&self) -> f64 {
        let bytes = self.offline.up + self.offline.down;
        self.offline.bytes_a_ticket.unwrap_or(bytes / self.tickets())
    }

    /// Bytes of an image online, both ways.
    pub fn image_bytes(&self) -> f64 {
        self.online.up + self.online.down
    }

    /// Whether all ReLUs are kept.
    pub fn whole(&self) -> bool {
        self.relus >= self.unmasked_relus
    }

    /// Share of the ReLUs that are kept.
    pub fn share(&self) -> f64 {
        self.relus as f64 / self.unmasked_relus.max(1) as f64
    }

    /// The link as a reader wants it.
    pub fn link(&self) -> String {
        match self.network_numbers.as_str() {
            "" => self.network.clone(),
            numbers => format!("{}: {numbers}", self.network),
        }
    }

    fn tickets(&self) -> f64 {
        self.batch.max(1) as f64
    }
}
