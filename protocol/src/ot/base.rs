//! Base OTs over Ristretto255: 128 at once, semi-honest.
//!
//! Chou, Orlandi, "The Simplest Protocol for Oblivious Transfer" (Latincrypt 2015), section 3. The
//! sender publishes `A = aG`; for choice `c` the receiver answers `B = bG + cA` and hashes `bA`; the
//! sender hashes `aB` and `a(B - A)`. Against semi-honest parties this needs only computational
//! Diffie-Hellman with the hash as a random oracle; `B` is uniform whatever `c`.

use curve25519_dalek::ristretto::{CompressedRistretto, RistrettoPoint};
use curve25519_dalek::scalar::Scalar;
use curve25519_dalek::traits::{Identity, IsIdentity};
use sha2::{Digest, Sha256};
use subtle::{Choice, ConditionallySelectable};
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use super::Block;
use crate::bytes::Reader;
use crate::error::{Error, Result};
use crate::rng::SecretRng;

/// Base OTs of one instance.
pub const BASE_COUNT: usize = 128;
/// Bytes of the base-OT sender's only message.
pub const BASE_SENDER_BYTES: usize = 32;
/// Bytes of the base-OT receiver's only message.
pub const BASE_RECEIVER_BYTES: usize = 32 * BASE_COUNT;

const DOMAIN: &[u8] = b"tacita base OT key v1";

/// The receiver's 128 seeds, one of each of the sender's pairs.
#[derive(Zeroize, ZeroizeOnDrop)]
pub struct BaseKeys(pub(super) Vec<Block>);

/// The sender's 128 pairs of seeds.
#[derive(Zeroize, ZeroizeOnDrop)]
pub struct BasePairs(pub(super) Vec<[Block; 2]>);

/// The base-OT sender between its two steps.
#[derive(ZeroizeOnDrop)]
pub struct BaseSender {
    secret: Scalar,
    #[zeroize(skip)]
    public: CompressedRistretto,
}

impl BaseSender {
    /// Draws the secret and says what to send ([`BASE_SENDER_BYTES`]).
    pub fn new(rng: &mut SecretRng) -> (Self, Vec<u8>) {
        let secret = random_scalar(rng);
        let public = RistrettoPoint::mul_base(&secret).compress();
        let message = public.as_bytes().to_vec();
        (Self { secret, public }, message)
    }

    /// The 128 pairs of seeds from the receiver's answer.
    ///
    /// # Errors
    /// [`Error::PeerMisbehaved`] if the answer is not 128 group elements.
    pub fn finish(self, answer: &[u8]) -> Result<BasePairs> {
        check_length(answer, BASE_RECEIVER_BYTES)?;
        let step = self.secret * (RistrettoPoint::mul_base(&self.secret));
        let mut reader = Reader::new(answer);
        let mut pairs = Vec::with_capacity(BASE_COUNT);
        for i in 0..BASE_COUNT {
            let (packed, point) = read_point(&mut reader)?;
            let zero = Zeroizing::new(self.secret * point);
            let one = Zeroizing::new(*zero - step);
            let key = |shared| derive_key(i, &self.public, &packed, shared);
            pairs.push([key(&zero), key(&one)]);
        }
        Ok(BasePairs(pairs))
    }
}

/// The base-OT receiver; it has one step only.
pub struct BaseReceiver;

impl BaseReceiver {
    /// Answers the sender: bit `i` of `choices` picks a seed of pair `i`. Returns the seeds and
    /// what to send ([`BASE_RECEIVER_BYTES`]).
    ///
    /// # Errors
    /// [`Error::PeerMisbehaved`] if the sender's message is not a group element of full order.
    pub fn respond(
        choices: u128,
        message: &[u8],
        rng: &mut SecretRng,
    ) -> Result<(BaseKeys, Vec<u8>)> {
        check_length(message, BASE_SENDER_BYTES)?;
        let (packed_a, a) = read_point(&mut Reader::new(message))?;
        if a.is_identity() {
            return Err(Error::misbehaved("the base OT public key is the identity"));
        }
        let mut keys = BaseKeys(Vec::with_capacity(BASE_COUNT));
        let mut answer = Vec::with_capacity(BASE_RECEIVER_BYTES);
        for i in 0..BASE_COUNT {
            let b = Zeroizing::new(random_scalar(rng));
            let choice = Choice::from(((choices >> i) & 1) as u8);
            let shift = RistrettoPoint::conditional_select(&RistrettoPoint::identity(), &a, choice);
            let packed_b = (RistrettoPoint::mul_base(&b) + shift).compress();
            let shared = Zeroizing::new(*b * a);
            keys.0.push(derive_key(i, &packed_a, &packed_b, &shared));
            answer.extend_from_slice(packed_b.as_bytes());
        }
        Ok((keys, answer))
    }
}

fn random_scalar(rng: &mut SecretRng) -> Scalar {
    Scalar::from_bytes_mod_order_wide(&Zeroizing::new(rng.array()))
}

/// Seed `index`: a hash of the transcript's points and the shared one.
fn derive_key(
    index: usize,
    a: &CompressedRistretto,
    b: &CompressedRistretto,
    shared: &RistrettoPoint,
) -> Block {
    let digest = Sha256::new()
        .chain_update(DOMAIN)
        .chain_update((index as u64).to_le_bytes())
        .chain_update(a.as_bytes())
        .chain_update(b.as_bytes())
        .chain_update(shared.compress().as_bytes())
        .finalize();
    let mut key = [0; 16];
    key.copy_from_slice(&digest[..16]);
    Block::from_bytes(key)
}

fn read_point(reader: &mut Reader<'_>) -> Result<(CompressedRistretto, RistrettoPoint)> {
    let packed = CompressedRistretto(reader.array()?);
    let point = packed
        .decompress()
        .ok_or_else(|| Error::misbehaved("a base OT message holds an invalid point"))?;
    Ok((packed, point))
}

/// Refuses a message of another length than the protocol says.
pub(crate) fn check_length(message: &[u8], expected: usize) -> Result<()> {
    if message.len() == expected {
        return Ok(());
    }
    Err(Error::misbehaved(format!("a message of {} bytes where {expected} belong", message.len())))
}
