//! A certificate authority that lives as long as its process, unless its key is written down.

use std::time::{Duration, SystemTime};

use rcgen::{
    BasicConstraints, CertificateParams, DnType, Error, ExtendedKeyUsagePurpose, IsCa, Issuer,
    KeyPair, KeyUsagePurpose,
};
use time::OffsetDateTime;

const DAY: Duration = Duration::from_secs(24 * 3600);

/// When certificates are valid.
#[derive(Clone, Copy, Debug)]
pub struct Validity {
    /// The first instant.
    pub from: SystemTime,
    /// The last one.
    pub until: SystemTime,
}

impl Validity {
    /// From a day ago, for clocks that are not quite right, to so many days from now.
    pub fn days(days: u32) -> Self {
        let now = SystemTime::now();
        Self { from: now - DAY, until: now + DAY * days }
    }
}

/// A certificate authority.
pub struct Authority {
    issuer: Issuer<'static, KeyPair>,
    /// Its own certificate, self-signed, and its key.
    pub own: Signed,
    validity: Validity,
}

/// A certificate and its private key, both PEM.
pub struct Signed {
    /// The certificate.
    pub cert: String,
    /// The key.
    pub key: String,
}

impl Authority {
    /// An authority called `name`; it and what it signs are valid as given.
    ///
    /// # Errors
    /// If the system has no randomness, or the name is unusable.
    pub fn new(name: &str, validity: Validity) -> Result<Self, Error> {
        let key = KeyPair::generate()?;
        let mut params = params(name, validity, Vec::new())?;
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let own = Signed { cert: params.self_signed(&key)?.pem(), key: key.serialize_pem() };
        Ok(Self { issuer: Issuer::new(params, key), own, validity })
    }

    /// A server's certificate, for these host names and addresses.
    ///
    /// # Errors
    /// As [`Self::new`].
    pub fn server(&self, names: &[impl AsRef<str>]) -> Result<Signed, Error> {
        let names: Vec<String> = names.iter().map(|name| name.as_ref().to_owned()).collect();
        let subject = names.first().cloned().unwrap_or_default();
        self.sign(&subject, names, ExtendedKeyUsagePurpose::ServerAuth)
    }

    /// A client's certificate.
    ///
    /// # Errors
    /// As [`Self::new`].
    pub fn client(&self, name: &str) -> Result<Signed, Error> {
        self.sign(name, vec![name.to_owned()], ExtendedKeyUsagePurpose::ClientAuth)
    }

    fn sign(
        &self,
        subject: &str,
        names: Vec<String>,
        purpose: ExtendedKeyUsagePurpose,
    ) -> Result<Signed, Error> {
        let key = KeyPair::generate()?;
        let mut params = params(subject, self.validity, names)?;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![purpose];
        params.use_authority_key_identifier_extension = true;
        let cert = params.signed_by(&key, &self.issuer)?.pem();
        Ok(Signed { cert, key: key.serialize_pem() })
    }
}

fn params(
    subject: &str,
    validity: Validity,
    names: Vec<String>,
) -> Result<CertificateParams, Error> {
    let mut params = CertificateParams::new(names)?;
    params.distinguished_name.remove(DnType::CommonName);
    params.distinguished_name.push(DnType::CommonName, subject);
    params.not_before = OffsetDateTime::from(validity.from);
    params.not_after = OffsetDateTime::from(validity.until);
    Ok(params)
}
