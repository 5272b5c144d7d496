//! Clips that never act.
//!
//! Half-precision exports cut every activation off at 65504, others at 1e4 or 1e38: bounds against
//! overflow, which no image reaches. Each would be a comparison a value. A bound goes if drawn
//! images (black, white and others) come nowhere near it: it must lie further off than
//! [`DISTANCE`] times the widest range of values seen there. Bounds that belong to the network, as
//! ReLU6's, lie within it.

use super::Pass;
use super::drop_unread::drop_unread;
use crate::calibration::Calibration;
use crate::error::Result;
use crate::float::Evaluator;
use crate::network::{Layer, Network};

pub(super) const PASS: Pass =
    Pass { name: "guards", about: "removes clips whose bounds no value comes near", run };

/// Ranges of values between the values and a bound that never acts.
const DISTANCE: f32 = 16.0;
/// A bound this small belongs to the network.
const LEAST: f32 = 16.0;
/// Images drawn.
const IMAGES: usize = 6;

fn run(network: &mut Network) -> Result<()> {
    let caps = |l: &Layer| l.cap.is_some_and(|cap| cap > LEAST);
    let candidates = network.layers.iter().any(|l| caps(l) || cuts(l));
    if !candidates {
        return Ok(());
    }
    let (largest, highest) = extremes(network);
    let mut silent = vec![false; network.layers.len()];
    for ((layer, silent), (largest, highest)) in
        network.layers.iter_mut().zip(&mut silent).zip(largest.iter().zip(&highest))
    {
        let far = |distance: f32, width: f32| distance > DISTANCE * width.max(f32::MIN_POSITIVE);
        if let Some(cap) = layer.cap.filter(|cap| *cap > LEAST && far(cap - highest, *largest)) {
            layer.cap = None;
            network.warnings.push(format!(
                "layer `{}`: its values stay far below {cap}, where they would be cut off: the clip \
                 is left out",
                layer.name
            ));
        }
        *silent = cuts(layer) && far(-highest, largest - highest.abs());
    }
    if silent.contains(&true) {
        leave_out(network, &silent);
    }
    Ok(())
}

/// Takes only what is beyond some bound: `relu(x - bound)`.
fn cuts(layer: &Layer) -> bool {
    !layer.is_linear() && layer.is_rectified() && layer.bias.iter().all(|b| *b < -LEAST)
}

/// Drops the terms that read layers whose ReLUs are zero for every image.
fn leave_out(network: &mut Network, silent: &[bool]) {
    for layer in &mut network.layers {
        let reads = |input: usize| silent.get(input) == Some(&true);
        if !layer.terms.iter().all(|t| reads(t.input)) {
            layer.terms.retain(|t| !reads(t.input));
        }
    }
    let before = network.layers.len();
    drop_unread(network);
    let gone = before - network.layers.len();
    if gone > 0 {
        network.warnings.push(format!(
            "{gone} clips lie far beyond the values that they would cut off, and are left out"
        ));
    }
}

/// Largest magnitude and largest value of each layer before its ReLU.
fn extremes(network: &Network) -> (Vec<f32>, Vec<f32>) {
    let n = network.layers.len();
    let (mut largest, mut highest) = (vec![0.0f32; n], vec![f32::NEG_INFINITY; n]);
    let evaluator = Evaluator::new(network);
    for image in images(network) {
        let trace = evaluator.trace(&image);
        largest.iter_mut().zip(trace.largest).for_each(|(a, b)| *a = a.max(b));
        highest.iter_mut().zip(trace.highest).for_each(|(a, b)| *a = a.max(b));
    }
    (largest, highest)
}

/// Drawn images as the network takes them; in 0..255 where that is not known, which is more than
/// any other range.
fn images(network: &Network) -> Vec<Vec<f32>> {
    let plane = network.input.height * network.input.width;
    let known = !network.graph_input.arrays_only;
    let of = |v: &Option<Vec<f32>>, c: usize, unknown: f32| {
        let own = v.as_ref().filter(|_| known);
        own.map_or(unknown, |v| v.get(c).copied().unwrap_or(unknown))
    };
    let value = |i: usize, p: u8| {
        let c = i / plane.max(1);
        (f32::from(p) / 255.0 - of(&network.mean, c, 0.0)) / of(&network.std, c, 1.0 / 255.0)
    };
    let drawn = Calibration::pictures(network.input, IMAGES).into_iter().map(|p| p.rgb);
    let all = [vec![0], vec![255], vec![0, 255]].into_iter().chain(drawn);
    let one = |bytes: Vec<u8>| {
        let pixels = bytes.iter().cycle().take(network.input.len());
        pixels.enumerate().map(|(i, p)| value(i, *p)).collect()
    };
    all.map(one).collect()
}
