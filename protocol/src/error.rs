//! One error type for the protocol, shaped by who is to blame.

/// Everything that can go wrong in a protocol run, by culprit.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The peer broke the protocol: a wrong length, an unexpected message, a spent ticket.
    #[error("peer misbehaved: {what}")]
    PeerMisbehaved {
        /// What it did.
        what: String,
    },
    /// The peer is honest but cannot work with us: another version, another plan.
    #[error("peer incompatible: {what}")]
    PeerIncompatible {
        /// What does not fit, and what to do about it.
        what: String,
    },
    /// The peer told us that it stopped, and why.
    #[error("peer stopped: {reason}")]
    PeerAborted {
        /// The peer's words, cut to a bounded length.
        reason: String,
    },
    /// The caller's input is unusable: a bad image, a damaged plan, a bad option.
    #[error("{what}")]
    Input {
        /// What is wrong and how to mend it.
        what: String,
    },
    /// The connection failed.
    #[error("network: {what}")]
    Network {
        /// What failed.
        what: String,
    },
    /// Nobody accepts connections at the peer's address: it may be starting.
    #[error("network: {what}")]
    Refused {
        /// Where, and what the system said.
        what: String,
    },
    /// This machine failed us: no entropy, no memory, a full disk.
    #[error("local failure: {what}")]
    Local {
        /// What failed.
        what: String,
    },
}

impl Error {
    /// The peer broke the protocol.
    pub fn misbehaved(what: impl Into<String>) -> Self {
        Self::PeerMisbehaved { what: what.into() }
    }
    /// The peer cannot work with us.
    pub fn incompatible(what: impl Into<String>) -> Self {
        Self::PeerIncompatible { what: what.into() }
    }
    /// The caller's input is unusable.
    pub fn input(what: impl Into<String>) -> Self {
        Self::Input { what: what.into() }
    }
    /// The connection failed.
    pub fn network(what: impl Into<String>) -> Self {
        Self::Network { what: what.into() }
    }
    /// This machine failed us.
    pub fn local(what: impl Into<String>) -> Self {
        Self::Local { what: what.into() }
    }
}

/// Shorthand for results of this crate.
pub type Result<T> = std::result::Result<T, Error>;
