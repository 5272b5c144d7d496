//! Certificates and connected TLS ends for tests.

use std::time::Duration;

use tacita_certs::{Signed, Validity};
use tokio::runtime::Runtime;
use tokio::sync::watch;

use crate::error::Result;
use crate::wire::{
    ClientTls, Control, Identity, Listener, Pem, ServerTls, Target, Timeouts, TlsTransport,
    connect, io_runtime,
};

/// A certificate authority.
pub(super) struct Authority(tacita_certs::Authority);

impl Authority {
    pub(super) fn new() -> Self {
        Self::valid(Validity::days(30))
    }

    /// One that is valid then, like what it signs.
    pub(super) fn valid(validity: Validity) -> Self {
        Self(tacita_certs::Authority::new("test", validity).unwrap())
    }

    pub(super) fn ca(&self) -> Pem {
        Pem::new("ca.pem", self.0.own.cert.as_str())
    }

    /// For a server.
    pub(super) fn identity(&self, name: &str) -> Identity {
        identity(self.0.server(&[name]).unwrap())
    }

    pub(super) fn client_identity(&self, name: &str) -> Identity {
        identity(self.0.client(name).unwrap())
    }

    pub(super) fn server(&self) -> ServerTls {
        ServerTls::new(&self.identity("localhost"), None).unwrap()
    }

    pub(super) fn client(&self) -> ClientTls {
        ClientTls::new(&self.ca(), None).unwrap()
    }
}

fn identity(signed: Signed) -> Identity {
    Identity { cert: Pem::new("cert.pem", signed.cert), key: Pem::new("key.pem", signed.key) }
}

/// Limits that no test reaches.
pub(super) fn patient() -> Timeouts {
    let long = Duration::from_secs(3600);
    Timeouts { handshake: long, read: long, write: long, idle: long, min_rate: None }
}

/// A runtime, a listening server on loopback, and its stop signal.
pub(super) struct Net {
    pub(super) runtime: Runtime,
    pub(super) listener: Option<Listener>,
    pub(super) stop: watch::Sender<bool>,
    pub(super) address: String,
    /// Of the connection that was met.
    pub(super) control: Option<Control>,
}

impl Net {
    pub(super) fn new(tls: ServerTls, timeouts: Timeouts) -> Self {
        let runtime = io_runtime(2).unwrap();
        let (stop, watch) = watch::channel(false);
        let bind = Listener::bind("127.0.0.1:0", tls, timeouts, watch);
        let listener = runtime.block_on(bind).unwrap();
        let address = listener.local_addr().to_string();
        Self { runtime, listener: Some(listener), stop, address, control: None }
    }

    /// Where it listens, under the name in its certificate.
    pub(super) fn target(&self) -> Target {
        Target::new(&self.address, Some("localhost")).unwrap()
    }

    /// Connects; what each end makes of it.
    pub(super) fn meet(
        &mut self,
        tls: &ClientTls,
        timeouts: Timeouts,
    ) -> (Result<TlsTransport>, Result<TlsTransport>) {
        let listener = self.listener.take().unwrap();
        let (to, control) = std::sync::mpsc::channel();
        let server = self.runtime.spawn(async move {
            let incoming = listener.accept().await?;
            to.send(incoming.control()).unwrap();
            incoming.handshake().await
        });
        let client = connect(self.runtime.handle(), &self.target(), tls, timeouts);
        let server = self.runtime.block_on(server).unwrap();
        self.control = control.recv().ok();
        (client, server)
    }
}

/// A connected client and server whose waits end after the given times.
pub(super) fn tls_pair(client: Timeouts, server: Timeouts) -> (Net, TlsTransport, TlsTransport) {
    let authority = Authority::new();
    let mut net = Net::new(authority.server(), server);
    let (c, s) = net.meet(&authority.client(), client);
    (net, c.unwrap(), s.unwrap())
}
