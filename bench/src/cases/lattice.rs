//! Encrypted linear layers and the transforms under them.

use tacita_protocol::Result;
use tacita_protocol::plan::ConvShape;
use tacita_protocol::rlwe::measure::{Plain, Products, Transformed};
use tacita_protocol::rlwe::{
    CellMap, Ciphertext, Defined, Packing, PreparedWeights, PublicKey, SecretKey, Weights,
    decrypt_response, encrypt_mask, evaluate, receive_upload,
};
use tacita_protocol::rng::SecretRng;

/// The client's keys.
pub struct Keys {
    /// What decrypts.
    pub secret: SecretKey,
    /// What the server freshens responses with.
    pub public: PublicKey,
}

impl Keys {
    /// Fresh keys.
    pub fn new(rng: &mut SecretRng) -> Self {
        let secret = SecretKey::generate(rng);
        Self { public: secret.public_key(rng), secret }
    }
}

/// A convolution for a batch of tickets.
pub struct Layer {
    /// Its layout.
    pub packing: Packing,
    cells: CellMap,
    weights: Vec<i32>,
    masks: Vec<u64>,
    r: Vec<u64>,
    seed: [u8; 32],
}

impl Layer {
    /// With random weights and masks.
    ///
    /// # Errors
    /// If the convolution cannot be packed.
    pub fn new(shape: &ConvShape, batch: usize, rng: &mut SecretRng) -> Result<Self> {
        let packing = Packing::choose(shape, batch)?;
        let elements = shape.input.len();
        let cells = CellMap::new(&packing, &mut Defined::none(batch, elements))?;
        let weights = (0..shape.weights()).map(|_| (rng.u64() % 2001) as i32 - 1000).collect();
        let masks = rng.u64s(batch * shape.output().len());
        let r = rng.u64s(batch * elements);
        Ok(Self { packing, cells, weights, masks, r, seed: rng.array() })
    }

    /// Client: the upload.
    ///
    /// # Errors
    /// Those of the protocol, as with all that follow.
    pub fn encrypt(&mut self, keys: &Keys, rng: &mut SecretRng) -> Result<Vec<u8>> {
        encrypt_mask(&keys.secret, &self.cells, &self.seed, 0, &mut self.r, rng)
    }

    /// Server: reads an upload.
    ///
    /// # Errors
    /// As [`Self::encrypt`].
    pub fn read(&self, upload: &[u8]) -> Result<Vec<Ciphertext>> {
        receive_upload(&self.cells, &self.seed, 0, upload)
    }

    /// Server: transforms the weights.
    ///
    /// # Errors
    /// As [`Self::encrypt`].
    pub fn prepare(&self) -> Result<PreparedWeights> {
        PreparedWeights::new(&self.packing, &self.weights)
    }

    /// Server: the responses.
    ///
    /// # Errors
    /// As [`Self::encrypt`].
    pub fn respond(
        &self,
        prepared: &PreparedWeights,
        input: &[Ciphertext],
        keys: &Keys,
        rng: &mut SecretRng,
    ) -> Result<Vec<u8>> {
        let weights = Weights::Prepared(prepared);
        evaluate(&self.packing, weights, input, &keys.public, &self.masks, rng)
    }

    /// Client: its share of the outputs.
    ///
    /// # Errors
    /// As [`Self::encrypt`].
    pub fn decrypt(&self, keys: &Keys, responses: &[u8]) -> Result<Vec<u64>> {
        decrypt_response(&keys.secret, &self.packing, responses)
    }

    /// Both parties: the map of cells.
    ///
    /// # Errors
    /// As [`Self::encrypt`].
    pub fn map_cells(&self) -> Result<CellMap> {
        let elements = self.packing.shape().input.len();
        CellMap::new(&self.packing, &mut Defined::none(self.packing.batch(), elements))
    }
}

/// Random polynomials modulo both primes.
pub struct Polynomials {
    /// As coefficients.
    pub plain: Vec<Plain>,
    /// Transformed.
    pub transformed: Vec<Transformed>,
}

impl Polynomials {
    /// `n` of each.
    pub fn new(n: usize, rng: &mut SecretRng) -> Self {
        let mut random = || (0..n).map(|_| Plain::random(rng)).collect::<Vec<_>>();
        let transformed = random().into_iter().map(Plain::forward).collect();
        Self { plain: random(), transformed }
    }

    /// The sum of all squares of those transformed.
    pub fn squares(&self) -> Products {
        let mut sum = Products::new();
        sum.add(&self.transformed, &self.transformed);
        sum
    }
}

/// Ciphertext-plaintext products as the server adds them up: a stream of weight polynomials that
/// no cache holds, against ciphertexts that stay.
pub struct ProductStream {
    weights: Vec<Transformed>,
    ciphertexts: [Vec<Transformed>; 2],
    sums: [Products; 2],
}

impl ProductStream {
    /// Products of a run: 64 MiB of weights.
    pub const COUNT: usize = 512;
    /// Products added up at a time.
    const BATCH: usize = 8;

    /// Random polynomials.
    pub fn new(rng: &mut SecretRng) -> Self {
        let mut random =
            |n: usize| (0..n).map(|_| Plain::random(rng).forward()).collect::<Vec<_>>();
        Self {
            weights: random(Self::COUNT),
            ciphertexts: [random(Self::BATCH), random(Self::BATCH)],
            sums: [Products::new(), Products::new()],
        }
    }

    /// Adds all products.
    pub fn run(&mut self) {
        for weights in self.weights.chunks(Self::BATCH) {
            for (sum, half) in self.sums.iter_mut().zip(&self.ciphertexts) {
                sum.add(weights, half);
            }
        }
    }
}
