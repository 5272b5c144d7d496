//! Masked ReLU by table lookup: the second backend, for links where bytes cost more than round
//! trips.
//!
//! It computes what [`garbled`](super::garbled) does, the
//! same function of the same shares bit for bit, in two round trips a tensor instead of one and
//! about a fifth of the bytes. Comparison by 1-of-2^d OTs of digits is CrypTFlow2's (Rathee et al.,
//! CCS 2020, section 3.1) as Cheetah uses it (Huang et al., USENIX Security 2022, section 4); the
//! lookup whose selection is prepared offline is this project's own, argued below (messages and bytes:
//! docs/protocol.md, section 6b).
//!
//! # Sign
//!
//! `m + 1` bits of both shares are compared ([`CompareBits`](super::CompareBits)); let `c` and `v` be
//! the low `m` of the client's and of the server's. They carry if `c + v >= 2^m`, that is if
//! `v > t = 2^m - 1 - c`, and `b = [x >= 0] = 1 ^ top(x_C) ^ top(x_S) ^ [v > t]`. With two digits,
//! `[v > t] = gt1 ^ eq1 gt0`. The client knows `t` offline, so it sends *tables* of all three bits over
//! all values of a digit, of which the server reads one entry each: by 1-of-2^d OTs on random indices
//! `w`, made offline (`pads.rs`), and `v - w` online.
//!
//! The client masks them by `alpha1`, `beta`, `alpha0`, so that the server reads `g1 = gt1 ^ alpha1`,
//! `e = eq1 ^ beta`, `g0 = gt0 ^ alpha0` and
//! `eq1 gt0 = e g0 ^ e alpha0 ^ g0 beta ^ beta alpha0`. Of that the server knows the first term and the
//! client the last. For the others the server opens `e1 = e ^ r1` and `e2 = g0 ^ r2` with random bits
//! for which the parties share `r1 alpha0` and `r2 beta` since the offline phase: a random OT of a bit
//! each, in which the server's choice is `r` and the client's pads are `z0` and `z1`. The mask *is*
//! their difference, `alpha0 = z0 ^ z1`, so the server's pad is `z_r = rho1 ^ r1 alpha0` with
//! `rho1 = z0`, and nothing has to be sent; likewise `beta` and `rho2`. So `b = b_S ^ b_C` with
//!
//! ```text
//! b_S = g1 ^ e g0 ^ (r1 alpha0 ^ rho1) ^ (r2 beta ^ rho2) ^ top(x_S)
//! b_C = kappa ^ e1 alpha0 ^ e2 beta
//! kappa = 1 ^ top(x_C) ^ alpha1 ^ beta alpha0 ^ rho1 ^ rho2        known offline
//! ```
//!
//! An empty low digit has no `alpha0`: then both parties take 0 for `z0`, `z1` and `z_r`.
//!
//! # Selection with a prepared choice
//!
//! `b_C` depends on online values only through the two opened bits: it is one of four bits known
//! offline. So the client prepares *four* OTs offline with these as choices, correcting random OTs
//! by a bit each; the first needs none, because its random choice *is* `kappa`, from which `alpha1`
//! follows. The server answers OT number `(e1, e2)` in the same message that opens them: choice 0
//! gives `b_S x_S + rho`, choice 1 `(1 - b_S) x_S + rho`, so that the client gets `T = b x_S + rho`
//! at `b_C` without a further round. The row of choice 0 is zero by choice of `rho`. The client
//! then offers `b x_C + T - r'` for either value of `b_S`, in an OT whose choice `r3` the server
//! corrected to `b_S` by one more bit of that message: the server ends with `max(x, 0) - r'`.
//!
//! # Messages
//!
//! | | | a position | state after it |
//! |---|---|---|---|
//! | offline | C to S | [`request_bytes`]: 3 bits | [`ClientLookup`], [`ServerLookup`] |
//! | online 1 | S to C | [`digits_bytes`]: `v - w` | [`ServerDigits`] |
//! | online 2 | C to S | [`tables_bytes`]: masked tables | [`ClientTables`] |
//! | online 3 | S to C | [`rows_bytes`]: a row, 3 bits | [`ServerRows`] |
//! | online 4 | C to S | [`answer_bytes`]: two values | |
//!
//! Of the two OT instances of a session ([`crate::ot`]), *selection* (the client sends) serves the
//! digits, both ANDs and the last OT, `m + 3` a position ([`selection_ots`]); *labels* (the server
//! sends) serves the four prepared ones ([`label_ots`]). Pads are hashed offline, where the OTs
//! come into being ([`ClientPads`], [`ServerPads`]); going online consumes every state.
//!
//! # What each party learns: nothing but its output
//!
//! Given that hashed OT keys are uniform to who lacks them, and choices hidden from who sends:
//!
//! *The server* sees offline three corrections, each under a random choice of the client's that
//! occurs nowhere else. Online it sees tables, padded in all entries but one, and there the masks:
//! `alpha0` and `beta` have a term `z_(1-r)` each, the pad that it lacks, and `alpha1` has the term
//! `kappa`, the client's choice in an OT, so all three are uniform and independent to it. (Were the
//! masks drawn and three more corrections sent, `z0 ^ z1 ^ alpha0`, the same for `beta`, and one for
//! `kappa`, these would be uniform and independent of all else that the server sees; this is that
//! protocol given that all three are zero.) Of the two values in the last message one is padded;
//! the other is `max(x, 0) + rho - r'` with r' uniform. So its view is uniform given `x_S` and its
//! output.
//!
//! *The client* sees `v - w`, `e ^ r1`, `g0 ^ r2`, `b_S ^ r3` with `w`, `r1`, `r2`, `r3` uniform, used once
//! and hidden from it (the shares of the ANDs, which depend on `r1` and `r2`, occur in `b_S` only, under
//! `r3`). Of the prepared OT that is answered it lacks one pad. If that is choice 1's, it occurs in
//! the row, which is uniform, and `T` is the pad the client holds; if it is choice 0's, it is a
//! term of `rho`, hence of the row and of `T`. The three OTs that are not answered are dropped. So its
//! view is uniform.
//!
//! # Constant time
//!
//! Secrets never steer a branch or an address: thresholds become planes by masks and shifts, the
//! server reads its entry by looking at all words of a table (in them, by a shift of a register),
//! pads are swapped by masks. What is opened on the wire, `v - w` and `(e1, e2)`, does steer:
//! rotations and the number of the prepared OT.

mod backend;
mod client;
mod cost;
mod digit;
mod masks;
mod pads;
mod row;
mod server;
mod split;
mod stream;

pub use backend::Lookup;
pub use client::{ClientLookup, ClientPads, ClientTables};
pub use cost::{
    answer_bytes, digits_bytes, label_ots, label_windows, online_down_bytes, online_up_bytes,
    request_bytes, rows_bytes, selection_ots, selection_windows, tables_bytes,
};
pub use server::{ServerDigits, ServerLookup, ServerPads, ServerRows};
pub use split::Split;

use super::check_padding as check_bits;

/// Positions worked on together. A multiple of 8: any number of bits a position fills whole bytes.
const CHUNK: usize = 256;

#[cfg(test)]
mod tests;
