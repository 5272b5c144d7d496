//! From an image to the integers of tensor 0.
//!
//! Decoding, an exact size check (or a resize, if asked for), normalisation, fixed point.

use std::io::Cursor;

use image::{ImageFormat, ImageReader, Limits, imageops::FilterType};
use tacet_protocol::plan::{InputSpec, PublicPlan, Shape};
use tacet_protocol::ring;

use crate::error::{Error, Result};

/// Largest image file, in bytes.
pub const MAX_IMAGE_BYTES: usize = 64 << 20;
/// Most rows or columns of an image.
const MAX_SIDE: u32 = 1 << 14;
/// Most memory that decoding may take, in bytes.
const MAX_DECODED_BYTES: u64 = 512 << 20;

/// An 8-bit RGB image, pixels interleaved row by row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pixels {
    /// Columns.
    pub width: usize,
    /// Rows.
    pub height: usize,
    /// `3 * width * height` bytes.
    pub rgb: Vec<u8>,
}

impl Pixels {
    /// An image of the given size.
    ///
    /// # Errors
    /// [`Error::Input`] if `rgb` is not `3 * width * height` bytes.
    pub fn new(width: usize, height: usize, rgb: Vec<u8>) -> Result<Self> {
        let expected = width.checked_mul(height).and_then(|n| n.checked_mul(3));
        if expected != Some(rgb.len()) {
            let have = rgb.len();
            return Err(Error::input(format!("{have} bytes of pixels for {width}x{height} RGB")));
        }
        Ok(Self { width, height, rgb })
    }

    /// Decodes a PNG or JPEG file.
    ///
    /// # Errors
    /// [`Error::Input`] if it is neither, damaged, or too large.
    pub fn decode(bytes: &[u8]) -> Result<Self> {
        if bytes.len() > MAX_IMAGE_BYTES {
            return Err(Error::input("the image file is over 64 MiB"));
        }
        let damaged = |e| Error::input(format!("cannot read the image: {e}"));
        let mut reader = ImageReader::new(Cursor::new(bytes))
            .with_guessed_format()
            .map_err(|e| damaged(e.into()))?;
        if !matches!(reader.format(), Some(ImageFormat::Png | ImageFormat::Jpeg)) {
            return Err(Error::input("the image is neither PNG nor JPEG: convert it first"));
        }
        let mut limits = Limits::default();
        limits.max_image_width = Some(MAX_SIDE);
        limits.max_image_height = Some(MAX_SIDE);
        limits.max_alloc = Some(MAX_DECODED_BYTES);
        reader.limits(limits);
        let image = reader.decode().map_err(damaged)?.to_rgb8();
        Self::new(image.width() as usize, image.height() as usize, image.into_raw())
    }

    /// The image at exactly `width` x `height`: itself, or resized (triangle filter) if `resize`.
    ///
    /// # Errors
    /// [`Error::Input`] if its size differs and `resize` is false.
    pub fn fit(self, shape: Shape, resize: bool) -> Result<Self> {
        let (width, height) = (shape.width, shape.height);
        if (self.width, self.height) == (width, height) {
            return Ok(self);
        }
        if !resize {
            return Err(Error::input(format!(
                "the image is {}x{}, the network takes {width}x{height} (columns x rows): resize \
                 it, or allow resizing with --resize",
                self.width, self.height
            )));
        }
        let buffer = image::RgbImage::from_raw(self.width as u32, self.height as u32, self.rgb)
            .ok_or_else(|| Error::input("an image without pixels"))?;
        let resized =
            image::imageops::resize(&buffer, width as u32, height as u32, FilterType::Triangle);
        Self::new(width, height, resized.into_raw())
    }
}

/// `(pixel / 255 - mean) / std` in CHW order. A one-channel network gets the luminance.
///
/// # Errors
/// [`Error::Input`] if the image's size or the network's channels do not fit.
pub fn normalise(pixels: &Pixels, shape: Shape, spec: &InputSpec) -> Result<Vec<f64>> {
    if (pixels.width, pixels.height) != (shape.width, shape.height) {
        return Err(Error::input(format!(
            "the image is {}x{}, the network takes {}x{}",
            pixels.width, pixels.height, shape.width, shape.height
        )));
    }
    if ![1, 3].contains(&shape.channels) {
        let n = shape.channels;
        return Err(Error::input(format!("images have 1 or 3 channels, the network takes {n}")));
    }
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

/// Tensor 0 of the plan, in two's complement fixed point.
///
/// # Errors
/// [`Error::Input`] if the image does not fit the plan.
pub fn encode(pixels: &Pixels, plan: &PublicPlan) -> Result<Vec<i64>> {
    let input = plan.tensors.first().ok_or_else(|| Error::input("the plan has no input"))?;
    let values = normalise(pixels, input.shape, &plan.input)?;
    Ok(values.into_iter().map(|x| ring::encode(x, input.frac) as i64).collect())
}

/// Rec. 709 luma in integers; a grey pixel keeps its value.
fn luminance([r, g, b]: [u8; 3]) -> u8 {
    let sum = 2126 * u32::from(r) + 7152 * u32::from(g) + 722 * u32::from(b);
    (sum / 10_000) as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn normalises_per_channel_in_chw_order() {
        let p = Pixels::new(2, 1, vec![255, 0, 51, 0, 255, 102]).unwrap();
        let spec = InputSpec { mean: vec![0.0, 0.5, 0.2], std: vec![1.0, 0.5, 0.1] };
        let v = normalise(&p, Shape::new(3, 1, 2), &spec).unwrap();
        let expected = [1.0, 0.0, -1.0, 1.0, 0.0, 2.0];
        assert!(v.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-6), "{v:?}");
    }

    #[test]
    fn grey_networks_get_the_luminance() {
        let p = Pixels::new(1, 1, vec![77, 77, 77]).unwrap();
        let spec = InputSpec { mean: vec![0.0], std: vec![1.0] };
        assert_eq!(normalise(&p, Shape::new(1, 1, 1), &spec).unwrap(), [77.0 / 255.0]);
    }

    #[test]
    fn the_size_must_match_unless_resized() {
        let p = Pixels::new(2, 2, vec![9; 12]).unwrap();
        let message = p.clone().fit(Shape::new(3, 4, 4), false).unwrap_err().to_string();
        assert!(message.contains("2x2") && message.contains("--resize"), "{message}");
        let q = p.fit(Shape::new(3, 4, 4), true).unwrap();
        assert_eq!((q.width, q.height, q.rgb), (4, 4, vec![9; 48]));
    }

    #[test]
    fn only_whole_png_and_jpeg_files_are_read() {
        assert!(Pixels::decode(b"GIF89a").unwrap_err().to_string().contains("PNG nor JPEG"));
        let cut = [0x89, b'P', b'N', b'G', 13, 10, 26, 10, 0, 0];
        assert!(Pixels::decode(&cut).unwrap_err().to_string().contains("cannot read"));
    }
}
