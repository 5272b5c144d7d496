//! Arrays of numbers to calibrate on.

use std::path::Path;

use tacita_image_input::{Array, Sample, read_limited};
use tacita_protocol::plan::Shape;

use super::{Labelled, about};
use crate::draw::splitmix;
use crate::error::{Error, Result};
use crate::network::Network;

/// Largest file of many arrays, in bytes.
const MAX_BYTES: u64 = 2 << 30;

/// At most `limit` arrays of a `.npy` file: one of the network's size, or many.
pub(super) fn read(path: &Path, shape: Shape, limit: usize) -> Result<Labelled> {
    let bytes = read_limited(path, MAX_BYTES)?;
    let items = Array::decode_items(&bytes, shape.len(), limit).map_err(|e| about(path, e))?;
    let images = items.into_iter().map(Sample::from).collect();
    Ok(Labelled { images, labels: Vec::new(), names: Vec::new() })
}

/// The arrays of little-endian floats (4 or 8 bytes each) in an archive: `dims` are theirs, the
/// number of items first.
pub(super) fn items(dims: &[usize], kind: &str, bytes: &[u8]) -> Option<Result<Vec<Sample>>> {
    let values: Vec<f32> = match kind {
        "'<f4'" => bytes.as_chunks().0.iter().map(|b| f32::from_le_bytes(*b)).collect(),
        "'<f8'" => bytes.as_chunks().0.iter().map(|b| f64::from_le_bytes(*b) as f32).collect(),
        _ => return None,
    };
    let own = dims.get(1..).unwrap_or_default();
    let len = own.iter().product::<usize>().max(1);
    let one = |v: &[f32]| {
        let array = Array::new(own.to_vec(), v.to_vec());
        array.map(Sample::from).map_err(Error::from)
    };
    Some(values.chunks(len).map(one).collect())
}

/// Numbers for which the network's input tensor holds values up to `largest`.
pub(super) fn draw(network: &Network, seed: u64, largest: f32) -> Sample {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let (mean, std) = network.own_units();
    let Shape { channels, height, width } = network.input;
    let plane = (height * width).max(1);
    let last = network.graph_input.channels_last;
    let dims = if last { vec![height, width, channels] } else { vec![channels, height, width] };
    let one = |i: usize| {
        let channel = if last { i % channels.max(1) } else { i / plane };
        let of = |v: &[f32]| v.get(channel).copied().unwrap_or_default();
        let unit = (splitmix(&mut state) >> 40) as f32 / (1u64 << 23) as f32 - 1.0;
        of(&mean) + of(&std) * unit * largest
    };
    let values: Vec<f32> = (0..network.input.len()).map(one).collect();
    Sample::Array(Array { dims, values })
}
