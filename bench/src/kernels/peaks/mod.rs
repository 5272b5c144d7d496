//! What one core of this machine can do at most, measured: the denominators of all floors.
//!
//! Every figure is the best of several runs, of twelve independent chains of one instruction.
//! Where the processor has no such instruction, or is not an x86, the figure is missing.

mod portable;
#[cfg(target_arch = "x86_64")]
mod x86;

use serde::Serialize;
use tacita_bench::meter::timed;
use tacita_protocol::Result;

/// Runs that the best is taken of.
const RUNS: usize = 8;
/// Rounds of a run: about a millisecond.
const ROUNDS: usize = 1 << 18;

/// A peak, for the report.
#[derive(Serialize)]
pub struct Peak {
    name: &'static str,
    unit: &'static str,
    value: f64,
}

impl Peak {
    /// Its row of a table.
    pub fn cells(&self) -> Vec<String> {
        vec![self.name.to_owned(), format!("{:.1} {}", self.value, self.unit)]
    }
}

/// Operations or bytes a second on one core.
pub struct Peaks {
    /// Bytes read from memory.
    pub read: f64,
    /// Bytes read and written by copying in memory.
    pub copy: f64,
    /// 64x64 -> 128 bit multiplications, scalar.
    pub mul64: f64,
    /// AES rounds of a block, one block an instruction.
    pub aes: Option<f64>,
    /// AES rounds of a block, four blocks an instruction.
    pub vaes: Option<f64>,
    /// 32x32 -> 64 bit multiplications in AVX2.
    pub mul32_256: Option<f64>,
    /// 32x32 -> 64 bit multiplications in AVX-512.
    pub mul32_512: Option<f64>,
    /// 64-bit low products in AVX-512.
    pub mul64_512: Option<f64>,
    /// Double-precision multiply-adds, the widest there are.
    pub fma: Option<f64>,
    /// 52-bit multiply-adds in AVX-512.
    pub ifma: Option<f64>,
    /// Additions, XORs and rotations of 32-bit words, the widest there are.
    pub mix: f64,
}

impl Peaks {
    /// Measures them.
    ///
    /// # Errors
    /// None of its own.
    pub fn measure() -> Result<Self> {
        Self::beside_memory(portable::read()?, portable::copy()?)
    }

    /// The arithmetic.
    fn beside_memory(read: f64, copy: f64) -> Result<Self> {
        let scalar = Self {
            read,
            copy,
            mul64: best(portable::CHAINS, portable::multiply)?,
            mix: best(3 * portable::CHAINS, portable::mix)?,
            aes: None,
            vaes: None,
            mul32_256: None,
            mul32_512: None,
            mul64_512: None,
            fma: None,
            ifma: None,
        };
        #[cfg(target_arch = "x86_64")]
        let scalar = x86::measure(scalar)?;
        Ok(scalar)
    }

    /// For the report.
    pub fn list(&self) -> Vec<Peak> {
        let giga = |name, unit, value: Option<f64>| {
            value.map(|value| Peak { name, unit, value: value / 1e9 })
        };
        [
            giga("memory, read", "GB/s", Some(self.read)),
            giga("memory, copy (read and written)", "GB/s", Some(self.copy)),
            giga("AES rounds, AES-NI", "G blocks/s", self.aes),
            giga("AES rounds, VAES", "G blocks/s", self.vaes),
            giga("64x64 -> 128 multiplications, scalar", "G/s", Some(self.mul64)),
            giga("32x32 -> 64 multiplications, AVX2", "G/s", self.mul32_256),
            giga("32x32 -> 64 multiplications, AVX-512", "G/s", self.mul32_512),
            giga("64-bit low products, AVX-512", "G/s", self.mul64_512),
            giga("52-bit multiply-adds, AVX-512 IFMA", "G/s", self.ifma),
            giga("f64 multiply-adds", "G/s", self.fma),
            giga("32-bit add, XOR, rotate", "G/s", Some(self.mix)),
        ]
        .into_iter()
        .flatten()
        .collect()
    }

    /// Seconds of moving bytes that do not stay in a cache.
    pub fn moved(&self, bytes: f64) -> f64 {
        bytes / self.read.max(self.copy)
    }

    /// Seconds of an AES round of one block.
    pub fn aes_round(&self) -> Option<f64> {
        Some(1.0 / self.aes?.max(self.vaes.unwrap_or_default()))
    }

    /// Seconds of the 126-bit product of two 63-bit words: one scalar multiplication, four
    /// products of 32-bit halves, or seven of 52-bit limbs (the upper limbs have 11 bits).
    pub fn wide_product(&self) -> f64 {
        least(
            1.0 / self.mul64,
            [times(4.0, self.mul32_256), times(4.0, self.mul32_512), times(7.0, self.ifma)],
        )
    }

    /// Seconds of a product with a constant modulo a 63-bit prime (Shoup): the high word of one
    /// product, the low words of two. A low word takes three products of 32-bit halves, or one
    /// AVX-512 instruction, which may run beside the others; in 52-bit limbs it is three for the
    /// high word (leaving out what cannot carry) and four for each low one.
    pub fn modular_product(&self) -> f64 {
        let avx512 = match (times(4.0, self.mul32_512), times(2.0, self.mul64_512)) {
            (Some(high), Some(low)) => Some(high.max(low)),
            _ => None,
        };
        least(3.0 / self.mul64, [times(10.0, self.mul32_256), avx512, times(11.0, self.ifma)])
    }

    /// Seconds of a 64-bit multiply-accumulate with a 32-bit weight, for a named backend: a scalar
    /// multiplication; two products of 32-bit halves; or the best of one 64-bit, two 32-bit and
    /// two 52-bit vector multiplications.
    pub fn mac(&self, backend: &str) -> f64 {
        let scalar = 1.0 / self.mul64;
        match backend {
            "scalar" => scalar.min(times(2.0, self.mul32_256).unwrap_or(scalar)),
            "avx2" => times(2.0, self.mul32_256).unwrap_or(scalar),
            _ => least(
                scalar,
                [times(1.0, self.mul64_512), times(2.0, self.mul32_512), times(2.0, self.ifma)],
            ),
        }
    }

    /// Seconds of ChaCha20 keystream: 960 operations on words for 64 bytes.
    pub fn keystream(&self, bytes: f64) -> f64 {
        bytes / 64.0 * 960.0 / self.mix
    }
}

fn times(n: f64, peak: Option<f64>) -> Option<f64> {
    peak.map(|peak| n / peak)
}

fn least<const N: usize>(first: f64, others: [Option<f64>; N]) -> f64 {
    others.into_iter().flatten().fold(first, f64::min)
}

/// Operations a second of `f`, which does `operations` in each of the rounds that it is given.
fn best(operations: usize, f: impl Fn(usize)) -> Result<f64> {
    fastest((operations * ROUNDS) as f64, || f(ROUNDS))
}

/// Units a second in the fastest of some runs.
fn fastest(units: f64, mut f: impl FnMut()) -> Result<f64> {
    let mut least = f64::INFINITY;
    for _ in 0..RUNS {
        let ((), seconds) = timed(|| {
            f();
            Ok(())
        })?;
        least = least.min(seconds);
    }
    Ok(units / least)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(value: f64) -> Peaks {
        let some = Some(value);
        Peaks {
            read: value,
            copy: value,
            mul64: value,
            aes: some,
            vaes: None,
            mul32_256: some,
            mul32_512: None,
            mul64_512: None,
            fma: None,
            ifma: None,
            mix: value,
        }
    }

    #[test]
    fn the_fastest_unit_that_is_there_counts() {
        let plain = of(2.0);
        assert_eq!(plain.wide_product(), 0.5);
        assert_eq!(plain.modular_product(), 1.5);
        assert_eq!(plain.mac("avx2"), 1.0);
        assert_eq!(plain.aes_round(), Some(0.5));
        let wide = Peaks { mul32_512: Some(80.0), mul64_512: Some(10.0), vaes: Some(8.0), ..plain };
        assert_eq!(wide.wide_product(), 0.05);
        assert_eq!(wide.modular_product(), 0.2);
        assert_eq!(wide.mac("avx512"), 0.025);
        assert_eq!(wide.aes_round(), Some(0.125));
    }

    #[test]
    fn every_peak_is_a_rate() {
        let peaks = Peaks::beside_memory(1e9, 1e9).unwrap();
        assert!(peaks.list().iter().all(|p| p.value.is_finite() && p.value > 0.0));
    }
}
