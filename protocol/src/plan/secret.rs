//! The secret half of a plan: integer weights and biases. Never leaves the server.

use zeroize::{Zeroize, ZeroizeOnDrop};

/// The weights of one tensor's convolution terms and its bias. No `Debug`: it is the model.
#[derive(Clone, Default, Zeroize, ZeroizeOnDrop)]
pub struct TensorSecrets {
    /// One entry a term: OIHW integer weights for a convolution, empty for a public operator.
    pub weights: Vec<Vec<i32>>,
    /// Bias per output channel at `frac + truncate` fractional bits; empty for none.
    pub bias: Vec<i64>,
}

/// The weights of a plan, one entry a tensor.
#[derive(Clone, Default)]
pub struct SecretPlan {
    /// Indexed like [`super::PublicPlan::tensors`].
    pub tensors: Vec<TensorSecrets>,
}
