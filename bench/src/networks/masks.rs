//! Masks at drawn positions.

use tacita_protocol::plan::{Mask, PublicPlan, ReluChoices};

use super::draw::Draw;

/// Keeps `n` ReLUs, each tensor its share of them.
pub fn keep_exactly(plan: &mut PublicPlan, n: usize, draw: &mut Draw) {
    let relus: Vec<usize> = plan.tensors.iter().map(|t| t.mask.ones()).collect();
    for (tensor, kept) in plan.tensors.iter_mut().zip(shares(&relus, n)) {
        tensor.mask = some_of(&tensor.mask, kept, draw);
    }
    plan.relu_choices = ReluChoices::usual(&plan.tensors);
}

/// `n` split in proportion to `sizes` (largest remainders); at most as much as there is.
fn shares(sizes: &[usize], n: usize) -> Vec<usize> {
    let total: usize = sizes.iter().sum();
    let (n, total) = (n.min(total), total.max(1));
    let mut shares: Vec<usize> = sizes.iter().map(|size| n * size / total).collect();
    let mut order: Vec<usize> = (0..sizes.len()).collect();
    order.sort_by_key(|i| std::cmp::Reverse(sizes.get(*i).map_or(0, |size| n * size % total)));
    let missing = n - shares.iter().sum::<usize>();
    for i in order.into_iter().take(missing) {
        if let Some(share) = shares.get_mut(i) {
            *share += 1;
        }
    }
    shares
}

/// A mask of `n` of another's ReLUs (Fisher and Yates).
fn some_of(mask: &Mask, n: usize, draw: &mut Draw) -> Mask {
    let mut positions = mask.relu_positions();
    for i in 0..n.min(positions.len()) {
        let other = i + draw.below(positions.len() - i);
        positions.swap(i, other);
    }
    let mut bits = vec![false; mask.len()];
    for position in positions.into_iter().take(n) {
        if let Some(bit) = bits.get_mut(position) {
            *bit = true;
        }
    }
    Mask::from_bits(bits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_add_up_and_follow_the_sizes() {
        assert_eq!(shares(&[0, 100, 50, 50], 100), [0, 50, 25, 25]);
        assert_eq!(shares(&[1, 1, 1], 2).iter().sum::<usize>(), 2);
        assert_eq!(shares(&[3, 5], 8), [3, 5]);
        assert_eq!(shares(&[3, 5], 0), [0, 0]);
        assert_eq!(shares(&[0, 0], 4), [0, 0]);
    }

    #[test]
    fn exactly_so_many_positions_are_kept_and_only_of_those_there_were() {
        let from = Mask::from_bits((0..1000).map(|i| i % 3 == 0));
        for n in [0, 1, 100, 334] {
            let kept = some_of(&from, n, &mut Draw::seeded(n as u64));
            assert_eq!(kept.ones(), n);
            assert!(kept.relu_positions().into_iter().all(|i| from.relu(i)));
        }
    }
}
