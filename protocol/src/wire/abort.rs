//! What a party says when it stops early.
//!
//! Only these fixed words travel: an abort that carried error details could leak what a party
//! knows (docs/protocol.md, section 1, promises that the server learns nothing about the image).

use super::transport::MAX_ABORT_BYTES;
use crate::error::Error;

/// Why a party stops, as it is told to the peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AbortReason {
    /// The server runs as many sessions as it may.
    Busy,
    /// The server is being stopped.
    ShuttingDown,
    /// No request came for longer than the idle limit.
    Idle,
    /// The connection failed or the peer was silent too long.
    Connection,
    /// The peer broke the protocol.
    ProtocolError,
    /// The peer runs another version or another plan.
    Incompatible,
    /// The sender cannot go on: its input or its machine failed it.
    Failure,
}

impl AbortReason {
    const ALL: [Self; 7] = [
        Self::Busy,
        Self::ShuttingDown,
        Self::Idle,
        Self::Connection,
        Self::ProtocolError,
        Self::Incompatible,
        Self::Failure,
    ];

    /// The words that travel.
    pub const fn text(self) -> &'static str {
        match self {
            Self::Busy => "busy: no free session, try again later",
            Self::ShuttingDown => "shutting down",
            Self::Idle => "no request for too long",
            Self::Connection => "connection trouble or no answer in time",
            Self::ProtocolError => "the other side broke the protocol",
            Self::Incompatible => "incompatible version or plan",
            Self::Failure => "failure on this side",
        }
    }

    /// The reason with these words, if it is one of ours.
    pub fn from_text(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|r| r.text() == text)
    }

    /// What to tell the peer about an error here; `None` if the peer stopped first.
    pub const fn for_error(error: &Error) -> Option<Self> {
        Some(match error {
            Error::PeerAborted { .. } => return None,
            Error::PeerMisbehaved { .. } => Self::ProtocolError,
            Error::PeerIncompatible { .. } => Self::Incompatible,
            Error::Network { .. } | Error::Refused { .. } => Self::Connection,
            Error::Input { .. } | Error::Local { .. } => Self::Failure,
        })
    }
}

/// The peer's words, fit for a terminal and a log: bounded, no control characters.
pub(super) fn received(payload: &[u8]) -> Error {
    let bounded = payload.get(..MAX_ABORT_BYTES).unwrap_or(payload);
    let reason = String::from_utf8_lossy(bounded)
        .chars()
        .map(|c| if c.is_control() { char::REPLACEMENT_CHARACTER } else { c })
        .collect();
    Error::PeerAborted { reason }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_name_their_reason() {
        for reason in AbortReason::ALL {
            assert_eq!(AbortReason::from_text(reason.text()), Some(reason));
        }
        assert_eq!(AbortReason::from_text("tired"), None);
    }

    #[test]
    fn escape_sequences_do_not_reach_the_terminal() {
        let Error::PeerAborted { reason } = received(b"\x1b[2Jgone\xff") else { panic!() };
        assert_eq!(reason, "\u{fffd}[2Jgone\u{fffd}");
    }
}
