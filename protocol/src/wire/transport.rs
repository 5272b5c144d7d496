//! The interface between the protocol and whatever carries it.

use crate::error::Result;
use crate::wire::meter::{Meter, Phase};

/// Bytes before each frame's payload: length (u32, payload only) and kind (u8).
pub const FRAME_HEADER_BYTES: usize = 5;
/// Largest payload of a frame; longer messages are cut into full frames and a rest.
pub const CHUNK_BYTES: usize = 1 << 18;
/// Longest reason in an abort message, in bytes; longer ones are cut.
pub const MAX_ABORT_BYTES: usize = 1024;

/// Bytes on the wire (above TLS) for a message of `payload` bytes; an empty one is one frame.
pub const fn framed_bytes(payload: usize) -> u64 {
    let frames = if payload == 0 { 1 } else { payload.div_ceil(CHUNK_BYTES) };
    (payload + frames * FRAME_HEADER_BYTES) as u64
}

/// Message kinds, in the order of docs/protocol.md, section 7.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Kind {
    /// C to S: versions and limits.
    ClientHello = 1,
    /// S to C: versions, limits, session parameters, then the public plan.
    ServerHello = 2,
    /// S to C: the encoded public plan.
    PublicPlan = 3,
    /// C to S: RLWE public key and first base OT message.
    ClientKeys = 4,
    /// S to C: base OT.
    ServerBaseOt = 5,
    /// C to S: base OT and tree corrections.
    ClientBaseOt = 6,
    /// Either way: the OT extension that silent OT starts from.
    Bootstrap = 7,
    /// C to S: make tickets; which tensors' ReLUs are looked up.
    OfflineRequest = 16,
    /// C to S: encrypted masks.
    Upload = 17,
    /// S to C: evaluated masks.
    Response = 18,
    /// S to C: OT extension where the server receives.
    ServerExtension = 19,
    /// C to S: OT extension where the client receives.
    ClientExtension = 20,
    /// C to S: choice corrections, masked values, identity corrections.
    ClientCorrections = 21,
    /// S to C: garbled tables.
    Tables = 22,
    /// Either way: a refill of silent OT, from the sender of correlated OTs.
    Refill = 23,
    /// C to S: spend a ticket: its id.
    OnlineRequest = 32,
    /// S to C: labels, decode bits, rows.
    Labels = 33,
    /// C to S: re-shared activations.
    Activations = 34,
    /// S to C: the server's share of the output: the logits, or the winning one.
    Logits = 35,
    /// C to S: the masked image.
    MaskedInput = 36,
    /// S to C: masked digits of ReLUs that are looked up.
    Digits = 37,
    /// C to S: their masked tables.
    MaskedTables = 38,
    /// S to C: rows and opened bits.
    Rows = 39,
    /// C to S: both re-shared values.
    Answers = 40,
    /// C to S: no more requests.
    Goodbye = 48,
    /// Either way: the sender stops, and why (UTF-8, at most [`MAX_ABORT_BYTES`]).
    Abort = 49,
}

impl Kind {
    /// The phase that this message's bytes count for.
    pub const fn phase(self) -> Phase {
        match self as u8 {
            16..32 => Phase::Offline,
            32..48 => Phase::Online,
            _ => Phase::Session,
        }
    }

    /// The kind with this number.
    pub fn from_u8(n: u8) -> Option<Self> {
        use Kind::{
            Abort, Activations, Answers, Bootstrap, ClientBaseOt, ClientCorrections,
            ClientExtension, ClientHello, ClientKeys, Digits, Goodbye, Labels, Logits, MaskedInput,
            MaskedTables, OfflineRequest, OnlineRequest, PublicPlan, Refill, Response, Rows,
            ServerBaseOt, ServerExtension, ServerHello, Tables, Upload,
        };
        [
            ClientHello,
            ServerHello,
            PublicPlan,
            ClientKeys,
            ServerBaseOt,
            ClientBaseOt,
            Bootstrap,
            OfflineRequest,
            Upload,
            Response,
            ServerExtension,
            ClientExtension,
            ClientCorrections,
            Tables,
            Refill,
            OnlineRequest,
            Labels,
            Activations,
            Logits,
            Goodbye,
            Abort,
            MaskedInput,
            Digits,
            MaskedTables,
            Rows,
            Answers,
        ]
        .into_iter()
        .find(|k| *k as u8 == n)
    }
}

/// Carries messages to and from the peer. Blocking; implemented over TLS and in memory.
///
/// Sending may return before the bytes have left. A message of more than [`CHUNK_BYTES`] travels
/// as several frames; sender and receiver agree on the exact length beforehand (from the plan),
/// so a frame of any other length is refused before memory is set aside for it.
pub trait Transport {
    /// Sends one message.
    ///
    /// # Errors
    /// `Network` if the connection is gone, `PeerAborted` if the peer said why it left.
    fn send(&mut self, kind: Kind, payload: &[u8]) -> Result<()>;

    /// Receives a message of exactly this kind and length.
    ///
    /// # Errors
    /// `PeerMisbehaved` for any other kind or length, `PeerAborted` if the peer sent an abort,
    /// `Network` if the connection is gone or silent too long.
    fn recv(&mut self, kind: Kind, len: usize) -> Result<Vec<u8>>;

    /// Receives a single-frame message whose kind and length (at most `max`, itself at most
    /// [`CHUNK_BYTES`]) are the peer's choice among `kinds`.
    ///
    /// # Errors
    /// As [`Transport::recv`].
    fn recv_any(&mut self, kinds: &[Kind], max: usize) -> Result<(Kind, Vec<u8>)>;

    /// The counters.
    fn meter(&self) -> &Meter;
}
