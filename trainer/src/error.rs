//! What can go wrong, sorted by who has to act.

use std::path::{Path, PathBuf};
use tacita_architectures::Error as Described;
use tch::TchError;

/// An error of the trainer.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// More ReLUs were asked for than the layers hold together.
    #[error("budget of {asked} ReLUs is more than the {capacity} of the layers that keep any")]
    BudgetTooLarge {
        /// The budget.
        asked: usize,
        /// Units in all layers that are not culled.
        capacity: usize,
    },
    /// A sensitivity table and a list of layers differ in length, or a value is unusable.
    #[error("sensitivities are unusable: {problem}")]
    BadSensitivity {
        /// What is wrong with them.
        problem: &'static str,
    },
    /// A layer to cull is neither a name nor an index of the network.
    #[error("no activation layer is called {name:?} (names: {known})")]
    UnknownLayer {
        /// The layer asked for.
        name: String,
        /// The names there are.
        known: String,
    },
    /// No stage has this name.
    #[error("no stage is called {name:?} (names: {known})")]
    UnknownStage {
        /// The stage asked for.
        name: String,
        /// The names there are.
        known: String,
    },
    /// No published network of DeepReDuce has this name.
    #[error("DeepReDuce publishes no network called {name:?} (names: {known})")]
    UnknownPoint {
        /// The network asked for.
        name: String,
        /// The names there are.
        known: String,
    },
    /// No network has this name, or none takes images so small.
    #[error(transparent)]
    Network(Described),
    /// An option of the network that does not go with it.
    #[error("--{option} {problem}")]
    BadNetwork {
        /// The option's name.
        option: &'static str,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// The CUDA device asked for is not there.
    #[error("there is no CUDA device {index} ({found} found): {cuda}; or use --device cpu")]
    NoCuda {
        /// Device asked for.
        index: usize,
        /// Devices found.
        found: i64,
        /// What became of the CUDA part of libtorch.
        cuda: crate::cuda::Cuda,
    },
    /// Tensors do not fit a network.
    #[error("the tensors do not fit the network: {problem}")]
    NetworkMismatch {
        /// Which name or shape does not fit.
        problem: String,
    },
    /// The loss is not a number any more.
    #[error(
        "{stage} diverged in epoch {epoch}: the loss is not finite (try a lower learning rate; \
         the epochs before are kept)"
    )]
    Diverged {
        /// The stage.
        stage: String,
        /// The epoch.
        epoch: usize,
    },
    /// A setting that no run could use.
    #[error("{setting} {problem}")]
    BadSetting {
        /// Name of the option.
        setting: &'static str,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// A file of a data set is damaged, or not of its layout.
    #[error("{}: {problem}", path.display())]
    BadData {
        /// The file or folder.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// No known data set lies at a path.
    #[error("{}: no data set there; looked for {looked_for}", path.display())]
    NoImages {
        /// The path.
        path: PathBuf,
        /// What would mark the data sets that are known.
        looked_for: String,
    },
    /// A run is to be resumed with settings other than those it was started with.
    #[error(
        "{}: belongs to a run with other settings ({setting} differs); give the same ones, \
         another --work, or --fresh to start over", path.display()
    )]
    ResumeMismatch {
        /// The state file.
        path: PathBuf,
        /// First setting that differs.
        setting: String,
    },
    /// A checkpoint or its description cannot be used.
    #[error("{}: {problem}", path.display())]
    BadCheckpoint {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// A file of results or a training log cannot be used.
    #[error("{}: {problem}", path.display())]
    BadResult {
        /// The file.
        path: PathBuf,
        /// What is wrong with it, with the line where known.
        problem: String,
    },
    /// A file could not be read or written.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// libtorch refused an operation.
    #[error("libtorch: {0}")]
    Torch(#[from] TchError),
    /// The log could not be set up.
    #[error("cannot set up the log")]
    Log,
}

impl From<Described> for Error {
    fn from(error: Described) -> Self {
        match error {
            Described::BadOption { option, problem } => Self::BadNetwork { option, problem },
            other => Self::Network(other),
        }
    }
}

impl Error {
    /// Wraps an I/O error with the file it concerns.
    pub fn io(path: &Path) -> impl FnOnce(std::io::Error) -> Self + '_ {
        |source| Self::Io { path: path.to_owned(), source }
    }

    /// Exit code of the program: 3 for settings or input that cannot be used, 7 for a
    /// failure of this machine. (0 is success; 2, wrong usage, comes from the parser.)
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::BudgetTooLarge { .. }
            | Self::BadSensitivity { .. }
            | Self::UnknownLayer { .. }
            | Self::UnknownStage { .. }
            | Self::UnknownPoint { .. }
            | Self::BadSetting { .. }
            | Self::BadData { .. }
            | Self::NoImages { .. }
            | Self::ResumeMismatch { .. }
            | Self::Network(_)
            | Self::BadNetwork { .. }
            | Self::NoCuda { .. }
            | Self::NetworkMismatch { .. }
            | Self::Diverged { .. }
            | Self::BadCheckpoint { .. }
            | Self::BadResult { .. } => 3,
            Self::Io { source, .. } if source.kind() == std::io::ErrorKind::NotFound => 3,
            Self::Io { .. } | Self::Torch(_) | Self::Log => 7,
        }
    }
}
