//! Oblivious transfer, gates and masked ReLUs.

use tacita_protocol::Result;
use tacita_protocol::gadget::CompareBits;
use tacita_protocol::gadget::garbled::{
    ClientRelu, client_offline_request, cot_count, relu_windows, rot_count, server_offline,
};
use tacita_protocol::garble::{AND_BYTES, CHUNK, Evaluator, Garbler};
use tacita_protocol::ot::{
    BaseReceiver, BaseSender, Block, CotReceiver, CotSender, Delta, FieldBits, GateHash,
    ReceivedCots, ReceiverPads, SenderPads, SentCots, Tweaks, rot_windows,
};
use tacita_protocol::rng::SecretRng;

use crate::meter::timed;

/// Positions of a call: a full slice.
pub const POSITIONS: usize = 1 << 13;

/// Correlated OTs of both parties, and the bytes of the receiver's message.
pub type Ots = (ReceivedCots, SentCots, usize);

/// Both parties of one direction of correlated OT.
pub struct Instance {
    /// Gets bits and blocks.
    pub receiver: CotReceiver,
    /// Has the offset.
    pub sender: CotSender,
}

impl Instance {
    /// Runs the base OTs of an extension with the default field bits.
    ///
    /// # Errors
    /// Those of the protocol.
    pub fn new(rng: &mut SecretRng) -> Result<Self> {
        Self::with(FieldBits::default(), rng)
    }

    /// The same with other field bits than the default.
    ///
    /// # Errors
    /// Those of the protocol.
    pub fn with(field: FieldBits, rng: &mut SecretRng) -> Result<Self> {
        let delta = Delta::random(rng);
        let (base, first) = BaseSender::new(rng);
        let (keys, answer) = BaseReceiver::respond(delta.base_choices(), &first, rng)?;
        let (receiver, corrections) = CotReceiver::new(field, base.finish(&answer)?, rng);
        Ok(Self { receiver, sender: CotSender::new(field, &delta, keys, &corrections)? })
    }

    /// Both parties extend by `n`: core-seconds of the receiver and of the sender.
    ///
    /// # Errors
    /// Those of the protocol.
    pub fn time(&mut self, n: usize) -> Result<[f64; 2]> {
        let ((received, message), receive) = timed(|| self.receiver.extend(n))?;
        let (sent, send) = timed(|| self.sender.extend(n, &message))?;
        std::hint::black_box((received, sent));
        Ok([receive, send])
    }

    /// Both parties extend by `n`.
    ///
    /// # Errors
    /// Those of the protocol.
    pub fn extend(&mut self, n: usize) -> Result<Ots> {
        let (received, message) = self.receiver.extend(n)?;
        let sent = self.sender.extend(n, &message)?;
        Ok((received, sent, message.len()))
    }
}

/// A full batch of gates with random labels.
pub struct Gates {
    hash: GateHash,
    delta: Delta,
    a: Vec<Block>,
    b: Vec<Block>,
    tables: Vec<u8>,
    out: Vec<Block>,
}

impl Gates {
    /// Gates of a batch.
    pub const COUNT: usize = CHUNK;

    /// Draws the labels.
    pub fn new(rng: &mut SecretRng) -> Self {
        let mut labels = || (0..CHUNK).map(|_| Block::random(rng)).collect::<Vec<_>>();
        let (a, b) = (labels(), labels());
        Self {
            hash: GateHash::new(&rng.array()),
            delta: Delta::random(rng),
            out: a.clone(),
            a,
            b,
            tables: vec![0; AND_BYTES * CHUNK],
        }
    }

    /// Garbles `batches` of them, each under its own window of tweaks.
    pub fn garble(&mut self, batches: usize) {
        let mut garbler = Garbler::new(&self.hash, &self.delta);
        for window in 0..batches as u64 {
            garbler.and(window, &self.a, &self.b, &mut self.tables, &mut self.out);
        }
    }

    /// Evaluates `batches` of them.
    pub fn evaluate(&mut self, batches: usize) {
        let mut evaluator = Evaluator::new(&self.hash);
        for window in 0..batches as u64 {
            evaluator.and(window, &self.a, &self.b, &self.tables, &mut self.out);
        }
    }
}

/// Steps of a slice of garbled ReLUs that are timed: the pads of the random OTs at their receiver
/// and at their sender; then the client's request, garbling, the server's labels and the client's
/// evaluation.
pub const STEPS: usize = 6;

/// Both directions of correlated OT and the rest of a session.
pub struct Relus {
    pub(super) labels: Instance,
    pub(super) selection: Instance,
    pub(super) hash: GateHash,
    /// The client's, then the server's.
    pub(super) tweaks: (Tweaks, Tweaks),
    pub(super) rng: SecretRng,
}

impl Relus {
    /// A session.
    ///
    /// # Errors
    /// Those of the protocol.
    pub fn new() -> Result<Self> {
        Self::with(FieldBits::default())
    }

    /// The same with other field bits of the OT extension than the default.
    ///
    /// # Errors
    /// Those of the protocol.
    pub fn with(field: FieldBits) -> Result<Self> {
        let mut rng = SecretRng::from_os()?;
        Ok(Self {
            labels: Instance::with(field, &mut rng)?,
            selection: Instance::with(field, &mut rng)?,
            hash: GateHash::new(&rng.array()),
            tweaks: (Tweaks::new(), Tweaks::new()),
            rng,
        })
    }

    /// One slice of [`POSITIONS`] through both phases; core-seconds of each of the [`STEPS`].
    ///
    /// # Errors
    /// Those of the protocol.
    pub fn slice(&mut self, bits: CompareBits) -> Result<[f64; STEPS]> {
        let (ots, n) = (cot_count(POSITIONS, bits), rot_count(POSITIONS));
        let hash = self.hash.clone();
        let (x_c, x_s) = (self.rng.u64s(n), self.rng.u64s(n));

        let (mut chosen, mut sent, _) = self.selection.extend(n)?;
        let w = self.tweaks.1.take(rot_windows(n))?;
        let (receiver_pads, pads_receive) = timed(|| ReceiverPads::new(&hash, w, chosen.take(n)?))?;
        let (w, delta) = (self.tweaks.0.take(rot_windows(n))?, self.selection.sender.delta());
        let (sender_pads, pads_send) = timed(|| SenderPads::new(&hash, w, sent.take(n)?, delta))?;

        let (mut active, mut keys, _) = self.labels.extend(ots)?;
        let w = self.tweaks.0.take(relu_windows(n, bits))?;
        let ((request, message), requested) =
            timed(|| client_offline_request(&hash, w, bits, active.take(ots)?, sender_pads, &x_c))?;
        let (w, delta) = (self.tweaks.1.take(relu_windows(n, bits))?, self.labels.sender.delta());
        let rng = &mut self.rng;
        let ((relu, tables), garbled) = timed(|| {
            let keys = (keys.take(ots)?, delta);
            server_offline(&hash, w, bits, keys, receiver_pads, &message, rng)
        })?;
        let ready = request.tables(tables)?;
        let ((labels, _), picked) = timed(|| relu.online(&x_s))?;
        let (values, evaluated) = timed(|| ClientRelu::online(ready, &labels))?;
        std::hint::black_box(values);
        Ok([pads_receive, pads_send, requested, garbled, picked, evaluated])
    }
}
