//! The transports against well-behaved and hostile peers, in memory and over loopback TLS.

mod authority;
mod certificates;
mod in_memory;
mod over_tls;
mod refusals;

use crate::error::{Error, Result};
use crate::wire::frame::encode;
use crate::wire::{CHUNK_BYTES, Kind, Meter, Phase, Transport, framed_bytes};

/// A message of `len` bytes that no two positions of a chunk share.
fn message(len: usize) -> Vec<u8> {
    (0..len).map(|i| (i % 251) as u8 ^ (i >> 12) as u8).collect()
}

/// Sizes around the chunk limit.
const SIZES: [usize; 6] =
    [0, 1, CHUNK_BYTES - 1, CHUNK_BYTES, CHUNK_BYTES + 1, 3 * CHUNK_BYTES + 17];

/// Sends every size as an upload, receives each back as a response, and says goodbye.
fn echo_client(t: &mut impl Transport) -> Result<()> {
    for len in SIZES {
        t.send(Kind::Upload, &message(len))?;
        assert_eq!(t.recv(Kind::Response, len)?, message(len));
    }
    t.send(Kind::Goodbye, b"")
}

/// The other side of [`echo_client`].
fn echo_server(t: &mut impl Transport) -> Result<()> {
    for len in SIZES {
        let m = t.recv(Kind::Upload, len)?;
        t.send(Kind::Response, &m)?;
    }
    t.recv_any(&[Kind::Goodbye, Kind::OnlineRequest], 8).map(|got| {
        assert_eq!(got, (Kind::Goodbye, Vec::new()));
    })
}

/// Checks both ends' counters after an echo.
fn check_echo_meters(client: &Meter, server: &Meter) {
    let bytes: u64 = SIZES.iter().map(|len| framed_bytes(*len)).sum();
    for meter in [client, server] {
        let offline = meter.phase(Phase::Offline);
        assert_eq!((offline.sent, offline.received), (bytes, bytes));
        assert_eq!(meter.phase(Phase::Online), Default::default());
    }
    assert_eq!(client.phase(Phase::Offline).rounds, SIZES.len() as u64);
    assert_eq!(client.phase(Phase::Session).sent, framed_bytes(0));
    assert_eq!(server.phase(Phase::Session).received, framed_bytes(0));
}

/// Frames of a peer that breaks the protocol while a `Labels` message of [`AWAITED`] bytes is due.
fn wrong_frames() -> Vec<(&'static str, Vec<u8>)> {
    let full = message(CHUNK_BYTES);
    vec![
        ("another kind", encode(Kind::Tables, &full)),
        ("a short chunk", encode(Kind::Labels, &message(CHUNK_BYTES - 1))),
        ("the last chunk first", encode(Kind::Labels, &message(AWAITED - CHUNK_BYTES))),
        ("an unknown kind", vec![0, 0, 0, 0, 99]),
        ("a frame over the limit", [&(CHUNK_BYTES as u32 + 1).to_le_bytes()[..], &[33]].concat()),
        ("a frame of 4 GiB", vec![255, 255, 255, 255, 33]),
        ("an abort over its limit", [&1025u32.to_le_bytes()[..], &[49]].concat()),
    ]
}

/// Length of the message that [`wrong_frames`] spoil.
const AWAITED: usize = CHUNK_BYTES + 40;

fn is_misbehaviour<T>(result: Result<T>) -> bool {
    matches!(result, Err(Error::PeerMisbehaved { .. }))
}

fn is_network<T>(result: Result<T>) -> bool {
    matches!(result, Err(Error::Network { .. }))
}

fn abort_text<T>(result: Result<T>) -> String {
    match result {
        Err(Error::PeerAborted { reason }) => reason,
        Err(e) => panic!("not an abort: {e}"),
        Ok(_) => panic!("not an abort"),
    }
}
