//! What carries the protocol: message kinds, the transport interface, the meter, and (for real
//! connections) framing and TLS.

mod meter;
mod transport;

pub use meter::{Meter, Phase, PhaseTraffic};
pub use transport::{
    CHUNK_BYTES, FRAME_HEADER_BYTES, Kind, MAX_ABORT_BYTES, Transport, framed_bytes,
};
