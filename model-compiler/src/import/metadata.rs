//! Normalisation constants, class names and value ranges stored in the model's metadata.

use tacita_onnx::ModelProto;

use crate::error::{Error, Result};
use crate::network::{Network, StoredRanges};
use crate::pixels::Before;
use crate::ranges::{IMAGES_KEY, RANGES_KEY};

/// Reads `tacita.mean`, `tacita.std` (comma-separated floats) and `tacita.labels`.
pub(super) fn read(model: &ModelProto, network: &mut Network) -> Result<()> {
    let metadata = model.metadata();
    let floats = |key: &str| -> Result<Option<Vec<f32>>> {
        let Some(text) = metadata.get(key) else { return Ok(None) };
        let values: Option<Vec<f32>> = text.split(',').map(|s| s.trim().parse().ok()).collect();
        values
            .map(Some)
            .ok_or_else(|| Error::input(format!("metadata `{key}` is no list of numbers")))
    };
    match (floats("tacita.mean")?, floats("tacita.std")?) {
        // They say what becomes of pixels, of which there are none.
        _ if network.graph_input.arrays_only => network.feed_by_graph()?,
        (Some(mean), Some(std)) => network.feed(&Before::of(&mean, &std))?,
        (None, None) => network.feed_by_graph()?,
        _ => {
            return Err(Error::input(
                "the model's metadata hold only one of tacita.mean and tacita.std: store both",
            ));
        }
    }
    if let Some(labels) = metadata.get("tacita.labels") {
        network.labels = labels.split(',').map(|l| l.trim().to_owned()).collect();
        name_both(network);
    }
    network.stored_ranges = metadata.get(RANGES_KEY).map(|ranges| StoredRanges {
        ranges: (*ranges).to_owned(),
        images: metadata.get(IMAGES_KEY).copied().unwrap_or("unnamed images").to_owned(),
    });
    Ok(())
}

/// One logit decides between two classes: a single name is that of the second.
fn name_both(network: &mut Network) {
    if let (1, [name]) = (network.logits(), network.labels.as_slice()) {
        network.labels = vec![format!("not {name}"), name.clone()];
    }
}
