//! What is kept, for whom, and that it never exceeds the budget.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::thread;

use proptest::prelude::*;

use super::*;
use crate::compute::Compute;
use crate::error::Error;
use crate::plan::Plan;
use crate::session::tests::network;

/// A plan packed for each of some batch sizes.
struct Packed {
    plan: Plan,
    compute: Compute,
    lattices: Vec<LatticePlan>,
}

impl Packed {
    fn new(batches: &[usize]) -> Self {
        let plan = network::small(4);
        let pack = |batch: &usize| LatticePlan::new(&plan.public, *batch).unwrap();
        let lattices = batches.iter().map(pack).collect();
        Self { plan, compute: Compute::with_usual_threads().unwrap(), lattices }
    }

    fn get(&self, cache: &WeightCache, i: usize) -> BatchWeights {
        cache
            .get(&self.lattices[i], |group| group.prepare(&self.compute, &self.plan.secret))
            .unwrap()
    }

    fn bytes(&self, i: usize) -> usize {
        self.lattices[i].groups.iter().map(LatticeGroup::prepared_bytes).sum()
    }
}

fn bytes(weights: &BatchWeights) -> usize {
    weights.iter().flatten().map(PreparedWeights::held).sum()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    /// Batch sizes in any order, some of them still in use: what exists is what is accounted for,
    /// and never more than the budget.
    #[test]
    fn the_budget_is_kept(
        quarters in 0usize..=12,
        steps in prop::collection::vec((0usize..4, 0usize..3), 1..24),
    ) {
        let packed = Packed::new(&[1, 2, 4, 8]);
        let budget = quarters * packed.bytes(0) / 4;
        let cache = WeightCache::new(budget);
        let mut uses: Vec<BatchWeights> = Vec::new();
        for (size, dropped) in steps {
            let got = packed.get(&cache, size);
            prop_assert_eq!(got.len(), packed.lattices[size].groups.len());
            uses.push(got);
            // Runs end in another order than they began.
            if uses.len() > dropped {
                uses.swap_remove(0);
            }
            let held = cache.held();
            prop_assert!(held <= budget, "{} of {}", held, budget);
            let existing = existing(&cache, &uses);
            prop_assert_eq!(held, existing);
        }
    }
}

/// Bytes of all prepared weights that are reachable, each once.
fn existing(cache: &WeightCache, uses: &[BatchWeights]) -> usize {
    let mut all: Vec<BatchWeights> =
        cache.lock().by_batch.values().filter_map(|e| e.weights.clone()).collect();
    all.extend(uses.iter().cloned());
    all.sort_by_key(Arc::as_ptr);
    all.dedup_by_key(|weights| Arc::as_ptr(weights));
    all.iter().map(bytes).sum()
}

#[test]
fn what_was_used_longest_ago_goes_first_and_nothing_in_use() {
    let packed = Packed::new(&[1, 2, 4]);
    let largest = (0..3).map(|i| packed.bytes(i)).max().unwrap();
    let cache = WeightCache::new(2 * largest);
    drop(packed.get(&cache, 0));
    let used = packed.get(&cache, 1);
    drop(packed.get(&cache, 0));
    assert_eq!(cache.preparations(), 2);
    // The second is older but in use.
    drop(packed.get(&cache, 2));
    assert_eq!(cache.preparations(), 3);
    assert!(Arc::ptr_eq(&used, &packed.get(&cache, 1)));
    // The first has gone.
    let (first, held) = (packed.get(&cache, 0), cache.held());
    assert_eq!((cache.preparations(), held), (4, packed.bytes(0) + packed.bytes(1)));
    // There is no room for a third: it is done without, and not counted.
    let third = packed.get(&cache, 2);
    assert_eq!((bytes(&third), cache.held(), cache.preparations()), (0, held, 4));
    drop((used, first));
    assert_eq!(bytes(&packed.get(&cache, 2)), packed.bytes(2));
}

#[test]
fn all_who_wait_share_one_preparation() {
    const WAITING: usize = 4;
    let packed = Packed::new(&[2]);
    let cache = WeightCache::new(1 << 30);
    let (begun, prepared) = (mpsc::channel(), AtomicUsize::new(0));
    thread::scope(|scope| {
        let (go, wait) = mpsc::channel::<()>();
        let (packed, cache, prepared) = (&packed, &cache, &prepared);
        let first = scope.spawn(move || {
            let prepare = |group: &LatticeGroup| {
                if prepared.fetch_add(1, Ordering::Relaxed) == 0 {
                    begun.0.send(()).unwrap();
                    wait.recv().unwrap();
                }
                group.prepare(&packed.compute, &packed.plan.secret)
            };
            cache.get(&packed.lattices[0], prepare).unwrap()
        });
        begun.1.recv().unwrap();
        // The lock is free while the first prepares.
        assert_eq!((cache.preparations(), cache.held()), (1, packed.bytes(0)));
        let others: Vec<_> =
            (0..WAITING).map(|_| scope.spawn(move || packed.get(cache, 0))).collect();
        go.send(()).unwrap();
        let first = first.join().unwrap();
        for other in others {
            assert!(Arc::ptr_eq(&first, &other.join().unwrap()));
        }
    });
    assert_eq!(cache.preparations(), 1);
    assert_eq!(prepared.into_inner(), packed.lattices[0].groups.len());
}

#[test]
fn a_preparation_that_fails_or_panics_is_tried_again() {
    let packed = Packed::new(&[2]);
    let (cache, lattice) = (WeightCache::new(1 << 30), &packed.lattices[0]);
    let failed = cache.get(lattice, |_| Err(Error::local("no memory")));
    assert!(matches!(failed, Err(Error::Local { .. })));
    assert_eq!(cache.held(), 0);
    let panicked = catch_unwind(AssertUnwindSafe(|| cache.get(lattice, |_| panic!("a bug"))));
    assert!(panicked.is_err());
    assert_eq!(cache.held(), 0);
    assert_eq!(bytes(&packed.get(&cache, 0)), packed.bytes(0));
    assert_eq!(cache.preparations(), 3);
}

/// One who waits while a preparation panics takes over.
#[test]
fn who_waits_for_a_preparation_that_panics_prepares() {
    let packed = Packed::new(&[2]);
    let cache = WeightCache::new(1 << 30);
    let (begun, has_begun) = mpsc::channel();
    let (go, wait) = mpsc::channel::<()>();
    thread::scope(|scope| {
        let (packed, cache) = (&packed, &cache);
        let first = scope.spawn(move || {
            let prepare = |_: &LatticeGroup| {
                begun.send(()).unwrap();
                wait.recv().unwrap();
                panic!("a bug")
            };
            catch_unwind(AssertUnwindSafe(|| cache.get(&packed.lattices[0], prepare))).is_err()
        });
        has_begun.recv().unwrap();
        let second = scope.spawn(move || packed.get(cache, 0));
        go.send(()).unwrap();
        assert!(first.join().unwrap());
        assert_eq!(bytes(&second.join().unwrap()), packed.bytes(0));
    });
}
