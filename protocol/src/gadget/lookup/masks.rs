//! The bits by which the client masks its tables and shares of the sign.

use zeroize::Zeroize;

/// The client's mask bits `alpha1`, `beta`, `alpha0` and `kappa` of one position.
#[derive(Clone, Copy, Default, Zeroize)]
pub(super) struct Masks(pub(super) u8);

impl Masks {
    /// What follows from the pads `[z0, z1]` of both ANDs, from `kappa`, which is the random choice
    /// of the first prepared OT, and from the top bit of the client's share.
    pub(super) fn new(ands: [[u8; 2]; 2], kappa: u8, top: u8) -> Self {
        let [alpha0, beta] = ands.map(|[zero, one]| zero ^ one);
        let rho = ands[0][0] ^ ands[1][0];
        let alpha1 = 1 ^ top ^ kappa ^ beta & alpha0 ^ rho;
        Self(alpha1 | beta << 1 | alpha0 << 2 | kappa << 3)
    }

    /// Mask `number` of the tables in the order of their planes, in the lowest bit: `alpha1`,
    /// `beta`, `alpha0`.
    #[inline]
    pub(super) fn table(self, number: usize) -> u8 {
        self.0 >> number
    }

    pub(super) fn beta(self) -> u8 {
        (self.0 >> 1) & 1
    }

    pub(super) fn alpha0(self) -> u8 {
        (self.0 >> 2) & 1
    }

    /// The client's shares of the sign for the opened bits 1, 2 and 3, under its random choices in
    /// the OTs for them: three bits.
    pub(super) fn corrections(self, choices: [u8; 3]) -> u8 {
        let [one, two, three] = choices;
        let (kappa, alpha0, beta) = (self.0 >> 3, self.alpha0(), self.beta());
        (one ^ kappa ^ beta) | (two ^ kappa ^ alpha0) << 1 | (three ^ kappa ^ alpha0 ^ beta) << 2
    }

    /// The client's share of the sign if the server opens `opened = 2 e1 + e2`.
    pub(super) fn sign(self, opened: usize) -> u8 {
        let (e1, e2) = ((opened >> 1) as u8, (opened & 1) as u8);
        (self.0 >> 3) ^ e1 & self.alpha0() ^ e2 & self.beta()
    }
}
