//! What both circuits are measured with: real oblivious transfers in both directions, one hash.

use rustix::time::{ClockId, clock_gettime};
use tacita_bench::cases::{Instance, Ots};
use tacita_protocol::Result;
use tacita_protocol::garble::GateHash;
use tacita_protocol::ot::{Delta, Tweaks};
use tacita_protocol::rng::SecretRng;

/// Both parties of a session in one process.
pub struct Session {
    labels: Instance,
    selection: Instance,
    /// The hash that both use.
    pub hash: GateHash,
    /// The client's, then the server's.
    pub tweaks: (Tweaks, Tweaks),
    /// For shares and seeds.
    pub rng: SecretRng,
}

impl Session {
    /// Base OTs and extensions of both directions.
    ///
    /// # Errors
    /// None that a sound build has.
    pub fn new(mut rng: SecretRng) -> Result<Self> {
        Ok(Self {
            labels: Instance::new(&mut rng)?,
            selection: Instance::new(&mut rng)?,
            hash: GateHash::new(&rng.array()),
            tweaks: (Tweaks::new(), Tweaks::new()),
            rng,
        })
    }

    /// The garbling offset, the server's.
    pub fn delta(&self) -> &Delta {
        self.labels.sender.delta()
    }

    /// The offset of the client's pads.
    pub fn selection_delta(&self) -> &Delta {
        self.selection.sender.delta()
    }

    /// `n` OTs for the client's labels.
    ///
    /// # Errors
    /// None that a sound build has.
    pub fn label_ots(&mut self, n: usize) -> Result<Ots> {
        self.labels.extend(n)
    }

    /// `n` OTs for the server's choices of selected values.
    ///
    /// # Errors
    /// None that a sound build has.
    pub fn selection_ots(&mut self, n: usize) -> Result<Ots> {
        self.selection.extend(n)
    }
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
