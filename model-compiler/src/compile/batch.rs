//! Chooses how many tickets one offline run makes.

use serde::Serialize;
use tacita_protocol::cost::{Prediction, predict};
use tacita_protocol::plan::PublicPlan;

use crate::error::Result;

/// Batches that are tried.
const CANDIDATES: [usize; 5] = [1, 2, 4, 8, 16];
/// A smaller batch is taken if it costs at most this many times the cheapest one's bytes.
const TOLERANCE: f64 = 1.15;
/// Most memory that one offline run should take at either party, in bytes.
const MAX_MEMORY: u64 = 4 << 30;

/// Predicted cost of one batch size.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct BatchCandidate {
    /// Tickets per offline run.
    pub batch: usize,
    /// Offline bytes per ticket, both directions.
    pub bytes_per_ticket: u64,
    /// Memory of one run, roughly: everything it sends and receives, twice.
    pub memory: u64,
}

/// The batch taken and what was weighed.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct BatchChoice {
    /// Tickets per offline run.
    pub batch: usize,
    /// The sizes weighed; empty if the user chose.
    pub candidates: Vec<BatchCandidate>,
}

impl BatchChoice {
    /// The user's choice.
    pub const fn fixed(batch: usize) -> Self {
        Self { batch, candidates: Vec::new() }
    }
}

/// The smallest batch whose predicted offline bytes per ticket are within 15 % of the best that
/// fits in memory. `plan` is a validated one.
///
/// # Errors
/// [`crate::Error::Input`] if a convolution cannot be packed.
pub fn choose_batch(plan: &PublicPlan) -> Result<BatchChoice> {
    let mut candidates = Vec::new();
    for batch in CANDIDATES {
        let next = candidate(batch, &predict(plan, batch)?);
        let fits = next.memory <= MAX_MEMORY;
        candidates.push(next);
        // Larger ones would not either, and laying them out takes memory itself.
        if !fits {
            break;
        }
    }
    Ok(choose(candidates))
}

fn candidate(batch: usize, p: &Prediction) -> BatchCandidate {
    let bytes = p.offline.up + p.offline.down;
    let bytes_per_ticket = bytes / batch.max(1) as u64;
    BatchCandidate { batch, bytes_per_ticket, memory: bytes.saturating_mul(2) }
}

fn choose(candidates: Vec<BatchCandidate>) -> BatchChoice {
    let fitting = || candidates.iter().filter(|c| c.memory <= MAX_MEMORY);
    let best = fitting().map(|c| c.bytes_per_ticket).min().unwrap_or(0) as f64;
    let good = |c: &&BatchCandidate| c.bytes_per_ticket as f64 <= best * TOLERANCE;
    // If nothing fits, the least memory is the best that can be done.
    let batch = fitting().find(good).or(candidates.first()).map_or(1, |c| c.batch);
    BatchChoice { batch, candidates }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::ResNet;
    use crate::{Calibration, Options, compile, import_model};

    fn with(bytes: [u64; 5], memory: u64) -> BatchChoice {
        let each = CANDIDATES.iter().zip(bytes);
        choose(
            each.map(|(&batch, bytes_per_ticket)| BatchCandidate {
                batch,
                bytes_per_ticket,
                memory: memory * batch as u64,
            })
            .collect(),
        )
    }

    #[test]
    fn the_smallest_good_batch_is_taken() {
        assert_eq!(with([110, 80, 60, 42, 40], 1).batch, 8);
        assert_eq!(with([41, 41, 41, 41, 40], 1).batch, 1);
    }

    #[test]
    fn memory_caps_the_batch() {
        assert_eq!(with([110, 80, 60, 42, 30], MAX_MEMORY / 4).batch, 4);
        assert_eq!(with([110, 80, 60, 42, 30], MAX_MEMORY * 2).batch, 1);
    }

    #[test]
    fn predictions_for_a_network_decide() {
        let network = import_model(&ResNet::thin20(1, 0.4).model()).unwrap();
        let images = Calibration::synthetic(network.input, 1);
        let (plan, report) = compile(&network, &images, &Options::default()).unwrap();
        let BatchChoice { batch, candidates } = report.batch;
        assert_eq!(plan.public.batch, batch);
        let bytes: Vec<u64> = candidates.iter().map(|c| c.bytes_per_ticket).collect();
        println!("{batch} of {bytes:?}");
        // Packing several tickets into a ciphertext never costs more per ticket.
        assert!(bytes.is_sorted_by(|a, b| a >= b));
        let best = bytes[4] as f64;
        for c in candidates {
            let good = c.bytes_per_ticket as f64 <= best * TOLERANCE;
            assert_eq!(good, c.batch >= batch, "{c:?}");
            assert!(c.memory <= MAX_MEMORY);
        }
    }
}
