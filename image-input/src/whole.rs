//! Files that hold more or less than one whole picture.
//!
//! A JPEG that is cut short still decodes, its rest grey; an animated PNG shows its first frame.
//! Neither is the picture that somebody meant.

use tacita_protocol::{Error, Result};

/// Refuses a JPEG whose data end before its end marker.
pub(crate) fn check_jpeg(bytes: &[u8]) -> Result<()> {
    // After the start marker: segments, each with a length, and scans, which end at a marker.
    let mut rest = bytes.get(2..).unwrap_or_default();
    loop {
        let at = rest.windows(2).position(is_marker);
        let Some((&[_, marker], next)) = at.and_then(|at| rest.get(at..)?.split_first_chunk())
        else {
            return Err(Error::input("a damaged image: the JPEG is cut short"));
        };
        rest = match marker {
            END => return Ok(()),
            RESTART_FIRST..=RESTART_LAST | START | TEMPORARY => next,
            _ => {
                let length = next.first_chunk().map_or(0, |l| usize::from(u16::from_be_bytes(*l)));
                next.get(length..).unwrap_or_default()
            }
        };
    }
}

const START: u8 = 0xd8;
const END: u8 = 0xd9;
const RESTART_FIRST: u8 = 0xd0;
const RESTART_LAST: u8 = 0xd7;
const TEMPORARY: u8 = 0x01;

/// A marker, not a byte of data (`ff 00`) and not a fill byte.
fn is_marker(pair: &[u8]) -> bool {
    matches!(pair, [0xff, second] if *second != 0 && *second != 0xff)
}

/// Refuses animated PNGs.
pub(crate) fn check_png(bytes: &[u8]) -> Result<()> {
    let mut rest = bytes.get(8..).unwrap_or_default();
    while let Some((length, next)) = rest.split_first_chunk::<4>() {
        let kind = next.get(..4).unwrap_or_default();
        if kind == b"acTL" {
            return Err(Error::input("an animated image: save the frame that is meant"));
        }
        if kind == b"IDAT" {
            return Ok(());
        }
        // The kind, the data, a checksum.
        let length = u32::from_be_bytes(*length) as usize;
        rest = next.get(length.saturating_add(8)..).unwrap_or_default();
    }
    // The decoder says what is missing.
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use image::{ImageFormat, RgbImage};

    use crate::Pixels;

    fn encoded(format: ImageFormat) -> Vec<u8> {
        let noise = RgbImage::from_fn(40, 40, |x, y| {
            image::Rgb([(x * 37 + y * 11) as u8, (x * y) as u8, (x ^ y) as u8])
        });
        let mut bytes = Cursor::new(Vec::new());
        noise.write_to(&mut bytes, format).unwrap();
        bytes.into_inner()
    }

    #[test]
    fn a_jpeg_cut_anywhere_is_refused() {
        let jpeg = encoded(ImageFormat::Jpeg);
        assert!(Pixels::decode(&jpeg).is_ok());
        // What follows the picture is no part of it.
        assert!(Pixels::decode(&[&jpeg[..], b"trailer"].concat()).is_ok());
        for part in 1..20 {
            let cut = &jpeg[..jpeg.len() * part / 20];
            assert!(Pixels::decode(cut).is_err(), "{part} of 20 parts");
        }
        let message = Pixels::decode(&jpeg[..jpeg.len() - 2]).unwrap_err().to_string();
        assert!(message.contains("cut short"), "{message}");
    }

    #[test]
    fn an_animated_png_is_refused() {
        let png = encoded(ImageFormat::Png);
        assert!(Pixels::decode(&png).is_ok());
        // After the header: an animation of two frames.
        let mut animated = png[..33].to_vec();
        animated.extend([0, 0, 0, 8]);
        animated.extend(b"acTL\0\0\0\x02\0\0\0\0\0\0\0\0");
        animated.extend(&png[33..]);
        let message = Pixels::decode(&animated).unwrap_err().to_string();
        assert!(message.contains("animated"), "{message}");
    }
}
