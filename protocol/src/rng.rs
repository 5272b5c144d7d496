//! Randomness: secret streams seeded by the operating system, public streams seeded on the wire.

use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use crate::error::{Error, Result};

/// Secret randomness: ChaCha20 seeded by the operating system.
///
/// There is no way to seed it in a release build; wire-trace tests use
/// `SecretRng::from_test_seed`, which exists only behind the `test-seeds` feature.
pub struct SecretRng(ChaCha20Rng);

impl SecretRng {
    /// A fresh stream.
    ///
    /// # Errors
    /// [`Error::Local`] if the operating system has no entropy to give.
    pub fn from_os() -> Result<Self> {
        let mut seed = Zeroizing::new([0u8; 32]);
        getrandom::fill(seed.as_mut())
            .map_err(|e| Error::local(format!("no system randomness: {e}")))?;
        Ok(Self(ChaCha20Rng::from_seed(*seed)))
    }

    /// A fixed stream for wire traces and vectors.
    #[cfg(any(test, feature = "test-seeds"))]
    pub fn from_test_seed(seed: u64) -> Self {
        Self(ChaCha20Rng::seed_from_u64(seed))
    }

    /// An independent stream seeded from this one, for a worker thread.
    #[must_use]
    pub fn fork(&mut self) -> Self {
        Self(ChaCha20Rng::from_seed(*Zeroizing::new(self.array())))
    }

    /// A uniform u64.
    pub fn u64(&mut self) -> u64 {
        self.0.next_u64()
    }

    /// `n` uniform u64 values.
    pub fn u64s(&mut self, n: usize) -> Vec<u64> {
        (0..n).map(|_| self.u64()).collect()
    }

    /// `N` uniform bytes.
    pub fn array<const N: usize>(&mut self) -> [u8; N] {
        let mut out = [0; N];
        self.0.fill_bytes(&mut out);
        out
    }

    /// Fills `out` with uniform bytes.
    pub fn fill(&mut self, out: &mut [u8]) {
        self.0.fill_bytes(out);
    }
}

#[cfg(all(feature = "test-seeds", not(debug_assertions)))]
compile_error!("the feature `test-seeds` must not be enabled in a release build");

/// A seed that both parties know.
pub type PublicSeed = [u8; 32];

/// A public seed for one purpose, from public randomness: SHA-256 of the domain and the bytes.
pub fn public_seed(domain: &str, from: &[u8]) -> PublicSeed {
    let mut h = Sha256::new();
    h.update((domain.len() as u64).to_le_bytes());
    h.update(domain.as_bytes());
    h.update(from);
    h.finalize().into()
}

/// A public pseudorandom stream: SHA-256 of (seed, domain, index) seeds ChaCha20.
///
/// Both parties expand the same stream; nothing secret may depend on it staying unknown.
pub struct PublicPrg(ChaCha20Rng);

impl PublicPrg {
    /// The stream `index` of `domain` under `seed`.
    pub fn new(seed: &PublicSeed, domain: &str, index: u64) -> Self {
        let mut h = Sha256::new();
        h.update(seed);
        h.update((domain.len() as u64).to_le_bytes());
        h.update(domain.as_bytes());
        h.update(index.to_le_bytes());
        Self(ChaCha20Rng::from_seed(h.finalize().into()))
    }

    /// The next u64.
    pub fn u64(&mut self) -> u64 {
        self.0.next_u64()
    }
}
