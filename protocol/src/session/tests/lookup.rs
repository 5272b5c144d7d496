//! Whole sessions whose ReLUs are looked up, alone and beside garbled ones.

use super::{looked_up, moved, network, recorded, ring, with_session};
use crate::cost::CostModel;
use crate::plan::clear;
use crate::rng::SecretRng;
use crate::session::SessionReport;
use crate::wire::Phase;

#[test]
fn tickets_of_both_kinds_give_the_clear_logits() {
    for seed in 0..4 {
        let plan = if seed < 2 { network::small(seed) } else { network::varied(seed) };
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
            "abdd22deee0eccc5d916b90a55585c8cbad0822f25411b862eb72e58574abe2c",
            "fc6b6cee9ae6ffc8af8e61b98592a57fea440ab0baf1ca69d588211cda4b69ca",
        )
    );
}
