//! Compiles an ONNX network with ReLU masks into a Tacita plan.
//!
//! Data flows one way: ONNX bytes → [`read`] → [`Network`] (folded floats) → [`masks`] from
//! outside, if any → [`lower`] → [`compile`] with [`Calibration`] images → a validated plan and a
//! [`Report`]. [`import`] reads and lowers.

pub mod calibration;
mod compile;
mod copying;
mod draw;
mod engine;
pub mod error;
mod float;
mod import;
pub mod lower;
pub mod masks;
mod network;
pub mod pixels;
mod ranges;
pub mod report_page;
pub mod simulate;
#[doc(hidden)]
pub mod testing;

pub use calibration::Calibration;
pub use compile::{
    Accuracy, BatchCandidate, BatchChoice, Budget, ClassJudgement, Judgement, LayerReport, Options,
    Record, Report, SearchReport, Share, Signs, Trial, Verdict, choose_batch, compile,
    compile_within, describe, flooding_bits,
};
pub use draw::{extreme, splitmix};
pub use error::{Error, Location, Result};
pub use float::{Evaluator, Trace};
pub use import::{MAX_MODEL_BYTES, has_external, import, import_model, load, read, read_model};
pub use network::{FloatOp, FloatTerm, Layer, Network, StoredRanges, Window};
pub use ranges::Ranges;
pub use simulate::{Rounding, Simulator};
