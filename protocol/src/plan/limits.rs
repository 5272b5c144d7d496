//! Bounds on plans, checked before anything is allocated for them.

/// Largest encoded public half, in bytes.
pub const MAX_PUBLIC_BYTES: usize = 16 << 20;
/// Most activation tensors.
pub const MAX_TENSORS: usize = 4096;
/// Most elements of one tensor.
pub const MAX_ELEMENTS: usize = 1 << 22;
/// Most terms in one sum.
pub const MAX_TERMS: usize = 16;
/// Most weights of one operator.
pub const MAX_WEIGHTS: usize = 1 << 26;
/// Largest kernel, stride, spread or offset, in rows or columns.
pub const MAX_WINDOW: usize = 1 << 12;
/// Most groups of one convolution.
pub const MAX_GROUPS: usize = 1 << 14;
/// Longest name or label, in bytes.
pub const MAX_NAME: usize = 256;
/// Most tickets in one batch.
pub const MAX_BATCH: usize = 64;
/// Most fractional bits of an accumulator.
pub const MAX_ACCUMULATOR_FRAC: u32 = 40;
