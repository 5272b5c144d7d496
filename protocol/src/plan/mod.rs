//! The compiled network: what both parties know (the public half) and what only the server knows
//! (the secret half).
//!
//! A plan is a DAG of *activation tensors* joined by *linear operators* (docs/protocol.md,
//! section 3). Tensor 0 is the input, the last tensor what the client learns: the logits, or the
//! largest of them and its class ([`Reveals`]), or a map of them ([`PublicPlan::map`]). Tensor `j` holds
//! `z_j = sum over its terms of L(a_i) + bias`, truncated by [`TensorSpec::truncate`] bits, and
//! then the masked ReLU `mask * relu(x) + (1 - mask) * x`.

mod choices;
pub mod clear;
mod file;
mod graph;
mod groups;
mod head;
mod limits;
mod map;
mod secret;
pub(crate) mod shape;
mod top1;
mod validate;

pub use choices::ReluChoices;
pub use file::{MAX_FILE_BYTES, PLAN_VERSION, Plan, PlanHash, plan_hash};
pub use graph::{
    ArraySpec, CopyShape, InputSpec, Linear, Mask, PoolShape, PublicPlan, TensorSpec, Term,
};
pub use groups::{HeGroup, Member, groups_of};
pub use head::{Head, class_of, classes_of};
pub use limits::{MAX_BATCH, MAX_ELEMENTS, MAX_PUBLIC_BYTES, MAX_TERMS, MAX_WEIGHTS, MAX_WINDOW};
pub use map::decide;
pub use secret::{SecretPlan, TensorSecrets};
pub use shape::{ConvShape, Padding, Shape};
pub use top1::{Reveals, Winner, append_top1};
pub use validate::{MAX_LOG2_FAILURE, log2_truncation_failure};
