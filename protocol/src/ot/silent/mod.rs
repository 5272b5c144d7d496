//! Silent correlated OT: millions of correlated OTs from one short message.
//!
//! Yang, Weng, Lan, Zhang, Wang, "Ferret: Fast Extension for Correlated OT with Small
//! Communication" (CCS 2020), with regular noise, over the trees of Guo, Yang, Wang, Zhang, Xie,
//! Liu, Zhao, "Half-Tree: Halving the Cost of Tree Expansion in COT and DPF" (EUROCRYPT 2023),
//! section 4. Semi-honest. [`SilentSet`] has the parameters and what is known of their security.
//!
//! **A refill** turns `k + t h` correlated OTs into `n = t 2^h` under the same offset:
//!
//! 1. The sender grows `t` trees of depth `h` whose levels each sum to the offset, and sends a block
//!    a level: the sum of the level's left nodes XOR its block `K` of one correlated OT. That is the
//!    only message.
//! 2. With its `M = K ^ r delta` the receiver gets the sum of the left nodes or of the right ones,
//!    as its bit `r` says, so it learns all leaves but the one whose path turns the other way each
//!    time. All leaves sum to the offset, so at that one it gets the leaf XOR the offset: a
//!    correlated OT of bit 1 there, of bit 0 everywhere else.
//! 3. Both add to leaf `j` the XOR of ten of the `k` blocks, at public random positions. The
//!    receiver's bits are then a sparse public code's word of `k` random bits plus `t` errors, one
//!    in each tree: pseudorandom by the assumption of learning parity with noise (LPN).
//!
//! `k + t h` of the outputs are kept back for the next refill. The first one is paid for by the
//! [SoftSpoken extension](super::CotReceiver) ([`Ledger::base_cots`], once a session).
//!
//! **Nothing travels from the receiver.** Half-Tree's receiver sends its path XOR its choice bits,
//! because its caller chooses the path. Here the path need only be uniform, independent of the `k`
//! bits and unknown to the sender, which is what the choice bits of `h` correlated OTs are (at first
//! by the extension, later by LPN), so their complement *is* the path. What the sender sees of the
//! receiver is therefore nothing at all. What the receiver sees are the sums off the path, as in
//! the paper's proof.
//!
//! **Lowest bits.** The offset's is 1. The receiver sets that of its first blocks to its choice
//! bits, the sender clears its own; this keeps `M = K ^ t delta`, and so does every XOR, so that one
//! read fetches block and bit. Leaves lose theirs too, but for the receiver's at the missing place.
//! That the lowest bit of `K` is known is nothing new to the receiver: it always was `lsb(M) ^ t`.
//! Hashes of `K ^ delta` stand on the other 127 bits, as they do with the extension, and a label's
//! colour is known to the party whose input it carries in any case.
//!
//! **The hash of the trees** is `H(x) = P(s(x)) ^ s(x)` with `P` AES under a public key and `s` a
//! linear orthomorphism, circular correlation robust in the random-permutation model (Guo, Katz,
//! Wang, Yu, S&P 2020, section 7.2): one AES call makes both children. No tweak is needed since
//! every tree of every refill and direction has its own key. So one AES call of an attacker tests a
//! guess of the offset against the at most 12 unknown nodes of one tree, not against all of the
//! session's: the offset is as hard to find as a key of some 123 bits (compare
//! [`GateHash`](super::GateHash), 119 bits).
//!
//! **Public seed.** [`SilentSender::new`] and [`SilentReceiver::new`] take a seed that both know.
//! It must be random and not depend on the offset or on the base OTs, such as one that a party draws
//! in the handshake. It keys the trees and the positions; nothing depends on it being unknown.
//!
//! **Memory** is 16 bytes an output of one refill, 16 `k` for its secret, and what was left in
//! stock; a drained batch's buffer becomes the next one's.

mod code;
mod keys;
mod lanes;
mod ledger;
mod params;
mod receiver;
mod sender;
mod stock;
mod tree;

pub use keys::Direction;
pub use ledger::Ledger;
pub use params::SilentSet;
pub use receiver::{ReceiverBatch, ReceiverRefill, SilentReceiver};
pub use sender::{SenderBatch, SenderRefill, SilentSender};

#[cfg(test)]
mod tests;
