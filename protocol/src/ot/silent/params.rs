//! The sizes of a refill, from published parameters of learning parity with noise.

use crate::ot::Block;

/// One size of a refill: regular noise of one error in each of [`Self::trees`] bins of
/// `2^depth` positions, a secret of [`Self::secret`] bits, rows of ten positions.
///
/// Parameters are those of emp-ot (`emp-ot/tuning.h`, v1.0.0-alpha.1, 2026): the sets `ferret_b10`,
/// `ferret_b11` and `ferret_b12`, "~128-bit security against the published regular-LPN attacks
/// (Gauss / SD-ISD / BJMM / hybrid / esser / agb2)" by lpnestimator.com. They cover the attacks of
///
/// - Liu, Wang, Yang, Yu, "The Hardness of LPN over Any Integer Ring and Field for PCG
///   Applications" (EUROCRYPT 2024): Gauss, statistical decoding, information-set decoding;
/// - Briaud, Øygarden, "A New Algebraic Approach to the Regular Syndrome Decoding Problem and
///   Implications for PCG Constructions" (EUROCRYPT 2023), and its sequel "AGB 2.0" (ePrint
///   2025/1476);
/// - Esser, Santini, "Not Just Regular Decoding" (CRYPTO 2024): decoding that uses regularity;
/// - the hybrid of guessing and quadratic equations of ePrint 2025/1284, the best of them here.
///
/// The cost formula of that last attack, evaluated anew for this table:
///
/// | set | outputs | secret | errors | bits, hybrid attack |
/// |---|---:|---:|---:|---:|
/// | small | 870,400 | 2^16 | 850 | 128.7 |
/// | medium | 2,396,160 | 2^17 | 1,170 | 128.2 |
/// | large | 6,225,920 | 2^18 | 1,520 | 128.1 |
/// | *Ferret (CCS 2020) and emp-ot before 2026, main* | 10,485,760 | 452,000 | 1,280 | *125.3* |
/// | *same, 2^12-bins* | 10,268,672 | 238,000 | 2,507 | *104.5* |
/// | *same, 2^11-bins* | 10,180,608 | 124,000 | 4,971 | *92.8* |
/// | *same, their first iterations* | 178,944 to 470,016 | | | *113.7 to 124.0* |
///
/// The last four are what older libraries use. They met 128 bits by the attacks of 2020 and do not
/// by this one, so they are not offered. The three that are have no margin: a better attack on
/// regular noise takes them below 128 bits, and the field still moves. Bits are operations of an
/// attack that recovers one refill's secret; an attacker has as many targets as there are refills.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SilentSet {
    /// 796,364 transfers a refill, 0.171 bytes each, 14 MB while they last. The table that rows
    /// are gathered from, 1 MiB, fits a second-level cache.
    Small,
    /// 2,252,218 transfers a refill, 0.091 bytes each, 38 MB; a table of 2 MiB.
    Medium,
    /// 5,945,536 transfers a refill, 0.049 bytes each, 100 MB; a table of 4 MiB.
    Large,
    /// For tests; nothing is hard about it.
    #[cfg(test)]
    Tiny,
}

impl SilentSet {
    /// What a session can choose from, smallest first.
    pub const ALL: [Self; 3] = [Self::Small, Self::Medium, Self::Large];

    /// Trees, depth of a tree, logarithm of the secret's length.
    const fn shape(self) -> (usize, usize, u32) {
        match self {
            Self::Small => (850, 10, 16),
            Self::Medium => (1170, 11, 17),
            Self::Large => (1520, 12, 18),
            #[cfg(test)]
            Self::Tiny => (40, 6, 8),
        }
    }

    /// Trees, which are bins of one error each.
    pub const fn trees(self) -> usize {
        self.shape().0
    }

    /// Levels of a tree below its root.
    pub const fn depth(self) -> usize {
        self.shape().1
    }

    /// Correlated OTs whose bits are the secret, a power of two.
    pub const fn secret(self) -> usize {
        1 << self.shape().2
    }

    /// Correlated OTs that a refill makes.
    pub const fn outputs(self) -> usize {
        self.trees() << self.depth()
    }

    /// Correlated OTs that a refill uses up: the secret's, and one for each level of each tree.
    pub const fn cost(self) -> usize {
        self.secret() + self.trees() * self.depth()
    }

    /// Bytes of the sender's message: a block for each level of each tree.
    pub const fn message_bytes(self) -> usize {
        self.trees() * self.depth() * Block::BYTES
    }

    /// Most bytes of stock that a direction keeps of this set: two refills' outputs, one of which
    /// is being used up, and what the next one starts from. A run that needs more refills holds
    /// their messages or roots besides, a thirtieth of the outputs or less.
    pub const fn stock_bytes(self) -> usize {
        (2 * self.outputs() + 2 * self.cost()) * Block::BYTES
    }

    /// The set's number on the wire.
    pub(in crate::ot) const fn number(self) -> u8 {
        match self {
            Self::Small => 0,
            Self::Medium => 1,
            Self::Large => 2,
            #[cfg(test)]
            Self::Tiny => 255,
        }
    }

    /// The set with this number.
    pub(in crate::ot) fn from_number(number: u8) -> Option<Self> {
        #[cfg(test)]
        if number == Self::Tiny.number() {
            return Some(Self::Tiny);
        }
        Self::ALL.into_iter().find(|set| set.number() == number)
    }

    /// The size of a session's first refill, whose [`Self::cost`] the SoftSpoken extension pays:
    /// the smallest, because nothing else is paid for at 2 to 4 bytes an OT.
    pub const fn first(self) -> Self {
        match self {
            #[cfg(test)]
            Self::Tiny => Self::Tiny,
            _ => Self::Small,
        }
    }
}
