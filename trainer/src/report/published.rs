//! Published accuracy against ReLU count, to compare with.

use crate::results::{Spread, StageCell, criticality, is_ranked};

/// The data sets for which there are published curves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Set {
    /// CIFAR-10.
    Cifar10,
    /// CIFAR-100.
    Cifar100,
}

impl Set {
    /// The data set of a name such as `CIFAR-100` or `cifar10`.
    pub fn of(name: &str) -> Option<Self> {
        let letters = name.chars().filter(char::is_ascii_alphanumeric);
        match letters.collect::<String>().to_ascii_lowercase().as_str() {
            "cifar10" => Some(Self::Cifar10),
            "cifar100" => Some(Self::Cifar100),
            _ => None,
        }
    }
}

/// One published curve.
#[derive(Debug)]
pub struct Curve {
    /// The method.
    pub method: &'static str,
    /// The data set.
    pub set: Set,
    /// (Thousand ReLUs, test accuracy in per cent), fewest ReLUs first.
    pub points: &'static [(f64, f64)],
    /// Where it was published.
    pub source: &'static str,
    /// What to beware of; empty for figures taken from the paper as they are.
    pub caution: &'static str,
}

/// ReLUs of the ResNet18 most of these curves start from (3x3 stem, 32x32 images).
pub const RESNET18_RELUS: usize = 557_056;

/// All published curves.
pub const CURVES: &[Curve] = &[
    Curve {
        method: "SENet",
        set: Set::Cifar100,
        points: &[(24.6, 70.59), (49.6, 75.28), (100.0, 77.92), (150.0, 78.32)],
        source: "Kundu et al., ICLR 2023, ResNet18",
        caution: "remembered, unverified",
    },
    Curve {
        method: "SNL",
        set: Set::Cifar100,
        points: &[(12.9, 66.53), (25.0, 70.05), (49.4, 73.75), (99.9, 75.94), (180.0, 77.65)],
        source: "Cho et al., ICML 2022",
        caution: "",
    },
    Curve {
        method: "DeepReDuce",
        set: Set::Cifar100,
        points: &[(12.3, 64.97), (28.7, 68.68), (57.3, 72.68), (114.0, 74.72), (229.0, 76.22)],
        source: "Jha et al., ICML 2021",
        caution: "remembered, unverified",
    },
    Curve {
        method: "Sphynx",
        set: Set::Cifar100,
        points: &[(25.6, 66.13), (51.2, 69.57), (102.0, 72.90), (230.0, 74.93)],
        source: "Cho et al., 2021",
        caution: "",
    },
    Curve {
        method: "HybReNet",
        set: Set::Cifar100,
        points: &[(180.0, 80.0)],
        source: "Jha and Reagen, TMLR 2024",
        caution: "about: from its claim of +2.35 over SNL",
    },
    Curve {
        method: "AutoReP",
        set: Set::Cifar100,
        points: &[(12.9, 74.92)],
        source: "Peng et al., ICCV 2023",
        caution: "quadratics, not the identity, where ReLUs are removed",
    },
    Curve {
        method: "SNL",
        set: Set::Cifar10,
        points: &[(12.9, 88.23), (25.0, 90.88), (49.4, 92.27), (99.9, 93.50), (180.0, 94.78)],
        source: "Cho et al., ICML 2022",
        caution: "",
    },
    Curve {
        method: "DeepReDuce",
        set: Set::Cifar10,
        points: &[(36.0, 88.5), (80.0, 90.5), (147.0, 93.16), (221.0, 94.07)],
        source: "Jha et al., ICML 2021",
        caution: "remembered, unverified; the last two are of a smaller ResNet",
    },
];

/// DeepReDuce's profile of ResNet18 on CIFAR-100, trained with distillation: the stage that
/// alone keeps its ReLUs, their number, test accuracy in per cent (poster, ICML 2021).
const RESNET18_STAGES: [(&str, usize, f64); 6] = [
    ("none", 0, 18.34),
    ("conv1", 65_536, 45.07),
    ("s1", 262_144, 59.85),
    ("s2", 131_072, 68.79),
    ("s3", 65_536, 69.92),
    ("s4", 32_768, 63.16),
];

/// DeepReDuce's profile of ResNet18 in the form of our own.
pub fn resnet18_stages() -> Vec<StageCell> {
    let ranked = RESNET18_STAGES.iter().filter(|s| is_ranked(s.0));
    let ranked: Vec<(f64, usize)> = ranked.map(|s| (s.2 / 100.0, s.1)).collect();
    let mut ranked = criticality(&ranked).into_iter();
    let cell = |&(stage, relus, percent): &(&str, usize, f64)| {
        let criticality = if is_ranked(stage) { ranked.next() } else { None };
        let test = Spread::of(&[percent / 100.0])?;
        Some(StageCell { stage: stage.to_owned(), relus, test, criticality })
    };
    RESNET18_STAGES.iter().filter_map(cell).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::results::order;

    #[test]
    fn criticality_of_the_published_profile() {
        let cells = resnet18_stages();
        let got: Vec<f64> = cells.iter().filter_map(|c| c.criticality).collect();
        for (got, want) in got.iter().zip([0.0, 6.36, 7.51, 2.59]) {
            assert!((got - want).abs() < 0.01, "{got} {want}");
        }
        assert_eq!(got.len(), 4);
        assert_eq!(order(&cells), ["s3", "s2", "s4", "s1"]);
        assert_eq!(cells.iter().map(|c| c.relus).sum::<usize>(), RESNET18_RELUS);
    }

    #[test]
    fn curves_rise_from_left_to_right() {
        for curve in CURVES {
            let rises = |w: &[(f64, f64)]| w[0].0 < w[1].0 && w[0].1 < w[1].1;
            assert!(curve.points.windows(2).all(rises), "{}", curve.method);
        }
        assert_eq!(Set::of("CIFAR-100"), Some(Set::Cifar100));
        assert_eq!(Set::of("cifar 10"), Some(Set::Cifar10));
        assert_eq!(Set::of("tiny-imagenet"), None);
    }
}
