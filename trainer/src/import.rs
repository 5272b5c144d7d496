//! Checkpoints that others made with PyTorch, read without running anything in them.
//!
//! A PyTorch checkpoint is a pickle: a program for a small stack machine that may name any
//! Python function. [`pickle`] runs that machine without a single function behind it, so
//! that what it yields is data, and what would have been a call is an inert record of one.
//! [`torch`] finds tensors in the data and their bytes in the file, [`checkpoint`] tells which
//! program wrote the file and takes weights and masks out of it, [`names`] renames the weights
//! to the names of our own variables, and [`tensors`] makes libtorch tensors of both.
//! [`adopt`] puts them into a network of ours.
//!
//! Files come from strangers: every length is checked against the file or a stated limit.

pub mod adopt;
pub mod checkpoint;
pub mod masks;
pub mod names;
pub mod pickle;
pub mod tensors;
pub mod torch;

pub use adopt::{Choices, into_net};
pub use checkpoint::{Checkpoint, IdentitySkip, Layout, Options, read};
pub use masks::MaskTensor;
pub use tensors::{into_tensors, masks_to_tensors};

/// Why bytes could not be understood; whoever knows their file adds its name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Problem(String);

impl Problem {
    fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }
}

/// Results of reading bytes.
pub type Parsed<T> = Result<T, Problem>;

#[cfg(test)]
mod tests;
