//! The select step: `b * x + rho` from the label of `b`, one row a value.

use rayon::prelude::*;
use zeroize::{ZeroizeOnDrop, Zeroizing};

use super::cost::{select_offline_up_bytes, select_online_down_bytes, select_windows};
use super::sign_client::ActiveSigns;
use super::sign_server::ZeroSigns;
use super::{check_count, check_padding};
use crate::bytes::{bit, put_u64s, u64s_from};
use crate::error::Result;
use crate::garble::CHUNK;
use crate::ot::{Block, GateHash, ReceiverPads, SenderPads, Windows, check_length, mask64};

/// The server's half of a selection: `mu` and `tau_S`, with
/// `tau_S + tau_C = mu * x_C`: 9 bytes a value.
#[derive(ZeroizeOnDrop)]
pub struct ServerSelect {
    #[zeroize(skip)]
    hash: GateHash,
    #[zeroize(skip)]
    windows: Windows,
    mu: Vec<u8>,
    tau: Vec<u64>,
}

impl ServerSelect {
    /// Takes the client's `e` ([`select_offline_up_bytes`]) and as many random OTs:
    /// `tau_S = w_mu + mu * e`.
    ///
    /// # Errors
    /// [`crate::Error::PeerMisbehaved`] if `e` has another length, [`crate::Error::Input`] for
    /// another number of windows than [`select_windows`].
    pub fn new(
        hash: &GateHash,
        windows: Windows,
        mut pads: ReceiverPads,
        e: &[u8],
    ) -> Result<Self> {
        let n = pads.bits.len();
        check_length(e, select_offline_up_bytes(n))?;
        let mut tau = std::mem::take(&mut pads.chosen);
        for ((tau, mu), e) in tau.iter_mut().zip(&pads.bits).zip(u64s_from(e)) {
            *tau = tau.wrapping_add(e & mask64(*mu));
        }
        Ok(Self {
            hash: hash.clone(),
            windows: windows.exactly(select_windows(n))?,
            mu: std::mem::take(&mut pads.bits),
            tau,
        })
    }

    /// Values to select.
    pub fn len(&self) -> usize {
        self.mu.len()
    }

    /// Whether there are no values.
    pub fn is_empty(&self) -> bool {
        self.mu.is_empty()
    }

    /// Says what to send ([`select_online_down_bytes`]) and returns `rho`.
    ///
    /// The client shall get `T_b`, with `T_0 = (1 - 2 mu) tau_S + rho` and
    /// `T_1 = x_S - (1 - 2 mu) tau_S + rho`, each padded by the hash of its label of `b`. The row
    /// of the label with colour 0 is zero by choice of `rho`; `g` is the row of the other.
    ///
    /// With `p = b ^ mu`, `T_b + p x_C + (1 - 2p) tau_C = b x + rho` in all four cases, since
    /// `tau_S + tau_C = mu x_C`.
    ///
    /// Leakage: the client holds one of the two labels, so the other's hash is uniform to it. That
    /// hash is a term of `g` in one colour and of `rho`, hence of `g`, in the other: `g` is
    /// uniform either way and tells nothing of `x_S`, `mu` or `rho` beyond `v`, which is a hash of
    /// a label whose colour is random, plus known terms. The decode bit `lsb(B_0) ^ mu` gives the
    /// client `p`, and `mu` is uniform to it by the random OT.
    ///
    /// # Errors
    /// [`crate::Error::Input`] unless there are one share and one sign a value.
    pub fn online(self, signs: &ZeroSigns, x_s: &[u64]) -> Result<(Vec<u8>, Vec<u64>)> {
        let n = self.mu.len();
        check_count("shares", x_s.len(), n)?;
        check_count("signs", signs.labels.len(), n)?;
        let mut message = vec![0; select_online_down_bytes(n)];
        let (rows, decode) = message.split_at_mut(8 * n);
        let mut rho = vec![0; n];
        rho.par_chunks_mut(CHUNK)
            .zip(rows.par_chunks_mut(8 * CHUNK))
            .zip(decode.par_chunks_mut(CHUNK / 8))
            .enumerate()
            .for_each(|(i, ((rho, rows), decode))| {
                let at = i * CHUNK..i * CHUNK + rho.len();
                let zero = &signs.labels[at.clone()];
                let one: Zeroizing<Vec<Block>> =
                    Zeroizing::new(zero.iter().map(|l| *l ^ signs.delta.block()).collect());
                let pads = [self.pads(i, zero), self.pads(i, &one)];
                for (j, (rho, row)) in rho.iter_mut().zip(rows.chunks_exact_mut(8)).enumerate() {
                    let (colour, mu) = (zero[j].lsb(), self.mu[at.start + j]);
                    let base = negate_if(mu, self.tau[at.start + j]);
                    let terms = [base, x_s[at.start + j].wrapping_sub(base)];
                    let pads = [pads[0][j].low64(), pads[1][j].low64()];
                    let g;
                    (*rho, g) = one_row(colour, terms, pads);
                    row.copy_from_slice(&g.to_le_bytes());
                    decode[j / 8] |= (colour ^ mu) << (j % 8);
                }
            });
        Ok((message, rho))
    }

    fn pads(&self, chunk: usize, labels: &[Block]) -> Zeroizing<Vec<Block>> {
        pads(&self.hash, &self.windows, chunk, labels)
    }
}

/// `rho` and the row `g`, given the colour of the zero label, the terms that the client shall get
/// less `rho`, and the pads, each for `b` = 0 and 1.
fn one_row(colour: u8, terms: [u64; 2], pads: [u64; 2]) -> (u64, u64) {
    // The label of colour 0 stands for b = colour.
    let swap = mask64(colour);
    let (term_swap, pad_swap) = ((terms[0] ^ terms[1]) & swap, (pads[0] ^ pads[1]) & swap);
    let implicit = (terms[0] ^ term_swap, pads[0] ^ pad_swap);
    let sent = (terms[1] ^ term_swap, pads[1] ^ pad_swap);
    let rho = implicit.1.wrapping_sub(implicit.0);
    (rho, sent.0.wrapping_add(rho).wrapping_sub(sent.1))
}

/// The client's half of a selection: its shares and `tau_C = -w_0`, 16 bytes a value.
#[derive(ZeroizeOnDrop)]
pub struct ClientSelect {
    #[zeroize(skip)]
    hash: GateHash,
    #[zeroize(skip)]
    windows: Windows,
    x: Vec<u64>,
    tau: Vec<u64>,
}

impl ClientSelect {
    /// Takes the client's shares of the values and as many random OTs; returns what to send
    /// ([`select_offline_up_bytes`]): `e = w_0 - w_1 + x_C`.
    ///
    /// # Errors
    /// [`crate::Error::Input`] for other counts of random OTs or windows ([`select_windows`]) than
    /// belong.
    pub fn request(
        hash: &GateHash,
        windows: Windows,
        mut pads: SenderPads,
        x_c: &[u64],
    ) -> Result<(Self, Vec<u8>)> {
        check_count("random OTs", pads.zero.len(), x_c.len())?;
        let mut e = x_c.to_vec();
        for ((e, w0), w1) in e.iter_mut().zip(&pads.zero).zip(&pads.one) {
            *e = e.wrapping_add(*w0).wrapping_sub(*w1);
        }
        let mut message = Vec::new();
        put_u64s(&mut message, &e);
        let mut tau = std::mem::take(&mut pads.zero);
        for w in &mut tau {
            *w = w.wrapping_neg();
        }
        let state = Self {
            hash: hash.clone(),
            windows: windows.exactly(select_windows(x_c.len()))?,
            x: x_c.to_vec(),
            tau,
        };
        Ok((state, message))
    }

    /// Values to select.
    pub fn len(&self) -> usize {
        self.x.len()
    }

    /// Whether there are no values.
    pub fn is_empty(&self) -> bool {
        self.x.is_empty()
    }

    /// `v = T_b + p * x_C + (1 - 2p) * tau_C = b * x + rho`.
    ///
    /// # Errors
    /// [`crate::Error::PeerMisbehaved`] for a malformed message, [`crate::Error::Input`] unless
    /// there is one sign a value.
    pub fn online(self, signs: &ActiveSigns, message: &[u8]) -> Result<Vec<u64>> {
        let n = self.x.len();
        check_count("signs", signs.labels.len(), n)?;
        check_length(message, select_online_down_bytes(n))?;
        let (rows, decode) = message.split_at(8 * n);
        check_padding(decode, n)?;
        let mut v = u64s_from(rows);
        v.par_chunks_mut(CHUNK).enumerate().for_each(|(i, v)| {
            let at = i * CHUNK..i * CHUNK + v.len();
            let labels = &signs.labels[at.clone()];
            let pads = pads(&self.hash, &self.windows, i, labels);
            for (j, position) in at.enumerate() {
                let colour = labels[j].lsb();
                let p = colour ^ u8::from(bit(decode, position));
                let term = pads[j].low64().wrapping_add(v[j] & mask64(colour));
                v[j] = term
                    .wrapping_add(self.x[position] & mask64(p))
                    .wrapping_add(negate_if(p, self.tau[position]));
            }
        });
        Ok(v)
    }
}

/// The hashes of one chunk's labels.
fn pads(
    hash: &GateHash,
    windows: &Windows,
    chunk: usize,
    labels: &[Block],
) -> Zeroizing<Vec<Block>> {
    let mut out = Zeroizing::new(labels.to_vec());
    hash.window(windows.index(chunk)).hash(0, &mut out);
    out
}

/// `-x` if `bit` is 1, else `x`.
#[inline]
fn negate_if(bit: u8, x: u64) -> u64 {
    let mask = mask64(bit);
    (x ^ mask).wrapping_sub(mask)
}
