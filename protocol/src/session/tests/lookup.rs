//! Whole sessions whose ReLUs are looked up, alone and beside garbled ones.

use super::{choice, looked_up, moved, network, recorded, ring, with_session};
use crate::cost::CostModel;
use crate::plan::clear;
use crate::rng::SecretRng;
use crate::session::SessionReport;
use crate::wire::Phase;

#[test]
fn tickets_of_both_kinds_give_the_clear_logits() {
    let plans = [network::small, network::varied, network::clipped];
    for (plan, seed) in plans.into_iter().flat_map(|plan| [plan, plan]).zip(0..) {
        let plan = plan(seed);
        let image = network::image(&plan, &mut SecretRng::from_test_seed(seed + 100));
        let clear = clear::evaluate(&plan, &image).pop().unwrap();
        let (all, report) = with_session(&plan, seed, |mut session| {
            let mut tickets = session.prepare_with(2, &looked_up(&plan)).unwrap();
            tickets.extend(session.prepare(1).unwrap());
            tickets.extend(session.prepare_with(1, &looked_up(&plan)).unwrap());
            let order = [3, 2, 1, 0].map(|i| tickets.remove(i));
            let all = order.map(|ticket| session.infer(ticket, &ring(&image)).unwrap());
            session.close().unwrap();
            all
        });
        assert_eq!(report.unwrap(), SessionReport { tickets: 4, inferences: 4 });
        for private in all {
            for (p, c) in private.iter().zip(&clear) {
                assert!((p - c).abs() <= 8, "private {private:?} clear {clear:?}");
            }
        }
    }
}

/// A clipped ReLU of two, and beside them one whose comparison is too wide to be looked up.
#[test]
fn comparisons_too_wide_for_tables_are_garbled_beside_the_others() {
    let plan = network::clipped(4);
    let relus = plan.public.tensors.iter().filter(|t| t.unmasked_relus > 0);
    let possible = relus.map(|t| choice("ot").check(t.compare().unwrap()).is_ok());
    assert_eq!(possible.collect::<Vec<_>>(), [true, true, false]);
    let model = CostModel::new(&plan.public, 2).unwrap().with_relus(&looked_up(&plan));
    let predicted = model.traffic().unwrap();
    let measured = moved(&plan, 2, &looked_up(&plan));
    assert_eq!(measured(Phase::Offline), predicted.offline);
    assert_eq!(measured(Phase::Online), predicted.online);
    // Two looked up at two round trips each, one garbled, the logits.
    assert_eq!(predicted.online.rounds, 2 * 2 + 1 + 1);
}

#[test]
fn measured_traffic_is_the_predicted_traffic() {
    for (plan, batch) in [(network::small(7), 1), (network::small(7), 3), (network::varied(8), 2)] {
        let relus = looked_up(&plan);
        let model = CostModel::new(&plan.public, batch).unwrap().with_relus(&relus);
        let predicted = model.traffic().unwrap();
        let measured = moved(&plan, batch, &relus);
        assert_eq!(measured(Phase::Offline), predicted.offline);
        assert_eq!(measured(Phase::Online), predicted.online);
        let garbled = CostModel::new(&plan.public, batch).unwrap().traffic().unwrap();
        assert!(3 * predicted.online.down < garbled.online.down);
        assert!(predicted.offline.rounds < garbled.offline.rounds);
    }
}

#[test]
fn the_wire_trace_is_the_recorded_one() {
    let [sent, received] = recorded(looked_up);
    assert_eq!(
        (sent.as_str(), received.as_str()),
        (
            "86c8c685b40aff3e7e94cfc4c06d89cbf430256ed4d09b3afb001c5d6dc119fd",
            "33eca4bca0b9eb7661f86e76be87bd180497ca3d6a8398a1a8545bb0d86d1362",
        )
    );
}
