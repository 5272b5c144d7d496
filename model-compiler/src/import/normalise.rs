//! The normalisation that a model does itself, on its input, becomes the network's own.
//!
//! Left as a layer, it would cost a convolution and a truncation; folded into the first
//! convolution, it would be wrong wherever that pads with zeros. As the mean and deviation of the
//! input it costs nothing: the client normalises its pixels anyway.

use super::graph::{Graph, Op};
use crate::network::Network;

/// Above these, in units of pixels in 0..1, a mean or a deviation must be meant for 0..255.
const BYTE_MEAN: f64 = 2.0;
const BYTE_STD: f64 = 16.0;

/// `x * scale + shift` per channel, of the model's input.
pub(super) struct Normalisation {
    scale: Vec<f64>,
    shift: Vec<f64>,
}

/// Takes affine maps off the graph's input, if all that reads it is one and the same.
pub(super) fn take(graph: &mut Graph, output: usize) -> Option<Normalisation> {
    let channels = graph.nodes.first()?.shape.channels;
    let mut all = Normalisation { scale: vec![1.0; channels], shift: vec![0.0; channels] };
    let mut found = false;
    while let Some((scale, shift)) = common(graph, output) {
        for ((s, t), (a, b)) in
            all.scale.iter_mut().zip(&mut all.shift).zip(scale.iter().zip(&shift))
        {
            (*s, *t) = (*s * a, *t * a + b);
        }
        found = true;
        let same = |op: &Op| matches!(op, Op::Affine { .. });
        let maps: Vec<bool> = graph.nodes.iter().map(|n| same(&n.op) && n.inputs == [0]).collect();
        for node in graph.nodes.iter_mut().skip(1) {
            for input in &mut node.inputs {
                if maps.get(*input) == Some(&true) {
                    *input = 0;
                }
            }
        }
    }
    found.then_some(all)
}

/// The affine map that every live reader of the input is; none of them is the output.
fn common(graph: &Graph, output: usize) -> Option<(Vec<f64>, Vec<f64>)> {
    let live = graph.readers(output);
    let reads = |id: &usize| graph.nodes.get(*id).is_some_and(|n| n.inputs.contains(&0));
    let readers = (1..graph.nodes.len()).filter(|i| live.get(*i).is_some_and(|r| *r > 0));
    let mut found: Option<(&Vec<f64>, &Vec<f64>)> = None;
    for id in readers.filter(reads) {
        let Some((Op::Affine { scale, shift }, 0)) = graph.op(id) else { return None };
        let positive = scale.iter().all(|s| *s > 0.0 && s.is_finite());
        if !positive || id == output || found.is_some_and(|f| f != (scale, shift)) {
            return None;
        }
        found = Some((scale, shift));
    }
    found.map(|(s, t)| (s.clone(), t.clone()))
}

impl Normalisation {
    /// Puts it behind the normalisation that the metadata name, if any. Without, the model's own
    /// input is pixels in 0..1, or in 0..255 if its numbers make sense for nothing else.
    pub fn apply(&self, network: &mut Network) {
        let n = self.scale.len();
        let given = |v: &Option<Vec<f32>>, default: f64| match v {
            Some(v) if v.len() == n => v.iter().map(|x| f64::from(*x)).collect(),
            _ => vec![default; n],
        };
        let named = network.mean.is_some() || network.std.is_some();
        let (mean, std) = (given(&network.mean, 0.0), given(&network.std, 1.0));
        // (p - mean) / std * scale + shift = (p - mean') / std'
        let each = self.scale.iter().zip(&self.shift).zip(mean.iter().zip(&std));
        let (mut mean, mut std): (Vec<f64>, Vec<f64>) =
            each.map(|((s, t), (m, d))| (m - t * d / s, d / s)).unzip();
        let bytes = !named
            && (mean.iter().any(|m| m.abs() > BYTE_MEAN) || std.iter().any(|d| *d > BYTE_STD));
        if bytes {
            mean.iter_mut().chain(&mut std).for_each(|v| *v /= 255.0);
        }
        network.warnings.push(format!(
            "the model normalises its input itself: done by the client, on pixels in 0..1, with \
             mean {mean:.4?} and deviation {std:.4?}{}",
            if bytes { " (the model was taken to expect pixels in 0..255)" } else { "" }
        ));
        let narrow = |v: Vec<f64>| Some(v.into_iter().map(|x| x as f32).collect());
        (network.mean, network.std) = (narrow(mean), narrow(std));
    }
}
