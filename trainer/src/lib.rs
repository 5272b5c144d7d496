//! Trains CNNs that keep few ReLUs, and writes them as masked ONNX.
//!
//! The main method is SENet (Kundu et al., ICLR 2023) in its three stages: share a ReLU budget
//! out over the layers by sensitivity ([`senet::allocate`]), find which positions keep their
//! ReLU ([`senet::search`]), then train with those masks frozen ([`senet::finetune`]). An
//! all-ReLU network of the same shape ([`senet::teacher`]) guides the last two.
//!
//! The one activation everywhere is `M * relu(x) + (1 - M) * x` with a fixed 0/1 mask `M`
//! of shape `[C, H, W]`: only positions with `M = 1` cost a garbled circuit at inference.
//!
//! Data flows one way: [`data`] and [`tacita_architectures`] (what to train) -> [`net`] -> [`fit`] by a
//! [`fit::Method`] -> [`checkpoint`] -> [`export`].

pub mod batch;
pub mod bench;
pub mod checkpoint;
pub mod cli;
pub mod cuda;
pub mod data;
pub mod deepreduce;
pub mod error;
pub mod eval;
pub mod export;
pub mod fit;
pub mod history;
pub mod hybrenet;
pub mod import;
pub mod loss;
pub mod machine;
pub mod masks;
pub mod memory;
pub mod net;
pub mod optim;
pub mod pipeline;
pub mod progress;
pub mod rank;
pub mod report;
pub mod results;
pub mod rng;
pub mod scale;
pub mod schedule;
pub mod senet;
pub mod senetpp;
pub mod shapes;
pub mod untrained;
pub mod verbs;

pub use error::Error;

/// Results of this crate.
pub type Result<T> = std::result::Result<T, Error>;
