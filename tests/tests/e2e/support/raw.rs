//! A TLS connection without the protocol's framing, for bytes that the library would not send.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Arc;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

use super::files::Files;
use super::server::Server;

/// A connection to the server from another address of loopback.
pub fn dial_from(address: [u8; 4], server: &Server) -> TcpStream {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build().unwrap();
    let socket = runtime.block_on(async {
        let socket = tokio::net::TcpSocket::new_v4().unwrap();
        socket.bind((address, 0).into()).unwrap();
        socket.connect(server.addr.parse().unwrap()).await.unwrap()
    });
    let socket = socket.into_std().unwrap();
    socket.set_nonblocking(false).unwrap();
    socket
}

/// The connection.
pub struct RawTls(StreamOwned<ClientConnection, TcpStream>);

impl RawTls {
    /// Connects; `alpn` names the protocol asked for.
    pub fn connect(files: &Files, server: &Server, alpn: &[u8]) -> Self {
        Self::over(TcpStream::connect(&server.addr).unwrap(), files, alpn)
    }

    /// As [`Self::connect`], over this socket.
    pub fn over(tcp: TcpStream, files: &Files, alpn: &[u8]) -> Self {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_file(files.path("ca.pem")).unwrap()).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        if !alpn.is_empty() {
            config.alpn_protocols = vec![alpn.to_vec()];
        }
        let name = ServerName::try_from("localhost").unwrap();
        let tls = ClientConnection::new(Arc::new(config), name).unwrap();
        Self(StreamOwned::new(tls, tcp))
    }

    /// Sends bytes.
    pub fn send(&mut self, bytes: &[u8]) {
        self.0.write_all(bytes).unwrap();
        self.0.flush().unwrap();
    }

    /// As [`Self::send`], to a server that may have hung up: whether it has not.
    pub fn try_send(&mut self, bytes: &[u8]) -> bool {
        self.0.write_all(bytes).and_then(|()| self.0.flush()).is_ok()
    }

    /// Finishes the handshake and reads the first bytes of what the server says.
    pub fn receive(&mut self, bytes: usize) -> Vec<u8> {
        let mut words = vec![0; bytes];
        self.0.read_exact(&mut words).unwrap();
        words
    }

    /// What the server says until it hangs up, however it does that.
    pub fn last_words(mut self) -> String {
        let mut words = Vec::new();
        // An unfinished connection may end in an error: what was read before counts.
        let _ = self.0.read_to_end(&mut words);
        String::from_utf8_lossy(&words).into_owned()
    }
}
