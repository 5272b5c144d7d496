use super::*;
use crate::plan::clear;
use crate::rng::SecretRng;
use crate::session::tests::network;

/// Enough to have every shape of tournament: pairs, one left over, several rounds.
const CLASSES: [usize; 8] = [1, 2, 3, 4, 5, 7, 10, 100];
const MAGNITUDE: u32 = 12;

/// The first of the largest.
fn expected(logits: &[i64]) -> Winner {
    if let [logit] = *logits {
        return Winner { class: usize::from(logit > 0), logit };
    }
    let logit = *logits.iter().max().unwrap();
    Winner { class: logits.iter().position(|x| *x == logit).unwrap(), logit }
}

fn winner(plan: &Plan, logits: &[i64]) -> Winner {
    plan.public.winner(&clear::evaluate(plan, logits).pop().unwrap()).unwrap()
}

#[test]
fn the_tournament_finds_the_first_of_the_largest() {
    let mut rng = SecretRng::from_test_seed(1);
    for classes in CLASSES {
        let plan = network::bare(classes, MAGNITUDE);
        let top1 = plan.clone().into_top1().unwrap();
        let expected_classes = if classes == 1 { 2 } else { classes };
        let found = (top1.public.classes(), top1.public.logit_frac());
        assert_eq!(found, (expected_classes, network::FRAC));
        for case in 0..60 {
            // Few values make many ties; some lists are all negative, some at the very bounds.
            let range = [3, 40, 2 << MAGNITUDE][case % 3] as u64;
            let down = if case % 2 == 0 { range as i64 } else { range as i64 / 2 };
            let most = (1 << MAGNITUDE) - 1;
            let draw = || ((rng.u64() % range) as i64 - down).clamp(-most, most);
            let logits: Vec<i64> = std::iter::repeat_with(draw).take(classes).collect();
            assert_eq!(winner(&top1, &logits), expected(&logits), "{logits:?}");
            assert_eq!(winner(&plan, &logits), expected(&logits), "{logits:?}");
        }
    }
}

#[test]
fn values_stay_within_their_stated_ranges() {
    let most = (1i64 << MAGNITUDE) - 1;
    for classes in CLASSES {
        let top1 = network::bare(classes, MAGNITUDE).into_top1().unwrap();
        let alternating = |first: i64| (0..classes as i64).map(move |i| first * (1 - 2 * (i % 2)));
        let halves =
            |first: i64| (0..classes).map(move |i| if 2 * i < classes { first } else { -first });
        for first in [most, -most] {
            for logits in [alternating(first).collect::<Vec<_>>(), halves(first).collect()] {
                let tensors = clear::evaluate(&top1, &logits);
                for (spec, values) in top1.public.tensors.iter().zip(tensors) {
                    assert!(values.iter().all(|x| x.abs() >> spec.magnitude == 0), "{}", spec.name);
                }
            }
        }
    }
}

#[test]
fn there_is_a_comparison_less_than_classes_and_a_round_a_bit() {
    for (classes, rounds) in [(1, 0), (2, 1), (3, 2), (4, 2), (10, 4), (100, 7), (1000, 10)] {
        let top1 = network::bare(classes, MAGNITUDE).into_top1().unwrap().public;
        assert_eq!((top1.relus(), top1.relu_tensors().count()), (classes - 1, rounds));
        assert_eq!(top1.output().unwrap().shape.len(), 1);
        assert_eq!(top1.logits_at(), 1);
    }
}

#[test]
fn a_plan_is_made_to_reveal_the_class_once() {
    let once = network::small(1).into_top1().unwrap();
    let twice = once.clone().into_top1().unwrap();
    assert_eq!(once.public, twice.public);
    let again = Plan::from_bytes(&once.to_bytes().unwrap()).unwrap();
    assert_eq!(again.public, once.public);
    assert_eq!(again.public.reveals, Reveals::Top1 { classes: 5 });
}

#[test]
fn logits_too_wide_for_the_protocol_are_refused() {
    // 4 bits of the class and one of the difference.
    assert!(network::bare(10, 43).into_top1().is_ok());
    let error = network::bare(10, 44).into_top1().err().unwrap().to_string();
    assert!(error.contains("arg-max round 1") && error.contains("49 bits"), "{error}");
}

fn refused(edit: impl FnOnce(&mut PublicPlan)) -> String {
    let mut plan = network::small(2).into_top1().unwrap().public;
    edit(&mut plan);
    PublicPlan::from_bytes(&plan.to_bytes().unwrap()).unwrap_err().to_string()
}

#[test]
fn an_arg_max_of_anything_else_is_refused() {
    let comparisons = |p: &mut PublicPlan| p.tensors.len() - 2;
    let errors = [
        refused(|p| p.reveals = Reveals::Top1 { classes: 4 }),
        refused(|p| p.reveals = Reveals::Top1 { classes: 3 }),
        refused(|p| p.reveals = Reveals::Top1 { classes: 0 }),
        refused(|p| p.reveals = Reveals::Top1 { classes: usize::MAX }),
        refused(|p| p.tensors[6].magnitude += 1),
        refused(|p| {
            let at = comparisons(p);
            p.tensors[at].dropped = 1;
        }),
        refused(|p| {
            let at = comparisons(p);
            p.tensors[at].terms.swap(0, 1);
        }),
    ];
    for error in errors {
        assert!(error.contains("unusable plan: its arg-max"), "{error}");
    }
    // A single value, but no class in it.
    let mut plan = network::small(2).public;
    plan.reveals = Reveals::Top1 { classes: 1 };
    assert!(plan.validate().is_err());
    assert!(refused(|p| p.labels = vec!["one".into()]).contains("1 labels for 5 classes"));
}

#[test]
fn wrong_constants_are_refused() {
    let Plan { public, mut secret, .. } = network::small(2).into_top1().unwrap();
    secret.tensors[7].bias[4] = 1;
    let error = Plan::new(public, secret).err().unwrap().to_string();
    assert!(error.contains("wrong constants"), "{error}");
}

#[test]
fn a_value_without_a_class_is_misbehaviour() {
    let plan = network::bare(5, MAGNITUDE).into_top1().unwrap().public;
    assert_eq!(plan.winner(&[-7 * 8 + 4]).unwrap(), Winner { class: 0, logit: -7 });
    assert_eq!(plan.winner(&[9 * 8]).unwrap(), Winner { class: 4, logit: 9 });
    for opened in [&[5][..], &[-1], &[]] {
        let error = plan.winner(opened).unwrap_err();
        assert!(matches!(error, Error::PeerMisbehaved { .. }), "{error}");
    }
}
