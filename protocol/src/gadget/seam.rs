//! What the protocol knows of the ways to compute ReLUs.
//!
//! A [`Backend`] has a [`Gadget`] for each width of comparisons that it can handle: the numbers that
//! follow from the width, and both parties' first states. From there on, each party's ReLUs of one
//! *slice* (some positions of one tensor of one ticket) go through states that are consumed one by
//! the other, so that nothing is used twice:
//!
//! ```text
//! offline   ClientPads -- request --> ClientRequested -- tables --> ClientRelus
//!           ServerPads -- accept, perhaps tables -------------------> ServerRelus
//! online    ServerRelus -- message of round 0 --> ServerWaits
//!           ClientRelus -- answer of round 0 --> done, or the state before round 1
//!           ServerWaits -- message of round 1, or the server's new shares
//! ```
//!
//! The correlated OTs that a gadget asks for are made by the session: *selection* OTs, in which the
//! client sends, and *label* OTs, in which the server sends.

use std::ops::AddAssign;

use crate::error::Result;
use crate::gadget::CompareBits;
use crate::gadget::kernels::ReluKernels;
use crate::ot::{Block, CotView, Delta, GateHash, Windows};
use crate::rng::SecretRng;
use crate::wire::Kind;

/// A way to compute ReLUs.
pub trait Backend: Sync {
    /// As command lines have it.
    fn name(&self) -> &'static str;

    /// What happens to a layer's ReLUs, for people: "garbled".
    fn does(&self) -> &'static str;

    /// What a user should know of it, for the help of command lines.
    fn about(&self) -> &'static str;

    /// Its gadget for comparisons of this width.
    ///
    /// # Errors
    /// [`crate::Error::Input`] if it has none for so wide ones.
    fn gadget(&self, compare: CompareBits) -> Result<Box<dyn Gadget>>;
}

/// One online round trip: a message of the server's for each slice, then the client's answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Round {
    /// The server's messages.
    pub message: Kind,
    /// The client's answers.
    pub answer: Kind,
    /// The answers of all slices of a tensor are one message.
    pub joined: bool,
}

/// ReLUs whose comparisons have one width. `n` is a number of positions. Gadgets need no correlated OTs
/// and have no tables unless they say so.
pub trait Gadget: Send + Sync {
    /// Correlated OTs in which the client sends.
    fn selection_ots(&self, _n: usize) -> usize {
        0
    }

    /// Tweak windows that hashing these takes.
    fn selection_windows(&self, _n: usize) -> u64 {
        0
    }

    /// Correlated OTs in which the server sends.
    fn label_ots(&self, _n: usize) -> usize {
        0
    }

    /// Tweak windows from the client's request on.
    fn label_windows(&self, _n: usize) -> u64 {
        0
    }

    /// Offline, client to server: bytes of the request.
    fn request_bytes(&self, n: usize) -> usize;

    /// Offline, server to client: bytes of the tables, if there are any. What is empty for one
    /// position is for all.
    fn tables_bytes(&self, _n: usize) -> Option<usize> {
        None
    }

    /// The online round trips.
    fn rounds(&self) -> &'static [Round];

    /// Online, server to client: bytes of a round's message.
    fn message_bytes(&self, round: usize, n: usize) -> usize;

    /// Online, client to server: bytes of a round's answer.
    fn answer_bytes(&self, round: usize, n: usize) -> usize;

    /// The client's pads from [`Self::selection_ots`] of its keys.
    ///
    /// # Errors
    /// [`crate::Error::Input`] for other counts of OTs or windows than belong.
    fn client_pads(
        &self,
        n: usize,
        hash: &GateHash,
        windows: Windows,
        keys: (&[Block], &Delta),
    ) -> Result<Box<dyn ClientPads>>;

    /// The server's pads from as many OTs that it received.
    ///
    /// # Errors
    /// As [`Self::client_pads`].
    fn server_pads(
        &self,
        n: usize,
        hash: &GateHash,
        windows: Windows,
        cots: CotView<'_>,
    ) -> Result<Box<dyn ServerPads>>;

    /// What computing a step costs on a machine.
    fn work(&self, step: Step, n: usize, kernels: &ReluKernels) -> Work;

    /// What work this is, for people: AND gates, hashes.
    fn symmetric(&self, _n: usize) -> Symmetric {
        Symmetric::default()
    }

    /// Bytes that the client holds from step to step.
    fn client_held(&self, n: usize) -> Held;

    /// Bytes that the server holds; without the client's messages.
    fn server_held(&self, n: usize) -> Held;

    /// Most bytes of messages and values at a time online, of a tensor whose slices have these
    /// sizes: at the client and at the server.
    fn answering(&self, slices: &[usize]) -> (usize, usize);
}

/// What is computed for a slice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Offline, the client's pads.
    ClientPads,
    /// Offline, the server's pads.
    ServerPads,
    /// Offline, the client's request, without the extension of its OTs.
    Request,
    /// Offline, what the server makes of it, without the extension.
    Accept,
    /// Online, the server's message of a round: from the second on, with what it makes of the
    /// answer before.
    Message(usize),
    /// Online, the client's answer.
    Answer(usize),
    /// Online, what the server makes of the last answer.
    Finish,
}

/// Work of a step.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Work {
    /// Core-seconds that all cores share.
    pub spread: f64,
    /// Seconds of one core.
    pub alone: f64,
    /// Ring elements read or written besides.
    pub elements: usize,
}

/// Symmetric operations of both parties together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Symmetric {
    /// AND gates.
    pub ands: u64,
    /// Hashes outside of gates.
    pub hashes: u64,
}

/// Bytes of one party's ReLUs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Held {
    /// Pads of the OTs in which the client sends.
    pub pads: usize,
    /// From the request on.
    pub requested: usize,
    /// In the finished ticket.
    pub ready: usize,
}

impl AddAssign for Held {
    fn add_assign(&mut self, other: Self) {
        self.pads += other.pads;
        self.requested += other.requested;
        self.ready += other.ready;
    }
}

/// The client's pads of a slice.
pub trait ClientPads: Send {
    /// Enters the client's shares, by [`Gadget::label_ots`] of the OTs that it received. Returns
    /// the request ([`Gadget::request_bytes`]).
    ///
    /// # Errors
    /// [`crate::Error::Input`] for other counts than belong.
    fn request(
        self: Box<Self>,
        hash: &GateHash,
        windows: Windows,
        cots: CotView<'_>,
        x_c: &[u64],
    ) -> Result<(Box<dyn ClientRequested>, Vec<u8>)>;
}

/// The client's ReLUs of a slice, the request sent.
pub trait ClientRequested: Send {
    /// Takes the tables, if the gadget has any ([`Gadget::tables_bytes`]).
    ///
    /// # Errors
    /// [`crate::Error::PeerMisbehaved`] if they have another length; `Local` if there are none, or
    /// none were due.
    fn ready(self: Box<Self>, tables: Option<Vec<u8>>) -> Result<Box<dyn ClientRelus>>;
}

/// The client's ReLUs of a slice, waiting for a message of the server's.
pub trait ClientRelus: Send {
    /// Answers it; `reshare` is the client's share r' of the result. The state before the next
    /// round, if there is one.
    ///
    /// # Errors
    /// [`crate::Error::PeerMisbehaved`] for a malformed message, [`crate::Error::Input`] unless
    /// there is one new share a position.
    fn answer(self: Box<Self>, message: &[u8], reshare: &[u64]) -> Result<ClientTurn>;
}

/// The client's answer, and the state before the next round.
pub type ClientTurn = (Vec<u8>, Option<Box<dyn ClientRelus>>);

/// The server's pads of a slice.
pub trait ServerPads: Send {
    /// Takes the client's request, and [`Gadget::label_ots`] of the keys. Returns the tables, if the
    /// gadget has any.
    ///
    /// # Errors
    /// [`crate::Error::PeerMisbehaved`] for a malformed request, [`crate::Error::Input`] for other
    /// counts than belong.
    fn accept(
        self: Box<Self>,
        hash: &GateHash,
        windows: Windows,
        keys: (&[Block], &Delta),
        request: &[u8],
        rng: &mut SecretRng,
    ) -> Result<Accepted>;
}

/// The server's ReLUs, and the tables for the client.
pub type Accepted = (Box<dyn ServerRelus>, Option<Vec<u8>>);

/// The server's ReLUs of a slice, waiting for its shares.
pub trait ServerRelus: Send {
    /// Enters them; the message of the first round.
    ///
    /// # Errors
    /// [`crate::Error::Input`] unless there is one share a position.
    fn begin(self: Box<Self>, x_s: &[u64]) -> Result<(Vec<u8>, Box<dyn ServerWaits>)>;
}

/// The server's ReLUs of a slice, waiting for an answer.
pub trait ServerWaits: Send {
    /// Takes it.
    ///
    /// # Errors
    /// [`crate::Error::PeerMisbehaved`] if it is malformed.
    fn take(self: Box<Self>, answer: &[u8]) -> Result<ServerTurn>;
}

/// What the server does next.
pub enum ServerTurn {
    /// It sends the message of the next round.
    Message(Vec<u8>, Box<dyn ServerWaits>),
    /// It has its shares of the result: `max(x, 0) - r'`.
    Done(Vec<u64>),
}
