//! The network under test, compiled once, and pictures for it.

use std::io::Cursor;
use std::sync::OnceLock;

use image::codecs::jpeg::JpegEncoder;
use image::{ExtendedColorType, ImageFormat, RgbImage};
use tacita_compile::testing::ResNet;
use tacita_compile::{Calibration, Options, compile, import};
use tacita_image_input::{Pixels, encode};
use tacita_protocol::plan::{Plan, clear};

/// Private logits may differ from the clear evaluator's by this much, in units of the last
/// fractional bit: truncations and lattice roundings on the way are off by a unit or two each, at
/// random. Sums of some five units are common in this network, three times as much is never due.
pub const TOLERANCE: i64 = 16;

/// A compiled network and pictures of its size.
pub struct Network {
    /// The ONNX file it was compiled from.
    pub onnx: Vec<u8>,
    /// The plan.
    pub plan: Plan,
    /// Encoded pictures: PNG and JPEG in turn.
    pub pictures: Vec<Picture>,
}

/// An encoded picture.
pub struct Picture {
    /// File name, with an extension that says what it is.
    pub name: String,
    /// File contents.
    pub bytes: Vec<u8>,
}

/// The network of all tests.
pub fn network() -> &'static Network {
    static NETWORK: OnceLock<Network> = OnceLock::new();
    NETWORK.get_or_init(|| {
        let onnx = ResNet::tiny(5, 0.5).bytes();
        let network = import(&onnx).unwrap();
        let options = Options { batch: Some(2), ..Options::default() };
        let images = Calibration::synthetic(network.input, 8);
        let (plan, _) = compile(&network, &images, &options).unwrap();
        let pictures = Calibration::pictures(network.input, 5);
        let pictures = pictures.iter().enumerate().map(picture).collect();
        Network { onnx, plan, pictures }
    })
}

fn picture((i, pixels): (usize, &Pixels)) -> Picture {
    let (width, height) = (pixels.width as u32, pixels.height as u32);
    let mut bytes = Vec::new();
    if i % 2 == 0 {
        let image = RgbImage::from_raw(width, height, pixels.rgb.clone()).unwrap();
        image.write_to(&mut Cursor::new(&mut bytes), ImageFormat::Png).unwrap();
        return Picture { name: format!("{i}.png"), bytes };
    }
    let encoder = JpegEncoder::new_with_quality(&mut bytes, 95);
    image::ImageEncoder::write_image(encoder, &pixels.rgb, width, height, ExtendedColorType::Rgb8)
        .unwrap();
    Picture { name: format!("{i}.jpg"), bytes }
}

impl Network {
    /// Tensor 0 of a picture, by the compiler's reading of it (the client has its own).
    pub fn tensor(&self, picture: usize) -> Vec<i64> {
        let pixels = Pixels::decode(&self.pictures[picture].bytes).unwrap();
        encode(&pixels, &self.plan.public).unwrap()
    }

    /// The clear fixed-point logits of a picture.
    pub fn clear(&self, picture: usize) -> Vec<i64> {
        clear::evaluate(&self.plan, &self.tensor(picture)).pop().unwrap()
    }

    /// Asserts that these are the private logits of a picture.
    pub fn assert_logits(&self, picture: usize, private: &[i64]) {
        let clear = self.clear(picture);
        assert_eq!(private.len(), clear.len());
        for (p, c) in private.iter().zip(&clear) {
            assert!((p - c).abs() <= TOLERANCE, "private {private:?}, clear {clear:?}");
        }
    }

    /// As [`Self::assert_logits`], for logits that the client printed.
    pub fn assert_printed(&self, picture: usize, printed: &serde_json::Value) {
        let scale = f64::from(self.plan.public.output().unwrap().frac).exp2();
        let printed = printed.as_array().unwrap().iter();
        let units: Vec<i64> =
            printed.map(|x| (x.as_f64().unwrap() * scale).round() as i64).collect();
        self.assert_logits(picture, &units);
    }

    /// The plan's hash as programs print it.
    pub fn hash(&self) -> String {
        self.plan.hash().unwrap().iter().map(|b| format!("{b:02x}")).collect()
    }
}
