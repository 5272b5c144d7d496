//! What each party sees is uniform, whatever the values: checked by chi-square tests at fixed
//! seeds.

use super::*;

const POSITIONS: usize = 20_000;

fn compare() -> CompareBits {
    CompareBits::new(14, 0).unwrap()
}

/// Constant values and a constant client share: all randomness must come from the protocol.
fn constant_run(x: i64, seed: u64) -> Run {
    run_on(&vec![x; POSITIONS], &vec![0x0123_4567_89ab_cdef; POSITIONS], compare(), seed)
}

#[test]
fn what_the_server_receives_is_uniform() {
    for x in [-5, 5] {
        let got = constant_run(x, 3);
        let (d, e) = got.up.split_at(sign_offline_up_bytes(POSITIONS, compare()));
        assert_uniform("d", d);
        assert_uniform("e", e);
        // What it gets online is v - r' with r' uniform; here v alone already is.
        let v: Vec<u8> = got.v.iter().flat_map(|v| v.to_le_bytes()).collect();
        assert_uniform("v", &v);
    }
}

#[test]
fn what_the_client_receives_is_uniform() {
    for x in [-8000, -1, 0, 8000] {
        let got = constant_run(x, 4);
        let labels = sign_online_down_bytes(POSITIONS, compare());
        assert_uniform("tables", &got.tables);
        assert_uniform("labels", &got.online[..labels]);
        assert_uniform("rows", &got.online[labels..labels + 8 * POSITIONS]);
        assert_uniform("decode bits", &got.online[labels + 8 * POSITIONS..]);
        let rho: Vec<u8> = got.rho.iter().flat_map(|r| r.to_le_bytes()).collect();
        assert_uniform("rho", &rho);
    }
}

/// `p = b ^ mu`, the bit the client learns, is a fair coin for either sign.
#[test]
fn the_decoded_bit_is_balanced_for_either_sign() {
    for x in [-7i64, 7] {
        let mut dealer = Dealer::new(6);
        let x_c = dealer.rng.u64s(POSITIONS);
        let (client, server, _) = dealer.offline(compare(), &x_c);
        let x_s: Vec<u64> = x_c.iter().map(|c| (x as u64).wrapping_sub(*c)).collect();
        let (message, _) = server.online(&x_s).unwrap();
        let split = sign_online_down_bytes(POSITIONS, compare());
        let signs = client.sign.online(&message[..split]).unwrap();
        let decode = &message[split + 8 * POSITIONS..];
        let p = |(i, label): (usize, &Block)| {
            usize::from(label.lsb() ^ u8::from(crate::bytes::bit(decode, i)))
        };
        let ones: usize = signs.labels.iter().enumerate().map(p).sum();
        let deviation = (ones as f64 - POSITIONS as f64 / 2.0) / (POSITIONS as f64 / 4.0).sqrt();
        assert!(deviation.abs() < 6.0, "{deviation} standard deviations");
    }
}
