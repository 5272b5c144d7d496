//! Arrays, as client and compiler read them: no more than 64 MiB and 32 bytes for each of the file,
//! whatever sizes it claims.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tacita_fuzz::within;
use tacita_image_input::Array;

fuzz_target!(|bytes: &[u8]| within((64 << 20) + 32 * bytes.len(), || {
    if let Ok(array) = Array::decode(bytes) {
        assert_eq!(array.dims.iter().product::<usize>(), array.values.len());
        assert!(array.values.iter().all(|x| x.is_finite()));
    }
    if let Ok(arrays) = Array::decode_items(bytes, 3, 100) {
        assert!(arrays.iter().all(|a| a.values.len() == 3));
    }
}));
