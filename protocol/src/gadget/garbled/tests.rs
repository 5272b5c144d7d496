//! Tests of the gadgets: values, distributions, lengths, wire traces.

mod distribution;
mod session;
mod values;

use super::*;
use crate::gadget::testing::{Dealer, assert_uniform, cots, instance, masked_relu, trace};
use crate::ot::{Block, CotView, GateHash, ReceiverPads, SenderPads, Tweaks, Windows, rot_windows};
use crate::rng::SecretRng;

/// One tensor's correlations: everything that both parties need but their shares.
struct Deal {
    t: Vec<u8>,
    m: Vec<Block>,
    k: Vec<Block>,
    sender: SenderPads,
    receiver: ReceiverPads,
    windows: [Windows; 2],
}

impl Dealer {
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
struct Run {
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

fn run_on(x: &[i64], x_c: &[u64], bits: CompareBits, seed: u64) -> Run {
    let mut dealer = Dealer::new(seed);
    let shares = x.iter().zip(x_c);
    let x_s: Vec<u64> = shares.map(|(x, c)| (*x as u64).wrapping_sub(*c)).collect();
    let (client, server, [up, tables]) = dealer.offline(bits, x_c);
    let (online, rho) = server.online(&x_s).unwrap();
    let v = client.online(&online).unwrap();
    Run { up, tables, online, v, rho }
}

fn relu_of(run: &Run) -> Vec<i64> {
    let pairs = run.v.iter().zip(&run.rho);
    pairs.map(|(v, r)| v.wrapping_sub(*r) as i64).collect()
}
