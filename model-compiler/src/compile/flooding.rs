//! Lowers the weights' fractional bits of a layer until its flooding noise suffices.

use tacita_protocol::plan::{HeGroup, InputSpec, Plan, groups_of};
use tacita_protocol::rlwe;

use super::explain::annotated;
use super::quantize::{Draft, quantize};
use super::scales::Scales;
use crate::error::{Error, Result};
use crate::network::Network;

/// Fewest fractional bits of weights that are worth compiling.
const MIN_WEIGHT_FRAC: u32 = 4;

/// Quantises with as many fractional bits as the flooding noise allows, at most those of
/// [`Scales::usual`], a layer at a time. Fewer than `asked` are warned of.
pub(super) fn settle(
    network: &Network,
    input: &InputSpec,
    (frac, weight_frac): (u32, u32),
    asked: u32,
    warnings: &mut Vec<String>,
) -> Result<Draft> {
    let mut scales = Scales::usual(network, frac, weight_frac);
    loop {
        let draft = quantize(network, input, &scales)?;
        let weak = too_little_flooding(&draft);
        if weak.is_empty() {
            report_lowered(network, asked, &scales.weight_frac, warnings);
            return Ok(draft);
        }
        for (tensor, reason) in weak {
            let Some(frac) = scales.weight_frac.get_mut(tensor) else { continue };
            if *frac <= MIN_WEIGHT_FRAC {
                let name = network.layers.get(tensor).map_or("", |l| l.name.as_str());
                let what = format!(
                    "layer `{name}`: {reason}, even with {MIN_WEIGHT_FRAC} fractional bits: its \
                     weights are too large; retrain with weight decay, or make the layer smaller"
                );
                return Err(Error::input(annotated(&draft.public, tensor, &what)));
            }
            *frac -= 1;
        }
    }
}

fn report_lowered(network: &Network, most: u32, fracs: &[u32], warnings: &mut Vec<String>) {
    for (layer, frac) in network.layers.iter().zip(fracs) {
        if *frac < most {
            warnings.push(format!(
                "layer `{}`: weights lowered from {} to {frac} fractional bits to keep {} bits of \
                 flooding noise",
                layer.name,
                most,
                rlwe::MIN_FLOODING_BITS
            ));
        }
    }
}

/// For each group of convolutions with too much noise, its noisiest member's tensor and why.
fn too_little_flooding(draft: &Draft) -> Vec<(usize, String)> {
    let mut weak = Vec::new();
    for group in groups_of(&draft.public) {
        let bound = rlwe::noise_bound(&group.weights(&draft.secret), &group.shape);
        if let Err(e) = rlwe::check_flooding(bound)
            && let Some(tensor) = noisiest(draft, &group)
            && weak.iter().all(|(t, _)| *t != tensor)
        {
            weak.push((tensor, e.to_string()));
        }
    }
    weak
}

fn noisiest(draft: &Draft, group: &HeGroup) -> Option<usize> {
    let bound = |tensor: usize, term: usize, shape| {
        let weights = draft.secret.tensors.get(tensor).and_then(|t| t.weights.get(term));
        weights.map_or(0, |w| rlwe::noise_bound(w, shape))
    };
    let loudest = group.members.iter().max_by_key(|m| bound(m.tensor, m.term, &m.shape));
    loudest.map(|m| m.tensor)
}

/// Whole bits by which the flooding noise exceeds the evaluated noise, for each tensor of a plan: the
/// least over the convolution groups that it takes part in; `None` without convolutions.
pub fn flooding_bits(plan: &Plan) -> Vec<Option<u32>> {
    let mut bits: Vec<Option<u32>> = vec![None; plan.public.tensors.len()];
    for group in groups_of(&plan.public) {
        let bound = rlwe::noise_bound(&group.weights(&plan.secret), &group.shape);
        let margin = rlwe::flooding_bits(bound);
        for m in &group.members {
            if let Some(b) = bits.get_mut(m.tensor) {
                *b = Some(b.map_or(margin, |old| old.min(margin)));
            }
        }
    }
    bits
}
