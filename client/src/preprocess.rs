//! From pixels to tensor 0: `(pixel / 255 - mean) / std` per channel, as fixed point.

use image::DynamicImage;
use image::imageops::FilterType;
use tacet_protocol::plan::{PublicPlan, Shape, TensorSpec};
use tacet_protocol::{Error, Result, ring};

/// Checks that the network takes images at all, and images of this size.
///
/// # Errors
/// `Input` naming both sizes.
pub fn check_size(plan: &PublicPlan, size: (u32, u32), resize: bool) -> Result<()> {
    let shape = input(plan)?.shape;
    if !matches!(shape.channels, 1 | 3) {
        return Err(Error::input(format!(
            "the network takes {} channels; images have 1 or 3",
            shape.channels
        )));
    }
    let (width, height) = size;
    if resize || (width as usize, height as usize) == (shape.width, shape.height) {
        return Ok(());
    }
    Err(Error::input(format!(
        "the image has {width}x{height} pixels, the network takes {}x{}: scale it with --resize",
        shape.width, shape.height
    )))
}

/// Tensor 0 for an image: channel-major, the input tensor's fractional bits. A network of one
/// channel sees the image in shades of grey; transparency is ignored.
///
/// # Errors
/// As [`check_size`].
pub fn tensor(plan: &PublicPlan, image: &DynamicImage, resize: bool) -> Result<Vec<u64>> {
    check_size(plan, (image.width(), image.height()), resize)?;
    let TensorSpec { shape, frac, .. } = *input(plan)?;
    let pixels = pixels(image, shape);
    let normalise = plan.input.mean.iter().zip(&plan.input.std).enumerate();
    Ok(normalise
        .flat_map(|(channel, (mean, std))| {
            let (mean, std) = (f64::from(*mean), f64::from(*std));
            let plane = pixels.iter().skip(channel).step_by(shape.channels);
            plane.map(move |p| ring::encode((f64::from(*p) / 255.0 - mean) / std, frac))
        })
        .collect())
}

/// Interleaved channels, 8 bits each, in the network's size.
fn pixels(image: &DynamicImage, shape: Shape) -> Vec<u8> {
    let (width, height) = (shape.width as u32, shape.height as u32);
    let scaled = ((image.width(), image.height()) != (width, height))
        .then(|| image.resize_exact(width, height, FilterType::Triangle));
    let image = scaled.as_ref().unwrap_or(image);
    if shape.channels == 1 { image.to_luma8().into_raw() } else { image.to_rgb8().into_raw() }
}

fn input(plan: &PublicPlan) -> Result<&TensorSpec> {
    plan.tensors.first().ok_or_else(|| Error::misbehaved("a plan without tensors"))
}

#[cfg(test)]
mod tests {
    use image::{GrayImage, Luma, Rgb, RgbImage};
    use tacet_protocol::plan::{InputSpec, Mask};

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
            input: InputSpec {
                mean: [0.5, 0.25, 0.0][..channels].to_vec(),
                std: [0.5, 1.0, 0.25][..channels].to_vec(),
            },
            tensors: vec![input],
            labels: Vec::new(),
            batch: 1,
        }
    }

    fn colours() -> DynamicImage {
        let image = RgbImage::from_fn(2, 1, |x, _| Rgb(if x == 0 { [255, 0, 51] } else { [0; 3] }));
        DynamicImage::ImageRgb8(image)
    }

    #[test]
    fn channels_are_planes_and_normalised() {
        let got = tensor(&plan(Shape::new(3, 1, 2), 8), &colours(), false).unwrap();
        let real = |x: f64| (x * 256.0).round() as i64 as u64;
        let expected = [1.0, -1.0, -0.25, -0.25, 0.8, 0.0].map(real);
        assert_eq!(got, expected);
    }

    #[test]
    fn one_channel_takes_grey() {
        let image = DynamicImage::ImageLuma8(GrayImage::from_fn(1, 2, |_, y| {
            Luma([if y == 0 { 255 } else { 0 }])
        }));
        let got = tensor(&plan(Shape::new(1, 2, 1), 4), &image, false).unwrap();
        assert_eq!(got, [16, (-16i64) as u64]);
        // Colours become grey, grey becomes colours.
        assert_eq!(tensor(&plan(Shape::new(1, 1, 2), 4), &colours(), false).unwrap().len(), 2);
        assert_eq!(tensor(&plan(Shape::new(3, 2, 1), 4), &image, false).unwrap().len(), 6);
    }

    #[test]
    fn another_size_names_both_and_the_way_out() {
        let plan = plan(Shape::new(3, 4, 6), 8);
        let Err(Error::Input { what }) = tensor(&plan, &colours(), false) else { panic!() };
        for words in ["2x1", "6x4", "--resize"] {
            assert!(what.contains(words), "{what}");
        }
        assert_eq!(tensor(&plan, &colours(), true).unwrap().len(), 72);
    }

    #[test]
    fn scaling_keeps_a_flat_image_flat() {
        let flat = DynamicImage::ImageRgb8(RgbImage::from_pixel(9, 5, Rgb([255, 255, 255])));
        let got = tensor(&plan(Shape::new(3, 2, 2), 8), &flat, true).unwrap();
        assert_eq!(got[..4], [256; 4]);
    }

    #[test]
    fn strange_channel_counts_are_refused() {
        let mut odd = plan(Shape::new(2, 1, 2), 8);
        assert!(tensor(&odd, &colours(), true).is_err());
        odd.tensors.clear();
        assert!(tensor(&odd, &colours(), true).is_err());
    }
}
