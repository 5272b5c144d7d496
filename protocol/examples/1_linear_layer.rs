//! A convolution on encrypted masks: the offline half of a linear layer (docs/protocol.md,
//! section 4).
//!
//! The client ends with `c = L(r) - s`, the server knows `s`: shares of `L(r)` that neither could
//! compute alone. Run with `cargo run --release -p tacita-protocol --example 1_linear_layer`.

#![allow(clippy::print_stdout, reason = "an example talks to its reader")]

use tacita_protocol::Result;
use tacita_protocol::linear::{Backend, conv};
use tacita_protocol::plan::{ConvShape, Shape};
use tacita_protocol::rlwe::{self, CellMap, Defined, Packing, SecretKey, Weights};
use tacita_protocol::rng::SecretRng;

fn main() -> Result<()> {
    let mut rng = SecretRng::from_os()?;
    let input = Shape::new(16, 32, 32);
    let shape = ConvShape::same(input, 16, 3, 1);
    let weights: Vec<i32> = (0..shape.weights()).map(|_| (rng.u64() % 201) as i32 - 100).collect();
    let batch = 4;

    // Both parties derive the layout from the public shape.
    let packing = Packing::choose(&shape, batch)?;
    let cells = CellMap::new(&packing, &mut Defined::none(batch, input.len()))?;

    // Client: keys, and masks r that the ciphertexts themselves define.
    let key = SecretKey::generate(&mut rng);
    let public = key.public_key(&mut rng);
    let seed = rng.array();
    let mut r = vec![0; batch * input.len()];
    let upload = rlwe::encrypt_mask(&key, &cells, &seed, 0, &mut r, &mut rng)?;

    // Server: L(r) - s under encryption, freshened and flooded.
    rlwe::check_flooding(rlwe::noise_bound(&weights, &shape))?;
    let s = rng.u64s(batch * shape.output().len());
    let ciphertexts = rlwe::receive_upload(&cells, &seed, 0, &upload)?;
    let raw = Weights::Raw(&weights);
    let response = rlwe::evaluate(&packing, raw, &ciphertexts, &public, &s, &mut rng)?;

    // Client: its share.
    let c = rlwe::decrypt_response(&key, &packing, &response)?;

    // Together: the convolution of r, off by the response's rounding.
    let mut worst = 0;
    for (ticket, r) in r.chunks(input.len()).enumerate() {
        let at = ticket * shape.output().len();
        let mut expected = vec![0; shape.output().len()];
        conv(Backend::detect(), &shape, &weights, r, &mut expected);
        for ((c, s), e) in c.iter().skip(at).zip(s.iter().skip(at)).zip(&expected) {
            let error = c.wrapping_add(*s).wrapping_sub(*e) as i64;
            worst = worst.max(error.abs());
        }
    }
    println!(
        "{batch} tickets: {} bytes up, {} down, {} products; largest error {worst} units",
        upload.len(),
        response.len(),
        packing.products()
    );
    Ok(())
}
