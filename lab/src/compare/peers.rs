//! Figures of other systems. None is measured by `tacita-lab compare`: each is either what its
//! authors published or what was measured for this project on other hardware, and says which.

use serde::{Deserialize, Serialize};

/// Where a figure comes from.
pub const PUBLISHED: &str = "published";
/// The same, for runs of others' code.
pub const ELSEWHERE: &str = "measured by us on other hardware";

/// One figure of another system.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub struct Peer {
    /// The system.
    pub system: String,
    /// The network, or the operation.
    pub network: String,
    /// What is measured.
    pub figure: String,
    /// Its value.
    pub value: f64,
    /// Its unit.
    pub unit: String,
    /// Conditions and source.
    pub conditions: String,
    /// [`PUBLISHED`] or [`ELSEWHERE`].
    #[serde(default)]
    pub origin: String,
}

/// Names of figures that the report looks up.
pub mod figure {
    /// Wall seconds of an inference, set-up excluded.
    pub const SECONDS: &str = "inference";
    /// The same with a ReLU that does not err.
    pub const SECONDS_EXACT: &str = "inference, exact ReLU";
    /// Bytes of an inference, both ways.
    pub const BYTES: &str = "traffic";
    /// The same with a ReLU that does not err.
    pub const BYTES_EXACT: &str = "traffic, exact ReLU";
    /// Seconds of the encrypted convolutions, offline.
    pub const HE_SECONDS: &str = "offline, homomorphic encryption";
    /// Seconds of garbling, offline.
    pub const GARBLING_SECONDS: &str = "offline, garbling";
    /// Bytes of garbled circuits.
    pub const GC_BYTES: &str = "offline, garbled circuits";
    /// Bytes of oblivious transfers.
    pub const OT_BYTES: &str = "offline, oblivious transfer";
    /// Bytes of ciphertexts.
    pub const HE_BYTES: &str = "offline, ciphertexts";
    /// Seconds online.
    pub const ONLINE_SECONDS: &str = "online";
    /// Bytes online.
    pub const ONLINE_BYTES: &str = "online traffic";
}

/// OpenCheetah.
pub const CHEETAH: &str = "OpenCheetah";
/// What figures of a ReLU alone stand under.
pub const ONE_RELU: &str = "one ReLU";
/// The code of Delphi.
pub const DELPHI: &str = "Delphi";

const CHEETAH_RUN: &str = "2 cores AMD EPYC, AVX2, one thread a side, loopback, random weights, \
    set-up excluded; 37-bit ring, scale 12, BFV N = 4096, 109-bit q; times +-25 %, bytes exact. The \
    default ReLU drops bits and errs on 0.6 % of values in truncation mode";
const DELPHI_RUN: &str = "Delphi's code: 41-bit prime field, BFV N = 8192, Swanky half gates; \
    Garimella et al., ASPLOS 2023, artifact, EPYC 7502";
const MIB: f64 = 1024.0 * 1024.0;

use figure::*;

/// A system's figures of one network: figure, value, unit.
struct Group {
    system: &'static str,
    network: &'static str,
    conditions: &'static str,
    origin: &'static str,
    figures: &'static [(&'static str, f64, &'static str)],
}

const GROUPS: &[Group] = &[
    cheetah(
        "resnet20",
        &[
            (SECONDS, 3.5, "s"),
            (SECONDS_EXACT, 4.7, "s"),
            (BYTES, 34.8 * MIB, "B"),
            (BYTES_EXACT, 39.6 * MIB, "B"),
        ],
    ),
    cheetah(
        "resnet32",
        &[
            (SECONDS, 5.8, "s"),
            (SECONDS_EXACT, 9.1, "s"),
            (BYTES, 54.7 * MIB, "B"),
            (BYTES_EXACT, 62.9 * MIB, "B"),
        ],
    ),
    cheetah(
        "resnet18",
        &[
            (SECONDS, 36.2, "s"),
            (SECONDS_EXACT, 36.9, "s"),
            (BYTES, 174.5 * MIB, "B"),
            (BYTES_EXACT, 189.2 * MIB, "B"),
        ],
    ),
    cheetah(
        "squeezenet, 227x227",
        &[
            (SECONDS, 101.0, "s"),
            (SECONDS_EXACT, 103.0, "s"),
            (BYTES, 426.0 * MIB, "B"),
            (BYTES_EXACT, 482.0 * MIB, "B"),
        ],
    ),
    cheetah(
        "resnet50, 224x224",
        &[
            (SECONDS, 532.0, "s"),
            ("inference, 2 threads", 302.0, "s"),
            (BYTES, 1815.0 * MIB, "B"),
            ("round trips", 1062.0, ""),
        ],
    ),
    cheetah(
        ONE_RELU,
        &[
            ("exact", 22e-6, "s"),
            ("default", 11e-6, "s"),
            ("exact, traffic", 60.0, "B"),
            ("default, traffic", 42.0, "B"),
        ],
    ),
    cheetah("convolution 3x3, 64 to 64 on 32x32", &[(SECONDS, 1.05, "s"), (BYTES, 3.75e6, "B")]),
    cheetah("convolution 3x3, 512 to 512 on 4x4", &[(SECONDS, 2.2, "s"), (BYTES, 15.9e6, "B")]),
    Group {
        system: "CrypTFlow2 (SCI_HE)",
        network: "squeezenet, 227x227",
        conditions: "as OpenCheetah, the same machine",
        origin: ELSEWHERE,
        figures: &[(SECONDS, 260.0, "s"), (BYTES, 6064.0 * MIB, "B")],
    },
    Group {
        system: "emp-tool",
        network: "one core",
        conditions: "half gates, as OpenCheetah, the same machine; the lower of a range",
        origin: ELSEWHERE,
        figures: &[("AND gates garbled", 24e6, "/s"), ("AND gates evaluated", 39e6, "/s")],
    },
    Group {
        system: "emp-ot",
        network: "one core",
        conditions: "SoftSpoken, k = 4, as OpenCheetah, the same machine",
        origin: ELSEWHERE,
        figures: &[("oblivious transfers", 39e6, "/s"), ("bytes of one", 3.9, "B")],
    },
    delphi(
        "resnet18",
        &[
            (HE_SECONDS, 286.0, "s"),
            (GARBLING_SECONDS, 21.0, "s"),
            (GC_BYTES, 9.5e9, "B"),
            (OT_BYTES, 1.12e9, "B"),
            (HE_BYTES, 369e6, "B"),
            (ONLINE_SECONDS, 12.6, "s"),
            (ONLINE_BYTES, 665e6, "B"),
        ],
    ),
    delphi(
        "resnet32",
        &[
            (HE_SECONDS, 41.0, "s"),
            (GC_BYTES, 5.17e9, "B"),
            (OT_BYTES, 0.61e9, "B"),
            (HE_BYTES, 223e6, "B"),
            (ONLINE_SECONDS, 7.0, "s"),
            (ONLINE_BYTES, 362e6, "B"),
        ],
    ),
    delphi(
        ONE_RELU,
        &[
            ("garbling", 104e-6, "s"),
            ("evaluation", 55e-6, "s"),
            ("offline traffic", 19.1e3, "B"),
            (ONLINE_BYTES, 1.18e3, "B"),
        ],
    ),
    Group {
        system: "fancy-garbling (Swanky)",
        network: "one core",
        conditions: "at most; EPYC 7502",
        origin: PUBLISHED,
        figures: &[("AND gates garbled", 4.8e6, "/s"), ("AND gates evaluated", 9.1e6, "/s")],
    },
    Group {
        system: "CrypTFlow2 (SCI_OT)",
        network: "resnet50, 224x224",
        conditions: "a user's log, EzPC issue 204",
        origin: PUBLISHED,
        figures: &[(SECONDS, 2790.0, "s"), (BYTES, 376e9, "B")],
    },
    Group {
        system: "Cheetah",
        network: "resnet50, 224x224",
        conditions: "at most; abstract of the paper, WAN",
        origin: PUBLISHED,
        figures: &[(SECONDS, 150.0, "s"), (BYTES, 2.3e9, "B")],
    },
    Group {
        system: "Cheetah in SPU",
        network: "comparison of 32-bit shares",
        conditions: "its README; all online, several round trips",
        origin: PUBLISHED,
        figures: &[(BYTES, 348.0 / 8.0, "B")],
    },
    Group {
        system: "SecONNds",
        network: "squeezenet, 224x224",
        conditions: "abstract of the paper, CPU",
        origin: PUBLISHED,
        figures: &[(SECONDS, 3.6, "s"), (BYTES, 420.0 * MIB, "B")],
    },
    Group {
        system: "Jaguar",
        network: "resnet18 and resnet50, 224x224",
        conditions: "abstract of the paper (2026), no AVX-512; the upper of the ranges 2.07 to 3.72 \
            and 1.16 to 1.76",
        origin: PUBLISHED,
        figures: &[("times faster than Cheetah", 3.72, ""), ("times fewer bytes", 1.76, "")],
    },
];

const fn cheetah(
    network: &'static str,
    figures: &'static [(&'static str, f64, &'static str)],
) -> Group {
    Group { system: CHEETAH, network, conditions: CHEETAH_RUN, origin: ELSEWHERE, figures }
}

const fn delphi(
    network: &'static str,
    figures: &'static [(&'static str, f64, &'static str)],
) -> Group {
    Group { system: DELPHI, network, conditions: DELPHI_RUN, origin: PUBLISHED, figures }
}

/// All figures.
pub fn all() -> Vec<Peer> {
    let of = |g: &'static Group| {
        g.figures.iter().map(|(figure, value, unit)| Peer {
            system: g.system.into(),
            network: g.network.into(),
            figure: (*figure).into(),
            value: *value,
            unit: (*unit).into(),
            conditions: g.conditions.into(),
            origin: g.origin.into(),
        })
    };
    GROUPS.iter().flat_map(of).collect()
}

/// The value of one figure, if it is known.
pub fn value(system: &str, network: &str, figure: &str) -> Option<f64> {
    let group = GROUPS.iter().find(|g| g.system == system && g.network == network)?;
    group.figures.iter().find(|f| f.0 == figure).map(|f| f.1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_figure_stands_once_and_says_where_it_is_from() {
        let mut seen = std::collections::BTreeSet::new();
        for p in all() {
            assert!(p.origin == PUBLISHED || p.origin == ELSEWHERE, "{p:?}");
            assert!(p.value > 0.0 && !p.conditions.is_empty(), "{p:?}");
            assert!(seen.insert((p.system.clone(), p.network.clone(), p.figure.clone())), "{p:?}");
        }
    }

    #[test]
    fn figures_are_found_by_name() {
        assert_eq!(value(DELPHI, "resnet18", HE_SECONDS), Some(286.0));
        assert_eq!(value(CHEETAH, "resnet20", SECONDS_EXACT), Some(4.7));
        assert_eq!(value(DELPHI, "resnet32", GARBLING_SECONDS), None);
    }
}
