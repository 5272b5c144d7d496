//! Sessions in which some tensors' ReLUs are garbled and others' are looked up, and requests for
//! choices that the plan does not allow.

use std::thread;

use super::{choice, looked_up, moved, network, recorded, ring, with_session};
use crate::cost::CostModel;
use crate::error::{Error, Result};
use crate::gadget::ReluChoice;
use crate::plan::{Plan, PublicPlan, ReluChoices, TensorSpec, clear};
use crate::rng::SecretRng;
use crate::session::{ClientOptions, ClientSession, ServerContext, SessionLimits, SessionReport};
use crate::wire::{Kind, Phase, Traffic, Transport, memory};

/// Choices from a function of the ReLU tensor's number: true for lookup.
fn choices(plan: &PublicPlan, lookup: impl Fn(usize) -> bool) -> ReluChoices {
    let of = |i| choice(if lookup(i) { "ot" } else { "gc" });
    ReluChoices::new(plan, (0..plan.relu_tensors().count()).map(of).collect()).unwrap()
}

/// The first tensor looked up, the second garbled, and so on.
pub(super) fn alternating(plan: &PublicPlan) -> ReluChoices {
    choices(plan, |i| i % 2 == 0)
}

/// One inference on one of `batch` tickets has the clear logits, the predicted bytes and rounds.
fn agrees(plan: &Plan, batch: usize, relus: &ReluChoices) {
    let image = network::image(plan, &mut SecretRng::from_test_seed(1));
    let clear = clear::evaluate(plan, &image).pop().unwrap();
    let (private, _) = with_session(plan, 9, |mut session| {
        let ticket = session.prepare_with(batch, relus).unwrap().pop().unwrap();
        let logits = session.infer(ticket, &ring(&image)).unwrap();
        session.close().unwrap();
        logits
    });
    for (p, c) in private.iter().zip(&clear) {
        assert!((p - c).abs() <= 8, "{relus:?}: private {private:?} clear {clear:?}");
    }
    let model = CostModel::new(&plan.public, batch).unwrap().with_relus(relus);
    let predicted = model.traffic().unwrap();
    let measured = moved(plan, batch, relus);
    assert_eq!(measured(Phase::Offline), predicted.offline, "{relus:?}");
    assert_eq!(measured(Phase::Online), predicted.online, "{relus:?}");
}

#[test]
fn every_choice_of_a_small_plan_gives_the_clear_logits_in_the_predicted_bytes() {
    for plan in [network::small(5), network::varied(6)] {
        let tensors = plan.public.relu_tensors().count();
        assert_eq!(tensors, 3);
        for map in 0..1usize << tensors {
            agrees(&plan, 1 + map % 2, &choices(&plan.public, |i| (map >> i) & 1 == 1));
        }
    }
}

/// A backend that is listed and has a folder, and that nothing else knows of.
#[test]
fn a_toy_backend_plugs_in_alone_and_beside_the_others() {
    for plan in [network::small(5), network::varied(6)] {
        let backends = [ReluChoice::TOY, choice("gc"), choice("ot")];
        for first in 0..3 {
            for step in [0, 1] {
                let of = |i: usize| backends[(first + step * i) % 3];
                let relus = ReluChoices::new(&plan.public, (0..3).map(of).collect()).unwrap();
                agrees(&plan, 1 + step, &relus);
            }
        }
    }
}

/// A looked-up tensor takes one more round trip online; tables cost one offline if any are made.
#[test]
fn rounds_are_counted_tensor_by_tensor() {
    let plan = network::small(5).public;
    let rounds = |relus: &ReluChoices| {
        let p = CostModel::new(&plan, 1).unwrap().with_relus(relus).traffic().unwrap();
        (p.offline.rounds, p.online.rounds)
    };
    let first = |n: usize| choices(&plan, move |i| i < n);
    let all: Vec<_> = (0..4).map(|n| rounds(&first(n))).collect();
    assert_eq!(all, [(2, 4), (2, 5), (2, 6), (1, 7)]);
}

#[test]
fn tickets_of_different_choices_are_in_stock_together() {
    let plan = network::small(4);
    let image = network::image(&plan, &mut SecretRng::from_test_seed(2));
    let clear = clear::evaluate(&plan, &image).pop().unwrap();
    let (all, report) = with_session(&plan, 3, |mut session| {
        let mut tickets = session.prepare_with(2, &alternating(&plan.public)).unwrap();
        tickets.extend(session.prepare(1).unwrap());
        tickets.extend(session.prepare_with(1, &choices(&plan.public, |i| i % 2 == 1)).unwrap());
        let order = [3, 0, 1, 0].map(|i| tickets.remove(i));
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

#[test]
fn tickets_follow_the_plan_unless_told_otherwise() {
    let mut plan = network::small(7);
    plan.public.relu_choices = alternating(&plan.public);
    let model = CostModel::new(&plan.public, 1).unwrap();
    let garbled = CostModel::new(&plan.public, 1).unwrap().with_relus(&super::garbled(&plan));
    let traffic = |model: CostModel<'_>| model.traffic().unwrap().offline;
    let (expected, unlike) = (traffic(model), traffic(garbled));
    assert_ne!(expected, unlike);
    let (moved, _) = with_session(&plan, 3, |mut session| {
        session.prepare(1).unwrap();
        let offline = Traffic::from(session.transport().meter().phase(Phase::Offline));
        session.close().unwrap();
        offline
    });
    assert_eq!(moved, expected);
}

#[test]
fn the_wire_trace_is_the_recorded_one() {
    let [sent, received] = recorded(|plan| alternating(&plan.public));
    assert_eq!(
        (sent.as_str(), received.as_str()),
        (
            "35787d87e34f6c872d294d52b5fb9f8c94fdc046a07e76cee77ad8eb029db111",
            "08806530587b759ba55a4dcee31dd05dd8bebe708869a82da52c8618a6d77aff",
        )
    );
}

/// `small` with one comparison that is too wide for lookup.
fn with_a_wide_comparison() -> Plan {
    let mut plan = network::small(5);
    let (wide, _) = plan.public.relu_tensors().nth(1).unwrap();
    let spec: &mut TensorSpec = &mut plan.public.tensors[wide];
    spec.magnitude = 30;
    Plan::new(plan.public, plan.secret).unwrap()
}

#[test]
fn a_wide_comparison_stays_garbled() {
    let plan = with_a_wide_comparison();
    let relus = looked_up(&plan);
    assert_eq!((relus.count(choice("ot")), relus.to_bytes()), (2, vec![1, 0, 1]));
    agrees(&plan, 1, &relus);
    let forced = ReluChoices::new(&plan.public, vec![choice("ot"); 3]);
    let refused = forced.unwrap_err().to_string();
    assert!(refused.contains("`block1`") && refused.contains("too wide"), "{refused}");
}

#[test]
fn choices_for_another_plan_are_refused_before_anything_is_sent() {
    let plan = network::small(5);
    for n in [0, 2, 4] {
        assert!(ReluChoices::new(&plan.public, vec![choice("gc"); n]).is_err());
    }
    let other = looked_up(&network::small(5));
    let wide = with_a_wide_comparison();
    let ((), report) = with_session(&wide, 5, |mut session| {
        let before = session.transport().meter().phase(Phase::Offline);
        assert!(matches!(session.prepare_with(1, &other), Err(Error::Input { .. })));
        assert_eq!(session.transport().meter().phase(Phase::Offline), before);
        session.close().unwrap();
    });
    report.unwrap();
}

/// What a server says to an offline request that ends in these bytes instead of choices.
fn answer_to(plan: &Plan, choices: &[u8]) -> Result<SessionReport> {
    let context = ServerContext::new(plan.clone(), SessionLimits::default()).unwrap();
    let (mut near, mut far) = memory::pair();
    thread::scope(|scope| {
        let server = scope
            .spawn(move || context.serve_with(&mut far, &|| false, SecretRng::from_test_seed(2)));
        let rng = SecretRng::from_test_seed(1);
        ClientSession::connect_with(&mut near, &ClientOptions::default(), rng).unwrap();
        let request = [&1u32.to_le_bytes()[..], &[7; 32], choices].concat();
        near.send(Kind::OfflineRequest, &request).unwrap();
        drop(near);
        server.join().unwrap()
    })
}

#[test]
fn impossible_choices_are_misbehaviour() {
    let plan = with_a_wide_comparison();
    for (choices, why) in [
        (vec![], "an offline request of 36 bytes, the plan's has 39"),
        (vec![0; 2], "an offline request of 38 bytes, the plan's has 39"),
        (vec![0; 4], "frame"),
        (vec![0, 0, 77], "no ReLU backend has the number 77"),
        (vec![255, 0, 0], "no ReLU backend has the number 255"),
        (vec![0, 1, 0], "too wide"),
        (vec![1; 3], "too wide"),
    ] {
        let error = answer_to(&plan, &choices).unwrap_err();
        assert!(matches!(error, Error::PeerMisbehaved { .. }), "{choices:?}: {error}");
        assert!(error.to_string().contains(why), "{choices:?}: {error}");
    }
    // What is allowed gets as far as the uploads, which never come.
    let error = answer_to(&plan, &[1, 0, 1]).unwrap_err();
    assert!(matches!(error, Error::Network { .. }), "{error}");
}

#[test]
fn choices_round_trip() {
    let plan = network::small(5).public;
    for map in 0..8u8 {
        let relus = choices(&plan, |i| (map >> i) & 1 == 1);
        let bytes = [0, 1, 2].map(|i| (map >> i) & 1);
        assert_eq!(relus.to_bytes(), bytes);
        assert_eq!(ReluChoices::from_bytes(&plan, &bytes).unwrap(), relus);
        assert_eq!(relus.count(choice("ot")), map.count_ones() as usize);
    }
}
