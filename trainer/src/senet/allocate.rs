//! Stage 1 of SENet: share a ReLU budget out over the layers by sensitivity.
//!
//! A layer's share is proportional to its sensitivity, not to its size, and no layer gets
//! more than its units: what a full layer leaves over is shared by the others (water
//! filling). Left-over units after rounding down go by largest remainder, so the shares add
//! up to the budget exactly.

use crate::{Error, Result};

/// Shares `budget` out over layers with `units` and `sensitivity`; culled layers get 0.
///
/// # Errors
/// The layers that are not culled hold fewer units than the budget, or a sensitivity of one
/// of them is not a positive number.
pub fn allocate(
    budget: usize,
    units: &[usize],
    sensitivity: &[f64],
    culled: &[bool],
) -> Result<Vec<usize>> {
    check(budget, units, sensitivity, culled)?;
    let mut shares = vec![0; units.len()];
    let mut open: Vec<usize> = (0..units.len()).filter(|&i| !culled[i]).collect();
    let mut left = budget;
    let quotas = loop {
        let quotas = quotas(left, &open, sensitivity);
        let full: Vec<usize> = open
            .iter()
            .zip(&quotas)
            .filter(|&(&i, &q)| q >= units[i] as f64)
            .map(|p| *p.0)
            .collect();
        if full.is_empty() {
            break quotas;
        }
        for &i in &full {
            shares[i] = units[i];
            left -= units[i];
        }
        open.retain(|i| !full.contains(i));
    };
    round(left, &open, &quotas, &mut shares);
    Ok(shares)
}

fn check(budget: usize, units: &[usize], sensitivity: &[f64], culled: &[bool]) -> Result<()> {
    if units.len() != sensitivity.len() || units.len() != culled.len() {
        return Err(Error::BadSensitivity { problem: "there is not one for each layer" });
    }
    if sensitivity.iter().zip(culled).any(|(&s, &c)| !(c || s.is_finite() && s > 0.0)) {
        return Err(Error::BadSensitivity { problem: "one is not a positive number" });
    }
    let capacity = units.iter().zip(culled).filter(|p| !p.1).map(|p| p.0).sum();
    if budget > capacity {
        return Err(Error::BudgetTooLarge { asked: budget, capacity });
    }
    Ok(())
}

/// Real-valued shares of the layers that are still open.
fn quotas(left: usize, open: &[usize], sensitivity: &[f64]) -> Vec<f64> {
    let total: f64 = open.iter().map(|&i| sensitivity[i]).sum();
    open.iter().map(|&i| left as f64 * sensitivity[i] / total).collect()
}

/// Rounds down, then gives the rest to the largest remainders (earlier layers on a tie).
fn round(left: usize, open: &[usize], quotas: &[f64], shares: &mut [usize]) {
    for (&i, q) in open.iter().zip(quotas) {
        shares[i] = q.floor() as usize;
    }
    let given: usize = open.iter().map(|&i| shares[i]).sum();
    let mut order: Vec<usize> = (0..open.len()).collect();
    order.sort_by(|&a, &b| quotas[b].fract().total_cmp(&quotas[a].fract()).then(a.cmp(&b)));
    for &k in order.iter().take(left.saturating_sub(given)) {
        shares[open[k]] += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::senet::sensitivity::RESNET18;

    /// Units of ResNet-18 on 32x32 images: stem and four stages of four layers.
    fn resnet18() -> Vec<usize> {
        [65536; 5].into_iter().chain([32768; 4]).chain([16384; 4]).chain([8192; 4]).collect()
    }

    fn resnet18_shares(budget: usize) -> Vec<usize> {
        allocate(budget, &resnet18(), &RESNET18, &[false; 17]).expect("fits")
    }

    #[test]
    fn matches_the_vectors_for_resnet18() {
        let vectors: [(usize, [usize; 17]); 5] = [
            (
                25_000,
                [
                    143, 464, 532, 627, 690, 887, 1221, 1275, 1392, 1685, 2036, 2069, 2156, 2352,
                    2475, 2496, 2500,
                ],
            ),
            (
                50_000,
                [
                    286, 927, 1065, 1253, 1379, 1775, 2442, 2551, 2784, 3369, 4071, 4138, 4311,
                    4705, 4951, 4993, 5000,
                ],
            ),
            (
                100_000,
                [
                    633, 2053, 2358, 2775, 3055, 3931, 5409, 5651, 6167, 7464, 9019, 9167, 9550,
                    8192, 8192, 8192, 8192,
                ],
            ),
            (
                180_000,
                [
                    1616, 5237, 6014, 7079, 7790, 10025, 13796, 14411, 15728, 16384, 16384, 16384,
                    16384, 8192, 8192, 8192, 8192,
                ],
            ),
            (
                240_000,
                [
                    2802, 9083, 10431, 12278, 13512, 17387, 23928, 24996, 27279, 16384, 16384,
                    16384, 16384, 8192, 8192, 8192, 8192,
                ],
            ),
        ];
        for (budget, shares) in vectors {
            assert_eq!(resnet18_shares(budget), shares, "budget {budget}");
        }
    }

    #[test]
    fn shares_add_up_and_respect_caps() {
        let total: usize = resnet18().iter().sum();
        for budget in [0, 1, 16, 17, 8191, 99_999, 301_234, total - 1, total] {
            let shares = resnet18_shares(budget);
            assert_eq!(shares.iter().sum::<usize>(), budget);
            assert!(shares.iter().zip(resnet18()).all(|(&s, u)| s <= u));
        }
    }

    #[test]
    fn culled_layers_get_nothing() {
        let mut culled = [false; 17];
        culled[0] = true;
        let shares = allocate(10_000, &resnet18(), &RESNET18, &culled).expect("fits");
        assert_eq!(shares[0], 0);
        assert_eq!(shares.iter().sum::<usize>(), 10_000);
    }

    #[test]
    fn refuses_what_cannot_be_shared() {
        let too_many = allocate(11, &[10, 10], &[1.0, 1.0], &[false, true]);
        assert!(matches!(too_many, Err(Error::BudgetTooLarge { asked: 11, capacity: 10 })));
        assert!(allocate(1, &[10], &[0.0], &[false]).is_err());
        assert!(allocate(1, &[10], &[1.0, 1.0], &[false]).is_err());
        assert!(allocate(0, &[10], &[f64::NAN], &[true]).is_ok());
    }
}
