//! Decoding and resizing.

use std::io::Cursor;
use std::path::Path;

use image::imageops::{FilterType, resize};
use image::metadata::Orientation;
use image::{
    DynamicImage, GrayImage, ImageDecoder, ImageError, ImageFormat, ImageReader, Limits, RgbImage,
};
use tacita_protocol::file::read_regular;
use tacita_protocol::plan::Shape;
use tacita_protocol::{Error, Result};

use crate::whole;

/// Largest image file, in bytes.
pub const MAX_IMAGE_BYTES: u64 = 64 << 20;
/// Most rows or columns of an image.
const MAX_SIDE: u32 = 1 << 14;
/// Most pixels of an image.
const MAX_PIXELS: u64 = 1 << 26;
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
        Self::read(path, |_| Ok(()))
    }

    /// Like [`Self::load`], at the shape's size. An image of another size is resized if `resize`; else
    /// it is refused before it is decoded.
    ///
    /// # Errors
    /// As [`Self::load`] and [`Self::fit`].
    pub fn load_for(path: &Path, shape: Shape, resize: bool) -> Result<Self> {
        Self::read(path, |size| check_fit(size, shape, resize))?.fit(shape, resize)
    }

    fn read(path: &Path, check: impl Fn((usize, usize)) -> Result<()>) -> Result<Self> {
        let bytes = read_regular(path, MAX_IMAGE_BYTES)?;
        let about = |e| Error::input(format!("`{}`: {e}", path.display()));
        Self::decode_if(&bytes, check).map_err(about)
    }

    /// Decodes the contents of a PNG or JPEG file, upright as its EXIF orientation says.
    ///
    /// # Errors
    /// [`Error::Input`] if they are neither, damaged or cut short, transparent, animated, or too
    /// large an image.
    pub fn decode(bytes: &[u8]) -> Result<Self> {
        Self::decode_if(bytes, |_| Ok(()))
    }

    /// Decodes an image whose size (columns, rows, upright) passes `check`.
    fn decode_if(bytes: &[u8], check: impl Fn((usize, usize)) -> Result<()>) -> Result<Self> {
        let reader = ImageReader::new(Cursor::new(bytes))
            .with_guessed_format()
            .map_err(|e| refused(ImageError::IoError(e)))?;
        match reader.format() {
            Some(ImageFormat::Png) => whole::check_png(bytes)?,
            Some(ImageFormat::Jpeg) => whole::check_jpeg(bytes)?,
            _ => return Err(Error::input("not an image (PNG or JPEG): convert it first")),
        }
        let mut decoder = reader.into_decoder().map_err(refused)?;
        let (width, height) = decoder.dimensions();
        if width > MAX_SIDE
            || height > MAX_SIDE
            || u64::from(width) * u64::from(height) > MAX_PIXELS
        {
            return Err(too_large());
        }
        let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
        let (width, height) = (width as usize, height as usize);
        check(if is_turned(orientation) { (height, width) } else { (width, height) })?;
        let mut limits = Limits::default();
        limits.max_alloc = Some(MAX_DECODED_BYTES);
        decoder.set_limits(limits).map_err(refused)?;
        let mut image = DynamicImage::from_decoder(decoder).map_err(refused)?;
        refuse_transparent(&image)?;
        image.apply_orientation(orientation);
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

/// The contents of a grey PNG file, a byte a pixel.
///
/// # Errors
/// [`Error::Local`] if the pixels are not as many, or it cannot be encoded.
pub fn encode_png(width: usize, height: usize, pixels: Vec<u8>) -> Result<Vec<u8>> {
    let side = |n: usize| u32::try_from(n).map_err(|_| too_large());
    let image = GrayImage::from_raw(side(width)?, side(height)?, pixels)
        .ok_or_else(|| Error::local("pixels are missing"))?;
    let mut out = Cursor::new(Vec::new());
    let encoded = image.write_to(&mut out, ImageFormat::Png);
    encoded.map_err(|e| Error::local(format!("cannot encode a picture: {e}")))?;
    Ok(out.into_inner())
}

fn refused(e: ImageError) -> Error {
    match e {
        ImageError::Limits(_) => too_large(),
        e => Error::input(format!("a damaged image: {e}")),
    }
}

fn too_large() -> Error {
    Error::input(format!(
        "too large an image: {MAX_SIDE} rows or columns and {} million pixels at most",
        MAX_PIXELS >> 20
    ))
}

/// True if rows become columns.
const fn is_turned(orientation: Orientation) -> bool {
    matches!(
        orientation,
        Orientation::Rotate90
            | Orientation::Rotate270
            | Orientation::Rotate90FlipH
            | Orientation::Rotate270FlipH
    )
}

/// What shows through is not in the file: the network would see a guess.
fn refuse_transparent(image: &DynamicImage) -> Result<()> {
    if !image.color().has_alpha() {
        return Ok(());
    }
    let opaque = match image {
        DynamicImage::ImageLumaA8(i) => i.pixels().all(|p| p.0[1] == u8::MAX),
        DynamicImage::ImageRgba8(i) => i.pixels().all(|p| p.0[3] == u8::MAX),
        other => other.to_rgba16().pixels().all(|p| p.0[3] == u16::MAX),
    };
    if opaque {
        return Ok(());
    }
    Err(Error::input(
        "the image is transparent in places: flatten it onto the background that the network was \
         trained with",
    ))
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
    fn sizes_are_checked_before_decoding() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("large.png");
        // A header of 8000x8000 pixels, and none of them.
        let mut png = encoded(ImageFormat::Png);
        png[16..24].copy_from_slice(&[0, 0, 0x1f, 0x40, 0, 0, 0x1f, 0x40]);
        png[29..33].copy_from_slice(&LARGE_CRC);
        std::fs::write(&path, &png).unwrap();
        let message =
            |resize| Pixels::load_for(&path, Shape::new(3, 4, 4), resize).unwrap_err().to_string();
        assert!(message(false).contains("8000x8000"), "{}", message(false));
        assert!(message(true).contains("damaged"), "{}", message(true));
    }

    /// CRC-32 of that header, 8-bit RGB.
    const LARGE_CRC: [u8; 4] = 0x8993_3aa3_u32.to_be_bytes();

    /// A picture of 2x1 pixels, red left and blue right, with an EXIF orientation.
    fn turned(orientation: u8) -> Vec<u8> {
        let mut jpeg = Cursor::new(Vec::new());
        let picture = RgbImage::from_fn(16, 8, |x, _| {
            image::Rgb(if x < 8 { [255, 0, 0] } else { [0, 0, 255] })
        });
        picture.write_to(&mut jpeg, ImageFormat::Jpeg).unwrap();
        // APP1 with a TIFF of one entry: orientation, a short.
        let tiff = [
            b"Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0".as_slice(),
            &[orientation, 0, 0, 0, 0, 0, 0],
        ];
        let tiff = tiff.concat();
        let mut out = vec![0xff, 0xd8, 0xff, 0xe1, 0, tiff.len() as u8 + 2];
        out.extend(tiff);
        out.extend(&jpeg.into_inner()[2..]);
        out
    }

    #[test]
    fn pictures_are_turned_upright() {
        let red = |p: &Pixels, x: usize, y: usize| p.rgb[3 * (y * p.width + x)] > 128;
        // Orientation, size, and whether its upper left and lower right corners are red.
        for (orientation, size, corners) in [
            (1, (16, 8), (true, false)),
            (2, (16, 8), (false, true)),
            (3, (16, 8), (false, true)),
            (4, (16, 8), (true, false)),
            (5, (8, 16), (true, false)),
            (6, (8, 16), (true, false)),
            (7, (8, 16), (false, true)),
            (8, (8, 16), (false, true)),
        ] {
            let p = Pixels::decode(&turned(orientation)).unwrap();
            assert_eq!((p.width, p.height), size, "{orientation}");
            let last = (p.width - 1, p.height - 1);
            assert_eq!((red(&p, 0, 0), red(&p, last.0, last.1)), corners, "{orientation}");
        }
    }

    #[test]
    fn what_is_transparent_is_refused() {
        let png = |alpha: u8, format: image::ColorType| {
            let mut bytes = Cursor::new(Vec::new());
            let samples = format.bytes_per_pixel() as usize;
            let mut data = vec![255u8; samples * 6];
            *data.last_mut().unwrap() = alpha;
            image::write_buffer_with_format(&mut bytes, &data, 3, 2, format, ImageFormat::Png)
                .unwrap();
            bytes.into_inner()
        };
        for format in [image::ColorType::Rgba8, image::ColorType::La8] {
            assert!(Pixels::decode(&png(255, format)).is_ok());
            let message = Pixels::decode(&png(254, format)).unwrap_err().to_string();
            assert!(message.contains("transparent"), "{message}");
        }
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
