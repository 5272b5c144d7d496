//! A party's own certificates: what is wrong with them is said before anybody connects.

use std::time::{Duration, SystemTime};

use tacita_certs::Validity;

use super::authority::{Authority, Net, patient};
use super::*;
use crate::wire::{ClientTls, Identity, Pem, ServerTls};

const DAY: Duration = Duration::from_secs(24 * 3600);

fn refused(identity: &Identity) -> String {
    let server = ServerTls::new(identity, None).map(drop);
    let client = ClientTls::new(&Authority::new().ca(), Some(identity)).map(drop);
    let (Err(Error::Input { what }), Err(Error::Input { what: also })) = (server, client) else {
        panic!("accepted")
    };
    assert_eq!(what, also);
    what
}

/// Valid from so many days ago until so many days ago.
fn past(from: u32, until: u32) -> Validity {
    let now = SystemTime::now();
    Validity { from: now - DAY * from, until: now - DAY * until }
}

#[test]
fn expired_ones_are_refused() {
    let what = refused(&Authority::valid(past(10, 2)).identity("localhost"));
    assert!(what.contains("`cert.pem`") && what.contains("expired on 20"), "{what}");
}

#[test]
fn those_of_the_future_are_refused() {
    let now = SystemTime::now();
    let future = Validity { from: now + DAY, until: now + DAY * 3 };
    let what = refused(&Authority::valid(future).identity("localhost"));
    assert!(what.contains("`cert.pem`") && what.contains("valid from 20"), "{what}");
}

#[test]
fn a_cas_own_is_refused() {
    let authority = tacita_certs::Authority::new("test", Validity::days(3)).unwrap();
    let own = Identity {
        cert: Pem::new("cert.pem", authority.own.cert),
        key: Pem::new("key.pem", authority.own.key),
    };
    let what = refused(&own);
    assert!(what.contains("a CA's own") && what.contains("sign a separate"), "{what}");
}

#[test]
fn days_are_counted() {
    let now = SystemTime::now();
    let half_past = Validity { from: now - DAY, until: now + DAY * 19 / 2 };
    let validity = Authority::valid(half_past).identity("localhost").validity().unwrap();
    assert_eq!(validity.days_left(), 9);
    assert!(validity.last_day().starts_with("20"), "{}", validity.last_day());
}

/// What a client says of a server whose own checks were left out.
fn meet_unchecked(authority: &Authority) -> String {
    let identity = authority.identity("localhost");
    let mut net = Net::new(ServerTls::unchecked(&identity), patient());
    match net.meet(&authority.client(), patient()).0 {
        Err(Error::Input { what }) => what,
        _ => panic!("not an input error"),
    }
}

#[test]
fn a_client_names_the_day_that_a_servers_certificate_expired() {
    let what = meet_unchecked(&Authority::valid(past(10, 2)));
    assert!(what.contains("it expired on 20") && what.contains("renew"), "{what}");
}

#[test]
fn encrypted_keys_are_told_apart_from_damaged_ones() {
    let identity = |key: &str| Identity {
        cert: Authority::new().identity("localhost").cert,
        key: Pem::new("key.pem", key),
    };
    let pkcs8 =
        "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n";
    let old = "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00\n\n\
               AAAA\n-----END RSA PRIVATE KEY-----\n";
    for key in [pkcs8, old] {
        let what = refused(&identity(key));
        assert!(what.contains("encrypted") && what.contains("openssl pkey -in key.pem"), "{what}");
    }
    let what = refused(&identity("0\u{2}"));
    assert!(what.contains("no private key in it"), "{what}");
}

#[test]
#[cfg(unix)]
fn keys_that_others_may_read_are_refused() {
    use std::os::unix::fs::PermissionsExt;
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("server.key");
    let authority = tacita_certs::Authority::new("test", Validity::days(3)).unwrap();
    std::fs::write(&path, &authority.own.key).unwrap();
    for (mode, fine) in [(0o600, true), (0o400, true), (0o640, false), (0o604, false)] {
        std::fs::set_permissions(&path, PermissionsExt::from_mode(mode)).unwrap();
        match Pem::read_secret(&path) {
            Ok(_) => assert!(fine, "{mode:o}"),
            Err(e) => {
                let chmod = format!("chmod 600 {}", path.display());
                assert!(!fine && e.to_string().contains(&chmod), "{mode:o}: {e}");
            }
        }
    }
}
