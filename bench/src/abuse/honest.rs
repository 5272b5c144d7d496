//! Honest clients under load: processes that make tickets, spend them and check the answers.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};

use tacita_cli::Ot;

use tacita_bench::certs::Certs;
use tacita_bench::client;

/// A picture and the class that the clear network gives it.
pub type Known = (PathBuf, usize);

/// What honest clients met.
#[derive(Clone, Debug, Default)]
pub struct Experience {
    /// Seconds of each inference.
    pub online: Vec<f64>,
    /// Seconds of a ticket, a value an offline run.
    pub offline: Vec<f64>,
    /// Answers with another class than the clear network's.
    pub wrong: usize,
    /// Sessions that ended early, by what was said.
    pub failures: BTreeMap<String, usize>,
}

impl Experience {
    /// Adds another client's.
    pub fn add(&mut self, other: Self) {
        self.online.extend(other.online);
        self.offline.extend(other.offline);
        self.wrong += other.wrong;
        for (what, times) in other.failures {
            *self.failures.entry(what).or_default() += times;
        }
    }
}

/// One client: session after session until `stop`.
pub fn work(
    (addr, certs): (&str, &Certs),
    (pictures, batch): (&[Known], usize),
    stop: &AtomicBool,
) -> Experience {
    let mut met = Experience::default();
    let paths: Vec<PathBuf> = pictures.iter().map(|(path, _)| path.clone()).collect();
    while !stop.load(Ordering::Relaxed) {
        let mut expected = pictures.iter().map(|(_, class)| *class);
        let options = (Some(batch), None, Ot::SoftSpoken);
        let ended = client::infer(addr, certs, &paths, options, |answer| {
            met.wrong += usize::from(expected.next() != Some(answer.class));
            met.online.push(answer.online.seconds);
            let made = answer.offline_batch;
            met.offline.push(made.seconds / made.tickets.max(1) as f64);
            Ok(())
        });
        if let Err(e) = ended {
            *met.failures.entry(e.to_string()).or_default() += 1;
        }
    }
    met
}
