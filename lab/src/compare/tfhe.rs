//! One ReLU under fully homomorphic encryption, behind the feature `tfhe`.

#[cfg(not(feature = "tfhe"))]
use tacita_protocol::Result;

#[cfg(not(feature = "tfhe"))]
use super::record::Tfhe;

#[cfg(feature = "tfhe")]
pub use with::measure;

/// Nothing to measure in this build.
///
/// # Errors
/// None.
#[cfg(not(feature = "tfhe"))]
pub fn measure(_: f64) -> Result<Option<Tfhe>> {
    Ok(None)
}

#[cfg(feature = "tfhe")]
mod with {
    use std::time::Instant;

    use tacita_bench::table::median;
    use tacita_protocol::{Error, Result};
    use tfhe::prelude::*;
    use tfhe::safe_serialization::safe_serialized_size;
    use tfhe::{ConfigBuilder, FheInt16, generate_keys, set_server_key};

    use super::super::record::Tfhe;

    /// Fewest ReLUs that the median is taken of.
    const RUNS: usize = 3;
    const VALUES: [i16; 4] = [1234, -1234, 0, -1];

    /// `max(x, 0)` of an encrypted 16-bit integer, the library's default parameters (128 bits of
    /// security), on all cores.
    ///
    /// # Errors
    /// `Local` if a result decrypts to something else.
    pub fn measure(seconds: f64) -> Result<Option<Tfhe>> {
        let (client, server) = generate_keys(ConfigBuilder::default().build());
        let key_bytes = size(&server)?;
        set_server_key(server);
        let (started, mut times, mut bytes) = (Instant::now(), Vec::new(), 0.0);
        for value in VALUES.into_iter().cycle() {
            if times.len() >= RUNS && started.elapsed().as_secs_f64() >= seconds {
                break;
            }
            let x = FheInt16::encrypt(value, &client);
            bytes = size(&x)?;
            let begun = Instant::now();
            let relu = x.max(0i16);
            times.push(begun.elapsed().as_secs_f64());
            let result: i16 = relu.decrypt(&client);
            if result != value.max(0) {
                return Err(Error::local(format!(
                    "tfhe: the ReLU of {value} came out as {result}"
                )));
            }
        }
        Ok(Some(Tfhe {
            kind: "FheInt16".into(),
            version: "1.8".into(),
            seconds: median(times),
            threads: std::thread::available_parallelism().map_or(1, usize::from),
            ciphertext_bytes: bytes,
            server_key_bytes: key_bytes,
        }))
    }

    fn size<T: serde::Serialize + tfhe::Versionize + tfhe::named::Named>(value: &T) -> Result<f64> {
        let size = safe_serialized_size(value);
        size.map(|n| n as f64).map_err(|e| Error::local(format!("tfhe: {e}")))
    }
}
