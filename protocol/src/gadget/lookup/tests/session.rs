//! Both parties from base OTs to shares of ReLU, each with its own state: how a session uses the
//! modules.

use super::*;
use crate::gadget::testing::instance;
use crate::ot::{GateHash, Tweaks};

#[test]
fn two_tickets_of_two_tensors_over_real_ots() {
    let (mut client_labels, mut server_labels) = instance(510);
    let (mut server_selection, mut client_selection) = instance(610);
    let hash = GateHash::new(&[8; 16]);
    let (mut client_tweaks, mut server_tweaks) = (Tweaks::new(), Tweaks::new());
    let mut rng = SecretRng::from_test_seed(710);
    for (n, k, d) in [(300, 14, 0), (77, 16, 1)].repeat(2) {
        let compare = CompareBits::new(k, d).unwrap();
        let split = Split::cheapest(compare).unwrap();
        let x: Vec<i64> = (0..n as i64).map(|i| (i - n as i64 / 2) * 6 + 1).collect();
        let x_c = rng.u64s(n);

        // Offline, server to client.
        let ots = selection_ots(n, split);
        let (mut chosen, extension) = server_selection.extend(ots).unwrap();
        let windows = server_tweaks.take(selection_windows(n, split)).unwrap();
        let server =
            ServerPads::new(&hash, windows, (n, split), chosen.take(ots).unwrap()).unwrap();

        // The client's request.
        let mut keys = client_selection.extend(ots, &extension).unwrap();
        let windows = client_tweaks.take(selection_windows(n, split)).unwrap();
        let keys = keys.take(ots).unwrap();
        let client =
            ClientPads::new(&hash, windows, (n, split), keys, client_selection.delta()).unwrap();
        let (mut prepared, extension) = client_labels.extend(label_ots(n)).unwrap();
        let windows = client_tweaks.take(label_windows(n)).unwrap();
        let prepared = prepared.take(label_ots(n)).unwrap();
        let (client, request) = client.request(&hash, windows, prepared, &x_c).unwrap();

        // The server takes it; nothing comes back.
        let mut keys = server_labels.extend(label_ots(n), &extension).unwrap();
        let windows = server_tweaks.take(label_windows(n)).unwrap();
        let keys = (keys.take(label_ots(n)).unwrap(), server_labels.delta());
        let server = server.accept(&hash, windows, keys, &request).unwrap();

        // Online: down, up, down, up.
        let (server, digits) = server.digits(&server_shares(&x, &x_c)).unwrap();
        let (client, tables) = client.tables(&digits).unwrap();
        let (server, rows) = server.rows(&tables).unwrap();
        let reshare = rng.u64s(n);
        let share = server.finish(&client.answer(&rows, &reshare).unwrap()).unwrap();
        for i in 0..n {
            let got = reshare[i].wrapping_add(share[i]) as i64;
            let dropped = (0..1 << compare.dropped()).contains(&x[i]);
            assert!(got == x[i].max(0) || (dropped && got == 0));
        }
    }
}
