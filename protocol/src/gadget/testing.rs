//! What the tests of all gadgets need: correlations, laws, the ideal result.

use sha2::{Digest, Sha256};

use super::CompareBits;
use crate::ot::{
    BaseReceiver, BaseSender, Block, CotReceiver, CotSender, Delta, FieldBits, GateHash, Tweaks,
    Windows,
};
use crate::rng::SecretRng;

/// What a gadget must make of `x`, of which the client has the share `x_c`: the shares' bits from
/// the dropped ones to the width are added, and the top bit of the sum is the sign.
pub(super) fn masked_relu(x: &[i64], x_c: &[u64], bits: CompareBits) -> Vec<i64> {
    let compared = |share: u64| share >> bits.dropped();
    let one = |(x, c): (&i64, &u64)| {
        let sum = compared(*c).wrapping_add(compared((*x as u64).wrapping_sub(*c)));
        let negative = sum >> (bits.compared() - 1) & 1 == 1;
        if negative { 0 } else { *x }
    };
    x.iter().zip(x_c).map(one).collect()
}

/// Correlations of both directions from a trusted dealer, for tests of the gadget alone.
pub(super) struct Dealer {
    pub(super) rng: SecretRng,
    pub(super) server: Delta,
    pub(super) client: Delta,
    pub(super) hash: GateHash,
    pub(super) tweaks: Tweaks,
}

pub(super) fn cots(
    n: usize,
    delta: &Delta,
    rng: &mut SecretRng,
) -> (Vec<u8>, Vec<Block>, Vec<Block>) {
    let t: Vec<u8> = (0..n).map(|_| (rng.u64() & 1) as u8).collect();
    let m: Vec<Block> = (0..n).map(|_| Block::random(rng)).collect();
    let pairs = m.iter().zip(&t);
    let k = pairs.map(|(m, t)| *m ^ delta.block().and_bit(*t)).collect();
    (t, m, k)
}

impl Dealer {
    pub(super) fn new(seed: u64) -> Self {
        let mut rng = SecretRng::from_test_seed(seed);
        Self {
            server: Delta::random(&mut rng),
            client: Delta::random(&mut rng),
            hash: GateHash::new(&rng.array()),
            tweaks: Tweaks::new(),
            rng,
        }
    }

    /// The same windows for both parties.
    pub(super) fn windows(&mut self, count: u64) -> [Windows; 2] {
        let mut skipped = Tweaks::new();
        let mine = self.tweaks.take(count).unwrap();
        skipped.take(mine.index(0)).unwrap();
        [mine, skipped.take(count).unwrap()]
    }
}

/// One extension instance: the receiver of correlated OTs, their sender.
pub(super) fn instance(seed: u64) -> (CotReceiver, CotSender) {
    let (mut r, mut s) = (SecretRng::from_test_seed(seed), SecretRng::from_test_seed(seed + 1));
    let field = FieldBits::default();
    let delta = Delta::random(&mut s);
    let (base, first) = BaseSender::new(&mut r);
    let (keys, second) = BaseReceiver::respond(delta.base_choices(), &first, &mut s).unwrap();
    let (receiver, third) = CotReceiver::new(field, base.finish(&second).unwrap(), &mut r);
    let sender = CotSender::new(field, &delta, keys, &third).unwrap();
    (receiver, sender)
}

/// A hash of messages and their lengths.
pub(super) fn trace(messages: &[&[u8]]) -> String {
    let mut h = Sha256::new();
    for m in messages {
        h.update((m.len() as u64).to_le_bytes());
        h.update(m);
    }
    h.finalize().iter().map(|b| format!("{b:02x}")).collect()
}

/// Chi-square of byte counts against the uniform distribution, as a number of standard
/// deviations from its mean (255 degrees of freedom).
fn byte_deviation(bytes: impl Iterator<Item = u8>) -> f64 {
    let mut counts = [0f64; 256];
    for b in bytes {
        counts[usize::from(b)] += 1.0;
    }
    let expected = counts.iter().sum::<f64>() / 256.0;
    let chi: f64 = counts.iter().map(|c| (c - expected).powi(2) / expected).sum();
    (chi - 255.0) / (2.0f64 * 255.0).sqrt()
}

pub(super) fn assert_uniform(what: &str, bytes: &[u8]) {
    let all = byte_deviation(bytes.iter().copied());
    assert!(all.abs() < 6.0, "{what}: {all} standard deviations");
    for lane in 0..8 {
        let lane_bytes = bytes.iter().skip(lane).step_by(8).copied();
        let d = byte_deviation(lane_bytes);
        assert!(d.abs() < 6.0, "{what}, byte {lane}: {d} standard deviations");
    }
}
