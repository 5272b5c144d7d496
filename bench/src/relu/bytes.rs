//! Bytes of one ReLU, from the functions with which the estimator predicts a session.

use tacita_protocol::gadget::Gadget;
use tacita_protocol::ot::SilentSet;

/// Bytes of some ReLUs, without framing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReluBytes {
    /// Offline, client to server: OT extension, request.
    pub offline_up: usize,
    /// Offline, server to client: OT extension, garbled tables.
    pub offline_down: usize,
    /// Online, client to server.
    pub online_up: usize,
    /// Online, server to client.
    pub online_down: usize,
}

impl ReluBytes {
    /// Both phases, both ways.
    pub fn all(self) -> usize {
        self.offline_up + self.offline_down + self.online_up + self.online_down
    }
}

/// Bytes of one correlated OT of a session that takes many from a stock: a refill's message over
/// what it leaves.
pub fn of_silent_ot(set: SilentSet) -> f64 {
    set.message_bytes() as f64 / (set.outputs() - set.cost()) as f64
}

/// Bytes of a slice of `n` ReLUs. `ot_bytes` says how many the receiver of so many correlated OTs
/// sends.
pub fn of_slice(gadget: &dyn Gadget, n: usize, ot_bytes: &dyn Fn(usize) -> usize) -> ReluBytes {
    let rounds = 0..gadget.rounds().len();
    let tables = gadget.tables_bytes(n).unwrap_or_default();
    ReluBytes {
        offline_up: ot_bytes(gadget.label_ots(n)) + gadget.request_bytes(n),
        offline_down: ot_bytes(gadget.selection_ots(n)) + tables,
        online_up: rounds.clone().map(|round| gadget.answer_bytes(round, n)).sum(),
        online_down: rounds.map(|round| gadget.message_bytes(round, n)).sum(),
    }
}

#[cfg(test)]
mod tests {
    use tacita_protocol::cost::{CostModel, TensorCost};
    use tacita_protocol::gadget::{CompareBits, ReluChoice};
    use tacita_protocol::ot::FieldBits;
    use tacita_protocol::plan::ReluChoices;

    use super::*;
    use crate::networks::{Keep, Network};

    /// What the estimator says of a whole network is the sum of its slices.
    #[test]
    fn bytes_are_the_estimator_s() {
        let field = FieldBits::default();
        for name in ["resnet20", "resnet18"] {
            let plan = Network::named(name).unwrap().plan(Keep::All).unwrap().public;
            for choice in ReluChoice::all() {
                let choices = ReluChoices::uniform(&plan, choice);
                let model = CostModel::new(&plan, 1).unwrap().with_relus(&choices);
                let all = model.traffic().unwrap().tensors;
                for (spec, cost) in plan.tensors.iter().zip(&all).skip(1) {
                    let relus = spec.mask.relu_positions().len();
                    if relus == 0 {
                        continue;
                    }
                    let gadget = choice.gadget(spec.compare().unwrap());
                    let slices = (0..relus).step_by(crate::relu::POSITIONS);
                    let sizes = slices.map(|first| (relus - first).min(crate::relu::POSITIONS));
                    let of = |n| of_slice(gadget.as_ref(), n, &|ots| field.extension_bytes(ots));
                    let sum = |get: fn(ReluBytes) -> usize| {
                        sizes.clone().map(|n| get(of(n)) as u64).sum::<u64>()
                    };
                    let TensorCost { offline_up, offline_down, ot_up, ot_down, .. } = *cost;
                    assert_eq!(sum(|b| b.offline_up), offline_up + ot_up, "{name}");
                    assert_eq!(sum(|b| b.offline_down), offline_down + ot_down);
                    assert_eq!(sum(|b| b.online_up), cost.online_up);
                    assert_eq!(sum(|b| b.online_down), cost.online_down);
                }
            }
        }
    }

    #[test]
    fn a_looked_up_relu_of_14_bits_takes_what_the_protocol_says() {
        let bits = CompareBits::new(14, 0).unwrap();
        let none = |_| 0;
        let gadget = ReluChoice::named("ot").unwrap().gadget(bits);
        let looked_up = of_slice(gadget.as_ref(), 8, &none);
        // Three bits; 13 bits, a row and three bits; 256 bits of tables and two values.
        let expected =
            ReluBytes { offline_up: 3, offline_down: 0, online_up: 8 * 48, online_down: 8 * 10 };
        assert_eq!(looked_up, expected);
        let counted = of_slice(gadget.as_ref(), 1, &|ots| ots);
        assert_eq!((counted.offline_up, counted.offline_down), (4 + 1, 16));
    }
}
