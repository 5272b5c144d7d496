//! Ring-LWE encryption of masks (protocol section 4).
use crate::{Error, Result, plan::ConvShape};
/// Bound on the evaluated noise.
pub fn noise_bound(weights: &[i32], shape: &ConvShape) -> u128 {
    let per = shape.weights() / shape.out_channels.max(1);
    weights
        .chunks(per.max(1))
        .map(|w| w.iter().map(|x| u128::from(x.unsigned_abs())).sum::<u128>())
        .max()
        .unwrap_or(0)
        * 22
}
/// Refuses less than 40 bits of flooding.
pub fn check_flooding(bound: u128) -> Result<()> {
    if bound > 1 << 25 {
        return Err(Error::input(
            "less than 40 bits of flooding: use fewer fractional bits for these weights",
        ));
    }
    Ok(())
}
