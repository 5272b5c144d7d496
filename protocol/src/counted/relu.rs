//! Oblivious transfer and masked ReLUs.

use super::count;
use crate::gadget::CompareBits;
use crate::gadget::garbled::{
    ClientRelu, ClientReluRequest, ServerRelu, client_offline_request, cot_count, relu_windows,
    server_offline,
};
use crate::garble::{AND_BYTES, CHUNK, Evaluator, Garbler};
use crate::ot::{
    BaseReceiver, BaseSender, Block, CotReceiver, CotSender, Delta, FieldBits, GateHash,
    ReceiverPads, SenderPads, Tweaks, rot_windows,
};
use crate::rng::SecretRng;

const OTS: usize = 4096;
const POSITIONS: usize = 256;

pub(super) fn instance(rng: &mut SecretRng) -> (CotReceiver, CotSender) {
    let (field, delta) = (FieldBits::default(), Delta::random(rng));
    let (base, first) = BaseSender::new(rng);
    let (keys, answer) = BaseReceiver::respond(delta.base_choices(), &first, rng).unwrap();
    let (receiver, corrections) = CotReceiver::new(field, base.finish(&answer).unwrap(), rng);
    (receiver, CotSender::new(field, &delta, keys, &corrections).unwrap())
}

#[test]
#[ignore = "counted by scripts/instructions.py"]
fn ot_receiver() {
    let (mut receiver, _) = instance(&mut SecretRng::from_test_seed(1));
    count(move || receiver.extend(OTS).unwrap());
}

#[test]
#[ignore = "counted by scripts/instructions.py"]
fn ot_sender() {
    let (mut receiver, mut sender) = instance(&mut SecretRng::from_test_seed(1));
    let (_, message) = receiver.extend(OTS).unwrap();
    // The message fits the first call only; the work is the same.
    count(move || sender.extend(OTS, &message).unwrap());
}

/// Gates with labels.
fn gates(rng: &mut SecretRng) -> [Vec<Block>; 2] {
    [(); 2].map(|()| (0..CHUNK).map(|_| Block::random(rng)).collect())
}

#[test]
#[ignore = "counted by scripts/instructions.py"]
fn garble_and() {
    let mut rng = SecretRng::from_test_seed(2);
    let (hash, delta, [a, b]) = (GateHash::new(&[3; 16]), Delta::random(&mut rng), gates(&mut rng));
    let (mut tables, mut out) = (vec![0; AND_BYTES * CHUNK], a.clone());
    count(move || Garbler::new(&hash, &delta).and(5, &a, &b, &mut tables, &mut out));
}

#[test]
#[ignore = "counted by scripts/instructions.py"]
fn evaluate_and() {
    let mut rng = SecretRng::from_test_seed(2);
    let (hash, [a, b]) = (GateHash::new(&[3; 16]), gates(&mut rng));
    let (tables, mut out) = (vec![9; AND_BYTES * CHUNK], a.clone());
    count(move || Evaluator::new(&hash).and(5, &a, &b, &tables, &mut out));
}

/// What both parties hold to make batches of masked ReLUs.
struct Batch {
    bits: CompareBits,
    hash: GateHash,
    tweaks: [Tweaks; 2],
    labels: (CotReceiver, CotSender),
    selection: (CotReceiver, CotSender),
    rng: SecretRng,
}

impl Batch {
    fn new() -> Self {
        let mut rng = SecretRng::from_test_seed(4);
        Self {
            bits: CompareBits::new(14, 0).unwrap(),
            hash: GateHash::new(&[3; 16]),
            tweaks: [Tweaks::new(), Tweaks::new()],
            labels: instance(&mut rng),
            selection: instance(&mut rng),
            rng,
        }
    }

    /// Pads of the random OTs: the receiver's, the sender's.
    fn pads(&mut self) -> (ReceiverPads, SenderPads) {
        let n = POSITIONS;
        let (mut chosen, message) = self.selection.0.extend(n).unwrap();
        let mut sent = self.selection.1.extend(n, &message).unwrap();
        let [w0, w1] = self.tweaks.each_mut().map(|t| t.take(rot_windows(n)).unwrap());
        let delta = self.selection.1.delta();
        (
            ReceiverPads::new(&self.hash, w1, chosen.take(n).unwrap()).unwrap(),
            SenderPads::new(&self.hash, w0, sent.take(n).unwrap(), delta).unwrap(),
        )
    }

    /// The client's request and the server's answer.
    fn garbled(&mut self) -> (ClientReluRequest, ServerRelu, Vec<u8>) {
        let (n, ots) = (POSITIONS, cot_count(POSITIONS, self.bits));
        let (receiver_pads, sender_pads) = self.pads();
        let (mut active, message) = self.labels.0.extend(ots).unwrap();
        let mut keys = self.labels.1.extend(ots, &message).unwrap();
        let x = self.rng.u64s(n);
        let [w0, w1] = self.tweaks.each_mut().map(|t| t.take(relu_windows(n, self.bits)).unwrap());
        let active = active.take(ots).unwrap();
        let (request, message) =
            client_offline_request(&self.hash, w0, self.bits, active, sender_pads, &x).unwrap();
        let keys = (keys.take(ots).unwrap(), self.labels.1.delta());
        let rng = &mut self.rng;
        let (relu, tables) =
            server_offline(&self.hash, w1, self.bits, keys, receiver_pads, &message, rng).unwrap();
        (request, relu, tables)
    }
}

/// Both parties' offline phase of a batch, extensions included.
#[test]
#[ignore = "counted by scripts/instructions.py"]
fn relu_offline() {
    let mut batch = Batch::new();
    count(move || batch.garbled());
}

#[test]
#[ignore = "counted by scripts/instructions.py"]
fn relu_labels() {
    let mut batch = Batch::new();
    let x = batch.rng.u64s(POSITIONS);
    let mut ready = [batch.garbled().1, batch.garbled().1].into_iter();
    count(move || ready.next().unwrap().online(&x).unwrap());
}

#[test]
#[ignore = "counted by scripts/instructions.py"]
fn relu_evaluate() {
    let mut batch = Batch::new();
    let x = batch.rng.u64s(POSITIONS);
    let ready = [batch.garbled(), batch.garbled()].map(|(request, relu, tables)| {
        (request.tables(tables).unwrap(), relu.online(&x).unwrap().0)
    });
    let mut ready = ready.into_iter();
    count(move || {
        let (client, labels) = ready.next().unwrap();
        ClientRelu::online(client, &labels).unwrap()
    });
}
