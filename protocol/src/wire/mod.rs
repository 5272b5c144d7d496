//! What carries the protocol: message kinds, the transport interface, the meter, and (for real
//! connections) framing and TLS.
//!
//! - [`Transport`] is what the protocol sees; `Framed` implements it over single frames.
//! - [`memory`] connects two parties in one process; [`connect`] and [`Listener`] do over TLS.
//! - `shape` makes a connection as slow as another network's, for measurements.
//! - Every length that a peer sends is checked before memory is set aside for it, every wait has
//!   an end, and only the fixed words of [`AbortReason`] tell a peer why we stop.

mod abort;
mod certificate;
mod connection;
mod control;
mod counting;
mod dial;
mod endpoint;
pub mod frame;
mod framed;
pub mod memory;
mod meter;
mod patience;
mod runtime;
mod shape;
mod tasks;
#[cfg(test)]
mod tests;
mod tls;
mod tls_error;
mod transport;

pub use abort::AbortReason;
pub use certificate::Validity;
pub use connection::TlsTransport;
pub use control::Control;
pub use counting::RawTraffic;
pub use endpoint::{Incoming, Listener, Target, TlsSlot, connect};
pub use framed::WireTrace;
pub use memory::MemoryTransport;
pub use meter::{Meter, Phase, PhaseTraffic, Traffic};
pub use runtime::{StopWatch, Timeouts, io_runtime};
pub use shape::Line;
pub use tls::{ALPN, ClientTls, Identity, Pem, ServerTls};
pub use transport::{
    CHUNK_BYTES, FRAME_HEADER_BYTES, Kind, MAX_ABORT_BYTES, Transport, framed_bytes,
};
