//! Decoding one PNG or JPEG file within limits.

use super::ImageShape;
use super::file::{bad, read};
use crate::{Error, Result};
use image::imageops::{FilterType, resize};
use image::{
    DynamicImage, ImageBuffer, ImageDecoder, ImageError, ImageFormat, ImageReader, Limits, Pixel,
};
use std::io::Cursor;
use std::path::Path;

/// Largest file, in bytes.
const MAX_FILE_BYTES: u64 = 64 << 20;
/// Most rows or columns.
const MAX_SIDE: u32 = 1 << 14;
/// Most memory that decoding one file may take, in bytes.
const MAX_DECODED_BYTES: u64 = 512 << 20;

/// What the header of a file says.
#[derive(Clone, Copy, Debug)]
pub(super) struct Header {
    pub height: usize,
    pub width: usize,
    pub gray: bool,
}

/// Reads the header of an image file; its contents decide which format it is.
///
/// # Errors
/// It cannot be read, is neither PNG nor JPEG, damaged, or too large an image.
pub(super) fn header(path: &Path) -> Result<Header> {
    let decoder = reader(path)?.into_decoder().map_err(damaged(path))?;
    let (width, height) = decoder.dimensions();
    let gray = !decoder.color_type().has_color();
    Ok(Header { height: height as usize, width: width as usize, gray })
}

/// Decodes an image file into planes `[C, H, W]`, resized (triangle filter) if it has
/// another size and `resize` allows it. Transparency is ignored.
///
/// # Errors
/// As [`header`], or the size differs.
pub(super) fn fill(out: &mut [u8], path: &Path, shape: ImageShape, resize: bool) -> Result<()> {
    let image = reader(path)?.decode().map_err(damaged(path))?;
    let size = (image.height() as usize, image.width() as usize);
    if !resize && size != (shape.height, shape.width) {
        return Err(bad(path, "its size changed while it was being read"));
    }
    let planes = if shape.channels == 1 { gray(image, shape) } else { colours(image, shape) };
    for (channel, plane) in out.chunks_exact_mut(shape.plane()).enumerate() {
        let values = planes.iter().skip(channel).step_by(shape.channels);
        plane.iter_mut().zip(values).for_each(|(to, &from)| *to = from);
    }
    Ok(())
}

fn gray(image: DynamicImage, shape: ImageShape) -> Vec<u8> {
    fit(image.into_luma8(), shape).into_raw()
}

fn colours(image: DynamicImage, shape: ImageShape) -> Vec<u8> {
    fit(image.into_rgb8(), shape).into_raw()
}

fn fit<P: Pixel<Subpixel = u8> + 'static>(
    image: ImageBuffer<P, Vec<u8>>,
    shape: ImageShape,
) -> ImageBuffer<P, Vec<u8>> {
    let (height, width) = (shape.height as u32, shape.width as u32);
    if (image.height(), image.width()) == (height, width) {
        return image;
    }
    resize(&image, width, height, FilterType::Triangle)
}

fn reader(path: &Path) -> Result<ImageReader<Cursor<Vec<u8>>>> {
    let bytes = read(path, MAX_FILE_BYTES)?;
    let mut reader =
        ImageReader::new(Cursor::new(bytes)).with_guessed_format().map_err(Error::io(path))?;
    if !matches!(reader.format(), Some(ImageFormat::Png | ImageFormat::Jpeg)) {
        return Err(bad(path, "not a PNG or JPEG image: convert it first"));
    }
    let mut limits = Limits::default();
    limits.max_image_width = Some(MAX_SIDE);
    limits.max_image_height = Some(MAX_SIDE);
    limits.max_alloc = Some(MAX_DECODED_BYTES);
    reader.limits(limits);
    Ok(reader)
}

fn damaged(path: &Path) -> impl FnOnce(ImageError) -> Error + '_ {
    |e| match e {
        ImageError::Limits(_) => bad(
            path,
            format!("too large: {MAX_SIDE} rows or columns and 512 MiB of pixels at most"),
        ),
        e => bad(path, format!("a damaged image: {e}")),
    }
}
