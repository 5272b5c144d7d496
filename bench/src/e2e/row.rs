//! A row of results. The names of its fields are shared with the page that draws them.

use serde::Serialize;
use tacita_bench::machine::Machine;
use tacita_cli::Relu;

/// One configuration.
#[derive(Clone, Debug, Serialize)]
pub struct Row {
    /// How to make it again.
    pub command: String,
    /// Where it was made.
    pub machine: Machine,
    /// Network.
    pub net: String,
    /// What computes the ReLUs.
    pub relu: Relu,
    /// How correlated OTs were made.
    pub ot: String,
    /// ReLUs kept.
    pub relus: usize,
    /// ReLUs without masks.
    pub unmasked_relus: usize,
    /// Tickets of an offline run.
    pub batch: usize,
    /// The connection's name.
    pub network: String,
    /// Its round trip and rates.
    pub network_numbers: String,
    /// Once a session.
    pub setup: Phase,
    /// The first offline run: the server prepares its weights in it.
    pub first_offline: First,
    /// Later offline runs.
    pub offline: Offline,
    /// An inference.
    pub online: Online,
    /// The client's peak memory, in bytes.
    pub client_peak: u64,
    /// The server's.
    pub server_peak: u64,
    /// Every tensor.
    pub layers: Vec<LayerRow>,
}

/// Time and traffic.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct Phase {
    /// Wall seconds at the client.
    pub seconds: f64,
    /// Bytes to the server, above TLS.
    pub up: u64,
    /// Bytes from the server.
    pub down: u64,
    /// Round trips.
    pub rounds: u64,
}

/// The first offline run.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct First {
    /// Wall seconds for the whole batch.
    pub seconds: f64,
}

/// A later offline run: time (the median) and traffic of the batch, and shares of a ticket.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct Offline {
    /// The whole batch.
    #[serde(flatten)]
    pub batch: Phase,
    /// Wall seconds a ticket.
    pub seconds_a_ticket: f64,
    /// Bytes both ways a ticket.
    pub bytes_a_ticket: f64,
    /// CPU seconds a ticket at the client.
    pub client_cpu: f64,
    /// At the server.
    pub server_cpu: f64,
}

/// An inference: the median time, its traffic, CPU seconds an image.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct Online {
    /// Time and traffic.
    #[serde(flatten)]
    pub phase: Phase,
    /// CPU seconds at the client.
    pub client_cpu: f64,
    /// At the server.
    pub server_cpu: f64,
    /// Images measured.
    pub images: usize,
}

/// A tensor: payload bytes by the cost model (convolutions are booked on the tensor they read),
/// measured seconds.
#[derive(Clone, Debug, Default, Serialize)]
pub struct LayerRow {
    /// Name.
    pub name: String,
    /// ReLUs kept.
    pub relus: usize,
    /// Bytes a ticket, client to server.
    pub offline_up: f64,
    /// Server to client.
    pub offline_down: f64,
    /// Bytes an image, client to server.
    pub online_up: u64,
    /// Server to client.
    pub online_down: u64,
    /// Wall seconds online, the median: from the end of the last tensor that has one to the end of
    /// this. Without messages a tensor has none: 0, and its time is in the next one's.
    pub seconds: f64,
}
