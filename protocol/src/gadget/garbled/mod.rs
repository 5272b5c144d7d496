//! Masked ReLU: sign by garbled circuit, selection by a one-row gate. One round trip.
//!
//! At a position with shares `x = x_C + x_S mod 2^64` and `|x| < 2^(k-1)`, the gadget gives the
//! client `v = max(x, 0) + rho` and the server `rho`. The client knows `x_C` offline, the server
//! `x_S` online. It is two steps:
//!
//! * [`ClientSign`], [`ServerSign`]: the label of `b = [x >= 0]`, one comparison a position;
//! * [`ClientSelect`], [`ServerSelect`]: `b * x + rho` from that label, one random OT and one row
//!   a selected value. Several values may be selected by one sign.
//!
//! [`ClientRelu`] and [`ServerRelu`] are both steps on the same value. Each state belongs to one
//! use: going online consumes it, so a ticket cannot be spent twice.
//!
//! # From here to shares of the activation
//!
//! The client sends `v - r'`, with `r'` its share of the new tensor fixed offline
//! (8 bytes, [`crate::ring::sub_assign`]); the server subtracts `rho` from what it receives. Then
//! the shares are `r'` and `max(x, 0) - r'`.
//!
//! # What each party learns
//!
//! Offline, the server sees `d = bits(x_C) ^ t` and `e = w_0 - w_1 + x_C`: `t` and the pad it did
//! not choose are uniform to it, so both are uniform. The client sees garbled tables. Online, the
//! client sees one label a bit, a row, and `p = b ^ mu`: `mu` is the server's random bit, so `p`
//! is uniform and independent of the sign; `rho` is a pad from the label's hash, so `v` is
//! uniform. Nothing depends on values but the values themselves: no branch, no address.
//!
//! The one-row selection with the `mu`-masked decode bit is this project's own; its argument is in
//! [`ServerSelect::online`].

mod backend;
mod cost;
mod relu;
mod select;
mod sign_client;
mod sign_server;

pub use backend::Garbled;
pub use cost::{
    cot_count, offline_down_bytes, offline_up_bytes, online_down_bytes, relu_windows, rot_count,
    select_offline_up_bytes, select_online_down_bytes, select_windows, sign_offline_up_bytes,
    sign_online_down_bytes, sign_windows,
};
pub use relu::{ClientRelu, ClientReluRequest, ServerRelu, client_offline_request, server_offline};
pub use select::{ClientSelect, ServerSelect};
pub use sign_client::{ActiveSigns, ClientSign, ClientSignRequest};
pub use sign_server::{ServerSign, ZeroSigns};

use super::{CompareBits, check_count, check_padding};

#[cfg(test)]
mod tests;
