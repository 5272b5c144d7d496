//! The networks on DeepReDuce's Pareto fronts (CIFAR-100 and TinyImageNet), as its authors'
//! model class lists them. All start from ResNet18 and cull conv1 and S1.

use super::{Recipe, Thin};
use crate::{Error, Result};
use tacita_architectures::{Options, Shape};

/// A published network. Its name says the data set and the ReLUs in thousands.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Point {
    /// Name, such as `C100-57K`.
    pub name: &'static str,
    /// Side of an image.
    pub side: i64,
    /// Factor on widths.
    pub alpha: f64,
    /// Factor on sides of maps.
    pub rho: f64,
    /// Stage culled beside conv1 and S1.
    pub culled: Option<&'static str>,
    /// Thinned layers.
    pub thin: Thin,
    /// Blocks of each stage, where not those of ResNet18.
    pub depths: Option<[usize; 4]>,
}

/// A point from `(name, alpha, rho, culled, thin)`; the side follows from the name.
const fn point(
    (name, side): (&'static str, i64),
    (alpha, rho): (f64, f64),
    culled: Option<&'static str>,
    thin: Thin,
) -> Point {
    Point { name, side, alpha, rho, culled, thin, depths: None }
}

const fn c100(name: &'static str) -> (&'static str, i64) {
    (name, 32)
}

const fn tiny(name: &'static str) -> (&'static str, i64) {
    (name, 64)
}

/// The points, by data set and falling count.
pub const POINTS: [Point; 17] = [
    point(c100("C100-230K"), (1.0, 1.0), None, Thin::None),
    point(c100("C100-115K"), (1.0, 1.0), None, Thin::Bottom),
    point(c100("C100-57K"), (0.5, 1.0), None, Thin::Bottom),
    point(c100("C100-49K"), (0.5, 1.0), Some("s4"), Thin::Bottom),
    point(c100("C100-29K"), (1.0, 0.5), None, Thin::Bottom),
    point(c100("C100-14K"), (0.5, 0.5), None, Thin::Bottom),
    point(c100("C100-12K"), (0.5, 0.5), Some("s4"), Thin::Bottom),
    Point { depths: Some([2, 1, 1, 1]), ..point(c100("C100-7K"), (0.5, 0.5), None, Thin::Bottom) },
    point(tiny("Tiny-918K"), (1.0, 1.0), None, Thin::None),
    point(tiny("Tiny-459K"), (1.0, 1.0), None, Thin::Bottom),
    point(tiny("Tiny-393K"), (1.0, 1.0), Some("s2"), Thin::None),
    point(tiny("Tiny-229K"), (0.5, 1.0), None, Thin::Bottom),
    point(tiny("Tiny-197K"), (1.0, 1.0), Some("s2"), Thin::Bottom),
    point(tiny("Tiny-115K"), (1.0, 0.5), None, Thin::Bottom),
    point(tiny("Tiny-98K"), (0.5, 1.0), Some("s2"), Thin::Bottom),
    point(tiny("Tiny-57K"), (0.5, 0.5), None, Thin::Bottom),
    point(tiny("Tiny-49K"), (1.0, 0.5), Some("s2"), Thin::Bottom),
];

impl Point {
    /// The point called `name`, in upper or lower case.
    ///
    /// # Errors
    /// [`Error::UnknownPoint`].
    pub fn named(name: &str) -> Result<&'static Self> {
        POINTS.iter().find(|p| p.name.eq_ignore_ascii_case(name)).ok_or_else(|| {
            let known = POINTS.map(|p| p.name).join(", ");
            Error::UnknownPoint { name: name.to_owned(), known }
        })
    }

    /// What it makes of a network.
    pub fn recipe(&self) -> Recipe {
        let culled = std::iter::once("s1").chain(self.culled).map(str::to_owned).collect();
        let (thin, alpha, rho) = (self.thin, self.alpha, self.rho);
        let depths = self.depths.map(|d| d.to_vec());
        Recipe { culled, keep_conv1: false, thin, alpha, rho, depths }
    }

    /// Images that it is published for.
    pub fn input(&self) -> Shape {
        Shape { channels: 3, height: self.side, width: self.side }
    }

    /// ReLUs of it, counted on ResNet18.
    ///
    /// # Errors
    /// None for the points of [`POINTS`].
    pub fn relus(&self) -> Result<usize> {
        let recipe = self.recipe();
        let options = recipe.options(&Options::named("resnet18"))?;
        let layers = options.network(self.input(), 100)?.graph().layers;
        Ok(recipe.masks(&layers)?.counts().iter().sum())
    }
}
