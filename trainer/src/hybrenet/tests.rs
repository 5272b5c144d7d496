//! The solver against the published networks and against counting, and sizes by budget.

use super::*;

const SETTING: Setting = Setting {
    input: Shape { channels: 3, height: 32, width: 32 },
    classes: 100,
    depths: [2, 2, 2, 2],
};

fn problem(order: [usize; 4], depths: [usize; 4], bounds: (u64, u64)) -> Problem {
    Problem::new(order, depths, bounds).expect("a problem")
}

#[test]
fn equal_depths_give_the_published_networks() {
    let found = problem(ORDER, [2; 4], (2, LARGEST)).solve();
    assert_eq!(found, [[5, 5, 3], [5, 7, 2], [6, 6, 2], [7, 5, 2]]);
    let names = ["hrn-5x5x3x", "hrn-5x7x2x", "hrn-6x6x2x", "hrn-7x5x2x"];
    assert!(found.into_iter().map(name).eq(names));
}

#[test]
fn resnet34s_depths_give_at_least_these() {
    let found = problem(ORDER, [3, 4, 6, 3], (2, LARGEST)).solve();
    for factors in [[4, 6, 3], [4, 5, 4], [5, 5, 3], [5, 7, 2], [6, 4, 3], [6, 6, 2]] {
        assert!(found.contains(&factors), "{factors:?} in {found:?}");
    }
}

#[test]
fn factors_of_one_add_networks() {
    let found = problem(ORDER, [2; 4], (1, LARGEST)).solve();
    for factors in [[5, 13, 1], [6, 11, 1], [5, 5, 3]] {
        assert!(found.contains(&factors), "{factors:?} in {found:?}");
    }
}

/// Solutions up to `max` by the counts of the networks themselves, reduced pair by pair.
fn by_counting(order: [usize; 4], depths: [usize; 4], max: u64) -> Vec<Factors> {
    let setting = Setting { depths, ..SETTING };
    let holds = |f: &Factors| {
        let relus = Sized::new(&name(*f), 4, &setting).expect("a network").stages;
        order.windows(2).all(|p| relus[p[0]] > relus[p[1]])
    };
    let range = || 2..=max;
    let all = range().flat_map(|a| range().flat_map(move |b| range().map(move |c| [a, b, c])));
    let all: Vec<Factors> = all.filter(holds).collect();
    let below = |p: &Factors, q: &Factors| p != q && (0..3).all(|i| p[i] <= q[i]);
    all.iter().filter(|q| !all.iter().any(|p| below(p, q))).copied().collect()
}

#[test]
fn the_solver_agrees_with_counting() {
    let cases = [
        (ORDER, [2, 2, 2, 2]),
        (ORDER, [3, 4, 6, 3]),
        (ORDER, [2, 1, 1, 1]),
        ([2, 3, 4, 1], [2, 2, 2, 2]),
        ([4, 3, 2, 1], [2, 2, 2, 2]),
        ([1, 2, 3, 4], [1, 2, 3, 1]),
    ];
    for (order, depths) in cases {
        let found = problem(order, depths, (2, 9)).solve();
        assert_eq!(found, by_counting(order, depths, 9), "{order:?} {depths:?}");
    }
}

#[test]
fn every_solution_is_least() {
    for depths in [[2, 2, 2, 2], [3, 4, 6, 3], [1, 1, 2, 1]] {
        let problem = problem(ORDER, depths, (2, 20));
        let found = problem.solve();
        assert!(!found.is_empty() && found.is_sorted());
        for factors in found {
            assert!(problem.holds(factors));
            for i in (0..3).filter(|&i| factors[i] > 2) {
                let mut lower = factors;
                lower[i] -= 1;
                assert!(!problem.holds(lower), "{factors:?} can be lowered to {lower:?}");
            }
        }
    }
}

#[test]
fn a_budget_picks_the_widest_network_that_fits() {
    for budget in [21_440, 100_000, 343_039, 343_040, 400_000] {
        let found = Sized::within("hrn-5x5x3x", budget, &SETTING).expect("counts");
        let found = found.expect("a network");
        let wider = Sized::new("hrn-5x5x3x", found.base_width + 1, &SETTING).expect("counts");
        assert!(found.counts.relus <= budget && wider.counts.relus > budget, "{budget}");
    }
    assert_eq!(Sized::within("hrn-5x5x3x", 21_439, &SETTING).expect("counts"), None);
}

#[test]
fn named_networks_have_the_published_counts() {
    let relus =
        NAMED.map(|(name, base)| Sized::new(name, base, &SETTING).expect("a network").counts.relus);
    let published = [
        343_040, 171_520, 378_880, 401_408, 411_648, 290_816, 372_736, 186_368, 93_184, 376_832,
        401_408,
    ];
    assert_eq!(relus, published);
}

#[test]
fn impossible_questions_are_refused() {
    let refused = |order, depths, bounds| Problem::new(order, depths, bounds).is_err();
    assert!(refused([3, 2, 4, 4], [2; 4], (2, 64)));
    assert!(refused([0, 1, 2, 3], [2; 4], (2, 64)));
    assert!(refused(ORDER, [2, 2, 0, 2], (2, 64)));
    assert!(refused(ORDER, [2; 4], (0, 64)));
    assert!(refused(ORDER, [2; 4], (9, 8)));
    assert!(refused(ORDER, [2; 4], (2, 65)));
}
