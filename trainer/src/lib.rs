//! Trains residual CNNs that keep few ReLUs, and writes them as masked ONNX.
//!
//! The method is SENet (Kundu et al., ICLR 2023) in its three stages: share a ReLU budget
//! out over the layers by sensitivity ([`allocate`]), find which positions keep their ReLU
//! ([`search`]), then train with those masks frozen ([`finetune`]). An all-ReLU network of
//! the same shape ([`teacher`]) guides the last two.
//!
//! The one activation everywhere is `M * relu(x) + (1 - M) * x` with a fixed 0/1 mask `M`
//! of shape `[C, H, W]`: only positions with `M = 1` cost a garbled circuit at inference.

pub mod allocate;
pub mod batch;
pub mod checkpoint;
pub mod cli;
pub mod data;
pub mod error;
pub mod eval;
pub mod export;
pub mod finetune;
pub mod fit;
pub mod import;
pub mod loss;
pub mod masks;
pub mod net;
pub mod progress;
pub mod rng;
pub mod run;
pub mod search;
pub mod shape;
pub mod teacher;

pub use error::Error;

/// Results of this crate.
pub type Result<T> = std::result::Result<T, Error>;
