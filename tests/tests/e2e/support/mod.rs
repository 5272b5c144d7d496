//! What the tests share: files, processes, and clients made from the library.

mod binaries;
mod client;
mod die_at;
mod files;
mod impostor;
mod network;
mod peer;
mod raw;
mod relay;
mod server;
mod tap;

pub use binaries::binary;
pub use client::{Client, Ended};
pub use die_at::DieAt;
pub use files::Files;
pub use impostor::Impostor;
pub use network::{TOLERANCE, network};
pub use peer::{Peer, Witness, honest_session, ring, undisturbed};
pub use raw::{RawTls, dial_from};
pub use relay::relay_from;
pub use server::{Server, serving};
pub use tap::{Action, KILLED, Tap};
