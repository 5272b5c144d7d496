//! The bits by which the client masks its tables and shares of the sign.

use zeroize::Zeroize;

use super::Split;

/// The client's mask bits `alpha1`, `beta`, `alpha0` and `kappa` of one position.
#[derive(Clone, Copy, Default, Zeroize)]
pub(super) struct Masks(pub(super) u8);

impl Masks {
    /// Masks of the tables from three bits of `draw`; there is nothing to mask in an empty low
    /// table.
    pub(super) fn new(draw: u8, split: Split) -> Self {
        Self(draw & if split.low() > 0 { 0b111 } else { 0b011 })
    }

    pub(super) fn alpha1(self) -> u8 {
        self.0 & 1
    }

    pub(super) fn beta(self) -> u8 {
        (self.0 >> 1) & 1
    }

    pub(super) fn alpha0(self) -> u8 {
        (self.0 >> 2) & 1
    }

    pub(super) fn set_kappa(&mut self, kappa: u8) {
        self.0 |= kappa << 3;
    }

    /// The client's share of the sign if the server opens `opened = 2 e1 + e2`.
    pub(super) fn sign(self, opened: usize) -> u8 {
        let (e1, e2) = ((opened >> 1) as u8, (opened & 1) as u8);
        (self.0 >> 3) ^ e1 & self.alpha0() ^ e2 & self.beta()
    }
}
