//! What the fuzz targets share: a tiny plan, and sessions over channels.

mod mutant;
mod network;
mod sessions;

pub use mutant::Mutant;
pub use network::plan;
pub use sessions::{attack_client, attack_server, feed_client, feed_server, frames, honest_frames};
