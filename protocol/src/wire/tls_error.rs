//! Whose fault a failed TLS connection is, in words that say what to do.
//!
//! A certificate that does not fit is `Input`: it is mended by other files or options at one of
//! the two ends, not by trying again.

use std::io;

use rustls::pki_types::UnixTime;
use rustls::{AlertDescription, CertificateError, Error as Tls};

use super::certificate::date;
use crate::error::Error;

/// The error behind a failed read, write or handshake; `doing` says which.
pub(super) fn from_io(doing: &str, e: &io::Error) -> Error {
    match e.get_ref().and_then(|inner| inner.downcast_ref::<Tls>()) {
        Some(tls) => from_tls(tls),
        None if e.kind() == io::ErrorKind::UnexpectedEof => {
            Error::network(format!("{doing}: the peer's end went away"))
        }
        None => Error::network(format!("{doing}: {e}")),
    }
}

fn from_tls(e: &Tls) -> Error {
    match e {
        Tls::InvalidCertificate(why) => Error::input(certificate(why)),
        Tls::NoCertificatesPresented => Error::input("the peer shows no certificate"),
        Tls::AlertReceived(alert) => from_alert(*alert),
        Tls::NoApplicationProtocol | Tls::PeerIncompatible(_) => {
            Error::incompatible(format!("no common TLS 1.3 protocol: {e}"))
        }
        Tls::InvalidMessage(_) => Error::incompatible(format!("the peer speaks no TLS: {e}")),
        Tls::PeerMisbehaved(_) | Tls::DecryptError | Tls::PeerSentOversizedRecord => {
            Error::misbehaved(format!("TLS: {e}"))
        }
        _ => Error::network(format!("TLS: {e}")),
    }
}

fn from_alert(alert: AlertDescription) -> Error {
    use AlertDescription as A;
    match alert {
        A::CertificateRequired => Error::input(
            "the server wants a client certificate: give one (--cert and --key) signed by its \
             client CA",
        ),
        A::UnknownCA
        | A::BadCertificate
        | A::UnsupportedCertificate
        | A::CertificateRevoked
        | A::CertificateExpired
        | A::CertificateUnknown
        | A::AccessDenied
        | A::DecryptError => {
            Error::input(format!("the peer refuses the certificate it was shown ({alert:?})"))
        }
        A::NoApplicationProtocol | A::ProtocolVersion | A::HandshakeFailure => {
            Error::incompatible(format!("the peer has no protocol in common ({alert:?})"))
        }
        _ => Error::network(format!("TLS: the peer gave up ({alert:?})")),
    }
}

/// The date of an instant.
fn day(time: UnixTime) -> String {
    date(i64::try_from(time.as_secs()).unwrap_or(i64::MAX))
}

fn certificate(why: &CertificateError) -> String {
    use CertificateError as C;
    let why = match why {
        // A CA of the same name but another key shows as a bad signature.
        C::UnknownIssuer | C::BadSignature => {
            "the given CA did not sign it; is it the right CA file? Ask the peer's operator for \
             the certificate of the CA that did"
                .to_string()
        }
        C::Expired => "it has expired: its owner has to renew it".to_string(),
        C::ExpiredContext { not_after, time } => format!(
            "it expired on {}: its owner has to renew it, unless this machine's clock is wrong (it \
             says {})",
            day(*not_after),
            day(*time)
        ),
        C::NotValidYet => "it is not valid yet; is the clock right?".to_string(),
        C::NotValidYetContext { not_before, time } => format!(
            "it is not valid before {}, and this machine's clock says {}; is the clock right?",
            day(*not_before),
            day(*time)
        ),
        C::NotValidForName => format!("{why}"),
        C::NotValidForNameContext { expected, presented } => {
            wrong_name(&expected.to_str(), presented)
        }
        // Made by `openssl req -x509` without further words: a frequent first attempt.
        _ if format!("{why:?}").contains("CaUsedAsEndEntity") => {
            "it is a CA's own certificate; sign a separate one for the peer".to_string()
        }
        _ => format!("{why}"),
    };
    format!("the peer's certificate is refused: {why}")
}

/// rustls writes names as `DnsName("a")` and `IpAddress(::1)`.
fn wrong_name(expected: &str, presented: &[String]) -> String {
    let plain = |name: &String| {
        let inner = name.split_once('(').and_then(|(_, rest)| rest.strip_suffix(')'));
        format!("`{}`", inner.unwrap_or(name).trim_matches('"'))
    };
    let names: Vec<String> = presented.iter().map(plain).collect();
    let names = if names.is_empty() { "no name at all".to_owned() } else { names.join(", ") };
    format!(
        "it is for {names}, not for `{expected}`: connect by a name that it is for, or have that \
         name expected (--server-name)"
    )
}
