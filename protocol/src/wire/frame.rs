//! Frames: what a message is cut into. `length u32 LE (payload only) | kind u8 | payload`.
//!
//! Decoding is pure and total: every input is either a header within the limits or
//! `PeerMisbehaved`, and nothing is allocated before the length was checked.

use super::transport::{CHUNK_BYTES, FRAME_HEADER_BYTES, Kind, MAX_ABORT_BYTES};
use crate::error::{Error, Result};

/// A frame's header, checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// Kind of the message that the frame belongs to.
    pub kind: Kind,
    /// Bytes of payload that follow; at most [`CHUNK_BYTES`].
    pub len: usize,
}

/// One frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// Kind of the message that the frame belongs to.
    pub kind: Kind,
    /// Its piece of the message.
    pub payload: Vec<u8>,
}

/// Longest payload of a frame of this kind.
const fn max_payload(kind: Kind) -> usize {
    match kind {
        Kind::Abort => MAX_ABORT_BYTES,
        _ => CHUNK_BYTES,
    }
}

/// Decodes a header.
///
/// # Errors
/// `PeerMisbehaved` for an unknown kind or a length over that kind's limit.
pub fn decode_header(bytes: [u8; FRAME_HEADER_BYTES]) -> Result<Header> {
    let [a, b, c, d, kind] = bytes;
    let len = u32::from_le_bytes([a, b, c, d]) as usize;
    let kind = Kind::from_u8(kind)
        .ok_or_else(|| Error::misbehaved(format!("a frame of unknown kind {kind}")))?;
    let max = max_payload(kind);
    if len > max {
        return Err(Error::misbehaved(format!(
            "a {kind:?} frame of {len} bytes, at most {max} are allowed"
        )));
    }
    Ok(Header { kind, len })
}

/// Encodes a header. `len` is at most [`CHUNK_BYTES`], so it always fits.
pub fn encode_header(header: Header) -> [u8; FRAME_HEADER_BYTES] {
    let [a, b, c, d] = (header.len as u32).to_le_bytes();
    [a, b, c, d, header.kind as u8]
}

/// Header and payload of one frame. `payload` is at most [`CHUNK_BYTES`] long.
pub fn encode(kind: Kind, payload: &[u8]) -> Vec<u8> {
    let mut frame = Vec::with_capacity(FRAME_HEADER_BYTES + payload.len());
    frame.extend_from_slice(&encode_header(Header { kind, len: payload.len() }));
    frame.extend_from_slice(payload);
    frame
}

/// Decodes a buffer that holds exactly one frame.
///
/// # Errors
/// As [`decode_header`], and `PeerMisbehaved` if the buffer is shorter or longer than it says.
pub fn decode(mut bytes: Vec<u8>) -> Result<Frame> {
    let header = bytes
        .first_chunk::<FRAME_HEADER_BYTES>()
        .ok_or_else(|| Error::misbehaved("a frame shorter than its header"))?;
    let Header { kind, len } = decode_header(*header)?;
    if bytes.len() != FRAME_HEADER_BYTES + len {
        return Err(Error::misbehaved("a frame of another length than its header says"));
    }
    bytes.drain(..FRAME_HEADER_BYTES);
    Ok(Frame { kind, payload: bytes })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn headers_round_trip() {
        for kind in (0..=u8::MAX).filter_map(Kind::from_u8) {
            for len in [0, 1, max_payload(kind)] {
                let header = Header { kind, len };
                assert_eq!(decode_header(encode_header(header)).unwrap(), header);
            }
        }
    }

    #[test]
    fn limits_are_exact() {
        for (kind, max) in [(Kind::Abort, MAX_ABORT_BYTES), (Kind::Tables, CHUNK_BYTES)] {
            let header = encode_header(Header { kind, len: max + 1 });
            assert!(matches!(decode_header(header), Err(Error::PeerMisbehaved { .. })));
        }
    }

    #[test]
    fn unknown_kinds_are_refused() {
        for kind in [0, 8, 15, 24, 41, 50, 255] {
            let refused = decode_header([0, 0, 0, 0, kind]);
            assert!(matches!(refused, Err(Error::PeerMisbehaved { .. })), "{kind}");
        }
    }

    proptest! {
        #[test]
        fn any_header_is_decoded_or_refused(bytes: [u8; FRAME_HEADER_BYTES]) {
            match decode_header(bytes) {
                Ok(header) => prop_assert_eq!(encode_header(header), bytes),
                Err(e) => prop_assert!(matches!(e, Error::PeerMisbehaved { .. }), "{e}"),
            }
        }

        #[test]
        fn any_buffer_is_decoded_or_refused(bytes: Vec<u8>) {
            if let Ok(frame) = decode(bytes.clone()) {
                prop_assert_eq!(encode(frame.kind, &frame.payload), bytes);
            }
        }
    }
}
