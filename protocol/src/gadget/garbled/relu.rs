//! Masked ReLU of a whole tensor: both steps on one value.
//!
//! Offline one round: the client's request (`d`, then `e`), the server's tables. Online one
//! message: labels, rows, decode bits.

use super::CompareBits;
use super::cost::{
    offline_up_bytes, online_down_bytes, relu_windows, sign_offline_up_bytes,
    sign_online_down_bytes, sign_windows,
};
use super::select::{ClientSelect, ServerSelect};
use super::sign_client::{ClientSign, ClientSignRequest};
use super::sign_server::ServerSign;
use crate::error::Result;
use crate::ot::{Block, CotView, Delta, GateHash, ReceiverPads, SenderPads, Windows, check_length};
use crate::rng::SecretRng;

/// The client's ReLUs, their request sent, the tables still to come.
pub struct ClientReluRequest {
    sign: ClientSignRequest,
    select: ClientSelect,
}

/// The client's ReLUs of one tensor and one ticket, ready to evaluate.
pub struct ClientRelu {
    pub(super) sign: ClientSign,
    select: ClientSelect,
}

/// The server's ReLUs of one tensor and one ticket, waiting for its shares.
pub struct ServerRelu {
    bits: CompareBits,
    sign: ServerSign,
    select: ServerSelect,
}

/// Starts the client's ReLUs on shares `x_c`, with [`cot_count`](super::cot_count) correlated OTs
/// and as many random OTs as positions. Returns what to send ([`offline_up_bytes`]).
///
/// # Errors
/// [`crate::Error::Input`] for other counts of OTs or windows ([`relu_windows`]) than belong.
pub fn client_offline_request(
    hash: &GateHash,
    windows: Windows,
    bits: CompareBits,
    cots: CotView<'_>,
    pads: SenderPads,
    x_c: &[u64],
) -> Result<(ClientReluRequest, Vec<u8>)> {
    let (sign_windows, select_windows) = split(windows, x_c.len(), bits)?;
    let (sign, mut message) = ClientSignRequest::new(hash, sign_windows, bits, cots, x_c)?;
    let (select, e) = ClientSelect::request(hash, select_windows, pads, x_c)?;
    message.extend_from_slice(&e);
    Ok((ClientReluRequest { sign, select }, message))
}

/// Answers a client's request: garbles as many ReLUs as there are random OTs. `keys` are
/// [`cot_count`](super::cot_count) blocks of the server's correlated OTs under `delta`. Returns the
/// tables to send ([`offline_down_bytes`](super::offline_down_bytes)).
///
/// # Errors
/// [`crate::Error::PeerMisbehaved`] for a malformed request, [`crate::Error::Input`] for other
/// counts of OTs or windows ([`relu_windows`]) than belong.
pub fn server_offline(
    hash: &GateHash,
    windows: Windows,
    bits: CompareBits,
    (keys, delta): (&[Block], &Delta),
    pads: ReceiverPads,
    request: &[u8],
    rng: &mut SecretRng,
) -> Result<(ServerRelu, Vec<u8>)> {
    let n = pads.bits.len();
    check_length(request, offline_up_bytes(n, bits))?;
    let (sign_windows, select_windows) = split(windows, n, bits)?;
    let (d, e) = request.split_at(sign_offline_up_bytes(n, bits));
    let (sign, tables) = ServerSign::garble(hash, sign_windows, (n, bits), (keys, delta), d, rng)?;
    let select = ServerSelect::new(hash, select_windows, pads, e)?;
    Ok((ServerRelu { bits, sign, select }, tables))
}

/// The windows of the signs, and those of the selections.
fn split(windows: Windows, n: usize, bits: CompareBits) -> Result<(Windows, Windows)> {
    let mut windows = windows.exactly(relu_windows(n, bits))?;
    let sign = windows.take(sign_windows(n, bits))?;
    Ok((sign, windows))
}

impl ClientReluRequest {
    /// Takes the garbled tables.
    ///
    /// # Errors
    /// [`crate::Error::PeerMisbehaved`] if they are not
    /// [`offline_down_bytes`](super::offline_down_bytes) long.
    pub fn tables(self, tables: Vec<u8>) -> Result<ClientRelu> {
        Ok(ClientRelu { sign: self.sign.tables(tables)?, select: self.select })
    }
}

impl ClientRelu {
    /// Positions.
    pub fn len(&self) -> usize {
        self.select.len()
    }

    /// Whether there are no positions.
    pub fn is_empty(&self) -> bool {
        self.select.is_empty()
    }

    /// Evaluates the server's message: `v = max(x, 0) + rho` at each position. The caller sends
    /// `v - r'`.
    ///
    /// # Errors
    /// [`crate::Error::PeerMisbehaved`] for a malformed message.
    pub fn online(self, message: &[u8]) -> Result<Vec<u64>> {
        let (n, bits) = (self.len(), self.sign.bits());
        check_length(message, online_down_bytes(n, bits))?;
        let (labels, rows) = message.split_at(sign_online_down_bytes(n, bits));
        let signs = self.sign.online(labels)?;
        self.select.online(&signs, rows)
    }
}

impl ServerRelu {
    /// Positions.
    pub fn len(&self) -> usize {
        self.select.len()
    }

    /// Whether there are no positions.
    pub fn is_empty(&self) -> bool {
        self.select.is_empty()
    }

    /// The comparison width.
    pub fn bits(&self) -> CompareBits {
        self.bits
    }

    /// Enters the server's shares: returns the message ([`online_down_bytes`]) and `rho`, which
    /// the caller subtracts from the client's answer.
    ///
    /// # Errors
    /// [`crate::Error::Input`] unless there is one share a position.
    pub fn online(self, x_s: &[u64]) -> Result<(Vec<u8>, Vec<u64>)> {
        let (mut message, signs) = self.sign.online(x_s)?;
        let (rows, rho) = self.select.online(&signs, x_s)?;
        message.extend_from_slice(&rows);
        Ok((message, rho))
    }
}
