//! Whole sessions that reveal the class of the largest logit alone.

use super::mixed::alternating;
use super::{garbled, looked_up, moved, network, ring, with_session};
use crate::cost::CostModel;
use crate::plan::{Plan, ReluChoices, Winner, clear};
use crate::rng::SecretRng;
use crate::wire::Phase;

/// All garbled, all looked up (as far as they are narrow enough), one and the other.
fn backends(plan: &Plan) -> [ReluChoices; 3] {
    [garbled(plan), looked_up(plan), alternating(&plan.public)]
}

/// The opened values of private inferences on these images.
fn infer(plan: &Plan, relus: &ReluChoices, images: &[Vec<i64>]) -> Vec<Vec<i64>> {
    let (opened, report) = with_session(plan, 5, |mut session| {
        let tickets = session.prepare_with(images.len(), relus).unwrap();
        let both = tickets.into_iter().zip(images);
        let opened = both.map(|(ticket, x)| session.infer(ticket, &ring(x)).unwrap()).collect();
        session.close().unwrap();
        opened
    });
    report.unwrap();
    opened
}

/// No rounding anywhere: one value is opened, and it is the oracle's to the last bit.
#[test]
fn the_winner_is_exact_whatever_computes_the_comparisons() {
    let mut rng = SecretRng::from_test_seed(4);
    for classes in [1, 2, 3, 10, 100] {
        let plan = network::bare(classes, 10).into_top1().unwrap();
        let mut draw = |range: u64| -> Vec<i64> {
            (0..classes).map(|_| (rng.u64() % range) as i64 - range as i64 * 2 / 3).collect()
        };
        // The first one has ties, the second is negative throughout.
        let mut images = vec![draw(3), draw(300), draw(1000)];
        images[1].iter_mut().for_each(|x| *x -= 200);
        for relus in backends(&plan) {
            for (image, opened) in images.iter().zip(infer(&plan, &relus, &images)) {
                assert_eq!(Some(&opened), clear::evaluate(&plan, image).last());
                let logit = *image.iter().max().unwrap();
                let class = image.iter().position(|x| *x == logit).unwrap();
                assert_eq!(plan.public.winner(&opened).unwrap(), Winner { class, logit });
            }
        }
    }
}

/// Behind a network whose logits are rounded: the class is the oracle's unless another comes as
/// close as the rounding.
#[test]
fn the_class_of_a_network_is_the_clear_one() {
    for seed in 0..2 {
        let plan = if seed == 0 { network::small(seed) } else { network::varied(seed) };
        let plan = plan.into_top1().unwrap();
        let mut rng = SecretRng::from_test_seed(seed + 50);
        let images: Vec<_> = (0..3).map(|_| network::image(&plan, &mut rng)).collect();
        for relus in backends(&plan) {
            for (image, opened) in images.iter().zip(infer(&plan, &relus, &images)) {
                let tensors = clear::evaluate(&plan, image);
                let oracle = plan.public.winner(tensors.last().unwrap()).unwrap();
                let logits = &tensors[plan.public.logits_at()];
                assert_eq!((opened.len(), Some(&oracle.logit)), (1, logits.iter().max()));
                let got = plan.public.winner(&opened).unwrap();
                assert!((got.logit - logits[got.class]).abs() <= 8, "{got:?} {logits:?}");
                assert!(oracle.logit - logits[got.class] <= 16, "{got:?} {logits:?}");
            }
        }
    }
}

#[test]
fn measured_traffic_is_the_predicted_traffic() {
    for (plan, batch) in
        [(network::small(7), 2), (network::varied(8), 1), (network::bare(100, 8), 3)]
    {
        let plan = plan.into_top1().unwrap();
        for relus in backends(&plan) {
            let model = CostModel::new(&plan.public, batch).unwrap().with_relus(&relus);
            let predicted = model.traffic().unwrap();
            let measured = moved(&plan, batch, &relus);
            assert_eq!(measured(Phase::Session), predicted.session);
            assert_eq!(measured(Phase::Offline), predicted.offline);
            assert_eq!(measured(Phase::Online), predicted.online);
        }
    }
}

/// A round trip a round, and one value opened instead of all; nothing else costs anything.
#[test]
fn an_arg_max_costs_its_comparisons() {
    let plan = network::small(7);
    let cost = |plan: &Plan| CostModel::new(&plan.public, 1).unwrap().traffic().unwrap();
    let (logits, top1) = (cost(&plan), cost(&plan.into_top1().unwrap()));
    assert_eq!(top1.online.rounds, logits.online.rounds + 3);
    assert_eq!(top1.offline.rounds, logits.offline.rounds);
    let of =
        |t: &crate::cost::TensorCost| t.offline_up + t.offline_down + t.online_up + t.online_down;
    let tail: Vec<bool> = top1.tensors[7..].iter().map(|t| of(t) > 0).collect();
    // Values, then differences and maxima of three rounds; the last maximum is opened.
    assert_eq!(tail, [false, true, false, true, false, true, true]);
    assert_eq!((of(&logits.tensors[6]), of(&top1.tensors[13])), (8 * 5, 8));
}
