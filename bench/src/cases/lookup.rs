//! Masked ReLUs by table lookup.

use tacet_protocol::Result;
use tacet_protocol::gadget::lookup::{
    ClientLookup, ClientPads, ServerLookup, ServerPads, Split, label_ots, label_windows,
    selection_ots, selection_windows,
};
use tacet_protocol::ot::{CotView, SentCots};

use super::{POSITIONS, Relus};
use crate::meter::timed;

/// Steps of a slice of lookups that are timed. Offline: the client's pads and the server's, the
/// request and taking it, both with their own pads. Online: digits, tables, rows, the answer, the
/// server's new share.
pub const LOOKUP_STEPS: usize = 9;

/// Both parties' ReLUs, and the core-seconds of the four offline steps.
struct Offline {
    client: ClientLookup,
    server: ServerLookup,
    seconds: [f64; 4],
}

impl Relus {
    /// One slice of [`POSITIONS`] by lookup through both phases; core-seconds of each of the
    /// [`LOOKUP_STEPS`].
    ///
    /// # Errors
    /// Those of the protocol.
    pub fn look_up(&mut self, split: Split) -> Result<[f64; LOOKUP_STEPS]> {
        let (x_s, reshare) = (self.rng.u64s(POSITIONS), self.rng.u64s(POSITIONS));
        let Offline { client, server, seconds } = self.prepare_lookup(split)?;
        let [pads_send, pads_receive, request, accept] = seconds;
        let ((server, message), digits) = timed(|| server.digits(&x_s))?;
        let ((client, message), tables) = timed(|| client.tables(&message))?;
        let ((server, message), rows) = timed(|| server.rows(&message))?;
        let (message, answer) = timed(|| client.answer(&message, &reshare))?;
        let (shares, finish) = timed(|| server.finish(&message))?;
        std::hint::black_box(shares);
        Ok([pads_send, pads_receive, request, accept, digits, tables, rows, answer, finish])
    }

    fn prepare_lookup(&mut self, split: Split) -> Result<Offline> {
        let (n, ots) = (selection_ots(POSITIONS, split), label_ots(POSITIONS));
        let (mut chosen, mut sent, _) = self.selection.extend(n)?;
        let (client, server) = self.lookup_pads(split, chosen.take(n)?, &mut sent)?;
        let ((client, pads_send), (server, pads_receive)) = (client, server);
        let (mut received, mut keys, _) = self.labels.extend(ots)?;
        let windows = self.tweaks.0.take(label_windows(POSITIONS))?;
        let (x_c, hash, rng) = (self.rng.u64s(POSITIONS), &self.hash, &mut self.rng);
        let view = received.take(ots)?;
        let ((client, message), request) =
            timed(|| client.request(hash, windows, view, &x_c, rng))?;
        let windows = self.tweaks.1.take(label_windows(POSITIONS))?;
        let keys = (keys.take(ots)?, self.labels.sender.delta());
        let (server, accept) = timed(|| server.accept(hash, windows, keys, &message))?;
        Ok(Offline { client, server, seconds: [pads_send, pads_receive, request, accept] })
    }

    /// The client's pads and the server's, with the core-seconds of each.
    fn lookup_pads(
        &mut self,
        split: Split,
        chosen: CotView<'_>,
        sent: &mut SentCots,
    ) -> Result<((ClientPads, f64), (ServerPads, f64))> {
        let (hash, at, delta) = (&self.hash, (POSITIONS, split), self.selection.sender.delta());
        let keys = sent.take(selection_ots(POSITIONS, split))?;
        let windows = self.tweaks.0.take(selection_windows(POSITIONS, split))?;
        let client = timed(|| ClientPads::new(hash, windows, at, keys, delta))?;
        let windows = self.tweaks.1.take(selection_windows(POSITIONS, split))?;
        let server = timed(|| ServerPads::new(hash, windows, at, chosen))?;
        Ok((client, server))
    }
}
