//! The model of shares against shares: real truncation, real comparison.

use std::collections::BTreeMap;

use tacita_protocol::gadget::CompareBits;
use tacita_protocol::gadget::garbled::{
    client_offline_request, cot_count, relu_windows, rot_count, server_offline,
};
use tacita_protocol::ot::{
    Block, CotView, Delta, GateHash, ReceiverPads, SenderPads, Tweaks, Windows, rot_windows,
};
use tacita_protocol::plan::{Mask, Shape, TensorSpec};
use tacita_protocol::ring::{truncate_client, truncate_server};
use tacita_protocol::rng::SecretRng;

use super::lattice::LatticeError;
use super::shares::Draws;
use crate::draw::splitmix;

/// Shares drawn for each value.
const DRAWS: usize = 20_000;

/// One position with a ReLU or without; no terms, so no lattice error.
fn spec(len: usize, truncate: u32, magnitude: u32, dropped: u32, relu: bool) -> TensorSpec {
    let shape = Shape::new(1, 1, len);
    TensorSpec {
        name: String::new(),
        shape,
        frac: 10,
        truncate,
        magnitude,
        dropped,
        terms: Vec::new(),
        mask: Mask::uniform(len, relu),
        unmasked_relus: len,
    }
}

/// How often each value comes out.
fn frequencies(values: impl IntoIterator<Item = i64>) -> BTreeMap<i64, f64> {
    let mut counts = BTreeMap::new();
    values.into_iter().for_each(|v| *counts.entry(v).or_insert(0.0) += 1.0 / DRAWS as f64);
    counts
}

/// Two samples of the same distribution differ by less than five standard deviations.
fn assert_alike(what: &str, a: &BTreeMap<i64, f64>, b: &BTreeMap<i64, f64>) {
    for value in a.keys().chain(b.keys()) {
        let of = |m: &BTreeMap<i64, f64>| m.get(value).copied().unwrap_or(0.0);
        let (p, q) = (of(a), of(b));
        let mean = f64::midpoint(p, q);
        let deviation = (2.0 * mean * (1.0 - mean) / DRAWS as f64).sqrt();
        assert!((p - q).abs() <= 5.0 * deviation, "{what}: {value} has {p} and {q}");
    }
}

fn shares(x: i64, state: &mut u64) -> (Vec<u64>, Vec<u64>) {
    let c: Vec<u64> = (0..DRAWS).map(|_| splitmix(state)).collect();
    let s = c.iter().map(|c| (x as u64).wrapping_sub(*c)).collect();
    (c, s)
}

#[test]
fn truncation_is_distributed_as_with_shares() {
    let mut state = 1;
    let values = [0i64, 1, -1, 255, 256, 257, -255, -256, 1000, -100_000, 123_456_789];
    for (t, x) in [1u32, 8, 12].into_iter().flat_map(|t| values.map(|x| (t, x))) {
        let (mut c, mut s) = shares(x, &mut state);
        truncate_client(&mut c, t);
        truncate_server(&mut s, t);
        let real = frequencies(c.iter().zip(&s).map(|(c, s)| c.wrapping_add(*s) as i64));
        let mut z = vec![x as u64; DRAWS];
        Draws::new(7, x as u64).activate(
            &spec(DRAWS, t, 40, 0, false),
            &LatticeError::new(),
            &mut z,
        );
        let model = frequencies(z.into_iter().map(|z| z as i64));
        assert_alike(&format!("{x} less {t} bits"), &real, &model);
    }
}

/// `relu(x)` by the protocol's own gadget for each of the client's shares.
fn real_relu(x: i64, bits: CompareBits, state: &mut u64) -> Vec<i64> {
    let (c, s) = shares(x, state);
    // Its own coins change the messages only.
    let mut rng = SecretRng::from_os().unwrap();
    let hash = GateHash::new(&rng.array());
    let (n, [server, client]) = (c.len(), [(); 2].map(|()| Delta::random(&mut rng)));
    let (t, m, k) = cots(cot_count(n, bits), &server, &mut rng);
    let (mu, m_pads, k_pads) = cots(rot_count(n), &client, &mut rng);
    let mut tweaks = [Tweaks::new(), Tweaks::new()];
    let mut windows =
        |count| -> [Windows; 2] { tweaks.each_mut().map(|tweaks| tweaks.take(count).unwrap()) };
    let [a, b] = windows(rot_windows(n));
    let sender = SenderPads::new(&hash, a, &k_pads, &client).unwrap();
    let view = CotView { bits: &mu, blocks: &m_pads };
    let receiver = ReceiverPads::new(&hash, b, view).unwrap();
    let [a, b] = windows(relu_windows(n, bits));
    let view = CotView { bits: &t, blocks: &m };
    let (relu, up) = client_offline_request(&hash, a, bits, view, sender, &c).unwrap();
    let (garbled, tables) =
        server_offline(&hash, b, bits, (&k, &server), receiver, &up, &mut rng).unwrap();
    let (message, rho) = garbled.online(&s).unwrap();
    let v = relu.tables(tables).unwrap().online(&message).unwrap();
    v.iter().zip(rho).map(|(v, rho)| v.wrapping_sub(rho) as i64).collect()
}

fn cots(n: usize, delta: &Delta, rng: &mut SecretRng) -> (Vec<u8>, Vec<Block>, Vec<Block>) {
    let t: Vec<u8> = (0..n).map(|_| (rng.u64() & 1) as u8).collect();
    let m: Vec<Block> = (0..n).map(|_| Block::random(rng)).collect();
    let offset = |t: &u8| if *t == 1 { delta.block() } else { Block::default() };
    let k = m.iter().zip(&t).map(|(m, t)| *m ^ offset(t)).collect();
    (t, m, k)
}

#[test]
fn comparisons_err_as_often_as_with_shares() {
    let mut state = 2;
    // The last two values are out of range: 8 bits of magnitude.
    let values = [0i64, 1, 5, 6, 7, 8, 9, 30, 31, 32, 100, -1, -7, -8, -9, -100, 300, -300];
    for (d, x) in [0u32, 2, 3, 5].into_iter().flat_map(|d| values.map(|x| (d, x))) {
        let spec = spec(DRAWS, 0, 8, d, true);
        let real = frequencies(real_relu(x, spec.compare().unwrap(), &mut state));
        let mut z = vec![x as u64; DRAWS];
        let stats = Draws::new(8, x as u64).activate(&spec, &LatticeError::new(), &mut z);
        let model = frequencies(z.into_iter().map(|z| z as i64));
        assert_alike(&format!("{x} without {d} bits"), &real, &model);
        // The formula, and what is counted.
        let small = (0..1 << d).contains(&x);
        let wrong = if small { 1.0 - (x + 1) as f64 / f64::from(1u32 << d) } else { 0.0 };
        let counted = stats.sign_mistakes as f64 / DRAWS as f64;
        let exact = if x == 0 || x.abs() >= 256 { counted } else { wrong };
        assert!((counted - exact).abs() < 0.02, "{x} without {d} bits: {counted}");
        assert_eq!(stats.overflows > 0, x.abs() >= 256);
    }
}
