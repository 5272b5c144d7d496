//! Clients that are ended from outside: promptly, with a code of their own, in whole lines.

use tacita_protocol::Result;
use tacita_protocol::session::{ServerContext, SessionLimits};
use tacita_protocol::wire::{Kind, Meter, Transport};

use crate::support::{Client, Ended, Files, Impostor, Server, network};

fn send(signal: &str, process: u32) {
    let sent = std::process::Command::new("kill").args([signal, &process.to_string()]).status();
    assert!(sent.unwrap().success());
}

/// The last event of a client that a signal ended, all lines of which are whole.
fn last_event(ended: &Ended, code: i32, signal: &str) -> serde_json::Value {
    ended.refused(code, signal);
    assert!(ended.stdout.ends_with('\n'), "{ended:?}");
    ended.events().pop().unwrap()
}

#[test]
fn ctrl_c_between_images() {
    let files = Files::new();
    let server = Server::start(&files, &[]);
    for (signal, code, name) in [("-INT", 130, "SIGINT"), ("-TERM", 143, "SIGTERM")] {
        let mut client = Client::new(&files, &server.addr, "prepare").with(&["-n", "2"]).start();
        client.feed(&files.picture(0));
        assert_eq!(client.event()["event"], "image");
        // "Answered" is noted after the line is printed.
        client.feed(&files.path("missing.png"));
        assert_eq!(client.event()["event"], "image_error");
        send(signal, client.id());
        let error = last_event(&client.end_unasked(), code, name);
        assert_eq!(
            (&error["ticket_spent"], &error["tickets_lost"]),
            (&false.into(), &1.into()),
            "{error}"
        );
        assert!(server.session_end().error.unwrap().starts_with("network: "));
    }
}

/// Does something once the masked image is there.
struct AtImage<T, F> {
    inner: T,
    act: Option<F>,
}

impl<T: Transport, F: FnOnce()> Transport for AtImage<T, F> {
    fn send(&mut self, kind: Kind, payload: &[u8]) -> Result<()> {
        self.inner.send(kind, payload)
    }

    fn recv(&mut self, kind: Kind, len: usize) -> Result<Vec<u8>> {
        let message = self.inner.recv(kind, len)?;
        if kind == Kind::MaskedInput
            && let Some(act) = self.act.take()
        {
            act();
        }
        Ok(message)
    }

    fn recv_any(&mut self, kinds: &[Kind], max: usize) -> Result<(Kind, Vec<u8>)> {
        self.inner.recv_any(kinds, max)
    }

    fn meter(&self) -> &Meter {
        self.inner.meter()
    }
}

#[test]
fn ctrl_c_in_the_middle_of_an_inference() {
    let files = Files::new();
    let context = ServerContext::new(network().plan.clone(), SessionLimits::default()).unwrap();
    let impostor = Impostor::new(&files);
    let client = Client::new(&files, &impostor.addr, "infer");
    let mut client = client.path(&files.picture(0)).path(&files.picture(1)).start();
    let id = client.id();
    let mut ended = None;
    impostor.serve_once(|transport| {
        // The server is slow to answer, as it were: the client does not wait for it.
        let act = || {
            send("-INT", id);
            ended = Some(client.end());
        };
        let mut gate = AtImage { inner: transport, act: Some(act) };
        assert!(context.serve(&mut gate, &|| false).is_err());
    });
    let error = last_event(&ended.unwrap(), 130, "SIGINT");
    assert_eq!((&error["ticket_spent"], &error["tickets_lost"]), (&true.into(), &1.into()));
}

#[test]
fn a_reader_that_stops_reading_ends_it_in_silence() {
    let files = Files::new();
    let server = Server::start(&files, &[]);
    for json in [true, false] {
        let client = match json {
            true => Client::new(&files, &server.addr, "prepare"),
            false => Client::plain(&files, &server.addr, "prepare"),
        };
        let mut client = client.with(&["-n", "1"]).start();
        client.said("ready after");
        client.stop_reading();
        client.feed(&files.picture(0));
        let ended = client.end();
        assert_eq!(ended.code, Some(141), "{ended:?}");
        for words in ["panicked", "error", "failure"] {
            assert!(!ended.stderr.contains(words), "{ended:?}");
        }
        assert!(server.session_end().error.is_some());
    }
}

#[test]
fn a_stderr_that_takes_nothing_is_no_reason_to_fail() {
    let files = Files::new();
    let server = Server::start(&files, &[]);
    let client = Client::new(&files, &server.addr, "infer").path(&files.picture(0));
    let (code, stdout) = client.run_unheard();
    assert_eq!(code, Some(0), "{stdout}");
    let image: serde_json::Value = serde_json::from_str(stdout.lines().next().unwrap()).unwrap();
    network().assert_printed(0, &image["logits"]);
    // Errors keep their code, too.
    let client = Client::plain(&files, &server.addr, "infer").path(&files.path("missing.png"));
    assert_eq!(client.run_unheard(), (Some(3), String::new()));
}
