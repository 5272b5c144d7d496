//! A connection that sends what it likes, from a loopback address of its own.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use tacita_protocol::wire::frame::{Header, decode_header, encode_header};
use tacita_protocol::wire::{ALPN, CHUNK_BYTES, FRAME_HEADER_BYTES, Kind, Meter, Transport};
use tacita_protocol::{Error, Result};
use tokio::net::TcpSocket;

use tacita_bench::certs::Certs;

/// How long a stranger waits for the server at most.
const PATIENCE: Duration = Duration::from_secs(60);

/// Where strangers come from and whom they trust.
pub struct Origin {
    server: SocketAddr,
    from: Ipv4Addr,
    tls: Arc<ClientConfig>,
}

impl Origin {
    /// Strangers at 127.0.0.`host`.
    ///
    /// # Errors
    /// `Local` if the address or the CA is of no use.
    pub fn new(server: &str, host: u8, certs: &Certs) -> Result<Self> {
        let failed = |e: &dyn std::fmt::Display| Error::local(format!("no stranger: {e}"));
        let ca = CertificateDer::from_pem_file(&certs.ca).map_err(|e| failed(&e))?;
        let mut roots = RootCertStore::empty();
        roots.add(ca).map_err(|e| failed(&e))?;
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut tls = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&rustls::version::TLS13])
            .map_err(|e| failed(&e))?
            .with_root_certificates(roots)
            .with_no_client_auth();
        tls.alpn_protocols = vec![ALPN.to_vec()];
        let server = server.parse().map_err(|e| failed(&e))?;
        Ok(Self { server, from: Ipv4Addr::new(127, 0, 0, host), tls: Arc::new(tls) })
    }

    /// A TCP connection.
    ///
    /// # Errors
    /// `Network` if the server does not take it.
    pub fn tcp(&self) -> Result<TcpStream> {
        let connect = async {
            let socket = TcpSocket::new_v4()?;
            socket.bind((self.from, 0).into())?;
            socket.connect(self.server).await?.into_std()
        };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let stream = runtime.and_then(|r| r.block_on(connect)).map_err(lost)?;
        stream.set_nonblocking(false).map_err(lost)?;
        stream.set_nodelay(true).map_err(lost)?;
        stream.set_read_timeout(Some(PATIENCE)).map_err(lost)?;
        stream.set_write_timeout(Some(PATIENCE)).map_err(lost)?;
        Ok(stream)
    }

    /// A TLS connection on which the handshake is done.
    ///
    /// # Errors
    /// `Network` if the server does not take it.
    pub fn tls(&self) -> Result<Stranger> {
        let name = ServerName::try_from("localhost").map_err(lost)?;
        let connection = ClientConnection::new(Arc::clone(&self.tls), name).map_err(lost)?;
        let mut stream = StreamOwned::new(connection, self.tcp()?);
        while stream.conn.is_handshaking() {
            stream.conn.complete_io(&mut stream.sock).map_err(lost)?;
        }
        Ok(Stranger { stream, meter: Meter::default() })
    }
}

fn lost(e: impl std::fmt::Display) -> Error {
    Error::network(e.to_string())
}

/// A TLS connection under the stranger's hands: frames, or any bytes.
pub struct Stranger {
    stream: StreamOwned<ClientConnection, TcpStream>,
    meter: Meter,
}

impl Stranger {
    /// Sends bytes as they are.
    ///
    /// # Errors
    /// `Network` if the server has hung up.
    pub fn raw(&mut self, bytes: &[u8]) -> Result<()> {
        self.stream.write_all(bytes).and_then(|()| self.stream.flush()).map_err(lost)
    }

    /// Reads until the server hangs up.
    ///
    /// # Errors
    /// That it hung up; nothing if it was silent for long instead.
    pub fn wait_for_end(&mut self) -> Result<()> {
        match std::io::copy(&mut self.stream, &mut std::io::sink()) {
            Err(e) if is_timeout(&e) => Ok(()),
            _ => Err(Error::network("the server hung up")),
        }
    }

    fn frame(&mut self, kinds: &[Kind], most: usize) -> Result<(Kind, Vec<u8>)> {
        let mut header = [0; FRAME_HEADER_BYTES];
        self.stream.read_exact(&mut header).map_err(lost)?;
        let Header { kind, len } = decode_header(header)?;
        let mut payload = vec![0; len];
        self.stream.read_exact(&mut payload).map_err(lost)?;
        if kinds.contains(&kind) && len <= most {
            return Ok((kind, payload));
        }
        Err(Error::PeerAborted { reason: String::from_utf8_lossy(&payload).into_owned() })
    }
}

impl Transport for Stranger {
    fn send(&mut self, kind: Kind, payload: &[u8]) -> Result<()> {
        if payload.is_empty() {
            return self.raw(&encode_header(Header { kind, len: 0 }));
        }
        payload.chunks(CHUNK_BYTES).try_for_each(|chunk| {
            self.raw(&encode_header(Header { kind, len: chunk.len() }))?;
            self.raw(chunk)
        })
    }

    fn recv(&mut self, kind: Kind, len: usize) -> Result<Vec<u8>> {
        let mut message = Vec::new();
        loop {
            let due = (len - message.len()).min(CHUNK_BYTES);
            message.extend(self.frame(&[kind], due)?.1);
            if message.len() >= len {
                return Ok(message);
            }
        }
    }

    fn recv_any(&mut self, kinds: &[Kind], max: usize) -> Result<(Kind, Vec<u8>)> {
        self.frame(kinds, max)
    }

    fn meter(&self) -> &Meter {
        &self.meter
    }
}

fn is_timeout(e: &std::io::Error) -> bool {
    matches!(e.kind(), std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut)
}
