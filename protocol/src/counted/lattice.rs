//! Encrypted linear layers.

use super::count;
use crate::plan::{ConvShape, Shape};
use crate::rlwe::measure::{Plain, Products, Transformed};
use crate::rlwe::{
    CellMap, Defined, Packing, PreparedWeights, PublicKey, SecretKey, Weights, decrypt_response,
    encrypt_mask, evaluate, receive_upload,
};
use crate::rng::SecretRng;

/// A layer of a few ciphertexts, and all that its kernels take.
struct Layer {
    packing: Packing,
    cells: CellMap,
    weights: Vec<i32>,
    secret: SecretKey,
    public: PublicKey,
    r: Vec<u64>,
    masks: Vec<u64>,
    rng: SecretRng,
}

const SEED: [u8; 32] = [7; 32];

impl Layer {
    fn new() -> Self {
        let (shape, batch) = (ConvShape::same(Shape::new(8, 16, 16), 8, 3, 1), 4);
        let mut rng = SecretRng::from_test_seed(11);
        let packing = Packing::choose(&shape, batch).unwrap();
        let elements = shape.input.len();
        let cells = CellMap::new(&packing, &mut Defined::none(batch, elements)).unwrap();
        let secret = SecretKey::generate(&mut rng);
        Self {
            packing,
            cells,
            weights: (0..shape.weights()).map(|_| (rng.u64() % 2001) as i32 - 1000).collect(),
            public: secret.public_key(&mut rng),
            secret,
            r: rng.u64s(batch * elements),
            masks: rng.u64s(batch * shape.output().len()),
            rng,
        }
    }

    fn encrypt(&mut self) -> Vec<u8> {
        encrypt_mask(&self.secret, &self.cells, &SEED, 0, &mut self.r, &mut self.rng).unwrap()
    }
}

fn random(n: usize) -> Vec<Plain> {
    let mut rng = SecretRng::from_test_seed(3);
    (0..n).map(|_| Plain::random(&mut rng)).collect()
}

fn transformed(n: usize) -> Vec<Transformed> {
    random(n).into_iter().map(Plain::forward).collect()
}

#[test]
#[ignore = "counted by scripts/instructions.py"]
fn ntt_forward() {
    let mut ready = random(2);
    count(move || ready.pop().unwrap().forward());
}

#[test]
#[ignore = "counted by scripts/instructions.py"]
fn ntt_inverse() {
    let polys = transformed(1);
    let mut ready = vec![Products::new(), Products::new()];
    ready.iter_mut().for_each(|sum| sum.add(&polys, &polys));
    count(move || ready.pop().unwrap().inverse());
}

#[test]
#[ignore = "counted by scripts/instructions.py"]
fn eight_products() {
    let (left, right, mut sum) = (transformed(8), transformed(8), Products::new());
    count(move || sum.add(&left, &right));
}

#[test]
#[ignore = "counted by scripts/instructions.py"]
fn encrypt() {
    let mut layer = Layer::new();
    count(move || layer.encrypt());
}

#[test]
#[ignore = "counted by scripts/instructions.py"]
fn read_upload() {
    let mut layer = Layer::new();
    let upload = layer.encrypt();
    count(move || receive_upload(&layer.cells, &SEED, 0, &upload).unwrap());
}

#[test]
#[ignore = "counted by scripts/instructions.py"]
fn transform_weights() {
    let layer = Layer::new();
    count(move || PreparedWeights::new(&layer.packing, &layer.weights).unwrap());
}

impl Layer {
    /// Everything that makes the response, ready to run.
    fn responder(mut self) -> impl FnMut() -> Vec<u8> {
        let upload = self.encrypt();
        let input = receive_upload(&self.cells, &SEED, 0, &upload).unwrap();
        let prepared = PreparedWeights::new(&self.packing, &self.weights).unwrap();
        move || {
            let weights = Weights::Prepared(&prepared);
            evaluate(&self.packing, weights, &input, &self.public, &self.masks, &mut self.rng)
                .unwrap()
        }
    }
}

#[test]
#[ignore = "counted by scripts/instructions.py"]
fn respond() {
    count(Layer::new().responder());
}

#[test]
#[ignore = "counted by scripts/instructions.py"]
fn decrypt_responses() {
    let layer = Layer::new();
    let (packing, response) = (layer.packing.clone(), Layer::new().responder()());
    count(move || decrypt_response(&layer.secret, &packing, &response).unwrap());
}
