//! What a party's own certificates say of themselves, looked at before anything is served or asked
//! with them: rustls finds most of it only when a peer does, and then tells the peer alone.

use std::time::{SystemTime, UNIX_EPOCH};

use rustls::pki_types::CertificateDer;
use x509_parser::prelude::{FromDer, X509Certificate};
use x509_parser::time::ASN1Time;

use crate::error::Result;
use crate::wire::tls::Pem;

const DAY: i64 = 24 * 3600;

/// How long a chain of certificates is still valid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Validity {
    until: i64,
    now: i64,
}

impl Validity {
    /// Whole days left when it was looked at.
    pub fn days_left(&self) -> i64 {
        (self.until - self.now).div_euclid(DAY)
    }

    /// The last day, as `YYYY-MM-DD` (UTC).
    pub fn last_day(&self) -> String {
        date(self.until)
    }
}

/// The date of an instant, in seconds since 1970 (UTC).
pub(super) fn date(seconds: i64) -> String {
    match ASN1Time::from_timestamp(seconds) {
        Ok(time) => time.to_datetime().date().to_string(),
        Err(_) => "a day out of reach".to_owned(),
    }
}

fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| i64::try_from(since.as_secs()).unwrap_or(i64::MAX))
}

/// Checks a party's own chain, which came from `pem`: all of it is valid now, and it begins with
/// the party's certificate.
///
/// # Errors
/// `Input` naming the file, what is wrong and what to do.
pub(super) fn check_chain(pem: &Pem, chain: &[CertificateDer<'_>]) -> Result<Validity> {
    let now = now();
    let mut until = i64::MAX;
    for (i, der) in chain.iter().enumerate() {
        let unreadable = |e| pem.unusable(format!("certificate {} is damaged: {e}", i + 1));
        let (_, cert) = X509Certificate::from_der(der).map_err(unreadable)?;
        let which = which(i, chain.len(), &cert);
        if i == 0 && cert.is_ca() {
            return Err(pem.unusable(format!(
                "{which} is a CA's own, which nobody accepts from a server or client: sign a \
                 separate certificate with it, or put the one that it signed first"
            )));
        }
        check_dates(&cert, now).map_err(|why| pem.unusable(format!("{which} {why}")))?;
        until = until.min(cert.validity().not_after.timestamp());
    }
    Ok(Validity { until, now })
}

/// The certificates of `pem`, which are trusted: those that expired, in words. Peers that they
/// signed still connect, so it is for a warning.
pub(super) fn expired(chain: &[CertificateDer<'_>]) -> Vec<String> {
    let now = now();
    let mut found = Vec::new();
    for (i, der) in chain.iter().enumerate() {
        let Ok((_, cert)) = X509Certificate::from_der(der) else { continue };
        if let Err(why) = check_dates(&cert, now) {
            found.push(format!("{} {why}", which(i, chain.len(), &cert)));
        }
    }
    found
}

fn which(i: usize, of: usize, cert: &X509Certificate<'_>) -> String {
    match of {
        1 => "the certificate".to_owned(),
        _ => format!("certificate {} of {of} ({})", i + 1, cert.subject()),
    }
}

fn check_dates(cert: &X509Certificate<'_>, now: i64) -> std::result::Result<(), String> {
    let validity = cert.validity();
    let (from, until) = (validity.not_before.timestamp(), validity.not_after.timestamp());
    if now > until {
        return Err(format!("expired on {}: have it renewed", date(until)));
    }
    if now < from {
        return Err(format!(
            "is valid from {} only, and this machine's clock says {}: wait, or set the clock",
            date(from),
            date(now)
        ));
    }
    Ok(())
}
