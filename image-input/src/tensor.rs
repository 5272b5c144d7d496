//! From pixels to the integers of tensor 0.

use tacita_protocol::plan::{InputSpec, PublicPlan, Shape, TensorSpec};
use tacita_protocol::{Error, Result, ring};

use crate::pixels::check_fit;
use crate::{Extent, Feed, Pixels, Sample};

/// Checks that the network takes inputs of this kind and size.
///
/// # Errors
/// [`Error::Input`] naming both.
pub fn check_extent(plan: &PublicPlan, extent: &Extent, resize: bool) -> Result<()> {
    extent.check(input(plan)?.shape, &plan.input, resize)
}

/// Tensor 0 in real numbers: `(pixel / 255 - mean) / std` in CHW order, a network of one channel
/// getting the luminance; of an array, `(x - mean) / std` with the array's own.
///
/// # Errors
/// [`Error::Input`] if the input's size or the network's channels do not fit.
pub fn normalise(sample: &impl Feed, shape: Shape, spec: &InputSpec) -> Result<Vec<f64>> {
    sample.normalised(shape, spec)
}

pub(crate) fn from_pixels(pixels: &Pixels, shape: Shape, spec: &InputSpec) -> Result<Vec<f64>> {
    check_fit((pixels.width, pixels.height), shape, false)?;
    let mut out = Vec::with_capacity(shape.len());
    for (ch, (mean, std)) in spec.mean.iter().zip(&spec.std).enumerate().take(shape.channels) {
        let (mean, std) = (f64::from(*mean), f64::from(*std));
        for pixel in pixels.rgb.as_chunks::<3>().0 {
            let value = if shape.channels == 1 { luminance(*pixel) } else { pixel[ch] };
            out.push((f64::from(value) / 255.0 - mean) / std);
        }
    }
    Ok(out)
}

/// Tensor 0 of the plan, in two's complement fixed point; the input has the network's size.
///
/// # Errors
/// [`Error::Input`] if the input does not fit the plan.
pub fn encode(sample: &impl Feed, plan: &PublicPlan) -> Result<Vec<i64>> {
    let input = input(plan)?;
    let values = normalise(sample, input.shape, &plan.input)?;
    Ok(values.into_iter().map(|x| ring::encode(x, input.frac) as i64).collect())
}

/// Tensor 0 of the plan for an input of any size; a picture of another size than the network's is
/// resized if `resize`.
///
/// # Errors
/// [`Error::Input`] if the input does not fit the plan, or its numbers the range that the plan was
/// made for.
pub fn tensor(plan: &PublicPlan, sample: impl Into<Sample>, resize: bool) -> Result<Vec<i64>> {
    let input = input(plan)?;
    let values = encode(&sample.into().fit(input.shape, resize)?, plan)?;
    let limit = 1i64 << input.magnitude;
    if let Some(largest) = values.iter().find(|x| x.abs() >= limit) {
        let scale = f64::from(input.frac).exp2();
        return Err(Error::input(format!(
            "a value of {:.4} at the network's input, which was compiled for less than {}: compile \
             it with --calibrate on inputs like this one",
            *largest as f64 / scale,
            limit as f64 / scale
        )));
    }
    Ok(values)
}

fn input(plan: &PublicPlan) -> Result<&TensorSpec> {
    plan.tensors.first().ok_or_else(|| Error::input("the plan has no input"))
}

/// Refuses pictures for networks that take none.
pub(crate) fn check_pictures(shape: Shape, spec: &InputSpec) -> Result<()> {
    if let Some(arrays) = spec.arrays.as_ref().filter(|_| !spec.pictures) {
        return Err(Error::input(format!(
            "the network takes arrays, no pictures: give a .npy file of {:?} numbers",
            arrays.dims
        )));
    }
    match shape.channels {
        1 | 3 => Ok(()),
        n => Err(Error::input(format!("images have 1 or 3 channels, the network takes {n}"))),
    }
}

/// Rec. 601 luma, rounded as Pillow does, which training code converts with; a grey pixel keeps its
/// value.
fn luminance([r, g, b]: [u8; 3]) -> u8 {
    let sum = 19_595 * u32::from(r) + 38_470 * u32::from(g) + 7_471 * u32::from(b);
    ((sum + (1 << 15)) >> 16) as u8
}

#[cfg(test)]
mod tests {
    use tacita_protocol::plan::Mask;

    use super::*;

    fn plan(shape: Shape, frac: u32) -> PublicPlan {
        let input = TensorSpec {
            name: "image".into(),
            shape,
            frac,
            truncate: 0,
            magnitude: 12,
            dropped: 0,
            terms: Vec::new(),
            mask: Mask::uniform(shape.len(), false),
            unmasked_relus: 0,
        };
        let channels = shape.channels;
        PublicPlan {
            name: "test".into(),
            input: InputSpec::new(
                [0.5, 0.25, 0.0][..channels].to_vec(),
                [0.5, 1.0, 0.25][..channels].to_vec(),
            ),
            tensors: vec![input],
            labels: Vec::new(),
            batch: 1,
            relu_choices: Default::default(),
            reveals: Default::default(),
            head: Default::default(),
        }
    }

    fn colours() -> Pixels {
        Pixels::new(2, 1, vec![255, 0, 51, 0, 0, 0]).unwrap()
    }

    #[test]
    fn channels_are_planes_normalised_and_rounded() {
        let got = encode(&colours(), &plan(Shape::new(3, 1, 2), 8)).unwrap();
        let real = |x: f64| (x * 256.0).round() as i64;
        assert_eq!(got, [1.0, -1.0, -0.25, -0.25, 0.8, 0.0].map(real));
    }

    #[test]
    fn one_channel_takes_the_luminance() {
        let grey = Pixels::new(1, 2, vec![255, 255, 255, 0, 0, 0]).unwrap();
        assert_eq!(encode(&grey, &plan(Shape::new(1, 2, 1), 4)).unwrap(), [16, -16]);
        assert_eq!(luminance([77; 3]), 77);
        // As Pillow's convert("L").
        assert_eq!(luminance([255, 0, 51]), 82);
        assert_eq!(
            [[0, 255, 0], [0, 0, 255], [255; 3], [1, 2, 3]].map(luminance),
            [150, 29, 255, 2]
        );
    }

    #[test]
    fn sizes_and_channels_are_checked() {
        let four = plan(Shape::new(3, 4, 6), 8);
        let Err(Error::Input { what }) = encode(&colours(), &four) else { panic!() };
        assert!(what.contains("2x1") && what.contains("6x4"), "{what}");
        let check_size = |plan: &PublicPlan, size: (usize, usize), resize| {
            check_extent(plan, &Extent::Picture(size.0, size.1), resize)
        };
        assert!(check_size(&four, (2, 1), false).is_err());
        assert!(tensor(&four, colours(), false).is_err());
        assert_eq!(tensor(&four, colours(), true).unwrap().len(), 72);
        assert!(
            check_size(&four, (2, 1), true).is_ok() && check_size(&four, (6, 4), false).is_ok()
        );
        let mut odd = plan(Shape::new(2, 1, 2), 8);
        assert!(check_size(&odd, (2, 1), true).is_err() && encode(&colours(), &odd).is_err());
        odd.tensors.clear();
        assert!(check_size(&odd, (2, 1), true).is_err() && encode(&colours(), &odd).is_err());
    }

    #[test]
    fn arrays_are_taken_as_they_are() {
        let mut plan = plan(Shape::new(1, 1, 2), 8);
        let array = |values: &[f32]| crate::Array::new(vec![values.len()], values.into()).unwrap();
        let error = encode(&array(&[1.0, 2.0]), &plan).unwrap_err().to_string();
        assert!(error.contains("pictures alone"), "{error}");
        plan.input.arrays = Some(tacita_protocol::plan::ArraySpec {
            dims: vec![2],
            channels_last: false,
            mean: vec![1.0],
            std: vec![2.0],
        });
        assert_eq!(encode(&array(&[1.0, 2.0]), &plan).unwrap(), [0, 128]);
        assert!(encode(&Pixels::new(2, 1, vec![0; 6]).unwrap(), &plan).is_ok());
        plan.input.pictures = false;
        let error = encode(&Pixels::new(2, 1, vec![0; 6]).unwrap(), &plan).unwrap_err();
        assert!(error.to_string().contains(".npy file of [2]"), "{error}");
        // 2^12 / 2^8 is the end of the range.
        assert!(tensor(&plan, array(&[32.9, 0.0]), false).is_ok());
        let error = tensor(&plan, array(&[0.0, 33.0]), false).unwrap_err().to_string();
        assert!(error.contains("16.0000") && error.contains("less than 16"), "{error}");
        assert!(encode(&array(&[0.0; 3]), &plan).is_err());
    }
}
