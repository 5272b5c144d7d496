//! TLS settings: 1.3 only, one ALPN name, certificates from PEM files.

use std::fmt::Display;
use std::fs::Metadata;
use std::path::Path;
use std::sync::Arc;

use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{ClientConfig, RootCertStore, ServerConfig};

use super::certificate::{self, Validity};
use crate::error::{Error, Result};
use crate::file;

/// The protocol's ALPN name: a server of anything else is recognised in the handshake.
pub const ALPN: &[u8] = b"tacita/1";

/// Largest PEM file that is read.
const MAX_PEM_BYTES: u64 = 1 << 20;

/// The bytes of a PEM file and what to call it in errors.
pub struct Pem {
    name: String,
    bytes: Vec<u8>,
}

impl Pem {
    /// PEM text from elsewhere than a file.
    pub fn new(name: impl Into<String>, bytes: impl Into<Vec<u8>>) -> Self {
        Self { name: name.into(), bytes: bytes.into() }
    }

    /// Reads a file.
    ///
    /// # Errors
    /// `Input` naming the file.
    pub fn read(path: &Path) -> Result<Self> {
        let bytes = file::read_regular(path, MAX_PEM_BYTES)?;
        Ok(Self { name: path.display().to_string(), bytes })
    }

    /// Reads a file that is a secret.
    ///
    /// # Errors
    /// As [`Self::read`], and `Input` if a private key is in it that others than its owner may read.
    pub fn read_secret(path: &Path) -> Result<Self> {
        let (file, metadata) = file::open_regular(path)?;
        let bytes = file::read_open(file, path, MAX_PEM_BYTES)?;
        let pem = Self { name: path.display().to_string(), bytes };
        // Something else in the key's place is no secret, and refused later for what it is.
        if pem.has("PRIVATE KEY-----") {
            check_private(path, &metadata)?;
        }
        Ok(pem)
    }

    pub(super) fn unusable(&self, why: impl Display) -> Error {
        Error::input(format!("`{}`: {why}", self.name))
    }

    fn has(&self, words: &str) -> bool {
        self.bytes.windows(words.len()).any(|window| window == words.as_bytes())
    }

    fn certificates(&self) -> Result<Vec<CertificateDer<'static>>> {
        let certs: Vec<_> = CertificateDer::pem_slice_iter(&self.bytes)
            .collect::<std::result::Result<_, _>>()
            .map_err(|e| self.unusable(format!("damaged PEM: {e}")))?;
        if certs.is_empty() {
            return Err(self.unusable(format!("no certificate in it{}", self.instead())));
        }
        Ok(certs)
    }

    fn private_key(&self) -> Result<PrivateKeyDer<'static>> {
        if self.has("BEGIN ENCRYPTED PRIVATE KEY") || self.has("Proc-Type: 4,ENCRYPTED") {
            return Err(self.unusable(format!(
                "the private key is encrypted, and there is nobody here to ask for its password: \
                 write a plain one with `openssl pkey -in {} -out plain.key` and `chmod 600 \
                 plain.key`",
                self.name
            )));
        }
        PrivateKeyDer::from_pem_slice(&self.bytes).map_err(|e| match e {
            pem::Error::NoItemsFound => {
                self.unusable(format!("no private key in it{}", self.instead()))
            }
            // The parser's own words could quote the key.
            _ => self.unusable("damaged PEM"),
        })
    }

    /// What there is in the place of what was looked for.
    fn instead(&self) -> &'static str {
        if self.has("PRIVATE KEY-----") {
            ", but a private key: are the certificate and the key exchanged?"
        } else if self.has("BEGIN CERTIFICATE-----") {
            ", but a certificate: are the certificate and the key exchanged?"
        } else if self.bytes.starts_with(&[0x30, 0x82]) {
            ": it looks like DER, and PEM is expected (`openssl x509 -inform der`, or `pkey`, \
             converts it)"
        } else {
            " (PEM is expected)"
        }
    }

    /// Certificates in it that are trusted though not valid now, in words.
    ///
    /// # Errors
    /// `Input` if there are none at all in it.
    pub fn expired_roots(&self) -> Result<Vec<String>> {
        Ok(certificate::expired(&self.certificates()?))
    }

    fn roots(&self) -> Result<Arc<RootCertStore>> {
        let mut roots = RootCertStore::empty();
        for cert in self.certificates()? {
            roots.add(cert).map_err(|e| self.unusable(format!("not a usable CA: {e}")))?;
        }
        Ok(Arc::new(roots))
    }
}

impl Drop for Pem {
    fn drop(&mut self) {
        use zeroize::Zeroize;
        self.bytes.zeroize();
    }
}

/// A certificate chain and its private key.
pub struct Identity {
    /// The chain, the end entity first.
    pub cert: Pem,
    /// Its key.
    pub key: Pem,
}

impl Identity {
    /// Reads both files.
    ///
    /// # Errors
    /// `Input` naming the file; also if others may read the key.
    pub fn read(cert: &Path, key: &Path) -> Result<Self> {
        Ok(Self { cert: Pem::read(cert)?, key: Pem::read_secret(key)? })
    }

    /// How long the chain is valid.
    ///
    /// # Errors
    /// `Input` if it is not valid now, or begins with a CA's own certificate.
    pub fn validity(&self) -> Result<Validity> {
        certificate::check_chain(&self.cert, &self.cert.certificates()?)
    }

    /// The chain, which is valid now, and the key.
    fn checked(&self) -> Result<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>)> {
        let chain = self.cert.certificates()?;
        let key = self.key.private_key()?;
        certificate::check_chain(&self.cert, &chain)?;
        Ok((chain, key))
    }

    /// What rustls has against this pair.
    fn refused(&self, e: &rustls::Error) -> Error {
        let (cert, key) = (&self.cert.name, &self.key.name);
        match e {
            rustls::Error::InconsistentKeys(_) => {
                Error::input(format!("`{key}` is not the private key of `{cert}`"))
            }
            _ => Error::input(format!("`{cert}` with `{key}`: {e}")),
        }
    }
}

/// Refuses a secret that others than its owner may read. Group members may where it is root's and
/// we are not: that is how a service manager hands a secret to a service.
#[cfg(unix)]
fn check_private(path: &Path, metadata: &Metadata) -> Result<()> {
    use std::os::unix::fs::MetadataExt;
    let handed = metadata.uid() == 0 && !rustix::process::geteuid().is_root();
    let allowed = if handed { 0o740 } else { 0o700 };
    let mode = metadata.mode() & 0o777;
    if mode & !allowed == 0 {
        return Ok(());
    }
    let name = path.display();
    Err(Error::input(format!(
        "`{name}`: others than its owner may read or change the private key (mode {mode:o}): \
         `chmod 600 {name}`"
    )))
}

#[cfg(not(unix))]
fn check_private(_: &Path, _: &Metadata) -> Result<()> {
    Ok(())
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}

fn no_tls13(e: &rustls::Error) -> Error {
    Error::local(format!("TLS 1.3 is not available: {e}"))
}

/// A server's TLS settings.
#[derive(Clone)]
pub struct ServerTls(pub(super) Arc<ServerConfig>);

impl ServerTls {
    /// With `client_ca`, clients must show a certificate that one of these CAs signed.
    ///
    /// # Errors
    /// `Input` naming the file at fault.
    pub fn new(identity: &Identity, client_ca: Option<&Pem>) -> Result<Self> {
        let (chain, key) = identity.checked()?;
        let builder = ServerConfig::builder_with_provider(provider())
            .with_protocol_versions(&[&rustls::version::TLS13])
            .map_err(|e| no_tls13(&e))?;
        let builder = match client_ca {
            None => builder.with_no_client_auth(),
            Some(ca) => {
                let roots = ca.roots()?;
                let verifier = WebPkiClientVerifier::builder_with_provider(roots, provider())
                    .build()
                    .map_err(|e| ca.unusable(e))?;
                builder.with_client_cert_verifier(verifier)
            }
        };
        let mut config = builder.with_single_cert(chain, key).map_err(|e| identity.refused(&e))?;
        config.alpn_protocols = vec![ALPN.to_vec()];
        // No resumption: sessions are long, and every one proves its certificates anew.
        config.send_tls13_tickets = 0;
        Ok(Self(Arc::new(config)))
    }

    /// Settings of a server that never looked at its certificate.
    #[cfg(test)]
    pub(super) fn unchecked(identity: &Identity) -> Self {
        let builder = ServerConfig::builder_with_provider(provider())
            .with_protocol_versions(&[&rustls::version::TLS13])
            .unwrap()
            .with_no_client_auth();
        let (chain, key) =
            (identity.cert.certificates().unwrap(), identity.key.private_key().unwrap());
        let mut config = builder.with_single_cert(chain, key).unwrap();
        config.alpn_protocols = vec![ALPN.to_vec()];
        Self(Arc::new(config))
    }
}

/// A client's TLS settings.
#[derive(Clone)]
pub struct ClientTls(pub(super) Arc<ClientConfig>);

impl ClientTls {
    /// Trusts servers that one of the CAs in `ca` signed and shows `identity` if asked.
    ///
    /// # Errors
    /// `Input` naming the file at fault.
    pub fn new(ca: &Pem, identity: Option<&Identity>) -> Result<Self> {
        let builder = ClientConfig::builder_with_provider(provider())
            .with_protocol_versions(&[&rustls::version::TLS13])
            .map_err(|e| no_tls13(&e))?
            .with_root_certificates(ca.roots()?);
        let mut config = match identity {
            None => builder.with_no_client_auth(),
            Some(id) => {
                let (chain, key) = id.checked()?;
                builder.with_client_auth_cert(chain, key).map_err(|e| id.refused(&e))?
            }
        };
        config.alpn_protocols = vec![ALPN.to_vec()];
        config.resumption = rustls::client::Resumption::disabled();
        Ok(Self(Arc::new(config)))
    }
}
