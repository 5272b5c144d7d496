//! What a client says of its tickets when a session fails.

use tacita_protocol::session::{ServerContext, SessionLimits};
use tacita_protocol::wire::Kind;

use crate::support::{Client, DieAt, Ended, Files, Impostor, network};

/// A client with two images, whose server vanishes at a message of this kind.
fn left_at(files: &Files, kind: Kind, json: bool) -> Ended {
    let context = ServerContext::new(network().plan.clone(), SessionLimits::default()).unwrap();
    let impostor = Impostor::new(files);
    let client = match json {
        true => Client::new(files, &impostor.addr, "infer"),
        false => Client::plain(files, &impostor.addr, "infer"),
    };
    let client = client.path(&files.picture(0)).path(&files.picture(1)).start();
    impostor.serve_once(|transport| {
        let mut tap = DieAt::new(transport, kind);
        assert!(context.serve(&mut tap, &|| false).is_err());
    });
    client.end()
}

#[test]
fn errors_say_whether_a_ticket_was_spent() {
    let files = Files::new();
    // The batch is of two tickets.
    for (kind, spent, lost) in [
        (Kind::ClientHello, false, 0),
        (Kind::Upload, false, 0),
        (Kind::MaskedInput, true, 1),
        (Kind::Logits, true, 1),
    ] {
        let ended = left_at(&files, kind, true);
        ended.refused(6, "network: ");
        let error = ended.events().pop().unwrap();
        assert_eq!(error["ticket_spent"], spent, "{kind:?}: {error}");
        assert_eq!(error["tickets_lost"], lost, "{kind:?}: {error}");
        let named = error["image"].as_str().is_some_and(|image| image.ends_with("0.png"));
        assert_eq!(named, spent, "{kind:?}: {error}");
    }
}

#[test]
fn people_are_told_too() {
    let files = Files::new();
    let ended = left_at(&files, Kind::MaskedInput, false);
    assert_eq!(ended.code, Some(6), "{ended:?}");
    let last = ended.stderr.lines().last().unwrap();
    assert!(last.starts_with("error: network: "), "{ended:?}");
    assert!(last.contains("0.png` was spent; 1 unspent ticket of this session is lost"), "{last}");
}
