//! HybReNets (DeepReShape, Jha and Reagen, TMLR 2024): widths under which the stages have
//! ReLUs in the order of their criticality.
//!
//! A network of four stages with base width `m` has widths `m, a*m, a*b*m, a*b*c*m`, and its
//! name is `hrn-AxBxCx`. Stage `k` (from 1) with `phi_k` blocks and width `w_k` has ReLUs in
//! proportion to `phi_k * w_k / 4^k`, whatever the image. [`Problem::solve`] finds the least
//! integer factors; [`Sized::new`] counts what they cost.

use crate::{Error, Result};
use serde::Serialize;
use tacita_architectures::{Counts, Error as Described, Family, Options, Shape};

/// Stages of a HybReNet.
pub const STAGES: usize = 4;
/// Factors from the width of a stage to that of the next: alpha, beta, gamma.
pub type Factors = [u64; STAGES - 1];
/// The order of criticality that DeepReDuce finds for ResNet18 and ResNet34.
pub const ORDER: [usize; STAGES] = [3, 2, 4, 1];
/// Largest factor that a name can hold.
pub const LARGEST: u64 = 64;

/// The networks that DeepReShape names, with their base widths.
pub const NAMED: [(&str, i64); 11] = [
    ("hrn-5x5x3x", 16),
    ("hrn-5x5x3x", 8),
    ("hrn-5x7x2x", 16),
    ("hrn-6x6x2x", 16),
    ("hrn-7x5x2x", 16),
    ("hrn-4x5x3x", 16),
    ("hrn-2x5x3x", 32),
    ("hrn-2x5x3x", 16),
    ("hrn-2x5x3x", 8),
    ("hrn-2x6x2x", 32),
    ("hrn-2x7x2x", 32),
];

/// ReLU equalisation: stages that matter more shall have strictly more ReLUs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Stages from 1, most critical first.
    pub order: [usize; STAGES],
    /// Blocks of each stage.
    pub depths: [usize; STAGES],
    /// Least factor.
    pub min: u64,
    /// Largest factor.
    pub max: u64,
}

impl Problem {
    /// The problem, checked.
    ///
    /// # Errors
    /// The order is not one of all stages, or a bound is out of range.
    pub fn new(
        order: [usize; STAGES],
        depths: [usize; STAGES],
        (min, max): (u64, u64),
    ) -> Result<Self> {
        if !(1..=STAGES).all(|stage| order.contains(&stage)) {
            return Err(bad("--order", "does not name each of s1, s2, s3 and s4 once"));
        }
        if !depths.iter().all(|d| (1..=256).contains(d)) {
            return Err(bad("--depths", "has a number that is not between 1 and 256"));
        }
        if !(1 <= min && min <= max && max <= LARGEST) {
            return Err(bad("--min", "and --max are not 1 <= min <= max <= 64"));
        }
        Ok(Self { order, depths, min, max })
    }

    /// Whether the stages have ReLUs in the order asked for. Exact: the counts are compared
    /// as `phi_k * w_k * 4^(4 - k)` in integers.
    pub fn holds(&self, factors: Factors) -> bool {
        let mut width = 1;
        let mut relus = [0; STAGES];
        for (stage, count) in relus.iter_mut().enumerate() {
            width *= if stage == 0 { 1 } else { factors[stage - 1] };
            *count = self.depths[stage] as u64 * width * 4_u64.pow((STAGES - 1 - stage) as u32);
        }
        self.order.windows(2).all(|pair| relus[pair[0] - 1] > relus[pair[1] - 1])
    }

    /// The solutions within the bounds of which no factor can be lowered further: those that
    /// no other solution undercuts in one factor without exceeding it in another. Sorted.
    pub fn solve(&self) -> Vec<Factors> {
        let mut least: Vec<Factors> = Vec::new();
        for a in self.min..=self.max {
            for b in self.min..=self.max {
                for c in self.min..=self.max {
                    let new = [a, b, c];
                    // Whatever undercuts a triple comes before it in this order.
                    let undercuts = |old: &Factors| old.iter().zip(&new).all(|(o, n)| o <= n);
                    if self.holds(new) && !least.iter().any(undercuts) {
                        least.push(new);
                    }
                }
            }
        }
        least
    }
}

/// Name of the network with these factors.
pub fn name(factors: Factors) -> String {
    let [a, b, c] = factors;
    format!("hrn-{a}x{b}x{c}x")
}

/// A HybReNet of a certain base width, and what it costs.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Sized {
    /// Name, as `--net` takes it.
    pub name: String,
    /// Width of the first stage, as `--base-width` takes it.
    pub base_width: i64,
    /// Width of each stage.
    pub widths: Vec<i64>,
    /// ReLUs of the stem and of each stage.
    pub stages: Vec<usize>,
    /// Sizes of the whole network.
    pub counts: Counts,
}

/// What a network is sized for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Setting {
    /// Shape of an image.
    pub input: Shape,
    /// Classes.
    pub classes: i64,
    /// Blocks of each stage.
    pub depths: [usize; STAGES],
}

impl Sized {
    /// Counts the network called `name` at base width `base_width`.
    ///
    /// # Errors
    /// There is no such network, or the images are too small for it.
    pub fn new(name: &str, base_width: i64, setting: &Setting) -> Result<Self> {
        let (base, depths) = (Some(base_width), Some(setting.depths.to_vec()));
        let options = Options { base_width: base, depths, ..Options::named(name) };
        let network = options.network(setting.input, setting.classes)?;
        let graph = network.graph();
        let Family::ResNet { widths, .. } = network.layout else {
            return Err(Described::UnknownNetwork(name.to_owned()).into());
        };
        let (stages, counts) = (graph.stage_relus(), graph.counts());
        Ok(Self { name: name.to_owned(), base_width, widths, stages, counts })
    }

    /// The widest network called `name` with at most `budget` ReLUs; none where even base
    /// width 1 has more.
    ///
    /// # Errors
    /// As [`Sized::new`].
    pub fn within(name: &str, budget: usize, setting: &Setting) -> Result<Option<Self>> {
        // Every width is a multiple of the base width, and so is the number of ReLUs.
        let unit = Self::new(name, 1, setting)?.counts.relus.max(1);
        match (budget / unit).min(WIDEST) {
            0 => Ok(None),
            base => Self::new(name, base as i64, setting).map(Some),
        }
    }
}

/// Widest base width that networks take.
const WIDEST: usize = 8192;

fn bad(setting: &'static str, problem: &'static str) -> Error {
    Error::BadSetting { setting, problem }
}

#[cfg(test)]
mod tests;
