//! A party that dies, at every message of a session: the other one ends with a network error.
//! A server goes on serving.

use tacita_protocol::Error;
use tacita_protocol::session::{ServerContext, SessionLimits};

use crate::support::{
    Action, Client, Files, Impostor, KILLED, Peer, Server, Tap, honest_session, network,
    undisturbed,
};

/// Messages of a session of one inference, sent and received.
fn messages(files: &Files, server: &Server) -> usize {
    let mut peer = Peer::connect(files, server);
    let mut tap = Tap::new(&mut peer.transport, Action::Nothing, 0);
    honest_session(&mut tap, 0).unwrap();
    let messages = tap.messages.len();
    peer.hang_up();
    assert_eq!(server.session_end().error, None);
    messages
}

/// Kills a client at every message.
fn kill_clients(end: impl Fn(Peer)) {
    let files = Files::new();
    let server = Server::start(&files, &[]);
    let messages = messages(&files, &server);
    undisturbed(&files, &server, || {
        for at in 0..messages {
            let mut peer = Peer::connect(&files, &server);
            let tap = Tap::new(&mut peer.transport, Action::Die, at);
            let killed = honest_session(tap, 0).unwrap_err();
            assert!(killed.to_string().contains(KILLED), "message {at}: {killed}");
            end(peer);
            let error = server.session_end().error.unwrap();
            assert!(error.starts_with("network: "), "message {at}: {error}");
        }
    });
}

#[test]
fn a_client_whose_socket_closes_at_any_message() {
    kill_clients(Peer::vanish);
}

#[test]
fn a_client_that_hangs_up_at_any_message() {
    kill_clients(Peer::hang_up);
}

#[test]
fn a_client_process_that_is_killed() {
    let files = Files::new();
    let server = Server::start(&files, &[]);
    undisturbed(&files, &server, || {
        let mut client = Client::new(&files, &server.addr, "prepare").with(&["-n", "2"]).start();
        client.feed(&files.picture(0));
        assert_eq!(client.event()["event"], "image");
        client.kill();
        let served = server.session_end();
        assert!(served.error.as_ref().unwrap().starts_with("network: "), "{served:?}");
    });
}

#[test]
fn a_server_process_that_is_killed() {
    let files = Files::new();
    let mut server = Server::start(&files, &[]);
    let mut client = Client::new(&files, &server.addr, "prepare").with(&["-n", "2"]).start();
    client.feed(&files.picture(0));
    assert_eq!(client.event()["event"], "image");
    server.kill();
    client.feed(&files.picture(1));
    client.end().refused(6, "network: ");
}

#[test]
fn a_server_whose_socket_closes_at_any_message() {
    let files = Files::new();
    let context = ServerContext::new(network().plan.clone(), SessionLimits::default()).unwrap();
    for at in 0.. {
        let impostor = Impostor::new(&files);
        let client = Client::new(&files, &impostor.addr, "infer").path(&files.picture(0)).start();
        let (served, messages) = impostor.serve_once(|mut transport| {
            let mut tap = Tap::new(&mut transport, Action::Die, at);
            (context.serve(&mut tap, &|| false), tap.messages.len())
        });
        let ended = client.end();
        match served {
            // One more message than there are.
            Ok(_) => {
                assert_eq!((ended.code, messages), (Some(0), at), "{ended:?}");
                break;
            }
            // The goodbye needs no answer: the client is done when the server should get it.
            Err(Error::Network { .. }) if ended.code == Some(0) => {
                assert_eq!(ended.events().len(), 2, "message {at}: {ended:?}");
            }
            Err(Error::Network { .. }) => ended.refused(6, "network: "),
            Err(e) => panic!("message {at}: {e}"),
        }
    }
}
