//! Choices of OT configurations against all there are.

use super::{garbled, link, lookup, model, plans, profile};
use crate::cost::{CostModel, OtCandidates};
use crate::ot::{FieldBits, OtConfig, OtExtension, SilentSet};

const ANY: u64 = u64::MAX;

/// Every configuration of these extensions.
fn all(extensions: &[OtExtension]) -> Vec<OtConfig> {
    let both = |labels| extensions.iter().map(move |s| OtConfig { labels, selection: *s });
    extensions.iter().flat_map(|labels| both(*labels)).collect()
}

fn candidates(network: bool) -> Vec<OtExtension> {
    let fields = if network { (2..=8).collect() } else { vec![4] };
    let soft = fields.into_iter().map(|k| OtExtension::SoftSpoken(FieldBits::new(k).unwrap()));
    soft.chain(SilentSet::ALL.map(OtExtension::Silent)).collect()
}

fn cost(model: &CostModel<'_>, ots: OtConfig, runs: usize, network: Option<&str>) -> f64 {
    let network = network.map(link);
    model.session_cost(ots, runs, network.as_ref(), &profile()).unwrap()
}

#[test]
fn the_choice_is_never_worse_than_the_default_and_near_the_best() {
    for (plan, relus) in plans().iter().flat_map(|p| [(p, garbled()), (p, lookup())]) {
        let model = model(plan, 2, relus);
        for (network, runs) in [(None, 1), (None, 5000), (Some("mobile"), 3), (Some("lan"), 40)] {
            let chosen = model.choose_ots(
                OtCandidates::All,
                (2 * runs, ANY),
                network.map(link).as_ref(),
                &profile(),
            );
            let chosen = cost(&model, chosen.unwrap(), runs, network);
            assert!(chosen <= cost(&model, OtConfig::default(), runs, network), "{network:?}");
            let every = all(&candidates(network.is_some()));
            let best = every.into_iter().map(|ots| cost(&model, ots, runs, network));
            let best = best.fold(f64::INFINITY, f64::min);
            assert!(chosen <= 1.02 * best, "{network:?}, {runs} runs: {chosen} {best}");
        }
    }
}

/// Bytes of a session are its set-up's and its runs'.
#[test]
fn what_is_compared_are_the_predicted_bytes() {
    let plan = plans()[0].clone();
    let model = model(&plan, 2, garbled());
    let total = |ots: OtConfig| {
        let model = model.clone().with_ots(ots);
        let (once, runs) = (model.traffic().unwrap().session, model.offline_of_runs(6).unwrap());
        (once.up + once.down + runs.up + runs.down) as f64
    };
    let default = OtConfig::default();
    for ots in all(&candidates(false)) {
        let by_choice = cost(&model, ots, 6, None) - cost(&model, default, 6, None);
        assert_eq!(by_choice, total(ots) - total(default), "{ots}");
    }
}

#[test]
fn short_sessions_stay_with_softspoken_and_long_ones_become_silent() {
    let plan = plans()[0].clone();
    let model = model(&plan, 1, garbled());
    let chosen = |tickets, stock| {
        model.choose_ots(OtCandidates::All, (tickets, stock), None, &profile()).unwrap()
    };
    assert_eq!(chosen(1, ANY), OtConfig::default());
    let silent = |ots: OtConfig| matches!(ots.labels, OtExtension::Silent(_));
    assert!(silent(chosen(100_000, ANY)));
    // A server that keeps nothing gets nothing to keep.
    assert_eq!(chosen(100_000, 0), OtConfig::default());
    let limit = OtConfig::silent(SilentSet::Small).stock_bytes() as u64;
    assert!(chosen(100_000, limit).stock_bytes() as u64 <= limit);
}

#[test]
fn silent_is_silent_where_it_fits() {
    let plan = plans()[1].clone();
    let model = model(&plan, 1, lookup());
    let chosen =
        |stock| model.choose_ots(OtCandidates::Silent, (1, stock), None, &profile()).unwrap();
    let both = |ots: OtConfig| [ots.labels, ots.selection].iter().all(|o| o.ledger().is_some());
    assert!(both(chosen(ANY)));
    assert_eq!(chosen(1 << 20), OtConfig::default());
}
