//! Tests of the gadgets: values, distributions, lengths, wire traces.

pub(super) mod distribution;
pub(super) mod session;
mod values;

use super::*;
use crate::ot::{
    Block, CotView, Delta, GateHash, ReceiverPads, SenderPads, Tweaks, Windows, rot_windows,
};
use crate::rng::SecretRng;

/// Correlations of both directions from a trusted dealer, for tests of the gadget alone.
pub(super) struct Dealer {
    pub(super) rng: SecretRng,
    pub(super) server: Delta,
    pub(super) client: Delta,
    pub(super) hash: GateHash,
    tweaks: Tweaks,
}

/// One tensor's correlations: everything that both parties need but their shares.
struct Deal {
    t: Vec<u8>,
    m: Vec<Block>,
    k: Vec<Block>,
    sender: SenderPads,
    receiver: ReceiverPads,
    windows: [Windows; 2],
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

    fn random_ots(&mut self, n: usize) -> (SenderPads, ReceiverPads) {
        let (mu, m, k) = cots(n, &self.client, &mut self.rng);
        let [a, b] = self.windows(rot_windows(n));
        let view = CotView { bits: &mu, blocks: &m };
        (
            SenderPads::new(&self.hash, a, &k, &self.client).unwrap(),
            ReceiverPads::new(&self.hash, b, view).unwrap(),
        )
    }

    fn deal(&mut self, n: usize, bits: CompareBits) -> Deal {
        let (t, m, k) = cots(cot_count(n, bits), &self.server, &mut self.rng);
        let (sender, receiver) = self.random_ots(rot_count(n));
        let windows = self.windows(relu_windows(n, bits));
        Deal { t, m, k, sender, receiver, windows }
    }

    /// The offline phase for client shares `x_c`.
    fn offline(
        &mut self,
        bits: CompareBits,
        x_c: &[u64],
    ) -> (ClientRelu, ServerRelu, [Vec<u8>; 2]) {
        let deal = self.deal(x_c.len(), bits);
        let [wc, ws] = deal.windows;
        let view = CotView { bits: &deal.t, blocks: &deal.m };
        let (client, up) =
            client_offline_request(&self.hash, wc, bits, view, deal.sender, x_c).unwrap();
        let (server, down) = server_offline(
            &self.hash,
            ws,
            bits,
            (&deal.k, &self.server),
            deal.receiver,
            &up,
            &mut self.rng,
        )
        .unwrap();
        (client.tables(down.clone()).unwrap(), server, [up, down])
    }
}

/// Everything a run of `n` ReLUs puts on the wire or hands out.
pub(super) struct Run {
    up: Vec<u8>,
    tables: Vec<u8>,
    online: Vec<u8>,
    v: Vec<u64>,
    rho: Vec<u64>,
}

/// Runs ReLU on `x`, with the client's share uniform.
fn run(x: &[i64], bits: CompareBits, seed: u64) -> Run {
    let x_c = SecretRng::from_test_seed(seed ^ 0x5eed).u64s(x.len());
    run_on(x, &x_c, bits, seed)
}

pub(super) fn run_on(x: &[i64], x_c: &[u64], bits: CompareBits, seed: u64) -> Run {
    let mut dealer = Dealer::new(seed);
    let shares = x.iter().zip(x_c);
    let x_s: Vec<u64> = shares.map(|(x, c)| (*x as u64).wrapping_sub(*c)).collect();
    let (client, server, [up, tables]) = dealer.offline(bits, x_c);
    let (online, rho) = server.online(&x_s).unwrap();
    let v = client.online(&online).unwrap();
    Run { up, tables, online, v, rho }
}

pub(super) fn relu_of(run: &Run) -> Vec<i64> {
    let pairs = run.v.iter().zip(&run.rho);
    pairs.map(|(v, r)| v.wrapping_sub(*r) as i64).collect()
}
