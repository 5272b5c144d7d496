//! TLS settings: 1.3 only, one ALPN name, certificates from PEM files.

use std::fmt::Display;
use std::path::Path;
use std::sync::Arc;

use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{ClientConfig, RootCertStore, ServerConfig};

use crate::error::{Error, Result};

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
        let name = path.display().to_string();
        let unreadable = |why: &dyn Display| Error::input(format!("cannot read `{name}`: {why}"));
        let size = std::fs::metadata(path).map_err(|e| unreadable(&e))?.len();
        if size > MAX_PEM_BYTES {
            return Err(unreadable(&"too large for a PEM file"));
        }
        let bytes = std::fs::read(path).map_err(|e| unreadable(&e))?;
        Ok(Self { name, bytes })
    }

    fn unusable(&self, why: impl Display) -> Error {
        Error::input(format!("`{}`: {why}", self.name))
    }

    fn certificates(&self) -> Result<Vec<CertificateDer<'static>>> {
        let certs: Vec<_> = CertificateDer::pem_slice_iter(&self.bytes)
            .collect::<std::result::Result<_, _>>()
            .map_err(|e| self.unusable(format!("damaged PEM: {e}")))?;
        if certs.is_empty() {
            return Err(self.unusable("no certificate in it (PEM is expected)"));
        }
        Ok(certs)
    }

    fn private_key(&self) -> Result<PrivateKeyDer<'static>> {
        PrivateKeyDer::from_pem_slice(&self.bytes).map_err(|e| match e {
            pem::Error::NoItemsFound => self.unusable("no private key in it (PEM is expected)"),
            // The parser's own words could quote the key.
            _ => self.unusable("damaged PEM"),
        })
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
    /// `Input` naming the file.
    pub fn read(cert: &Path, key: &Path) -> Result<Self> {
        Ok(Self { cert: Pem::read(cert)?, key: Pem::read(key)? })
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
        let mut config = builder
            .with_single_cert(identity.cert.certificates()?, identity.key.private_key()?)
            .map_err(|e| identity.refused(&e))?;
        config.alpn_protocols = vec![ALPN.to_vec()];
        // No resumption: sessions are long, and every one proves its certificates anew.
        config.send_tls13_tickets = 0;
        Ok(Self(Arc::new(config)))
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
            Some(id) => builder
                .with_client_auth_cert(id.cert.certificates()?, id.key.private_key()?)
                .map_err(|e| id.refused(&e))?,
        };
        config.alpn_protocols = vec![ALPN.to_vec()];
        config.resumption = rustls::client::Resumption::disabled();
        Ok(Self(Arc::new(config)))
    }
}
