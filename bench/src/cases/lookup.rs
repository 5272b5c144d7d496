//! Masked ReLUs by table lookup.

use tacita_protocol::Result;
use tacita_protocol::gadget::lookup::{
    ClientPads, ServerPads, Split, label_ots, label_windows, selection_ots, selection_windows,
};
use tacita_protocol::ot::{FieldBits, GateHash, Tweaks};
use tacita_protocol::rng::SecretRng;

use super::relu::{Instance, POSITIONS};
use crate::meter::timed;

/// Core-seconds of each step of a slice of [`POSITIONS`], or of other amounts of it.
#[derive(Clone, Copy, Debug, Default)]
pub struct LookupSteps {
    /// Offline: both parties' OT extensions, client and server.
    pub ots: [f64; 2],
    /// Offline: pads of the OTs in which the client sends, client and server.
    pub pads: [f64; 2],
    /// Offline: the client prepares its choices.
    pub request: f64,
    /// Offline: the server takes them.
    pub accept: f64,
    /// Online 1: the server masks its digits.
    pub digits: f64,
    /// Online 2: the client masks its tables.
    pub tables: f64,
    /// Online 3: the server reads them and answers.
    pub rows: f64,
    /// Online 4: the client re-shares.
    pub answer: f64,
    /// The server takes its share.
    pub finish: f64,
}

impl LookupSteps {
    /// Steps, in the order of the fields.
    pub const COUNT: usize = 11;

    /// All of them.
    pub fn list(&self) -> [f64; Self::COUNT] {
        let [ots_client, ots_server] = self.ots;
        let [pads_client, pads_server] = self.pads;
        let offline = [ots_client, ots_server, pads_client, pads_server, self.request, self.accept];
        let online = [self.digits, self.tables, self.rows, self.answer, self.finish];
        let mut all = [0.0; Self::COUNT];
        all.iter_mut().zip(offline.into_iter().chain(online)).for_each(|(to, from)| *to = from);
        all
    }

    /// The inverse of [`Self::list`].
    pub fn of(list: [f64; Self::COUNT]) -> Self {
        let [o0, o1, p0, p1, request, accept, digits, tables, rows, answer, finish] = list;
        let (ots, pads) = ([o0, o1], [p0, p1]);
        Self { ots, pads, request, accept, digits, tables, rows, answer, finish }
    }

    /// Both parties, offline.
    pub fn offline(&self) -> f64 {
        self.ots.iter().chain(&self.pads).sum::<f64>() + self.request + self.accept
    }

    /// Both parties, online.
    pub fn online(&self) -> f64 {
        self.digits + self.tables + self.rows + self.answer + self.finish
    }
}

/// Both directions of correlated OT and the rest of a session.
pub struct Lookups {
    labels: Instance,
    selection: Instance,
    hash: GateHash,
    /// The client's, then the server's.
    tweaks: (Tweaks, Tweaks),
    rng: SecretRng,
}

impl Lookups {
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

    /// One slice of [`POSITIONS`] through both phases.
    ///
    /// # Errors
    /// Those of the protocol.
    pub fn slice(&mut self, split: Split) -> Result<LookupSteps> {
        let (n, hash) = (POSITIONS, self.hash.clone());
        let (ots, prepared) = (selection_ots(n, split), label_ots(n));
        let (x_c, x_s, reshare) = (self.rng.u64s(n), self.rng.u64s(n), self.rng.u64s(n));

        let ((mut chosen, message), server_ots) = timed(|| self.selection.receiver.extend(ots))?;
        let (mut keys, client_ots) = timed(|| self.selection.sender.extend(ots, &message))?;
        let w = self.tweaks.1.take(selection_windows(n, split))?;
        let (server, server_pads) =
            timed(|| ServerPads::new(&hash, w, (n, split), chosen.take(ots)?))?;
        let w = self.tweaks.0.take(selection_windows(n, split))?;
        let delta = self.selection.sender.delta();
        let (client, client_pads) =
            timed(|| ClientPads::new(&hash, w, (n, split), keys.take(ots)?, delta))?;

        let ((mut chosen, message), client_labels) =
            timed(|| self.labels.receiver.extend(prepared))?;
        let (mut keys, server_labels) = timed(|| self.labels.sender.extend(prepared, &message))?;
        let w = self.tweaks.0.take(label_windows(n))?;
        let ((client, message), request) =
            timed(|| client.request(&hash, w, chosen.take(prepared)?, &x_c))?;
        let w = self.tweaks.1.take(label_windows(n))?;
        let delta = self.labels.sender.delta();
        let (server, accept) =
            timed(|| server.accept(&hash, w, (keys.take(prepared)?, delta), &message))?;

        let ((server, message), digits) = timed(|| server.digits(&x_s))?;
        let ((client, message), tables) = timed(|| client.tables(&message))?;
        let ((server, message), rows) = timed(|| server.rows(&message))?;
        let (message, answer) = timed(|| client.answer(&message, &reshare))?;
        let (share, finish) = timed(|| server.finish(&message))?;
        std::hint::black_box(share);
        let ots = [client_ots + client_labels, server_ots + server_labels];
        let pads = [client_pads, server_pads];
        Ok(LookupSteps { ots, pads, request, accept, digits, tables, rows, answer, finish })
    }
}
