//! Ring-LWE encryption of masks (docs/protocol.md, section 4).
//!
//! Offline, for every linear layer `L` and a batch of tickets: the client uploads its masks `r`
//! under its own key ([`encrypt_mask`], [`receive_upload`]); the server multiplies by its weights
//! without rotations or key switching ([`evaluate`]); the client decrypts `c = L(r) - s`
//! ([`decrypt_response`]), `s` being the server's mask. One message each way, whose lengths follow
//! from the public [`Packing`].
//!
//! The server learns nothing of `r` (ring-LWE, see `upload`), the client nothing of the weights
//! beyond `c` (see `evaluate` and [`noise_bound`]). Sources: BFV (Fan, Vercauteren 2012) with a
//! power-of-two plaintext modulus, the convolution encoding of Cheetah (Huang et al. 2022); the
//! implicit half of the upload and the batching over tickets are the protocol's own.

mod evaluate;
mod kernel;
mod keys;
pub mod measure;
mod noise;
mod packing;
mod params;
mod poly;
mod response;
mod sampling;
mod upload;
mod weights;

#[cfg(test)]
mod tests;

pub use evaluate::{Evaluation, ResponseGroup, evaluate};
pub use keys::{PublicKey, SecretKey};
pub use noise::{MIN_FLOODING_BITS, check_flooding, flooding_bits, noise_bound};
pub use packing::{CellMap, Defined, Packing, Source};
pub use params::{DEGREE, DELTA, P, Q};
pub use response::decrypt_response;
pub use sampling::FLOOD_BITS;
pub use upload::{Ciphertext, draw_missing, encrypt_mask, receive_ciphertext, receive_upload};
pub use weights::{PreparedWeights, WeightPart, Weights};
