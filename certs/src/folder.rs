//! A folder with an authority, a server's and a client's certificate, and their keys.

use std::fs::{DirBuilder, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::{Authority, Signed, Validity};

/// How long what is in a folder is valid. Development certificates are made anew, not kept.
const DAYS: u32 = 365;
/// Names that every development server answers to.
const LOOPBACK: [&str; 3] = ["localhost", "127.0.0.1", "::1"];

/// The files of a folder.
#[derive(Clone, Debug)]
pub struct Folder {
    /// The authority's certificate and key.
    pub ca: Pair,
    /// The server's, signed by the authority.
    pub server: Pair,
    /// A client's, signed by the authority.
    pub client: Pair,
}

/// A certificate's file and its key's.
#[derive(Clone, Debug)]
pub struct Pair {
    /// The certificate (PEM).
    pub cert: PathBuf,
    /// The private key (PEM), readable by its owner alone.
    pub key: PathBuf,
}

/// Why a folder could not be made.
#[derive(Debug, thiserror::Error)]
pub enum FolderError {
    /// Nothing is overwritten.
    #[error("`{0}` is there already and is not overwritten: remove it, or name another folder")]
    Exists(PathBuf),
    /// A name for the server is none.
    #[error("`{0}` is no host name or address")]
    Name(String),
    /// A file could not be written.
    #[error("cannot write `{0}`: {1}")]
    Write(PathBuf, io::Error),
    /// A certificate could not be made.
    #[error("cannot make a certificate: {0}")]
    Make(#[from] rcgen::Error),
}

impl Folder {
    /// Where the files of `dir` are.
    pub fn at(dir: &Path) -> Self {
        let pair = |name: &str| Pair {
            cert: dir.join(format!("{name}.pem")),
            key: dir.join(format!("{name}.key")),
        };
        Self { ca: pair("ca"), server: pair("server"), client: pair("client") }
    }

    /// Makes `dir` if need be, and everything in it. The server's certificate is for loopback and
    /// for `names`.
    ///
    /// # Errors
    /// See [`FolderError`]. If a file is in the way, nothing is written.
    pub fn make(dir: &Path, names: &[String]) -> Result<Self, FolderError> {
        let folder = Self::at(dir);
        if let Some(taken) = folder.files().into_iter().find(|file| file.symlink_metadata().is_ok())
        {
            return Err(FolderError::Exists(taken.to_owned()));
        }
        if let Some(name) = names.iter().find(|name| !is_name(name)) {
            return Err(FolderError::Name(name.clone()));
        }
        let authority = Authority::new("Tacita development CA", Validity::days(DAYS))?;
        let mut all: Vec<&str> = LOOPBACK.to_vec();
        all.extend(names.iter().map(String::as_str));
        let server = authority.server(&all)?;
        let client = authority.client("tacita-client")?;
        make_dir(dir)?;
        folder.ca.write(&authority.own)?;
        folder.server.write(&server)?;
        folder.client.write(&client)?;
        Ok(folder)
    }

    fn files(&self) -> Vec<&Path> {
        let pairs = [&self.ca, &self.server, &self.client];
        pairs.into_iter().flat_map(|pair| [pair.cert.as_path(), pair.key.as_path()]).collect()
    }
}

/// Whether this is an IP address or reads like a host name.
fn is_name(name: &str) -> bool {
    let label = |label: &str| {
        let fits = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_' || c == '*';
        !label.is_empty() && label.len() <= 63 && label.chars().all(fits)
    };
    name.parse::<std::net::IpAddr>().is_ok() || name.split('.').all(label)
}

impl Pair {
    fn write(&self, signed: &Signed) -> Result<(), FolderError> {
        write_new(&self.key, &signed.key, 0o600)?;
        write_new(&self.cert, &signed.cert, 0o644)
    }
}

fn make_dir(dir: &Path) -> Result<(), FolderError> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(dir).map_err(|e| FolderError::Write(dir.to_owned(), e))
}

/// Writes a file that was not there before.
fn write_new(path: &Path, text: &str, mode: u32) -> Result<(), FolderError> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, mode);
    #[cfg(not(unix))]
    let _ = mode;
    let written = options.open(path).and_then(|mut file| file.write_all(text.as_bytes()));
    written.map_err(|e| match e.kind() {
        io::ErrorKind::AlreadyExists => FolderError::Exists(path.to_owned()),
        _ => FolderError::Write(path.to_owned(), e),
    })
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn keys_are_their_owners_and_nothing_is_overwritten() {
        let dir = tempfile::tempdir().unwrap();
        let folder = Folder::make(&dir.path().join("a/b"), &["model.example".into()]).unwrap();
        for pair in [&folder.ca, &folder.server, &folder.client] {
            let mode = pair.key.metadata().unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600, "{}", pair.key.display());
        }
        let before = std::fs::read(&folder.ca.cert).unwrap();
        std::fs::remove_file(&folder.client.key).unwrap();
        let again = Folder::make(&dir.path().join("a/b"), &[]);
        assert!(matches!(again, Err(FolderError::Exists(_))), "{again:?}");
        assert_eq!(std::fs::read(&folder.ca.cert).unwrap(), before);
        assert!(!folder.client.key.exists());
    }

    #[test]
    fn what_is_no_name_is_refused_before_anything_is_written() {
        let dir = tempfile::tempdir().unwrap();
        for name in ["", "two words", "a..b", "http://host"] {
            let made = Folder::make(&dir.path().join("certs"), &[name.to_owned()]);
            assert!(matches!(made, Err(FolderError::Name(_))), "{name}: {made:?}");
        }
        assert!(!dir.path().join("certs").exists());
    }
}
