//! libtorch tensors out of a checkpoint that was read.

use super::Checkpoint;
use crate::Result;
use tch::Tensor;

/// Weights and statistics under our names, as f32.
///
/// # Errors
/// libtorch refuses a shape.
pub fn into_tensors(checkpoint: &Checkpoint) -> Result<Vec<(String, Tensor)>> {
    let tensor = |(name, array): (&String, &super::torch::Array)| {
        Ok((name.clone(), shaped(&array.to_f32(), &array.dims)?))
    };
    checkpoint.weights.iter().map(tensor).collect()
}

/// Masks in forward order as f32 tensors `[C, H, W]` of zeros and ones; none if the checkpoint
/// has none.
///
/// # Errors
/// libtorch refuses a shape.
pub fn masks_to_tensors(checkpoint: &Checkpoint) -> Result<Option<Vec<Tensor>>> {
    let tensor = |mask: &super::MaskTensor| {
        let values: Vec<f32> = mask.bits.iter().map(|&bit| f32::from(u8::from(bit))).collect();
        shaped(&values, &mask.dims)
    };
    checkpoint.masks.as_ref().map(|masks| masks.iter().map(tensor).collect()).transpose()
}

fn shaped(values: &[f32], dims: &[usize]) -> Result<Tensor> {
    // Lengths were read as i64.
    let dims: Vec<i64> = dims.iter().map(|&dim| dim as i64).collect();
    Ok(Tensor::f_from_slice(values)?.f_view(dims.as_slice())?)
}
