//! Plans of the networks that [`tacita_architectures`] describes, for 3x32x32 images, with drawn
//! weights: costs depend on shapes and masks alone.

mod draw;
mod masks;
mod plan;
#[cfg(test)]
mod tests;
mod weights;

use tacita_architectures::Options;
use tacita_protocol::plan::{Plan, PublicPlan};
use tacita_protocol::{Error, Result};

use draw::Draw;

/// What images are.
const IMAGE: tacita_architectures::Shape =
    tacita_architectures::Shape { channels: 3, height: 32, width: 32 };
/// Seed of masks and weights: a network's bytes and answers are the same on every machine.
const SEED: u64 = 2026;
/// Networks whose published figures are for ten classes; others have a hundred.
const OF_TEN: [&str; 2] = ["resnet20", "minionn"];

/// A network: its name, and what it takes with all ReLUs.
#[derive(Clone, Debug, PartialEq)]
pub struct Network {
    public: PublicPlan,
}

/// How many ReLUs to keep.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Keep {
    /// All of them.
    All,
    /// So many.
    Count(usize),
    /// This share of them.
    Share(f64),
}

impl std::str::FromStr for Keep {
    type Err = Error;

    /// `all`, `10%`, `50000`, `50k`, `1.5M`.
    fn from_str(text: &str) -> Result<Self> {
        let wrong = || Error::input(format!("`{text}` is no number of ReLUs: 50k, 10% or all"));
        let number = |digits: &str, most: f64| {
            let n: Option<f64> = digits.trim().parse().ok();
            n.filter(|n| (0.0..=most).contains(n)).ok_or_else(wrong)
        };
        if text == "all" {
            return Ok(Self::All);
        }
        if let Some(percent) = text.strip_suffix('%') {
            return Ok(Self::Share(number(percent, 100.0)? / 100.0));
        }
        let units = [("k", 1e3), ("M", 1e6), ("", 1.0)];
        let unit = units.iter().find_map(|(unit, f)| Some((text.strip_suffix(unit)?, f)));
        let (digits, factor) = unit.ok_or_else(wrong)?;
        Ok(Self::Count((number(digits, 1e9)? * factor).round() as usize))
    }
}

impl Keep {
    /// The number kept of `relus`.
    ///
    /// # Errors
    /// `Input` if there are not as many.
    pub fn of(self, relus: usize) -> Result<usize> {
        match self {
            Self::All => Ok(relus),
            Self::Share(share) => Ok((share * relus as f64).round() as usize),
            Self::Count(n) if n <= relus => Ok(n),
            Self::Count(n) => {
                Err(Error::input(format!("the network has {relus} ReLUs: it cannot keep {n}")))
            }
        }
    }
}

impl Network {
    /// The network of a name.
    ///
    /// # Errors
    /// `Input` with the names that there are, or for a network that no plan is drawn for.
    pub fn named(name: &str) -> Result<Self> {
        let classes = if OF_TEN.contains(&name) { 10 } else { 100 };
        Self::described(&Options::named(name), classes)
            .map_err(|e| Error::input(format!("{e}; or give a file FILE.onnx")))
    }

    /// The network that options describe.
    ///
    /// # Errors
    /// `Input` if they describe none, or one that no plan is drawn for.
    pub fn described(options: &Options, classes: i64) -> Result<Self> {
        let network = options.network(IMAGE, classes);
        let network = network.map_err(|e| Error::input(e.to_string()))?;
        Ok(Self { public: plan::public(&options.name, &network.graph())? })
    }

    /// What it is called.
    pub fn name(&self) -> &str {
        &self.public.name
    }

    /// ReLUs without a mask.
    pub fn relus(&self) -> usize {
        self.public.unmasked_relus()
    }

    /// The plan with exactly `keep` ReLUs at drawn positions, spread over its tensors in
    /// proportion.
    ///
    /// # Errors
    /// `Input` if it has not as many.
    pub fn plan(&self, keep: Keep) -> Result<Plan> {
        let mut public = self.public.clone();
        let mut draw = Draw::seeded(SEED);
        masks::keep_exactly(&mut public, keep.of(self.relus())?, &mut draw);
        let secret = weights::draw(&public, &mut draw);
        Plan::new(public, secret)
    }
}
