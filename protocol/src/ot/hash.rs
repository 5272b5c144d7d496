//! The hash of labels and OT keys: AES as a tweakable circular-correlation-robust function.
//!
//! `H(x, i) = P(P(x) ^ i) ^ P(x)`: TMMO of Guo, Katz, Wang, Yu, "Efficient and Secure Multiparty
//! Computation from Fixed-Key Block Ciphers" (S&P 2020), section 7.4, with the permutation `P`
//! modelled as ideal. It is what free XOR, half gates and correlated OT need when every tweak is
//! used with one label pair only.
//!
//! **Many instances.** With one fixed key for everything, an attacker's single AES call tests a
//! guess against every hash the session ever publishes, because `H ^ i = P(z) ^ z` for
//! `z = P(x) ^ i`: 2^31 hashes would cost 31 of 128 bits (the attack of Guo, Katz, Wang, Weng, Yu,
//! "Better Concrete Security for Half-Gates Garbling (in the Multi-Instance Setting)", CRYPTO
//! 2020). Their cure is to use each key for few tweaks. Here a *window* of [`WINDOW_TWEAKS`] tweaks
//! has its own key, derived from the public session key by AES, so that an AES call tests at most
//! 2^9 unknown hashes: in the ideal-cipher model the offset is as hard to find as a 119-bit key,
//! whatever the number of gates, tickets and sessions. (Smaller windows trade speed for the rest:
//! a key schedule costs as much as four gates and is paid once a window.)

use aes::Aes128Enc;
use aes::cipher::{Array, BlockCipherEncrypt, KeyInit};

use super::Block;
use super::fixed_key::{FixedKey, HashBackend};
use crate::error::{Error, Result};

/// Tweaks of one window, that is hashes (one per label pair) under one AES key.
pub const WINDOW_TWEAKS: usize = 512;
/// Derives the windows' hashes from the session's public key, which both parties agree on.
#[derive(Clone)]
pub struct GateHash {
    keys: Aes128Enc,
    backend: HashBackend,
}

impl GateHash {
    /// The hash of a session, on the fastest kernel here. `key` is public and random.
    pub fn new(key: &[u8; 16]) -> Self {
        Self::on(HashBackend::detect(), key)
    }

    /// The same on one kernel.
    pub fn on(backend: HashBackend, key: &[u8; 16]) -> Self {
        Self { keys: Aes128Enc::new(&Array(*key)), backend }
    }

    /// The hash of one window.
    pub fn window(&self, index: u64) -> WindowHash {
        let mut key = Array(u128::from(index).to_le_bytes());
        self.keys.encrypt_block(&mut key);
        WindowHash(FixedKey::new(self.backend, &key.0))
    }
}

/// The hash under one window's key.
pub struct WindowHash(FixedKey);

impl WindowHash {
    /// Replaces `blocks[i]` by its hash with tweak `first + i`. Best in batches of 64 or more.
    pub fn hash(&self, first: u64, blocks: &mut [Block]) {
        self.0.hash(first, blocks);
    }
}

/// Hands out windows of tweaks, each once. Both parties of a session advance theirs identically,
/// by taking the same counts in the same order.
#[derive(Default)]
pub struct Tweaks {
    next: u64,
}

impl Tweaks {
    /// Starts a session.
    pub fn new() -> Self {
        Self::default()
    }

    /// The next `count` windows.
    ///
    /// # Errors
    /// [`Error::Local`] after 2^64 windows: start a new session.
    pub fn take(&mut self, count: u64) -> Result<Windows> {
        let first = self.next;
        self.next = first
            .checked_add(count)
            .ok_or_else(|| Error::local("the session's tweaks are used up"))?;
        Ok(Windows { first, count })
    }
}

/// Some windows that nobody else uses. Not `Clone`: handing it on gives it away.
pub struct Windows {
    first: u64,
    count: u64,
}

impl Windows {
    /// How many windows there are.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// Cuts off the first `count` windows.
    ///
    /// # Errors
    /// [`Error::Input`] if there are fewer.
    pub fn take(&mut self, count: u64) -> Result<Self> {
        if count > self.count {
            return Err(Error::input("fewer tweak windows than the step needs"));
        }
        let first = self.first;
        self.first += count;
        self.count -= count;
        Ok(Self { first, count })
    }

    /// All windows, if there are exactly `count`.
    pub(crate) fn exactly(self, count: u64) -> Result<Self> {
        if self.count == count {
            return Ok(self);
        }
        Err(Error::input(format!("{} tweak windows where the step needs {count}", self.count)))
    }

    /// The session-wide index of window `i` of these.
    pub(crate) fn index(&self, i: usize) -> u64 {
        debug_assert!((i as u64) < self.count);
        self.first + i as u64
    }
}
