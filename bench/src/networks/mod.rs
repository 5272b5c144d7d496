//! Plans of well-known networks for 3x32x32 images with random weights: costs depend on shapes and
//! masks alone. One file a family; the layouts are those that `tacita-train` builds.

mod builder;
mod draw;
mod masks;
mod minionn;
mod mobilenet;
mod residual;
#[cfg(test)]
mod tests;
mod vgg;
mod weights;

use tacita_protocol::plan::{Plan, PublicPlan, Shape};
use tacita_protocol::{Error, Result};

use builder::Builder;
use draw::Draw;
pub use residual::{RESNET18, RESNET20, Residual};

/// What images are.
const IMAGE: Shape = Shape::new(3, 32, 32);
/// Seed of masks and weights: a network's bytes and answers are the same on every machine.
const SEED: u64 = 2026;

/// A network: its name, the ReLUs that are published for it, its layout.
pub struct Network {
    /// What it is called.
    pub name: &'static str,
    /// ReLUs without a mask.
    pub relus: usize,
    build: fn(&mut Builder),
}

/// Every network.
pub const NETWORKS: [Network; 7] = [
    Network { name: "resnet18", relus: 557_056, build: |b| RESNET18.build(b) },
    Network { name: "resnet20", relus: 188_416, build: |b| RESNET20.build(b) },
    Network { name: "resnet32", relus: 303_104, build: residual::resnet32 },
    Network { name: "resnet34", relus: 966_656, build: residual::resnet34 },
    Network { name: "vgg16", relus: 276_480, build: vgg::vgg16 },
    Network { name: "mobilenetv1", relus: 411_648, build: mobilenet::mobilenet },
    Network { name: "minionn", relus: 173_056, build: minionn::minionn },
];

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
    /// `Input` with the names that there are.
    pub fn named(name: &str) -> Result<&'static Self> {
        NETWORKS.iter().find(|n| n.name == name).ok_or_else(|| {
            let names: Vec<&str> = NETWORKS.iter().map(|n| n.name).collect();
            let names = names.join(", ");
            Error::input(format!("`{name}` is no network: use {names}, or a file FILE.onnx"))
        })
    }

    /// Shapes and full masks.
    fn public(&self) -> PublicPlan {
        let mut build = Builder::new(IMAGE);
        (self.build)(&mut build);
        build.finish(self.name)
    }

    /// The plan with exactly `keep` ReLUs at drawn positions, spread over its tensors in
    /// proportion.
    ///
    /// # Errors
    /// `Input` if it has not as many.
    pub fn plan(&self, keep: Keep) -> Result<Plan> {
        let mut public = self.public();
        let mut draw = Draw::seeded(SEED);
        masks::keep_exactly(&mut public, keep.of(self.relus)?, &mut draw);
        let secret = weights::draw(&public, &mut draw);
        Plan::new(public, secret)
    }
}
