//! The public keys of one refill, from the session's public seed.

use aes::Aes128Enc;
use aes::cipher::{Array, BlockCipherEncrypt, KeyInit};

use crate::ot::HashBackend;
use crate::ot::fixed_key::FixedKey;
use crate::rng::{PublicPrg, PublicSeed};

/// Which of a session's two instances: they have different keys under one seed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// The server sends: the client's input labels.
    Labels,
    /// The client sends: the server's selection bits.
    Selection,
}

impl Direction {
    const fn domain(self) -> &'static str {
        match self {
            Self::Labels => "tacita silent OT, labels, v1",
            Self::Selection => "tacita silent OT, selection, v1",
        }
    }
}

/// Keys of one refill's trees and of its matrix.
pub(super) struct Keys {
    backend: HashBackend,
    trees: Aes128Enc,
    rows: FixedKey,
}

impl Keys {
    /// Keys of refill `number`.
    pub(super) fn new(seed: &PublicSeed, direction: Direction, number: u64) -> Self {
        let mut prg = PublicPrg::new(seed, direction.domain(), number);
        let mut key = || (u128::from(prg.u64()) | u128::from(prg.u64()) << 64).to_le_bytes();
        let backend = HashBackend::detect();
        let trees = Aes128Enc::new(&Array(key()));
        Self { backend, trees, rows: FixedKey::new(backend, &key()) }
    }

    /// The key of tree `i`.
    pub(super) fn tree(&self, i: usize) -> FixedKey {
        let mut key = Array((i as u128).to_le_bytes());
        self.trees.encrypt_block(&mut key);
        FixedKey::new(self.backend, &key.0)
    }

    /// The key of the matrix.
    pub(super) fn rows(&self) -> &FixedKey {
        &self.rows
    }
}
