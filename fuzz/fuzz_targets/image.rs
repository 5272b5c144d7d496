//! Pictures, as the compiler and (with the same decoders) the client read them.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tacita_image_input::Pixels;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(pixels) = Pixels::decode(bytes) {
        assert_eq!(pixels.rgb.len(), 3 * pixels.width * pixels.height);
    }
});
