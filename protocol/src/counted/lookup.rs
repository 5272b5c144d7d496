//! Masked ReLUs by table lookup.

use super::count;
use super::relu::instance;
use crate::gadget::CompareBits;
use crate::gadget::lookup::{
    ClientLookup, ClientPads, ServerLookup, ServerPads, Split, label_ots, label_windows,
    selection_ots, selection_windows,
};
use crate::ot::{CotReceiver, CotSender, GateHash, ReceivedCots, SentCots, Tweaks};
use crate::rng::SecretRng;

const POSITIONS: usize = 256;

/// What both parties hold to make batches of looked-up ReLUs.
struct Batch {
    split: Split,
    hash: GateHash,
    /// The client's, then the server's.
    tweaks: [Tweaks; 2],
    labels: (CotReceiver, CotSender),
    selection: (CotReceiver, CotSender),
    rng: SecretRng,
}

/// Both parties' OTs of a batch: the selection's, then the labels'.
type Ots = [(ReceivedCots, SentCots); 2];

impl Batch {
    fn new() -> Self {
        let mut rng = SecretRng::from_test_seed(5);
        Self {
            split: Split::cheapest(CompareBits::new(14, 0).unwrap()).unwrap(),
            hash: GateHash::new(&[3; 16]),
            tweaks: [Tweaks::new(), Tweaks::new()],
            labels: instance(&mut rng),
            selection: instance(&mut rng),
            rng,
        }
    }

    fn ots(&mut self) -> Ots {
        let counts = [selection_ots(POSITIONS, self.split), label_ots(POSITIONS)];
        let instances = [&mut self.selection, &mut self.labels];
        let mut extended = instances.into_iter().zip(counts).map(|(instance, n)| {
            let (received, message) = instance.0.extend(n).unwrap();
            (received, instance.1.extend(n, &message).unwrap())
        });
        [extended.next().unwrap(), extended.next().unwrap()]
    }

    /// Both parties' pads of the OTs in which the client sends.
    fn pads(&mut self, [(received, sent), _]: &mut Ots) -> (ClientPads, ServerPads) {
        let (n, split, ots) = (POSITIONS, self.split, selection_ots(POSITIONS, self.split));
        let windows = selection_windows(n, split);
        let [a, b] = self.tweaks.each_mut().map(|t| t.take(windows).unwrap());
        let delta = self.selection.1.delta();
        let keys = sent.take(ots).unwrap();
        (
            ClientPads::new(&self.hash, a, (n, split), keys, delta).unwrap(),
            ServerPads::new(&self.hash, b, (n, split), received.take(ots).unwrap()).unwrap(),
        )
    }

    /// The offline phase after the OT extension.
    fn offline(&mut self, ots: &mut Ots) -> (ClientLookup, ServerLookup) {
        let (client, server) = self.pads(ots);
        let (n, x) = (label_ots(POSITIONS), self.rng.u64s(POSITIONS));
        let [a, b] = self.tweaks.each_mut().map(|t| t.take(label_windows(POSITIONS)).unwrap());
        let (received, sent) = &mut ots[1];
        let chosen = received.take(n).unwrap();
        let (client, message) = client.request(&self.hash, a, chosen, &x).unwrap();
        let keys = (sent.take(n).unwrap(), self.labels.1.delta());
        (client, server.accept(&self.hash, b, keys, &message).unwrap())
    }
}

#[test]
#[ignore = "counted by scripts/instructions.py"]
fn lookup_pads() {
    let mut batch = Batch::new();
    let mut ready = [batch.ots(), batch.ots()].into_iter();
    count(move || batch.pads(&mut ready.next().unwrap()));
}

/// Both parties' offline phase of a batch, without extensions.
#[test]
#[ignore = "counted by scripts/instructions.py"]
fn lookup_offline() {
    let mut batch = Batch::new();
    let mut ready = [batch.ots(), batch.ots()].into_iter();
    count(move || batch.offline(&mut ready.next().unwrap()));
}

/// Two batches, offline phase done, for [`count`].
fn started() -> impl Iterator<Item = (Batch, ClientLookup, ServerLookup)> {
    let two = [(); 2].map(|()| {
        let mut batch = Batch::new();
        let mut ots = batch.ots();
        let (client, server) = batch.offline(&mut ots);
        (batch, client, server)
    });
    two.into_iter()
}

#[test]
#[ignore = "counted by scripts/instructions.py"]
fn lookup_tables() {
    let ready = started().map(|(mut batch, client, server)| {
        (client, server.digits(&batch.rng.u64s(POSITIONS)).unwrap().1)
    });
    let mut ready = ready.collect::<Vec<_>>().into_iter();
    count(move || {
        let (client, digits) = ready.next().unwrap();
        client.tables(&digits).unwrap()
    });
}

#[test]
#[ignore = "counted by scripts/instructions.py"]
fn lookup_rows() {
    let ready = started().map(|(mut batch, client, server)| {
        let (server, digits) = server.digits(&batch.rng.u64s(POSITIONS)).unwrap();
        (server, client.tables(&digits).unwrap().1)
    });
    let mut ready = ready.collect::<Vec<_>>().into_iter();
    count(move || {
        let (server, tables) = ready.next().unwrap();
        server.rows(&tables).unwrap()
    });
}

#[test]
#[ignore = "counted by scripts/instructions.py"]
fn lookup_answer() {
    let ready = started().map(|(mut batch, client, server)| {
        let (server, digits) = server.digits(&batch.rng.u64s(POSITIONS)).unwrap();
        let (client, tables) = client.tables(&digits).unwrap();
        (client, server.rows(&tables).unwrap().1, batch.rng.u64s(POSITIONS))
    });
    let mut ready = ready.collect::<Vec<_>>().into_iter();
    count(move || {
        let (client, rows, reshare) = ready.next().unwrap();
        client.answer(&rows, &reshare).unwrap()
    });
}
