//! Whose fault a failed TLS connection is, in words that say what to do.
//!
//! A certificate that does not fit is `Input`: it is mended by other files or options at one of
//! the two ends, not by trying again.

use std::io;

use rustls::{AlertDescription, CertificateError, Error as Tls};

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

fn certificate(why: &CertificateError) -> String {
    use CertificateError as C;
    let why = match why {
        // A CA of the same name but another key shows as a bad signature.
        C::UnknownIssuer | C::BadSignature => {
            "the given CA did not sign it; is it the right CA file?".to_string()
        }
        C::Expired | C::ExpiredContext { .. } => "it has expired".to_string(),
        C::NotValidYet | C::NotValidYetContext { .. } => {
            "it is not valid yet; is the clock right?".to_string()
        }
        C::NotValidForName | C::NotValidForNameContext { .. } => format!("{why}"),
        // Made by `openssl req -x509` without further words: a frequent first attempt.
        _ if format!("{why:?}").contains("CaUsedAsEndEntity") => {
            "it is a CA's own certificate; sign a separate one for the peer".to_string()
        }
        _ => format!("{why}"),
    };
    format!("the peer's certificate is refused: {why}")
}
