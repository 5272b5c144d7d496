//! Clients made from the library: the connection that dishonest ones use, and an honest one that
//! watches over a server.

use std::time::Duration;

use tacita_protocol::session::{ClientOptions, ClientSession};
use tacita_protocol::ticket::ClientTicket;
use tacita_protocol::wire::{Target, Timeouts, TlsTransport, Transport, connect, io_runtime};
use tokio::runtime::Runtime;

use super::files::Files;
use super::network::network;
use super::server::Server;

/// Limits that no test reaches.
pub fn patient() -> Timeouts {
    let long = Duration::from_secs(24 * 3600);
    Timeouts { handshake: long, read: long, write: long, idle: long, min_rate: None }
}

/// A connection with a runtime of its own, before any message of the protocol.
pub struct Peer {
    pub transport: TlsTransport,
    runtime: Runtime,
}

impl Peer {
    pub fn connect(files: &Files, server: &Server) -> Self {
        let runtime = io_runtime(1).unwrap();
        let target = Target::new(&server.addr, Some("localhost")).unwrap();
        let transport = connect(runtime.handle(), &target, &files.client_tls(), patient()).unwrap();
        Self { transport, runtime }
    }

    /// An honest handshake.
    pub fn session(&mut self) -> ClientSession<&mut TlsTransport> {
        ClientSession::connect(&mut self.transport, &ClientOptions::default()).unwrap()
    }

    /// Closes the TLS connection properly, if the server is still there.
    pub fn hang_up(self) {
        let _ = self.transport.close();
    }

    /// Closes the socket without a word, as the system does for a process that dies.
    pub fn vanish(self) {
        self.runtime.shutdown_background();
    }
}

/// Everything a client does: a handshake, a ticket, the picture, a goodbye.
pub fn honest_session<T: Transport>(transport: T, picture: usize) -> tacita_protocol::Result<()> {
    let mut session = ClientSession::connect(transport, &ClientOptions::default())?;
    for ticket in session.prepare(1)? {
        let logits = session.infer(ticket, &ring(picture))?;
        network().assert_logits(picture, &logits);
    }
    session.close().map(drop)
}

/// Tensor 0 of a picture as ring elements.
pub fn ring(picture: usize) -> Vec<u64> {
    network().tensor(picture).into_iter().map(|x| x as u64).collect()
}

/// An honest client whose session stays open between its inferences.
pub struct Witness {
    session: ClientSession<TlsTransport>,
    tickets: Vec<ClientTicket>,
    spent: u64,
    // Last, so that it outlives the connection.
    _runtime: Runtime,
}

impl Witness {
    /// Connects and makes its tickets.
    pub fn new(files: &Files, server: &Server, tickets: usize) -> Self {
        let Peer { transport, runtime } = Peer::connect(files, server);
        let mut session = ClientSession::connect(transport, &ClientOptions::default()).unwrap();
        let tickets = session.prepare(tickets).unwrap();
        Self { session, tickets, spent: 0, _runtime: runtime }
    }

    /// Spends a ticket; the answer is right.
    pub fn check(&mut self) {
        let picture = self.spent as usize % network().pictures.len();
        let ticket = self.tickets.pop().expect("the witness has tickets left");
        network().assert_logits(picture, &self.session.infer(ticket, &ring(picture)).unwrap());
        self.spent += 1;
    }

    /// Says goodbye; the server saw nothing out of the ordinary.
    pub fn leave(self, server: &Server) {
        self.session.close().unwrap().close().unwrap();
        let served = server.session_end();
        assert_eq!((served.inferences, served.error.as_deref()), (Some(self.spent), None));
    }
}

/// Does something bad to a server. An honest session is open meanwhile and works before and
/// after, and so does a new one. `bad` has to wait for the end of every session that it opens.
pub fn undisturbed<R>(files: &Files, server: &Server, bad: impl FnOnce() -> R) -> R {
    let mut witness = Witness::new(files, server, 2);
    witness.check();
    let result = bad();
    witness.check();
    witness.leave(server);
    let mut witness = Witness::new(files, server, 1);
    witness.check();
    witness.leave(server);
    assert!(!server.log().contains("internal error"), "{}", server.log());
    result
}
