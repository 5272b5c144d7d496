//! The same network in the clear: as floats and in the plan's fixed-point arithmetic.

use std::path::Path;

use tacita_compile::{MAX_MODEL_BYTES, Network};
use tacita_image_input::{Pixels, encode, normalise, read_limited};
use tacita_protocol::plan::{InputSpec, MAX_FILE_BYTES, Plan, clear};
use tacita_protocol::{Error, Result};

/// A plan and the float network that it was made from.
pub struct Clear {
    /// The compiled plan.
    pub plan: Plan,
    /// The float network.
    pub network: Network,
}

impl Clear {
    /// Reads both files.
    ///
    /// # Errors
    /// If one is unreadable or refused.
    pub fn load(model: &Path, plan: &Path) -> Result<Self> {
        Ok(Self { plan: Self::plan(plan)?, network: network(model)? })
    }

    /// Reads a plan alone.
    ///
    /// # Errors
    /// If it is unreadable or refused.
    pub fn plan(path: &Path) -> Result<Plan> {
        Plan::from_bytes(&read_limited(path, MAX_FILE_BYTES as u64)?)
    }

    /// Float logits of an image of the network's size.
    ///
    /// # Errors
    /// If the image has another size.
    pub fn float(&self, pixels: &Pixels) -> Result<Vec<f64>> {
        let input = normalised(&self.network, &self.plan.public.input, pixels)?;
        Ok(self.network.evaluate(&input).into_iter().map(f64::from).collect())
    }

    /// Fixed-point logits, as numbers.
    ///
    /// # Errors
    /// As [`Self::float`].
    pub fn fixed(&self, pixels: &Pixels) -> Result<Vec<f64>> {
        let public = &self.plan.public;
        let scale = f64::from(public.logit_frac()).exp2();
        let input = encode(pixels, public)?;
        let mut tensors = clear::evaluate(&self.plan, &input);
        tensors.truncate(public.logits_at() + 1);
        let logits = tensors.pop().unwrap_or_default();
        Ok(logits.into_iter().map(|x| x as f64 / scale).collect())
    }
}

fn network(model: &Path) -> Result<Network> {
    let bytes = read_limited(model, MAX_MODEL_BYTES as u64)?;
    tacita_compile::import(&bytes).map_err(|e| Error::input(e.to_string()))
}

/// An image as the float network takes it, CHW.
///
/// # Errors
/// If the image has another size than the network's.
pub fn normalised(network: &Network, spec: &InputSpec, pixels: &Pixels) -> Result<Vec<f32>> {
    let real = normalise(pixels, network.input, spec)?;
    Ok(real.into_iter().map(|x| x as f32).collect())
}

/// The largest difference of two lists.
pub fn largest_difference(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max)
}
