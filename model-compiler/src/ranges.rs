//! Value ranges of a network: measured once, stored in the model's metadata, used by every build.

use rayon::prelude::*;

use crate::calibration::Calibration;
use crate::compile::input_spec;
use crate::error::{Error, Result};
use crate::float::Evaluator;
use crate::network::Network;

/// Metadata key of the ranges: a JSON list of pairs, layer name and largest magnitude.
pub(crate) const RANGES_KEY: &str = "tacita.ranges";
/// Metadata key of the images that they were measured on, for people.
pub(crate) const IMAGES_KEY: &str = "tacita.ranges.images";

/// The largest magnitude of each activation tensor before its masked ReLU.
#[derive(Clone, Debug, PartialEq)]
pub struct Ranges {
    /// Layer name and largest magnitude, in the network's order (names may repeat).
    layers: Vec<(String, f32)>,
    images: String,
}

impl Ranges {
    /// Evaluates the float network on every image.
    ///
    /// # Errors
    /// [`Error::Input`] without images, for images that do not fit the network, and for values
    /// that are not finite.
    pub fn measure(network: &Network, calibration: &Calibration) -> Result<Self> {
        if calibration.images.is_empty() {
            return Err(Error::input("no calibration images"));
        }
        let input = input_spec(network)?;
        let evaluator = Evaluator::new(network);
        let one = |pixels| -> Result<Vec<f32>> {
            let trace = evaluator.trace_of(pixels, &input)?;
            // A maximum ignores what is not a number; it reaches the logits, though.
            if !trace.values.last().is_some_and(|logits| logits.iter().all(|x| x.is_finite())) {
                return Err(Error::input(
                    "the network's logits are not finite: check the model's weights",
                ));
            }
            Ok(trace.largest)
        };
        let larger = |a: Vec<f32>, b: Vec<f32>| a.iter().zip(&b).map(|(a, b)| a.max(*b)).collect();
        let zeros = || vec![0.0; network.layers.len()];
        let each = calibration.images.par_iter().map(one);
        let largest = each.try_reduce(zeros, |a, b| Ok(larger(a, b)))?;
        let layers = network.layers.iter().map(|l| l.name.clone()).zip(largest).collect();
        let ranges = Self { layers, images: calibration.source.clone() };
        ranges.check(network)?;
        Ok(ranges)
    }

    /// What the network's model file carries.
    ///
    /// # Errors
    /// [`Error::Input`] if it is damaged or belongs to another network.
    pub fn stored(network: &Network) -> Result<Option<Self>> {
        let Some(stored) = &network.stored_ranges else { return Ok(None) };
        let layers = serde_json::from_str(&stored.ranges).map_err(|e| unfit(&e.to_string()))?;
        let ranges = Self { layers, images: stored.images.clone() };
        ranges.check(network)?;
        Ok(Some(ranges))
    }

    /// The model file with these ranges in its metadata, everything else as it was.
    ///
    /// # Errors
    /// [`Error::Input`] if `model` is no ONNX file.
    pub fn store(&self, model: &[u8]) -> Result<Vec<u8>> {
        let text = serde_json::to_string(&self.layers)
            .map_err(|e| Error::local(format!("cannot encode the ranges: {e}")))?;
        let entries = [(RANGES_KEY, text.as_str()), (IMAGES_KEY, self.images.as_str())];
        tacita_onnx::with_metadata(model, &entries)
            .ok_or_else(|| Error::input("not an ONNX model, or damaged: export it again"))
    }

    /// Refuses ranges of another network.
    pub(crate) fn check(&self, network: &Network) -> Result<()> {
        let (have, need) = (self.layers.len(), network.layers.len());
        if have != need {
            return Err(unfit(&format!("they cover {have} layers, the network has {need}")));
        }
        for ((name, largest), layer) in self.layers.iter().zip(&network.layers) {
            if *name != layer.name {
                let own = &layer.name;
                return Err(unfit(&format!("layer `{name}` stands where `{own}` belongs")));
            }
            if !largest.is_finite() || *largest < 0.0 {
                return Err(Error::input(format!(
                    "layer `{name}`: the range {largest} is no magnitude; check the model's \
                     weights and normalisation, then calibrate again"
                )));
            }
        }
        Ok(())
    }

    /// The images that they were measured on, for people.
    pub fn images(&self) -> &str {
        &self.images
    }

    /// Layer names and largest magnitudes.
    pub fn layers(&self) -> &[(String, f32)] {
        &self.layers
    }

    pub(crate) fn largest(&self) -> Vec<f32> {
        self.layers.iter().map(|(_, x)| *x).collect()
    }
}

fn unfit(why: &str) -> Error {
    Error::input(format!(
        "the value ranges stored in the model do not fit it ({why}): calibrate it again with \
         `tacita-compile calibrate`, or build with --calibrate"
    ))
}
