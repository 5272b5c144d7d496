//! Both parties from base OTs to shares of ReLU, each with its own state: how a session uses the
//! modules.

use super::*;

#[test]
fn two_tickets_of_two_tensors_over_real_ots() {
    let (mut client_labels, mut server_labels) = instance(500);
    let (mut server_random, mut client_random) = instance(600);
    let hash = GateHash::new(&[7; 16]);
    let (mut client_tweaks, mut server_tweaks) = (Tweaks::new(), Tweaks::new());
    let mut rng = SecretRng::from_test_seed(700);
    for (n, k, d) in [(300, 14, 0), (77, 12, 1)].repeat(2) {
        let bits = CompareBits::new(k, d).unwrap();
        let x: Vec<i64> = (0..n as i64).map(|i| (i - n as i64 / 2) * 6 + 1).collect();
        let x_c = rng.u64s(n);
        let pairs = x.iter().zip(&x_c);
        let x_s: Vec<u64> = pairs.map(|(x, c)| (*x as u64).wrapping_sub(*c)).collect();

        // Offline, client to server.
        let (mut cots, extend_labels) = client_labels.extend(cot_count(n, bits)).unwrap();
        // Offline, server to client.
        let (mut mus, extend_random) = server_random.extend(rot_count(n)).unwrap();

        // The client's request.
        let mut keys = client_random.extend(rot_count(n), &extend_random).unwrap();
        let pads = SenderPads::new(
            &hash,
            client_tweaks.take(rot_windows(n)).unwrap(),
            keys.take(n).unwrap(),
            client_random.delta(),
        );
        let windows = client_tweaks.take(relu_windows(n, bits)).unwrap();
        let cots = cots.take(cot_count(n, bits)).unwrap();
        let (request, up) =
            client_offline_request(&hash, windows, bits, cots, pads.unwrap(), &x_c).unwrap();

        // The server's answer.
        let mut keys = server_labels.extend(cot_count(n, bits), &extend_labels).unwrap();
        let windows = server_tweaks.take(rot_windows(n)).unwrap();
        let pads = ReceiverPads::new(&hash, windows, mus.take(n).unwrap()).unwrap();
        let windows = server_tweaks.take(relu_windows(n, bits)).unwrap();
        let keys = keys.take(cot_count(n, bits)).unwrap();
        let correlated = (keys, server_labels.delta());
        let (server, down) =
            server_offline(&hash, windows, bits, correlated, pads, &up, &mut rng).unwrap();
        let client = request.tables(down).unwrap();

        // Online: labels and rows down, v - r' up.
        let (message, rho) = server.online(&x_s).unwrap();
        let share_c = rng.u64s(n);
        let mut answer = client.online(&message).unwrap();
        crate::ring::sub_assign(&mut answer, &share_c);
        crate::ring::sub_assign(&mut answer, &rho);
        for i in 0..n {
            let got = share_c[i].wrapping_add(answer[i]) as i64;
            let dropped = (0..1 << bits.dropped()).contains(&x[i]);
            assert!(got == x[i].max(0) || (dropped && got == 0));
        }
    }
}
