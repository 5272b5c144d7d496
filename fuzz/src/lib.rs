//! What the fuzz targets share: a tiny plan, sessions over channels, a counted heap.

mod heap;
mod mutant;
mod network;
mod sessions;

pub use heap::within;
pub use mutant::Mutant;
pub use network::plan;
pub use sessions::{attack_client, attack_server, feed_client, feed_server, frames, honest_frames};
