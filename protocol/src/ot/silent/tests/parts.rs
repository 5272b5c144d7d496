//! Trees, code and keys by themselves.

use super::super::code;
use super::super::keys::Keys;
use super::super::stock::set_bits;
use super::super::tree::{HIGH, grow, grow_punctured};
use super::*;
use crate::ot::Block;

/// The correlated OTs of many trees.
struct Bases {
    receiver: Vec<Block>,
    sender: Vec<Block>,
    delta: Delta,
}

impl Bases {
    fn new(n: usize, seed: u64) -> Self {
        let (mut received, mut sent, delta) = base(n, seed);
        let cots = received.take(n).unwrap();
        let (mut receiver, mut sender) = (cots.blocks.to_vec(), sent.take(n).unwrap().to_vec());
        set_bits(&mut receiver, cots.bits);
        sender.iter_mut().for_each(|k| k.0 &= HIGH);
        Self { receiver, sender, delta }
    }

    /// A tree from those from `first` on: leaves of the sender (lowest bits cleared) and of the
    /// receiver.
    fn tree(&self, depth: usize, first: usize) -> [Vec<Block>; 2] {
        let range = first..first + depth;
        let key = Keys::new(&[3; 32], Direction::Labels, 0).tree(first);
        let root = Block::random(&mut SecretRng::from_test_seed(first as u64));
        let mut message = vec![0; 16 * depth];
        // Whatever lay there before does not matter.
        let (mut full, mut punctured) = (vec![Block(5); 1 << depth], vec![Block(7); 1 << depth]);
        let bases = &self.sender[range.clone()];
        grow(&key, (root, self.delta.block()), bases, &mut full, &mut message);
        assert!(full.iter().fold(0, |sum, x| sum ^ x.0) == self.delta.block().0);
        grow_punctured(&key, &self.receiver[range], &message, &mut punctured);
        full.iter_mut().for_each(|x| x.0 &= HIGH);
        [full, punctured]
    }
}

#[test]
fn a_tree_has_one_error_where_the_complemented_bits_say() {
    let bases = Bases::new(200, 10);
    for depth in 2..=12 {
        for first in [0, 13, 101] {
            let [full, punctured] = bases.tree(depth, first);
            let turns = bases.receiver[first..first + depth].iter().enumerate();
            let path = turns.map(|(i, r)| usize::from(1 - r.lsb()) << i).sum();
            for (i, (x, y)) in full.iter().zip(&punctured).enumerate() {
                let error = if i == path { bases.delta.block().0 } else { 0 };
                assert!(x.0 ^ y.0 == error, "leaf {i} of depth {depth}");
                assert_eq!(y.lsb(), u8::from(i == path));
            }
        }
    }
}

#[test]
fn errors_are_uniform_in_their_bins() {
    let bases = Bases::new(3 * 800, 11);
    let mut count = [0; 8];
    for i in 0..800 {
        let [_, punctured] = bases.tree(3, 3 * i);
        count[punctured.iter().position(|x| x.lsb() == 1).unwrap()] += 1;
    }
    // Six standard deviations.
    assert!(count.iter().all(|c| (c - 100i32).abs() < 57), "{count:?}");
}

#[test]
fn the_code_agrees_with_its_definition() {
    let mut rng = SecretRng::from_test_seed(20);
    for set in [SilentSet::Tiny, SilentSet::Small, SilentSet::Medium, SilentSet::Large] {
        let keys = Keys::new(&[9; 32], Direction::Selection, 4);
        let secret: Vec<Block> = (0..set.secret()).map(|_| Block::random(&mut rng)).collect();
        let before: Vec<Block> = (0..1 << set.depth()).map(|_| Block::random(&mut rng)).collect();
        let mut after = before.clone();
        code::encode(set, keys.rows(), 3, &secret, (&mut after, HIGH)).unwrap();
        let positions = positions(set, &keys, 3);
        for ((x, y), row) in before.iter().zip(&after).zip(positions.chunks(10)) {
            let sum = row.iter().fold(x.0 & HIGH, |sum, p| sum ^ secret[*p].0);
            assert!(y.0 == sum);
        }
        assert!(code::encode(set, keys.rows(), 3, &secret[1..], (&mut after, HIGH)).is_err());
    }
}

/// All positions of tree `tree`: words of 32 or 16 bits, in order, cut to the secret's length.
fn positions(set: SilentSet, keys: &Keys, tree: u64) -> Vec<usize> {
    let narrow = set.secret() <= 1 << 16;
    let calls = (10 << set.depth()) / if narrow { 8 } else { 4 };
    let mut words = vec![[0; 4]; calls];
    keys.rows().words(tree << 32, &mut words);
    let words = words.as_flattened().iter().map(|w| *w as usize);
    let split = |w: usize| if narrow { vec![w & 0xffff, w >> 16] } else { vec![w] };
    words.flat_map(split).map(|w| w % set.secret()).collect()
}

#[test]
fn keys_are_separate() {
    let kinds = [(Direction::Labels, 0), (Direction::Labels, 1), (Direction::Selection, 0)];
    let mut seen = std::collections::HashSet::new();
    for (direction, number) in kinds {
        for seed in [[1; 32], [2; 32]] {
            let keys = Keys::new(&seed, direction, number);
            for aes in [&keys.tree(0), &keys.tree(1), keys.rows()] {
                let mut words = [[0; 4]];
                aes.words(0, &mut words);
                assert!(seen.insert(words[0]));
            }
        }
    }
}

#[test]
fn counts_follow_from_the_sets() {
    let rows = SilentSet::ALL.map(|s| (s.outputs(), s.cost(), s.message_bytes()));
    assert_eq!(rows[0], (870_400, 74_036, 136_000));
    assert_eq!(rows[1], (2_396_160, 143_942, 205_920));
    assert_eq!(rows[2], (6_225_920, 280_384, 291_840));
    assert_eq!(Ledger::new(SilentSet::Large).base_cots(), 74_036);
}
