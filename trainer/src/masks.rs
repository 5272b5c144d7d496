//! 0/1 masks over activation layers: the random start, the exact top-k choice, the distance
//! between two sets, and a hash that names a set.

use crate::Result;
use crate::rng::Rng;
use sha2::{Digest, Sha256};
use tacita_architectures::Layer;
use tch::{Kind, Tensor};

/// A mask for every activation layer in forward order; entries in `C, H, W` order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MaskSet {
    /// One vector of `C * H * W` flags a layer.
    pub layers: Vec<Vec<bool>>,
}

impl MaskSet {
    /// SENet's start: a random `H x W` grid a layer, each position kept with probability
    /// `share / units` and replicated over the channels. Counts match the budget only on
    /// average; the search makes them exact.
    pub fn random(layers: &[Layer], shares: &[usize], rng: &mut Rng) -> Self {
        let mask = |(layer, &share): (&Layer, &usize)| {
            let keep = share as f64 / layer.units() as f64;
            let grid: Vec<bool> =
                (0..layer.shape.height * layer.shape.width).map(|_| rng.unit() < keep).collect();
            grid.repeat(layer.shape.channels as usize)
        };
        Self { layers: layers.iter().zip(shares).map(mask).collect() }
    }

    /// The masks that keep the `shares[l]` largest `scores[l]` of every layer `l`; of equal
    /// scores the one with the lower index. Every count is exactly its share.
    pub fn top(scores: &[Vec<f32>], shares: &[usize]) -> Self {
        Self { layers: scores.iter().zip(shares).map(|(s, &k)| top_k(s, k)).collect() }
    }

    /// Like [`MaskSet::top`], by whole channels: of each layer the `floor(shares[l] / (H * W))`
    /// channels with the largest sum of scores. Counts can fall short of the shares by less
    /// than one map a layer.
    pub fn top_channels(layers: &[Layer], scores: &[Vec<f32>], shares: &[usize]) -> Self {
        let mask = |((layer, scores), &share): ((&Layer, &Vec<f32>), &usize)| {
            let map = (layer.shape.height * layer.shape.width).max(1) as usize;
            let sum = |channel: &[f32]| channel.iter().map(|&v| f64::from(v)).sum::<f64>() as f32;
            let sums: Vec<f32> = scores.chunks(map).map(sum).collect();
            top_k(&sums, share / map).into_iter().flat_map(|keep| vec![keep; map]).collect()
        };
        Self { layers: layers.iter().zip(scores).zip(shares).map(mask).collect() }
    }

    /// Masks that keep everything, or nothing in the layers flagged in `culled`.
    pub fn full(layers: &[Layer], culled: &[bool]) -> Self {
        let mask = |(layer, &culled): (&Layer, &bool)| vec![!culled; layer.units()];
        Self { layers: layers.iter().zip(culled).map(mask).collect() }
    }

    /// Random masks with exactly `shares[l]` ReLUs in layer `l`.
    pub fn random_exact(layers: &[Layer], shares: &[usize], rng: &mut Rng) -> Self {
        let mask = |(layer, &share): (&Layer, &usize)| {
            let mut order: Vec<usize> = (0..layer.units()).collect();
            rng.shuffle(&mut order);
            let mut mask = vec![false; order.len()];
            order.iter().take(share).for_each(|&i| mask[i] = true);
            mask
        };
        Self { layers: layers.iter().zip(shares).map(mask).collect() }
    }

    /// Random masks with exactly `relus` ReLUs, drawn over all layers at once.
    pub fn random_over(layers: &[Layer], relus: usize, rng: &mut Rng) -> Self {
        let units: Vec<usize> = layers.iter().map(Layer::units).collect();
        let mut order: Vec<usize> = (0..units.iter().sum()).collect();
        rng.shuffle(&mut order);
        let mut flat = vec![false; order.len()];
        order.iter().take(relus).for_each(|&i| flat[i] = true);
        let mut rest = flat.as_slice();
        let mut take = |&count: &usize| {
            let (mask, after) = rest.split_at(count);
            rest = after;
            mask.to_vec()
        };
        Self { layers: units.iter().map(&mut take).collect() }
    }

    /// Kept ReLUs of each layer.
    pub fn counts(&self) -> Vec<usize> {
        self.layers.iter().map(|l| l.iter().filter(|&&m| m).count()).collect()
    }

    /// Normalised Hamming distance to `other`: positions that differ, over the ones here
    /// (or there, if there are none here).
    pub fn distance(&self, other: &Self) -> f64 {
        let (a, b) = (self.layers.iter().flatten(), other.layers.iter().flatten());
        let differ = a.zip(b).filter(|(p, q)| p != q).count();
        let ones = |set: &Self| set.counts().iter().sum::<usize>();
        let norm = if ones(self) > 0 { ones(self) } else { ones(other) };
        differ as f64 / norm.max(1) as f64
    }

    /// Tensors `[C, H, W]` of zeros and ones.
    ///
    /// # Errors
    /// A length does not fit its layer.
    pub fn tensors(&self, layers: &[Layer]) -> Result<Vec<Tensor>> {
        let tensor = |(mask, layer): (&Vec<bool>, &Layer)| {
            let values: Vec<f32> = mask.iter().map(|&m| f32::from(u8::from(m))).collect();
            Ok(Tensor::f_from_slice(&values)?.f_view(layer.dims())?)
        };
        self.layers.iter().zip(layers).map(tensor).collect()
    }

    /// Reads masks back from tensors of zeros and ones.
    ///
    /// # Errors
    /// A tensor is not of f32.
    pub fn from_tensors<'a>(masks: impl Iterator<Item = &'a Tensor>) -> Result<Self> {
        let layers = masks.map(|m| Ok(values(m)?.iter().map(|&v| v != 0.0).collect()));
        Ok(Self { layers: layers.collect::<Result<_>>()? })
    }

    /// SHA-256 in hexadecimal over name, shape (three little-endian u32) and bits of each
    /// layer; the bits in `C, H, W` order, lowest bit of a byte first.
    pub fn hash(&self, layers: &[Layer]) -> String {
        let mut hash = Sha256::new();
        for (mask, layer) in self.layers.iter().zip(layers) {
            hash.update(layer.name.as_bytes());
            for d in layer.dims() {
                hash.update((d as u32).to_le_bytes());
            }
            let byte = |bits: &[bool]| bits.iter().rev().fold(0, |b, &m| b << 1 | u8::from(m));
            hash.update(mask.chunks(8).map(byte).collect::<Vec<u8>>());
        }
        hash.finalize().iter().map(|b| format!("{b:02x}")).collect()
    }
}

/// All values of an f32 tensor in row-major order.
///
/// # Errors
/// The tensor is of another kind.
pub fn values(tensor: &Tensor) -> Result<Vec<f32>> {
    let flat = tensor.f_detach()?.f_to_kind(Kind::Float)?.f_flatten(0, -1)?;
    Ok(Vec::try_from(flat)?)
}

fn top_k(scores: &[f32], k: usize) -> Vec<bool> {
    let mut order: Vec<usize> = (0..scores.len()).collect();
    let mut mask = vec![false; scores.len()];
    if k > 0 && k < order.len() {
        // The tie-break by index makes the order strict, so the choice is unique.
        order.select_nth_unstable_by(k - 1, |&a, &b| {
            scores[b].total_cmp(&scores[a]).then(a.cmp(&b))
        });
    }
    order.iter().take(k).for_each(|&i| mask[i] = true);
    mask
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::senet::allocate::allocate;
    use crate::senet::sensitivity::built_in;
    use tacita_architectures::{Options, Shape};

    fn layers(base: i64) -> Vec<Layer> {
        let input = Shape { channels: 3, height: 32, width: 32 };
        let options = Options { base_width: Some(base), ..Options::named("resnet20") };
        options.network(input, 10).expect("a network").graph().layers
    }

    #[test]
    fn top_k_is_exact_and_breaks_ties_by_index() {
        assert_eq!(top_k(&[1.0, 3.0, 3.0, 3.0, 0.0], 2), [false, true, true, false, false]);
        assert_eq!(top_k(&[0.0; 4], 3), [true, true, true, false]);
        assert_eq!(top_k(&[1.0, 2.0], 0), [false, false]);
        assert_eq!(top_k(&[1.0, 2.0], 2), [true, true]);
    }

    #[test]
    fn masks_hold_the_budget_exactly() {
        let layers = layers(16);
        let units: Vec<usize> = layers.iter().map(Layer::units).collect();
        let mut culled = vec![false; layers.len()];
        culled[0] = true;
        let shares = allocate(22_000, &units, &built_in(layers.len()), &culled).expect("fits");
        let mut rng = Rng::new(1, "scores");
        let scores: Vec<Vec<f32>> =
            units.iter().map(|&u| (0..u).map(|_| rng.below(7) as f32).collect()).collect();
        let masks = MaskSet::top(&scores, &shares);
        assert_eq!(masks.counts(), shares);
        assert_eq!(masks.counts().iter().sum::<usize>(), 22_000);
    }

    #[test]
    fn the_random_start_is_the_same_in_every_channel() {
        let layers = layers(4);
        let shares: Vec<usize> = layers.iter().map(|l| l.units() / 4).collect();
        let masks = MaskSet::random(&layers, &shares, &mut Rng::new(1, "start"));
        let grid = (layers[1].shape.height * layers[1].shape.width) as usize;
        assert!(masks.layers[1].chunks(grid).all(|c| c == &masks.layers[1][..grid]));
        let kept = masks.counts()[0] as f64 / layers[0].units() as f64;
        assert!((kept - 0.25).abs() < 0.05, "{kept}");
    }

    #[test]
    fn distance_and_hash_tell_sets_apart() {
        let layers = layers(4);
        let shares: Vec<usize> = layers.iter().map(|l| l.units() / 8).collect();
        let a = MaskSet::random(&layers, &shares, &mut Rng::new(1, "start"));
        let b = MaskSet::random(&layers, &shares, &mut Rng::new(2, "start"));
        assert_eq!(a.distance(&a), 0.0);
        assert!(a.distance(&b) > 0.5);
        assert_ne!(a.hash(&layers), b.hash(&layers));
        let again = a.tensors(&layers).expect("tensors");
        let again = MaskSet::from_tensors(again.iter()).expect("masks");
        assert_eq!(again, a);
        assert_eq!(again.hash(&layers), a.hash(&layers));
    }
}
