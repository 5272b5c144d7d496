//! What both circuits are measured with: real oblivious transfers in both directions, one hash.

use rustix::time::{ClockId, clock_gettime};
use tacet_protocol::Result;
use tacet_protocol::garble::GateHash;
use tacet_protocol::ot::{
    BaseReceiver, BaseSender, CotReceiver, CotSender, Delta, FieldBits, ReceivedCots, SentCots,
    Tweaks,
};
use tacet_protocol::rng::SecretRng;

/// Both parties of a session in one process.
pub struct Session {
    labels: (CotReceiver, CotSender),
    selection: (CotReceiver, CotSender),
    /// The hash that both use.
    pub hash: GateHash,
    /// The client's, then the server's.
    pub tweaks: (Tweaks, Tweaks),
    /// For shares and seeds.
    pub rng: SecretRng,
}

/// Correlated OTs of both parties, and the bytes of the receiver's message.
type Ots = (ReceivedCots, SentCots, usize);

impl Session {
    /// Base OTs and extensions of both directions.
    ///
    /// # Errors
    /// None that a sound build has.
    pub fn new(mut rng: SecretRng) -> Result<Self> {
        Ok(Self {
            labels: instance(&mut rng)?,
            selection: instance(&mut rng)?,
            hash: GateHash::new(&rng.array()),
            tweaks: (Tweaks::new(), Tweaks::new()),
            rng,
        })
    }

    /// The garbling offset, the server's.
    pub fn delta(&self) -> &Delta {
        self.labels.1.delta()
    }

    /// The offset of the client's pads.
    pub fn selection_delta(&self) -> &Delta {
        self.selection.1.delta()
    }

    /// `n` OTs for the client's labels.
    ///
    /// # Errors
    /// None that a sound build has.
    pub fn label_ots(&mut self, n: usize) -> Result<Ots> {
        extend(&mut self.labels, n)
    }

    /// `n` OTs for the server's choices of selected values.
    ///
    /// # Errors
    /// None that a sound build has.
    pub fn selection_ots(&mut self, n: usize) -> Result<Ots> {
        extend(&mut self.selection, n)
    }
}

fn instance(rng: &mut SecretRng) -> Result<(CotReceiver, CotSender)> {
    let (field, delta) = (FieldBits::default(), Delta::random(rng));
    let (base, first) = BaseSender::new(rng);
    let (keys, answer) = BaseReceiver::respond(delta.base_choices(), &first, rng)?;
    let (receiver, corrections) = CotReceiver::new(field, base.finish(&answer)?, rng);
    Ok((receiver, CotSender::new(field, &delta, keys, &corrections)?))
}

fn extend((receiver, sender): &mut (CotReceiver, CotSender), n: usize) -> Result<Ots> {
    let (received, message) = receiver.extend(n)?;
    let sent = sender.extend(n, &message)?;
    Ok((received, sent, message.len()))
}

/// Runs `f` and says how many seconds this thread computed.
///
/// # Errors
/// Those of `f`.
pub fn timed<R>(f: impl FnOnce() -> Result<R>) -> Result<(R, f64)> {
    let started = thread_time();
    let result = f()?;
    Ok((result, thread_time() - started))
}

fn thread_time() -> f64 {
    let t = clock_gettime(ClockId::ThreadCPUTime);
    t.tv_sec as f64 + t.tv_nsec as f64 / 1e9
}
