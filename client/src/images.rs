//! Image files: read within limits, checked before anything is spent on them.

use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};

use image::{DynamicImage, ImageError, ImageReader, Limits};
use tacet_protocol::{Error, Result};

/// Largest width and height.
const MAX_SIDE: u32 = 1 << 14;
/// Most memory for decoding one image.
const MAX_ALLOC: u64 = 1 << 30;

/// An image that was decoded once; its pixels are read again when they are needed.
#[derive(Debug)]
pub struct Checked {
    /// Where it is.
    pub path: PathBuf,
    /// Width and height in pixels.
    pub size: (u32, u32),
}

/// Decodes an image to see that it can be.
///
/// # Errors
/// As [`load`].
pub fn check(path: &Path) -> Result<Checked> {
    let image = load(path)?;
    Ok(Checked { path: path.to_owned(), size: (image.width(), image.height()) })
}

/// Decodes a PNG or JPEG file; the contents decide which.
///
/// # Errors
/// `Input` naming the file and what is wrong with it.
pub fn load(path: &Path) -> Result<DynamicImage> {
    let name = path.display();
    let unreadable = |e| Error::input(format!("cannot read `{name}`: {e}"));
    // Not `ImageReader::open`: that believes the file's name where the contents say nothing.
    let file = BufReader::new(File::open(path).map_err(unreadable)?);
    let mut reader = ImageReader::new(file).with_guessed_format().map_err(unreadable)?;
    if reader.format().is_none() {
        return Err(Error::input(format!("`{name}` is not an image (PNG or JPEG)")));
    }
    let mut limits = Limits::default();
    limits.max_image_width = Some(MAX_SIDE);
    limits.max_image_height = Some(MAX_SIDE);
    limits.max_alloc = Some(MAX_ALLOC);
    reader.limits(limits);
    reader.decode().map_err(|e| match e {
        ImageError::Unsupported(_) => {
            Error::input(format!("`{name}` is not an image that this program reads (PNG or JPEG)"))
        }
        ImageError::Limits(_) => Error::input(format!("`{name}` is too large an image")),
        e => Error::input(format!("`{name}` is a damaged image: {e}")),
    })
}

#[cfg(test)]
mod tests {
    use image::{ImageFormat, RgbImage};

    use super::*;

    fn failure(contents: &[u8]) -> String {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("cat.png");
        std::fs::write(&path, contents).unwrap();
        let Err(Error::Input { what }) = check(&path) else { panic!() };
        assert!(what.contains("cat.png"), "{what}");
        what
    }

    fn encoded(format: ImageFormat) -> Vec<u8> {
        let mut bytes = std::io::Cursor::new(Vec::new());
        RgbImage::new(5, 3).write_to(&mut bytes, format).unwrap();
        bytes.into_inner()
    }

    #[test]
    fn contents_decide_the_format() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("image.png");
        for format in [ImageFormat::Png, ImageFormat::Jpeg] {
            std::fs::write(&path, encoded(format)).unwrap();
            assert_eq!(check(&path).unwrap().size, (5, 3));
        }
    }

    #[test]
    fn what_is_no_image_is_said_to_be_none() {
        assert!(failure(b"a text about cats").contains("not an image"));
        assert!(failure(b"").contains("not an image"));
        assert!(failure(b"GIF89a\x01\x00\x01\x00").contains("PNG or JPEG"));
        let whole = encoded(ImageFormat::Png);
        assert!(failure(&whole[..whole.len() / 2]).contains("damaged"));
        assert!(load(Path::new("no/such/file.png")).is_err());
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
}
