//! A server made from the library, for tests in which the server misbehaves.

use tacita_protocol::wire::{Listener, TlsTransport, io_runtime};
use tokio::runtime::Runtime;
use tokio::sync::watch;

use super::files::Files;
use super::peer::patient;

/// Listens on loopback with the files' server certificate.
pub struct Impostor {
    runtime: Runtime,
    listener: Listener,
    /// Where it listens.
    pub addr: String,
    _stop: watch::Sender<bool>,
}

impl Impostor {
    pub fn new(files: &Files) -> Self {
        let runtime = io_runtime(1).unwrap();
        let (stop, stopping) = watch::channel(false);
        let bind = Listener::bind("127.0.0.1:0", files.server_tls(), patient(), stopping);
        let listener = runtime.block_on(bind).unwrap();
        let addr = listener.local_addr().to_string();
        Self { runtime, listener, addr, _stop: stop }
    }

    /// Accepts one connection, plays the server's part in it as `play` says, and vanishes: the
    /// socket closes without a word.
    pub fn serve_once<R>(self, play: impl FnOnce(TlsTransport) -> R) -> R {
        let Self { runtime, listener, .. } = self;
        let accept = async { listener.accept().await?.handshake().await };
        let transport = runtime.block_on(accept).unwrap();
        let result = play(transport);
        runtime.shutdown_background();
        result
    }
}
