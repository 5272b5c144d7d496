//! Lower bounds: operations and bytes that a method cannot do without, at this machine's peaks.
//!
//! Parts may overlap (multiplications, other arithmetic, memory), so a floor is the longest part,
//! not their sum. What is left out only lowers it: additions, loads and stores, whatever stays in a cache.

use tacita_protocol::ot::{BASE_COUNT, FieldBits, SilentSet};
use tacita_protocol::rlwe::{DEGREE, P};

use super::peaks::Peaks;

/// A lower bound of a unit's seconds, and what it counts.
#[derive(Clone)]
pub struct Floor {
    /// Seconds.
    pub seconds: f64,
    /// One sentence.
    pub text: String,
}

impl Floor {
    /// The longest of `parts`.
    pub fn new<const N: usize>(parts: [f64; N], text: &str) -> Self {
        Self { seconds: parts.into_iter().fold(0.0, f64::max), text: text.to_owned() }
    }
}

const N: f64 = DEGREE as f64;
const PRIMES: f64 = P.len() as f64;
/// Bytes of a polynomial modulo all primes.
const POLY: f64 = 8.0 * N * PRIMES;
/// Random bits of a coefficient's noise: two sums of 21.
const NOISE: f64 = 42.0;
/// Rounds of AES-128.
const ROUNDS: f64 = 10.0;

/// Butterflies of a transform modulo all primes.
fn butterflies() -> f64 {
    PRIMES * N / 2.0 * f64::from(DEGREE.ilog2())
}

/// A transform either way.
pub fn transform(p: &Peaks) -> Floor {
    Floor::new(
        [butterflies() * p.modular_product()],
        "N/2 log2 N butterflies for each of the 2 primes, N = 8192, each one modular product of 3 \
         word multiplications (or what stands for them in vectors)",
    )
}

/// Transforming a weight polynomial.
pub fn weight(p: &Peaks) -> Floor {
    Floor::new(
        [butterflies() * p.modular_product(), p.moved(POLY)],
        "a forward transform modulo 2 primes; 128 KiB written",
    )
}

/// A ciphertext-plaintext product.
pub fn product(p: &Peaks) -> Floor {
    Floor::new(
        [product_operations(p), p.moved(POLY)],
        "4 x 8192 multiply-adds of 63-bit words, not reduced; the weight polynomial's 128 KiB from \
         memory",
    )
}

/// Encrypting an upload ciphertext.
pub fn encrypt(p: &Peaks) -> Floor {
    let modular = butterflies() + PRIMES * N;
    Floor::new(
        [modular * p.modular_product(), p.keystream(POLY + N * NOISE / 8.0)],
        "an inverse transform and a pointwise product; ChaCha20 for 128 KiB of the public \
         polynomial and 42 bits of noise a coefficient, 960 word operations for 64 bytes",
    )
}

/// Reading one.
pub fn read(p: &Peaks) -> Floor {
    Floor::new(
        [butterflies() * p.modular_product(), p.keystream(POLY)],
        "a forward transform; ChaCha20 for the public polynomial's 128 KiB",
    )
}

/// Finishing a response.
pub fn finish(p: &Peaks) -> Floor {
    let modular = 3.0 * butterflies() * p.modular_product();
    Floor::new(
        [modular + product_operations(p), p.keystream(N * (2.0 + 2.0 * NOISE) / 8.0)],
        "a forward and two inverse transforms and the two products with the public key; ChaCha20 \
         for a ternary and two noise polynomials (86 bits a coefficient)",
    )
}

/// Decrypting a response.
pub fn decrypt(p: &Peaks) -> Floor {
    let modular = 2.0 * butterflies() * p.modular_product();
    Floor::new(
        [modular + PRIMES * N * p.wide_product()],
        "a forward and an inverse transform and a pointwise product",
    )
}

/// An AND gate: `hashes` of two AES calls each, 32 bytes written or read.
pub fn gate(p: &Peaks, count: f64, text: &str) -> Floor {
    hashes(p, count, 32.0, text)
}

/// So many hashes of two AES calls each, `bytes` written or read.
pub fn hashes(p: &Peaks, count: f64, bytes: f64, text: &str) -> Floor {
    let rounds = count * 2.0 * ROUNDS;
    Floor::new([p.aes_round().unwrap_or_default() * rounds, p.moved(bytes)], text)
}

/// AES calls an OT at the receiver, and at the sender, who misses a leaf in each tree.
fn ot_calls() -> (f64, f64) {
    let field = FieldBits::default();
    let widths = (0..field.blocks()).map(|b| field.get().min(BASE_COUNT - b * field.get()));
    widths.fold((0.0, 0.0), |(receiver, sender), width| {
        let leaves = f64::from(1u32 << width);
        (receiver + leaves / 128.0, sender + (leaves - 1.0) / 128.0)
    })
}

/// An extended OT: at the receiver, at the sender.
pub fn ots(p: &Peaks) -> [Floor; 2] {
    let (receiver, sender) = ot_calls();
    let round = p.aes_round().unwrap_or_default();
    let of = |calls: f64| {
        let text = format!("{calls} AES calls of 10 rounds: a bit of each leaf's stream; 16 bytes");
        Floor::new([round * ROUNDS * calls, p.moved(16.0)], &text)
    };
    [of(receiver), of(sender)]
}

/// AES calls for an output of a refill: one for two children, of which half are leaves, and those
/// that make ten positions of 16 or 32 bits.
fn silent_calls(set: SilentSet) -> f64 {
    let position = if set.secret() <= 1 << 16 { 16.0 } else { 32.0 };
    1.0 + 10.0 * position / 128.0
}

/// An OT of a refill, at either party.
pub fn silent(p: &Peaks, set: SilentSet) -> Floor {
    let calls = silent_calls(set);
    let kept = set.outputs() as f64 / (set.outputs() - set.cost()) as f64;
    let text = format!(
        "{calls} AES calls of 10 rounds: children of a tree node, positions of a row; 16 bytes \
         written (and ten reads of 16 bytes from a table of {} MiB, not counted)",
        set.secret() >> 16
    );
    let round = p.aes_round().unwrap_or_default();
    Floor::new([kept * calls * ROUNDS * round, p.moved(16.0)], &text)
}

/// A multiplication of a convolution; weights may stay in a cache.
pub fn mac(p: &Peaks, backend: &str) -> Floor {
    let text = match backend {
        "scalar" => "one 64-bit multiplication, or two of 32 bits in AVX2",
        "avx2" => "two vector multiplications of 32 bits",
        _ => "the best of one 64-bit, two 32-bit and two 52-bit vector multiplications",
    };
    Floor::new([p.mac(backend)], text)
}

/// Seconds of a batch at the server: `products` with so many weight polynomials, each of which
/// comes from memory once.
pub fn products(p: &Peaks, products: usize, weights: usize) -> f64 {
    let read = p.moved(POLY * weights as f64);
    (products as f64 * product_operations(p)).max(read)
}

fn product_operations(p: &Peaks) -> f64 {
    2.0 * PRIMES * N * p.wide_product()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_follow_from_the_parameters() {
        assert_eq!(butterflies(), 2.0 * 4096.0 * 13.0);
        assert_eq!(ot_calls(), (4.0, 3.75));
        assert_eq!(SilentSet::ALL.map(silent_calls), [2.25, 3.5, 3.5]);
        assert_eq!(POLY, 131_072.0);
    }

    #[test]
    fn the_longest_part_counts() {
        assert_eq!(Floor::new([1.0, 3.0, 2.0], "").seconds, 3.0);
    }
}
