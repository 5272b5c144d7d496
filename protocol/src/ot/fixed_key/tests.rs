//! Every kernel against the definitions, one block at a time.

use aes::cipher::BlockCipherEncrypt;

use super::portable::orthomorphism;
use super::*;
use crate::rng::SecretRng;

const LENGTHS: [usize; 13] = [0, 1, 3, 4, 15, 16, 17, 31, 32, 33, 100, 256, 511];

fn permute(key: &[u8; 16], x: u128) -> u128 {
    let mut block = Array(x.to_le_bytes());
    Aes128Enc::new(&Array(*key)).encrypt_block(&mut block);
    u128::from_le_bytes(block.0)
}

#[test]
fn every_backend_hashes_as_defined() {
    let mut rng = SecretRng::from_test_seed(11);
    for n in LENGTHS {
        let (key, first) = (rng.array(), rng.u64() >> 1);
        let inputs: Vec<Block> = (0..n).map(|_| Block::random(&mut rng)).collect();
        for backend in HashBackend::available() {
            let mut hashed = inputs.clone();
            FixedKey::new(backend, &key).hash(first, &mut hashed);
            for ((i, x), h) in (first..).zip(&inputs).zip(&hashed) {
                let inner = permute(&key, x.0);
                let expected = permute(&key, inner ^ u128::from(i)) ^ inner;
                assert!(h.0 == expected, "{backend:?} {n} {i}");
            }
        }
    }
}

#[test]
fn every_backend_makes_children_as_defined() {
    let mut rng = SecretRng::from_test_seed(12);
    for n in LENGTHS {
        let key = rng.array();
        let parents: Vec<Block> = (0..n).map(|_| Block::random(&mut rng)).collect();
        for backend in HashBackend::available() {
            let (mut left, mut right) = (parents.clone(), vec![Block::default(); n]);
            let sum = FixedKey::new(backend, &key).children(&mut left, &mut right);
            let mut expected = 0;
            for (i, x) in parents.iter().enumerate() {
                let (high, low) = (x.0 >> 64, x.0 & u128::from(u64::MAX));
                let s = (high ^ low) << 64 | high;
                let hash = permute(&key, s) ^ s;
                assert!(s == orthomorphism(x.0), "{i}");
                assert!(left[i].0 == hash && right[i].0 == hash ^ x.0, "{backend:?} {n} {i}");
                expected ^= hash;
            }
            assert!(sum.0 == expected, "{backend:?} {n}");
        }
    }
}

#[test]
fn every_backend_counts_as_defined() {
    let mut rng = SecretRng::from_test_seed(13);
    for n in LENGTHS {
        let (key, first) = (rng.array(), rng.u64() >> 1);
        for backend in HashBackend::available() {
            let mut out = vec![[0; 4]; n];
            FixedKey::new(backend, &key).words(first, &mut out);
            for ((i, [a, b, c, d]), counter) in out.iter().enumerate().zip(first..) {
                let joined = u128::from(*a)
                    | u128::from(*b) << 32
                    | u128::from(*c) << 64
                    | u128::from(*d) << 96;
                assert!(joined == permute(&key, u128::from(counter)), "{backend:?} {n} {i}");
            }
        }
    }
}
