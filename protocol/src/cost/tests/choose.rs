//! Choices of backends against all there are.

use super::{link, plans, profile};
use crate::cost::CostModel;
use crate::gadget::ReluChoice;
use crate::plan::{PublicPlan, ReluChoices};
use crate::session::tests::choice;

/// Every choice that a plan allows.
fn all(plan: &PublicPlan) -> Vec<ReluChoices> {
    let tensors = plan.relu_tensors().count();
    let of = |map: usize, i| choice(if (map >> i) & 1 == 1 { "ot" } else { "gc" });
    let choices = |map| (0..tensors).map(|i| of(map, i)).collect();
    (0..1 << tensors).filter_map(|map| ReluChoices::new(plan, choices(map)).ok()).collect()
}

/// `small` and `varied`, and `small` with a comparison of every width.
fn widths() -> Vec<PublicPlan> {
    let mut plans = plans().to_vec();
    for magnitude in [1, 3, 8, 20, 21, 40] {
        let mut plan = plans[0].clone();
        let (tensor, _) = plan.relu_tensors().nth(1).unwrap();
        plan.tensors[tensor].magnitude = magnitude;
        plans.push(plan);
    }
    plans
}

#[test]
fn without_a_network_no_other_choice_takes_fewer_bytes() {
    for plan in widths() {
        for batch in [1, 3] {
            let model = CostModel::new(&plan, batch).unwrap();
            let bytes = |choices: &ReluChoices| {
                let p = model.clone().with_relus(choices).traffic().unwrap();
                p.offline.up + p.offline.down + batch as u64 * (p.online.up + p.online.down)
            };
            let chosen = model.choose(None, &profile()).unwrap();
            chosen.check(&plan).unwrap();
            let fewest = all(&plan).iter().map(bytes).min().unwrap();
            assert_eq!(bytes(&chosen), fewest, "{chosen:?}");
        }
    }
}

#[test]
fn on_a_network_the_choice_is_never_slower_than_one_for_all_and_near_the_best() {
    for plan in widths() {
        for network in ["loopback", "lan", "wan", "mobile", "0ms,1Mbit", "1s,10Gbit"] {
            let (model, link) = (CostModel::new(&plan, 2).unwrap(), link(network));
            let seconds = |choices: &ReluChoices| {
                let time = model.clone().with_relus(choices).time(&profile(), &link, 2).unwrap();
                time.offline.seconds / 2.0 + time.online.seconds
            };
            let chosen = model.choose(Some(&link), &profile()).unwrap();
            chosen.check(&plan).unwrap();
            for uniform in ReluChoice::all() {
                let uniform = ReluChoices::uniform(&plan, uniform);
                assert!(seconds(&chosen) <= seconds(&uniform), "{network}: {chosen:?}");
            }
            let best = all(&plan).iter().map(seconds).fold(f64::INFINITY, f64::min);
            assert!(seconds(&chosen) <= 1.02 * best, "{network}: {chosen:?}, {best} s is possible");
        }
    }
}

/// Round trips against bytes: what is cheap on one network is dear on another.
#[test]
fn the_choice_follows_the_network() {
    let plan = crate::session::tests::network::small(7).public;
    let model = CostModel::new(&plan, 2).unwrap();
    let on = |network: &str| {
        let chosen = model.choose(Some(&link(network)), &profile()).unwrap();
        chosen.iter().map(|c| c == choice("ot")).collect::<Vec<_>>()
    };
    // Nothing but latency; nothing but bytes; in between only the largest tensor's bytes are worth
    // a round trip.
    assert_eq!(on("1s,10Gbit"), [false; 3]);
    assert_eq!(on("0ms,1Mbit"), [true; 3]);
    assert_eq!(on("1s,1Mbit"), [true, false, false]);
}
