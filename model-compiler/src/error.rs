//! One error type for the compiler, shaped by who is to blame.

use std::fmt;

/// Operators that the importer understands, as listed in error messages.
pub const SUPPORTED: &str = "Conv, Gemm, MatMul, ConvTranspose, BatchNormalization and arithmetic with \
     constants, Relu, Clip, PRelu, LeakyRelu, masked ReLUs such as Add(Mul(Relu(x), m), Mul(x, \
     1 - m)) or Where(m, Relu(x), x), Add, Sub, Sum, Max, Min, MaxPool, AveragePool, their global \
     forms, ReduceMean, ReduceSum, Concat, Split, Slice, Gather, Pad, Resize (nearest and linear), \
     Upsample, DepthToSpace, SpaceToDepth, Transpose, Reshape, Flatten, Squeeze, Unsqueeze, Identity, Dropout, Cast, a final Softmax, and whatever is computed from \
     constants alone";

/// Which node of the model an error is about.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Location {
    /// Name of the node, or of its output where the exporter gave it none.
    pub node: String,
    /// Operator type.
    pub operator: String,
    /// Layer of the training code that it came from, as far as the names tell.
    pub layer: String,
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "node `{}` ({}, layer `{}`)", self.node, self.operator, self.layer)
    }
}

/// Everything that can go wrong, by culprit.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The model uses an operator that private inference does not support.
    #[error(
        "{at}: the operator {} is not supported{}{hint}; supported are {SUPPORTED}",
        at.operator,
        if hint.is_empty() { "" } else { ": " }
    )]
    Unsupported {
        /// The node.
        at: Location,
        /// What to do about it; may be empty.
        hint: &'static str,
    },
    /// One node of the model is unusable.
    #[error("{at}: {what}")]
    Node {
        /// The node.
        at: Location,
        /// What is wrong and how to mend it.
        what: String,
    },
    /// The input is unusable: a damaged model or plan, a bad image, a bad option.
    #[error("{what}")]
    Input {
        /// What is wrong and how to mend it.
        what: String,
    },
    /// This machine failed us: no memory, a full disk.
    #[error("local failure: {what}")]
    Local {
        /// What failed.
        what: String,
    },
}

impl Error {
    /// The input is unusable.
    pub fn input(what: impl Into<String>) -> Self {
        Self::Input { what: what.into() }
    }

    /// This machine failed us.
    pub fn local(what: impl Into<String>) -> Self {
        Self::Local { what: what.into() }
    }

    /// Exit code of a program that stops with this error: 3 for bad input, 7 for a local failure.
    pub const fn exit_code(&self) -> u8 {
        match self {
            Self::Unsupported { .. } | Self::Node { .. } | Self::Input { .. } => 3,
            Self::Local { .. } => 7,
        }
    }
}

impl From<tacita_protocol::Error> for Error {
    fn from(e: tacita_protocol::Error) -> Self {
        match e {
            tacita_protocol::Error::Input { what } => Self::Input { what },
            other => Self::Local { what: other.to_string() },
        }
    }
}

/// Shorthand for results of this crate.
pub type Result<T> = std::result::Result<T, Error>;
