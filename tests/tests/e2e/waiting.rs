//! Servers that are away for a moment: clients try again, say so, and send no image twice.

use std::net::TcpListener;

use tacita_protocol::session::{ServerContext, SessionLimits};
use tacita_protocol::wire::{AbortReason, Kind};

use crate::support::{Client, DieAt, Files, Impostor, Server, Witness, network};

#[test]
fn a_busy_server_is_waited_for() {
    let files = Files::new();
    let server = Server::start(&files, &["--max-sessions", "1"]);
    let mut witness = Witness::new(&files, &server, 1);
    let client = Client::new(&files, &server.addr, "infer").waiting(600);
    let mut client = client.path(&files.picture(0)).start();
    client.said("server busy, next try in ");
    witness.check();
    witness.leave(&server);
    let ended = client.end();
    let events = ended.expect(&["image", "summary"]);
    network().assert_printed(0, &events[0]["logits"]);
    assert_eq!((&events[1]["images"], &events[1]["tickets"]), (&1.into(), &1.into()));
}

#[test]
fn waiting_has_an_end() {
    let files = Files::new();
    let server = Server::start(&files, &["--max-sessions", "1"]);
    let mut witness = Witness::new(&files, &server, 1);
    for verb in ["info", "infer", "prepare"] {
        let client = Client::new(&files, &server.addr, verb).waiting(1);
        let ended = match verb {
            "infer" => client.path(&files.picture(0)).run(),
            "prepare" => client.with(&["-n", "1"]).run(),
            _ => client.run(),
        };
        ended.refused(6, AbortReason::Busy.text());
        let tries = ended.stderr.matches("server busy, next try in ").count();
        assert!(tries >= 1, "{ended:?}");
        assert_eq!(ended.events().len(), 1, "{ended:?}");
    }
    witness.check();
    witness.leave(&server);
}

#[test]
fn a_server_that_is_not_there_yet_is_waited_for() {
    let files = Files::new();
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let client = Client::new(&files, &free, "prepare").with(&["-n", "1"]);
    let mut client = client.waiting(600).start();
    client.said("nobody listens there, next try in ");
    let server = Server::start_at(&free, "net.plan", &files, &[]);
    client.feed(&files.picture(2));
    network().assert_printed(2, &client.event()["logits"]);
    client.end().expect(&["summary"]);
    assert_eq!(server.session_end().error, None);
}

#[test]
fn an_image_whose_ticket_is_spent_is_not_sent_again() {
    let files = Files::new();
    let context = ServerContext::new(network().plan.clone(), SessionLimits::default()).unwrap();
    let impostor = Impostor::new(&files);
    let client = Client::new(&files, &impostor.addr, "infer").waiting(600);
    let client = client.path(&files.picture(0)).start();
    impostor.serve_once(|mut transport| {
        // The server takes the masked image and is told to stop: a reason to come back, if it were
        // not for the image.
        let mut tap = DieAt::new(&mut transport, Kind::MaskedInput);
        assert!(context.serve(&mut tap, &|| false).is_err());
        transport.abort(AbortReason::ShuttingDown);
    });
    let ended = client.end();
    ended.refused(6, AbortReason::ShuttingDown.text());
    assert!(!ended.stderr.contains("next try"), "{ended:?}");
    assert_eq!(ended.events()[0]["ticket_spent"], true);
}

#[test]
fn both_ends_have_the_system_ask_after_idle_peers() {
    let files = Files::new();
    let server = Server::start(&files, &[]);
    let mut client = Client::new(&files, &server.addr, "prepare").with(&["-n", "1"]).start();
    client.said("ready after");
    let port: u16 = server.addr.rsplit(':').next().unwrap().parse().unwrap();
    // The kernel's own list of connections: a keepalive timer is number 2. Until the last
    // acknowledgements are in, another timer may run.
    loop {
        let timers = timers(port);
        assert_eq!(timers.len(), 2, "{timers:?}");
        if timers.iter().all(|timer| timer == "02") {
            break;
        }
        assert!(timers.iter().all(|timer| timer != "00"), "nobody asks: {timers:?}");
        std::thread::yield_now();
    }
    client.end().expect(&["summary"]);
}

/// The timers of established connections from or to a port of loopback.
fn timers(port: u16) -> Vec<String> {
    let table = std::fs::read_to_string("/proc/net/tcp").unwrap();
    let port = format!(":{port:04X}");
    let rows = table.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
    rows.filter(|row| row[3] == "01" && (row[1].ends_with(&port) || row[2].ends_with(&port)))
        .map(|row| row[5].split(':').next().unwrap().to_owned())
        .collect()
}
