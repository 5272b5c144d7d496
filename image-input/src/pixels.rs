//! Decoding and resizing.

use std::io::Cursor;
use std::path::Path;

use image::imageops::{FilterType, resize};
use image::{ImageError, ImageFormat, ImageReader, Limits, RgbImage};
use tacita_protocol::file::read_regular;
use tacita_protocol::plan::Shape;
use tacita_protocol::{Error, Result};

/// Largest image file, in bytes.
pub const MAX_IMAGE_BYTES: u64 = 64 << 20;
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

    /// Reads and decodes a PNG or JPEG file; the contents decide which.
    ///
    /// # Errors
    /// [`Error::Input`] naming the file and what is wrong with it.
    pub fn load(path: &Path) -> Result<Self> {
        let bytes = read_regular(path, MAX_IMAGE_BYTES)?;
        Self::decode(&bytes).map_err(|e| Error::input(format!("`{}`: {e}", path.display())))
    }

    /// Decodes the contents of a PNG or JPEG file.
    ///
    /// # Errors
    /// [`Error::Input`] if they are neither, damaged, or too large an image.
    pub fn decode(bytes: &[u8]) -> Result<Self> {
        let damaged = |e| Error::input(format!("a damaged image: {e}"));
        let mut reader = ImageReader::new(Cursor::new(bytes))
            .with_guessed_format()
            .map_err(|e| damaged(ImageError::IoError(e)))?;
        if !matches!(reader.format(), Some(ImageFormat::Png | ImageFormat::Jpeg)) {
            return Err(Error::input("not an image (PNG or JPEG): convert it first"));
        }
        let mut limits = Limits::default();
        limits.max_image_width = Some(MAX_SIDE);
        limits.max_image_height = Some(MAX_SIDE);
        limits.max_alloc = Some(MAX_DECODED_BYTES);
        reader.limits(limits);
        let image = reader.decode().map_err(|e| match e {
            ImageError::Limits(_) => Error::input(format!(
                "too large an image: {MAX_SIDE} rows or columns and 512 MiB of pixels at most"
            )),
            e => damaged(e),
        })?;
        let rgb = image.into_rgb8();
        Self::new(rgb.width() as usize, rgb.height() as usize, rgb.into_raw())
    }

    /// The image at the shape's size: itself, or resized (triangle filter) if `resize`.
    ///
    /// # Errors
    /// [`Error::Input`] if its size differs and `resize` is false.
    pub fn fit(self, shape: Shape, resize: bool) -> Result<Self> {
        check_fit((self.width, self.height), shape, resize)?;
        if (self.width, self.height) == (shape.width, shape.height) {
            Ok(self)
        } else {
            self.resized(shape)
        }
    }

    fn resized(self, shape: Shape) -> Result<Self> {
        let too_large = |_| Error::input("an image or network of too many rows or columns");
        let side = |n: usize| u32::try_from(n).map_err(too_large);
        let from = RgbImage::from_raw(side(self.width)?, side(self.height)?, self.rgb)
            .ok_or_else(|| Error::input("an image without pixels"))?;
        let to = resize(&from, side(shape.width)?, side(shape.height)?, FilterType::Triangle);
        Self::new(shape.width, shape.height, to.into_raw())
    }
}

/// Refuses an image (columns, rows) of another size than the network's.
pub(crate) fn check_fit(size: (usize, usize), shape: Shape, resize: bool) -> Result<()> {
    if resize || size == (shape.width, shape.height) {
        return Ok(());
    }
    Err(Error::input(format!(
        "the image is {}x{}, the network takes {}x{} (columns x rows): resize it, or allow \
         resizing with --resize",
        size.0, size.1, shape.width, shape.height
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn encoded(format: ImageFormat) -> Vec<u8> {
        let mut bytes = Cursor::new(Vec::new());
        RgbImage::new(5, 3).write_to(&mut bytes, format).unwrap();
        bytes.into_inner()
    }

    fn failure(contents: &[u8]) -> String {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("cat.png");
        std::fs::write(&path, contents).unwrap();
        let Err(Error::Input { what }) = Pixels::load(&path) else { panic!() };
        assert!(what.contains("cat.png"), "{what}");
        what
    }

    #[test]
    fn contents_decide_the_format() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("image.png");
        for format in [ImageFormat::Png, ImageFormat::Jpeg] {
            std::fs::write(&path, encoded(format)).unwrap();
            let image = Pixels::load(&path).unwrap();
            assert_eq!((image.width, image.height), (5, 3));
        }
    }

    #[test]
    fn what_is_no_image_is_said_to_be_none() {
        assert!(failure(b"a text about cats").contains("not an image (PNG or JPEG)"));
        assert!(failure(b"").contains("not an image (PNG or JPEG)"));
        assert!(failure(b"GIF89a\x01\x00\x01\x00").contains("not an image (PNG or JPEG)"));
        let whole = encoded(ImageFormat::Png);
        assert!(failure(&whole[..whole.len() / 2]).contains("damaged"));
    }

    /// CRC-32 of that header, 8-bit RGB.
    const HUGE_CRC: [u8; 4] = 0x9bab_9c31_u32.to_be_bytes();

    #[test]
    fn huge_images_are_not_decoded() {
        // A PNG header that claims 2^31 - 1 columns and rows.
        let mut png = encoded(ImageFormat::Png);
        png[16..24].copy_from_slice(&[0x7f, 255, 255, 255, 0x7f, 255, 255, 255]);
        // The header's checksum covers the size.
        png[29..33].copy_from_slice(&HUGE_CRC);
        assert!(failure(&png).contains("too large"));
    }

    #[test]
    fn the_size_must_match_unless_resized() {
        let p = Pixels::new(2, 1, vec![9; 6]).unwrap();
        let message = p.clone().fit(Shape::new(3, 4, 6), false).unwrap_err().to_string();
        for words in ["2x1", "6x4", "--resize"] {
            assert!(message.contains(words), "{message}");
        }
        let q = p.fit(Shape::new(3, 4, 6), true).unwrap();
        assert_eq!((q.width, q.height, q.rgb), (6, 4, vec![9; 72]));
        assert!(Pixels::new(2, 2, vec![0; 11]).is_err());
    }
}
