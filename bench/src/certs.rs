//! Certificates made on the spot: a CA and a server certificate for loopback.

use std::path::{Path, PathBuf};

use tacita_certs::Folder;
use tacita_protocol::{Error, Result};

/// Where the PEM files are.
pub struct Certs {
    /// The CA's certificate.
    pub ca: PathBuf,
    /// The server's certificate.
    pub cert: PathBuf,
    /// Its private key.
    pub key: PathBuf,
}

/// Makes them in `dir`.
///
/// # Errors
/// `Local` if they cannot be made or written.
pub fn make(dir: &Path) -> Result<Certs> {
    let folder = Folder::make(dir, &[]).map_err(|e| Error::local(e.to_string()))?;
    Ok(Certs { ca: folder.ca.cert, cert: folder.server.cert, key: folder.server.key })
}
