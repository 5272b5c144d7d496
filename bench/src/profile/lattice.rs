//! Kernels of the encrypted linear layers.

use tacita_bench::cases::{Keys, Layer};
use tacita_bench::meter::{Meter, unit};
use tacita_protocol::Result;
use tacita_protocol::cost::profile::LatticeKernels;
use tacita_protocol::plan::{ConvShape, Shape};
use tacita_protocol::rlwe::Packing;
use tacita_protocol::rng::SecretRng;

use super::line_through;

/// Core-seconds of a response of prepared weights, and the last bytes.
fn response(
    meter: &Meter,
    layer: &mut Layer,
    keys: &Keys,
    rng: &mut SecretRng,
) -> Result<(f64, Vec<u8>)> {
    let upload = layer.encrypt(keys, rng)?;
    let (input, prepared) = (layer.read(&upload)?, layer.prepare()?);
    let mut bytes = Vec::new();
    let cpu = meter.seconds_of(|| {
        bytes = layer.respond(&prepared, &input, keys, rng)?;
        Ok(())
    })?;
    Ok((unit(cpu, layer.packing.responses()), bytes))
}

/// Measures them on convolutions of a residual network.
pub fn measure(meter: &Meter) -> Result<LatticeKernels> {
    let mut rng = SecretRng::from_os()?;
    let keys = Keys::new(&mut rng);
    let image = Shape::new(64, 32, 32);
    // Many ciphertexts: the uploads and the weights of eight tickets.
    let mut wide = Layer::new(&ConvShape::same(image, 64, 3, 1), 8, &mut rng)?;
    let mut upload = Vec::new();
    let encrypt = meter.seconds_of(|| {
        upload = wide.encrypt(&keys, &mut rng)?;
        Ok(())
    })?;
    let read = meter.seconds_of(|| wide.read(&upload))?;
    let uploads = wide.packing.uploads();
    let (layout, cells) = layouts(meter, &wide)?;
    // Many products a response against one.
    let mut deep = Layer::new(&ConvShape::same(image, 64, 3, 1), 1, &mut rng)?;
    let mut flat = Layer::new(&ConvShape::same(Shape::new(1, 32, 32), 64, 3, 1), 8, &mut rng)?;
    let weight = unit(meter.seconds_of(|| deep.prepare())?, deep.packing.weight_polys());
    let (with_many, bytes) = response(meter, &mut deep, &keys, &mut rng)?;
    let (with_few, _) = response(meter, &mut flat, &keys, &mut rng)?;
    let inputs = |layer: &Layer| layer.packing.input_groups() as f64;
    let (product, finish) = line_through((inputs(&flat), with_few), (inputs(&deep), with_many));
    let decrypt = meter.seconds_of(|| deep.decrypt(&keys, &bytes))?;
    Ok(LatticeKernels {
        layout,
        cells,
        encrypt: unit(encrypt, uploads),
        read: unit(read, uploads),
        weight,
        product,
        finish,
        decrypt: unit(decrypt, deep.packing.responses()),
    })
}

/// Seconds of choosing a layout, and of mapping the cells of a ciphertext; both on one thread.
fn layouts(meter: &Meter, layer: &Layer) -> Result<(f64, f64)> {
    let (shape, batch) = (layer.packing.shape(), layer.packing.batch());
    let choose = meter.seconds_of(|| Packing::choose(shape, batch))?;
    let map = meter.seconds_of(|| layer.map_cells())?;
    Ok((choose, unit(map, layer.packing.uploads())))
}
