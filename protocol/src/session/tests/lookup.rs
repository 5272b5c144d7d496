//! Whole sessions whose ReLUs are looked up, alone and beside garbled ones.

use std::thread;

use super::{hex, network, ring, with_session};
use crate::cost::CostModel;
use crate::gadget::ReluChoice;
use crate::plan::clear;
use crate::rng::SecretRng;
use crate::session::{ClientOptions, ClientSession, ServerContext, SessionLimits, SessionReport};
use crate::wire::{Phase, Traffic, Transport, memory};

#[test]
fn tickets_of_both_kinds_give_the_clear_logits() {
    for seed in 0..4 {
        let plan = if seed < 2 { network::small(seed) } else { network::varied(seed) };
        let image = network::image(&plan, &mut SecretRng::from_test_seed(seed + 100));
        let clear = clear::evaluate(&plan, &image).pop().unwrap();
        let (all, report) = with_session(&plan, seed, |mut session| {
            let mut tickets = session.prepare_with(2, ReluChoice::Lookup).unwrap();
            tickets.extend(session.prepare(1).unwrap());
            tickets.extend(session.prepare_with(1, ReluChoice::Lookup).unwrap());
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
        let model = CostModel::new(&plan.public, batch).unwrap().with_relus(ReluChoice::Lookup);
        let predicted = model.traffic().unwrap();
        let image = network::image(&plan, &mut SecretRng::from_test_seed(1));
        let (meter, report) = with_session(&plan, 7, |mut session| {
            let tickets = session.prepare_with(batch, ReluChoice::Lookup).unwrap();
            session.infer(tickets.into_iter().next().unwrap(), &ring(&image)).unwrap();
            let meter = session.transport().meter().clone();
            session.close().unwrap();
            meter
        });
        report.unwrap();
        let measured = |phase| Traffic::from(meter.phase(phase));
        assert_eq!(measured(Phase::Offline), predicted.offline);
        assert_eq!(measured(Phase::Online), predicted.online);
        let garbled = CostModel::new(&plan.public, batch).unwrap().traffic().unwrap();
        assert!(3 * predicted.online.down < garbled.online.down);
        assert!(predicted.offline.rounds < garbled.offline.rounds);
    }
}

#[test]
fn the_wire_trace_is_the_recorded_one() {
    let plan = network::small(21);
    let image = network::image(&plan, &mut SecretRng::from_test_seed(22));
    let context =
        ServerContext::new(plan, SessionLimits { max_tickets: 8, ..Default::default() }).unwrap();
    let (mut near, mut far) = memory::pair();
    near.record();
    let trace = thread::scope(|scope| {
        scope.spawn(move || {
            context.serve_with(&mut far, &|| false, SecretRng::from_test_seed(23)).unwrap()
        });
        let rng = SecretRng::from_test_seed(24);
        let mut session =
            ClientSession::connect_with(near, &ClientOptions::default(), rng).unwrap();
        for ticket in session.prepare_with(2, ReluChoice::Lookup).unwrap() {
            session.infer(ticket, &ring(&image)).unwrap();
        }
        session.close().unwrap().trace().unwrap()
    });
    assert_eq!(
        (hex(&trace.sent).as_str(), hex(&trace.received).as_str()),
        (
            "251ff7f1954f7a5d0f61a8127d055c0d2a940b634775746bf3551f7c0a9746f8",
            "3b1b25562083765d9cf1e01481931d3040f8915daa31278f01b29565153f74ca",
        )
    );
}
