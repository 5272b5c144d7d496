//! The images that a network is judged on.

use std::path::Path;

use tacita_bench::cifar::test_pixels;
use tacita_compile::Calibration;
use tacita_image_input::Pixels;
use tacita_protocol::Result;
use tacita_protocol::plan::Shape;

/// What CIFAR images are.
const CIFAR: Shape = Shape::new(3, 32, 32);
/// Drawn images passed over: the first ones may be those that the compiler measures ranges on.
const CALIBRATION: usize = 256;

/// Images of the network's size.
pub struct Images {
    /// The images.
    pub pixels: Vec<Pixels>,
    /// Where they come from.
    pub source: String,
    /// The folder, if it suits the network.
    pub cifar: bool,
}

/// `n` CIFAR-10 test images where there are some and they fit, else drawn ones.
///
/// # Errors
/// `Input` if `data` holds no CIFAR-10 test batch or too few images.
pub fn images(data: Option<&Path>, shape: Shape, n: usize) -> Result<Images> {
    if let Some(data) = data.filter(|_| shape == CIFAR) {
        let pixels = test_pixels(data, n)?.into_iter().map(|(_, pixels)| pixels).collect();
        return Ok(Images { pixels, source: "CIFAR-10 test images".into(), cifar: true });
    }
    let mut pixels = Calibration::pictures(shape, CALIBRATION + n);
    pixels.drain(..CALIBRATION);
    Ok(Images { pixels, source: "drawn images".into(), cifar: false })
}
