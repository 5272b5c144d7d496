//! Why options describe no network.

/// Results of this crate.
pub type Result<T> = std::result::Result<T, Error>;

/// What is wrong with a name or an option.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// No network has this name.
    #[error("no network is called {0:?} (names: {names})", names = crate::NAMES)]
    UnknownNetwork(String),
    /// An option has a value that no network could have, or one that this network has no use for.
    #[error("{option} {problem}")]
    BadOption {
        /// The option's name, its words joined by hyphens.
        option: &'static str,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// A map of the network would have no rows, columns or channels.
    #[error("the image is too small: a map of the network would vanish")]
    SmallImage,
}
