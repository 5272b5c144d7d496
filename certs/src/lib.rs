//! Certificates made on the spot: an authority, what it signs, and a folder of them to develop with.

mod authority;
mod folder;

pub use authority::{Authority, Signed, Validity};
pub use folder::{Folder, FolderError, Pair};
pub use rcgen::Error;
