//! Certificates made on the spot: a CA and a server certificate for loopback.

use std::fs;
use std::path::{Path, PathBuf};

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
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
    let failed = |e: rcgen::Error| Error::local(format!("cannot make a certificate: {e}"));
    let ca_key = KeyPair::generate().map_err(failed)?;
    let mut ca_params = CertificateParams::new(Vec::<String>::new()).map_err(failed)?;
    ca_params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    let ca = ca_params.self_signed(&ca_key).map_err(failed)?;
    let issuer = Issuer::from_params(&ca_params, &ca_key);
    let key = KeyPair::generate().map_err(failed)?;
    let names = ["localhost".to_owned(), "127.0.0.1".to_owned()];
    let params = CertificateParams::new(names).map_err(failed)?;
    let cert = params.signed_by(&key, &issuer).map_err(failed)?;
    let write = |name: &str, pem: String| {
        let path = dir.join(name);
        fs::write(&path, pem).map_err(|e| Error::local(format!("{}: {e}", path.display())))?;
        Ok::<_, Error>(path)
    };
    Ok(Certs {
        ca: write("ca.pem", ca.pem())?,
        cert: write("server.pem", cert.pem())?,
        key: write("server.key", key.serialize_pem())?,
    })
}
