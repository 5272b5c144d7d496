//! The rules of sparse momentum (Dettmers and Zettlemoyer 2019), on plain numbers.
//!
//! Counts are exact: what is removed is given back to the last weight. Ties go to the weight,
//! or the layer, of the lower index.

use std::cmp::Ordering;

/// Layers less sparse than this do not lose weights they would only get back.
const NEARLY_DENSE: f64 = 0.2;
/// Per cent of its free places that a layer can be given.
const MOST_PERCENT: usize = 99;

/// One layer at the end of an epoch; all three lists are in row-major order.
#[derive(Clone, Debug, PartialEq)]
pub struct Layer {
    /// Weights; 0 where not active.
    pub weights: Vec<f32>,
    /// Momentum of the weights, active or not.
    pub momentum: Vec<f32>,
    /// Which weights are active.
    pub active: Vec<bool>,
}

impl Layer {
    fn count(&self) -> usize {
        self.active.iter().filter(|&&a| a).count()
    }

    fn places(&self, active: bool) -> Vec<usize> {
        (0..self.active.len()).filter(|&i| self.active[i] == active).collect()
    }

    /// Mean size of the momentum of active weights; 0 if there is none.
    fn pull(&self) -> f64 {
        let sum: f64 = self.places(true).iter().map(|&i| f64::from(self.momentum[i].abs())).sum();
        let mean = sum / self.count().max(1) as f64;
        if mean.is_finite() { mean } else { 0.0 }
    }
}

/// Moves weights: every layer loses the share `rate` of its active weights, and the layers
/// get back together as many as were lost. Gives how many that were.
pub fn turn(layers: &mut [Layer], rate: f64) -> usize {
    let shares = shares(layers);
    let rates = rates(layers, &shares, rate);
    let removed = layers.iter_mut().zip(rates).map(|(layer, rate)| prune(layer, rate)).sum();
    let free: Vec<usize> = layers.iter().map(|l| l.active.len() - l.count()).collect();
    let grants = grants(removed, &shares, &free);
    layers.iter_mut().zip(grants).for_each(|(layer, count)| regrow(layer, count));
    removed
}

/// Share of each layer in what is given back: the mean size of the momentum of its active
/// weights, normalised to the sum 1; equal shares if nothing moves.
pub fn shares(layers: &[Layer]) -> Vec<f64> {
    let pulls: Vec<f64> = layers.iter().map(Layer::pull).collect();
    let total: f64 = pulls.iter().sum();
    let equal = 1.0 / layers.len().max(1) as f64;
    pulls.iter().map(|pull| if total > 0.0 { pull / total } else { equal }).collect()
}

/// Share of its active weights that each layer loses: `rate`, but no more than its sparsity
/// where a nearly dense layer grows (its share is above the average).
pub fn rates(layers: &[Layer], shares: &[f64], rate: f64) -> Vec<f64> {
    let average = 1.0 / layers.len().max(1) as f64;
    let own = |(layer, &share): (&Layer, &f64)| {
        let sparsity = 1.0 - layer.count() as f64 / layer.active.len().max(1) as f64;
        let spared = sparsity < NEARLY_DENSE && share > average;
        if spared { rate.min(sparsity) } else { rate }
    };
    layers.iter().zip(shares).map(own).collect()
}

/// Ends the `ceil(rate * active)` smallest active weights of a layer; gives how many.
pub fn prune(layer: &mut Layer, rate: f64) -> usize {
    let places = layer.places(true);
    // The margin keeps products such as 0.1 * 30 from being rounded up by one too many.
    let count = (rate * places.len() as f64 - 1e-9).ceil().max(0.0) as usize;
    let size = |i: usize| layer.weights[i].abs();
    let chosen = first(places, count, |a, b| size(a).total_cmp(&size(b)));
    for &i in &chosen {
        (layer.active[i], layer.weights[i]) = (false, 0.0);
    }
    chosen.len()
}

/// How many of `removed` weights each layer gets back, `free` places being open in each.
///
/// By `shares`, but no more than 99 % of the free places; what is over goes to the other
/// layers in equal parts. Only if all layers are that full are the last free places used.
pub fn grants(removed: usize, shares: &[f64], free: &[usize]) -> Vec<usize> {
    let mut grants = proportional(removed, shares);
    let most: Vec<usize> = free.iter().map(|f| f * MOST_PERCENT / 100).collect();
    let mut left = 0;
    for (grant, &most) in grants.iter_mut().zip(&most) {
        let over = grant.saturating_sub(most);
        *grant -= over;
        left += over;
    }
    left = spread(&mut grants, &most, left);
    spread(&mut grants, free, left);
    grants
}

/// Shares out exactly: rounds down, then gives the rest to the largest remainders.
fn proportional(total: usize, shares: &[f64]) -> Vec<usize> {
    let exact: Vec<f64> = shares.iter().map(|share| total as f64 * share).collect();
    let mut counts: Vec<usize> = exact.iter().map(|x| x.floor() as usize).collect();
    let mut order: Vec<usize> = (0..exact.len()).collect();
    order.sort_by(|&a, &b| exact[b].fract().total_cmp(&exact[a].fract()).then(a.cmp(&b)));
    let left = total.saturating_sub(counts.iter().sum());
    order.iter().cycle().take(left).for_each(|&i| counts[i] += 1);
    counts
}

/// Adds `left` to the counts in equal parts, none above `most`; gives what does not fit.
fn spread(counts: &mut [usize], most: &[usize], mut left: usize) -> usize {
    loop {
        let open: Vec<usize> = (0..counts.len()).filter(|&i| counts[i] < most[i]).collect();
        if left == 0 || open.is_empty() {
            return left;
        }
        let (each, extra) = (left / open.len(), left % open.len());
        for (k, &i) in open.iter().enumerate() {
            let part = (each + usize::from(k < extra)).min(most[i] - counts[i]);
            counts[i] += part;
            left -= part;
        }
    }
}

/// Starts the `count` inactive weights of largest momentum, at 0.
pub fn regrow(layer: &mut Layer, count: usize) {
    let pull = |i: usize| layer.momentum[i].abs();
    let chosen = first(layer.places(false), count, |a, b| pull(b).total_cmp(&pull(a)));
    for i in chosen {
        (layer.active[i], layer.weights[i]) = (true, 0.0);
    }
}

/// The `count` places that come first in an order; equal ones by index.
fn first(
    mut places: Vec<usize>,
    count: usize,
    order: impl Fn(usize, usize) -> Ordering,
) -> Vec<usize> {
    if count > 0 && count < places.len() {
        // The tie-break makes the order strict, so the choice is unique.
        places.select_nth_unstable_by(count - 1, |&a, &b| order(a, b).then(a.cmp(&b)));
    }
    places.truncate(count);
    places
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A layer of these weights, the zero ones not active.
    fn layer(weights: &[f32], momentum: &[f32]) -> Layer {
        let active = weights.iter().map(|w| *w != 0.0).collect();
        Layer { weights: weights.to_vec(), momentum: momentum.to_vec(), active }
    }

    fn active(layer: &Layer) -> Vec<usize> {
        layer.places(true)
    }

    #[test]
    fn the_smallest_weights_end_and_ties_go_by_index() {
        let mut l = layer(&[0.5, -0.1, 0.0, 0.1, -0.1, 2.0], &[0.0; 6]);
        // ceil(0.3 * 5) = 2 of the three weights of size 0.1.
        assert_eq!(prune(&mut l, 0.3), 2);
        assert_eq!(active(&l), [0, 4, 5]);
        assert_eq!(l.weights, [0.5, 0.0, 0.0, 0.0, -0.1, 2.0]);
        assert_eq!((prune(&mut l, 0.0), active(&l)), (0, vec![0, 4, 5]));
        assert_eq!((prune(&mut l, 1.0), active(&l)), (3, vec![]));
        assert_eq!(prune(&mut l, 0.5), 0, "nothing is left");
    }

    #[test]
    fn a_whole_number_of_weights_is_not_rounded_up() {
        let (mut l, rate) = (layer(&[1.0; 100], &[0.0; 100]), 0.07);
        assert!(rate * 100.0 > 7.0, "the product of the floats");
        assert_eq!(prune(&mut l, rate), 7);
    }

    #[test]
    fn weights_of_largest_momentum_start_at_zero() {
        let mut l = layer(&[0.0, 3.0, 0.0, 0.0, 0.0], &[0.1, 9.0, -0.4, 0.2, 0.2]);
        regrow(&mut l, 2);
        assert_eq!((active(&l), l.weights[2], l.weights[3]), (vec![1, 2, 3], 0.0, 0.0));
        regrow(&mut l, 2);
        assert_eq!(active(&l), [0, 1, 2, 3, 4]);
    }

    #[test]
    fn shares_follow_the_mean_momentum_of_active_weights() {
        let a = layer(&[1.0, 1.0, 0.0], &[-1.0, 2.0, 100.0]);
        let b = layer(&[1.0, 0.0], &[0.5, 7.0]);
        assert_eq!(shares(&[a, b]), [0.75, 0.25]);
        let still = layer(&[1.0, 0.0], &[0.0; 2]);
        let empty = layer(&[0.0, 0.0], &[1.0; 2]);
        assert_eq!(shares(&[still, empty]), [0.5, 0.5]);
    }

    #[test]
    fn nearly_dense_layers_that_grow_lose_little() {
        let mut weights = [1.0; 10];
        weights[0] = 0.0;
        let nearly = layer(&weights, &[1.0; 10]);
        let sparse = layer(&[1.0, 0.0, 0.0, 0.0], &[1.0; 4]);
        let rates = |shares: &[f64], rate| rates(&[nearly.clone(), sparse.clone()], shares, rate);
        let own = rates(&[0.6, 0.4], 0.5);
        assert!((own[0] - 0.1).abs() < 1e-12 && own[1] == 0.5, "{own:?}");
        assert_eq!(rates(&[0.4, 0.6], 0.5), [0.5, 0.5], "it does not grow");
        assert_eq!(rates(&[0.6, 0.4], 0.05), [0.05, 0.05], "less than its sparsity");
    }

    #[test]
    fn grants_add_up_and_keep_to_their_caps() {
        // 10 by 0.5, 0.25, 0.25: the remainder of one half goes to the earlier layer.
        assert_eq!(grants(10, &[0.5, 0.25, 0.25], &[100; 3]), [5, 3, 2]);
        // 90, 5, 5 of 100: the first holds 0.99 * 50 = 49, and 41 are over: 21 and 20.
        assert_eq!(grants(100, &[0.9, 0.05, 0.05], &[50, 1000, 1000]), [49, 26, 25]);
        // 51 are over: 26 and 25 of them; the second takes 13 - 5 (99 % of 14), then the
        // third takes the rest.
        assert_eq!(grants(100, &[0.9, 0.05, 0.05], &[40, 14, 1000]), [39, 13, 48]);
        // 99 % of 10 is 9: the last weight of each takes a last free place.
        assert_eq!(grants(20, &[0.5, 0.5], &[10, 10]), [10, 10]);
        assert_eq!(grants(19, &[0.0, 1.0], &[10, 10]), [10, 9]);
        assert_eq!(grants(3, &[1.0, 0.0], &[0, 3]), [0, 3]);
        assert_eq!(grants(0, &[0.5, 0.5], &[0, 0]), [0, 0]);
    }

    #[test]
    fn a_turn_by_hand() {
        let mut layers = [
            layer(&[0.3, -0.2, 0.1, 0.4, 0.0, 0.0], &[3.0, 3.0, 3.0, 3.0, 1.0, 2.0]),
            layer(&[0.5, 0.6, 0.0, 0.0, 0.0, 0.0], &[1.0, 1.0, 0.0, 0.0, 0.5, -0.5]),
        ];
        // Half of 4 and half of 2 end: weights 1 and 2, and weight 0. Shares are 3/4 and 1/4
        // of 3: 2.25 and 0.75, so 2 and 1. Free are 4 (3 at most) and 5.
        assert_eq!(turn(&mut layers, 0.5), 3);
        // Pruned weights 1 and 2 still have the largest momentum: they start again, at 0.
        assert_eq!(active(&layers[0]), [0, 1, 2, 3]);
        assert_eq!(layers[0].weights, [0.3, 0.0, 0.0, 0.4, 0.0, 0.0]);
        assert_eq!((active(&layers[1]), layers[1].weights[0]), (vec![0, 1], 0.0));
        let before = layers.clone();
        assert_eq!((turn(&mut layers, 0.0), &layers), (0, &before));
    }

    #[test]
    fn the_number_of_active_weights_never_changes() {
        let mut rng = crate::rng::Rng::new(5, "layers");
        let mut random = |count: usize, density: f64| {
            let active: Vec<bool> = (0..count).map(|_| rng.unit() < density).collect();
            let mut values = || (0..count).map(|_| rng.unit() as f32 - 0.5).collect::<Vec<_>>();
            let (mut weights, momentum) = (values(), values());
            weights.iter_mut().zip(&active).for_each(|(w, a)| *w *= f32::from(u8::from(*a)));
            Layer { weights, momentum, active }
        };
        for density in [0.02, 0.3, 0.95, 1.0] {
            let mut layers = [random(3, density), random(50, density), random(700, density)];
            let count = |l: &[Layer]| l.iter().map(Layer::count).sum::<usize>();
            let total = count(&layers);
            for rate in [0.5, 0.37, 0.9, 1.0, 0.1] {
                turn(&mut layers, rate);
                assert_eq!(count(&layers), total, "density {density}, rate {rate}");
            }
        }
    }
}
