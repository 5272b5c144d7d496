//! Kernels of the encrypted linear layers.

use tacet_protocol::Result;
use tacet_protocol::cost::profile::LatticeKernels;
use tacet_protocol::plan::{ConvShape, Shape};
use tacet_protocol::rlwe::{
    CellMap, Defined, Packing, PreparedWeights, PublicKey, SecretKey, Weights, decrypt_response,
    encrypt_mask, evaluate, receive_upload,
};
use tacet_protocol::rng::SecretRng;

use super::{Meter, line_through, timed, unit};

/// A convolution at work, with everything that its kernels take.
struct Bench {
    packing: Packing,
    cells: CellMap,
    weights: Vec<i32>,
    masks: Vec<u64>,
    r: Vec<u64>,
    seed: [u8; 32],
}

impl Bench {
    fn new(shape: &ConvShape, batch: usize, rng: &mut SecretRng) -> Result<Self> {
        let packing = Packing::choose(shape, batch)?;
        let elements = shape.input.len();
        let cells = CellMap::new(&packing, &mut Defined::none(batch, elements))?;
        let weights = (0..shape.weights()).map(|_| (rng.u64() % 2001) as i32 - 1000).collect();
        let masks = rng.u64s(batch * shape.output().len());
        let r = rng.u64s(batch * elements);
        Ok(Self { packing, cells, weights, masks, r, seed: rng.array() })
    }

    fn encrypt(&mut self, key: &SecretKey, rng: &mut SecretRng) -> Result<Vec<u8>> {
        encrypt_mask(key, &self.cells, &self.seed, 0, &mut self.r, rng)
    }

    /// Core-seconds of a response of prepared weights, and the last bytes.
    fn response(
        &mut self,
        meter: &Meter,
        keys: (&SecretKey, &PublicKey),
        rng: &mut SecretRng,
    ) -> Result<(f64, Vec<u8>)> {
        let upload = self.encrypt(keys.0, rng)?;
        let input = receive_upload(&self.cells, &self.seed, 0, &upload)?;
        let prepared = PreparedWeights::new(&self.packing, &self.weights)?;
        let mut bytes = Vec::new();
        let cpu = meter.median(|| {
            let weights = Weights::Prepared(&prepared);
            let done;
            (bytes, done) =
                timed(|| evaluate(&self.packing, weights, &input, keys.1, &self.masks, rng))?;
            Ok(done)
        })?;
        Ok((unit(cpu, self.packing.responses()), bytes))
    }
}

/// Measures them on convolutions of a residual network.
pub fn measure(meter: &Meter) -> Result<LatticeKernels> {
    let mut rng = SecretRng::from_os()?;
    let key = SecretKey::generate(&mut rng);
    let public = key.public_key(&mut rng);
    let image = Shape::new(64, 32, 32);
    // Many ciphertexts: the uploads and the weights of eight tickets.
    let mut wide = Bench::new(&ConvShape::same(image, 64, 3, 1), 8, &mut rng)?;
    let mut upload = Vec::new();
    let encrypt = meter.median(|| {
        let done;
        (upload, done) = timed(|| wide.encrypt(&key, &mut rng))?;
        Ok(done)
    })?;
    let read =
        meter.median(|| Ok(timed(|| receive_upload(&wide.cells, &wide.seed, 0, &upload))?.1))?;
    let prepare =
        |b: &Bench| meter.median(|| Ok(timed(|| PreparedWeights::new(&b.packing, &b.weights))?.1));
    let uploads = wide.packing.uploads();
    let (layout, cells) = layouts(meter, &wide.packing)?;
    // Many products a response against one.
    let mut deep = Bench::new(&ConvShape::same(image, 64, 3, 1), 1, &mut rng)?;
    let mut flat = Bench::new(&ConvShape::same(Shape::new(1, 32, 32), 64, 3, 1), 8, &mut rng)?;
    let weight = unit(prepare(&deep)?, deep.packing.weight_polys());
    let (with_many, bytes) = deep.response(meter, (&key, &public), &mut rng)?;
    let (with_few, _) = flat.response(meter, (&key, &public), &mut rng)?;
    let inputs = |b: &Bench| b.packing.input_groups() as f64;
    let (product, finish) = line_through((inputs(&flat), with_few), (inputs(&deep), with_many));
    let decrypt =
        meter.median(|| Ok(timed(|| decrypt_response(&key, &deep.packing, &bytes))?.1))?;
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
fn layouts(meter: &Meter, packing: &Packing) -> Result<(f64, f64)> {
    let (shape, batch) = (packing.shape(), packing.batch());
    let choose = meter.median(|| Ok(timed(|| Packing::choose(shape, batch))?.1))?;
    let map = meter.median(|| {
        let mut defined = Defined::none(batch, shape.input.len());
        Ok(timed(|| CellMap::new(packing, &mut defined))?.1)
    })?;
    Ok((choose, map / packing.uploads().max(1) as f64))
}
