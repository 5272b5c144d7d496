//! Where connections come from: dialling and listening.

use std::net::SocketAddr;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use rustls::pki_types::ServerName;
use sha2::{Digest, Sha256};
use socket2::{SockRef, TcpKeepalive};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Handle;
use tokio::time::{Instant, sleep, sleep_until, timeout};
use tokio_rustls::client::TlsStream;
use tokio_rustls::{TlsAcceptor, TlsConnector};

use super::connection::{Parts, TlsTransport, start};
use super::control::{Control, ServerSide, stopped};
use super::counting::{Counting, RawTraffic};
use super::dial::dial;
use super::runtime::{StopWatch, Timeouts};
use super::shape::{Line, Shaped};
use super::tls::{ALPN, ClientTls, ServerTls};
use super::tls_error;
use crate::error::{Error, Result};

/// Silence after which the system asks whether the peer is still there.
const KEEPALIVE_IDLE: Duration = Duration::from_secs(30);
/// Between questions that go unanswered.
const KEEPALIVE_EVERY: Duration = Duration::from_secs(10);

/// Where to connect to.
#[derive(Clone, Debug)]
pub struct Target {
    address: String,
    name: ServerName<'static>,
    line: Option<Line>,
}

impl Target {
    /// `address` is `host:port`; the certificate is checked for `name`, by default the host.
    ///
    /// # Errors
    /// `Input` if either cannot be understood.
    pub fn new(address: &str, name: Option<&str>) -> Result<Self> {
        let (host, _) = address
            .rsplit_once(':')
            .filter(|(host, port)| !host.is_empty() && port.parse::<u16>().is_ok())
            .ok_or_else(|| Error::input(format!("`{address}`: an address is HOST:PORT")))?;
        let host = host.trim_start_matches('[').trim_end_matches(']');
        let name = name.unwrap_or(host);
        let name = ServerName::try_from(name.to_owned())
            .map_err(|_| Error::input(format!("`{name}` is no server name")))?;
        Ok(Self { address: address.to_owned(), name, line: None })
    }

    /// Acts as if the connection were `line`, both ways: for measurements.
    #[must_use]
    pub fn over(self, line: Option<Line>) -> Self {
        Self { line, ..self }
    }
}

/// Connects; the handshake's limit is for finding the host's addresses, for each of them, and for
/// TLS. Blocking: to be called outside the runtime's own threads.
///
/// # Errors
/// `Network` if nobody answers, `Refused` if nobody listens, `Input` if a certificate is refused, `PeerIncompatible` if it is
/// no Tacita server. A server that refuses *our* certificate says so only at the first receive.
pub fn connect(
    runtime: &Handle,
    target: &Target,
    tls: &ClientTls,
    timeouts: Timeouts,
) -> Result<TlsTransport> {
    let Target { address, name, line } = target;
    runtime.block_on(async {
        let tcp = dial(address, timeouts.handshake).await?;
        let (peer, tcp, raw) = prepare(tcp)?;
        let greet = async {
            let Some(line) = line else {
                let stream = greet(tcp, name, tls).await?;
                return Ok(start(Parts { stream, raw, peer, timeouts, server: None }));
            };
            sleep(line.greeting()).await;
            let shaped = Shaped::new(tcp, *line)
                .map_err(|e| Error::local(format!("cannot act as a slow connection: {e}")))?;
            let stream = greet(shaped, name, tls).await?;
            Ok(start(Parts { stream, raw, peer, timeouts, server: None }))
        };
        timeout(timeouts.handshake, greet).await.unwrap_or_else(|_| {
            let limit = timeouts.handshake.as_secs_f64();
            Err(Error::network(format!(
                "{address} takes the connection, but does not shake hands within {limit} s"
            )))
        })
    })
}

/// A client's TLS handshake.
async fn greet<S: AsyncRead + AsyncWrite + Unpin>(
    socket: S,
    name: &ServerName<'static>,
    tls: &ClientTls,
) -> Result<TlsStream<S>> {
    let stream = TlsConnector::from(Arc::clone(&tls.0))
        .connect(name.clone(), socket)
        .await
        .map_err(|e| tls_error::from_io("TLS handshake", &e))?;
    check_alpn(stream.get_ref().1.alpn_protocol())?;
    Ok(stream)
}

fn prepare(tcp: TcpStream) -> Result<(SocketAddr, Counting<TcpStream>, Arc<RawTraffic>)> {
    let failed = |e: std::io::Error| Error::network(format!("the new connection failed: {e}"));
    let peer = tcp.peer_addr().map_err(failed)?;
    // Small messages must not wait for acknowledgements of earlier ones.
    tcp.set_nodelay(true).map_err(failed)?;
    watch_peer(&tcp).map_err(failed)?;
    let raw = Arc::new(RawTraffic::default());
    Ok((peer, Counting::new(tcp, Arc::clone(&raw)), raw))
}

/// A peer whose machine or line is gone says nothing of it. The system asks an idle one whether it is
/// still there, so that a connection without a peer ends within about a minute.
fn watch_peer(tcp: &TcpStream) -> std::io::Result<()> {
    let keepalive = TcpKeepalive::new()
        .with_time(KEEPALIVE_IDLE)
        .with_interval(KEEPALIVE_EVERY)
        .with_retries(3);
    SockRef::from(tcp).set_tcp_keepalive(&keepalive)
}

fn check_alpn(name: Option<&[u8]>) -> Result<()> {
    if name == Some(ALPN) {
        return Ok(());
    }
    Err(Error::incompatible("the peer speaks TLS but not Tacita"))
}

/// The TLS settings of a listener, replaceable while it listens: connections that are there keep
/// theirs.
#[derive(Clone)]
pub struct TlsSlot(Arc<RwLock<ServerTls>>);

impl TlsSlot {
    /// Has further connections use `tls`.
    pub fn replace(&self, tls: ServerTls) {
        // Whoever held the lock only copied a pointer: nothing can be half done.
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = tls;
    }

    fn get(&self) -> ServerTls {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Accepts connections.
pub struct Listener {
    tcp: TcpListener,
    local: SocketAddr,
    tls: TlsSlot,
    timeouts: Timeouts,
    stop: StopWatch,
}

impl Listener {
    /// Listens on `address` (`host:port`; port 0 picks a free one).
    ///
    /// # Errors
    /// `Input` if the address is of no use here.
    pub async fn bind(
        address: &str,
        tls: ServerTls,
        timeouts: Timeouts,
        stop: StopWatch,
    ) -> Result<Self> {
        let failed = |e| Error::input(format!("cannot listen on {address}: {e}"));
        let tcp = TcpListener::bind(address).await.map_err(failed)?;
        let local = tcp.local_addr().map_err(failed)?;
        let tls = TlsSlot(Arc::new(RwLock::new(tls)));
        Ok(Self { tcp, local, tls, timeouts, stop })
    }

    /// The address with its real port.
    pub fn local_addr(&self) -> SocketAddr {
        self.local
    }

    /// Where its TLS settings are.
    pub fn tls(&self) -> TlsSlot {
        self.tls.clone()
    }

    /// The next connection, before its handshake.
    ///
    /// # Errors
    /// `Local` if the system is short of descriptors or memory, `Network` if the connection was
    /// lost again. The listener goes on.
    pub async fn accept(&self) -> Result<Incoming> {
        let (tcp, peer) = self.tcp.accept().await.map_err(|e| not_accepted(&e))?;
        let control = Control::new(self.timeouts.handshake);
        let (tls, stop) = (self.tls.get(), self.stop.clone());
        Ok(Incoming { tcp, peer, tls, timeouts: self.timeouts, stop, control })
    }
}

fn not_accepted(e: &std::io::Error) -> Error {
    /// `ENOMEM`, `ENFILE`, `EMFILE`, `ENOBUFS` of Linux.
    const SHORTAGES: [i32; 4] = [12, 23, 24, 105];
    let what = format!("cannot accept a connection: {e}");
    match e.raw_os_error() {
        Some(code) if SHORTAGES.contains(&code) => Error::local(what),
        _ => Error::network(what),
    }
}

/// A connection that has yet to shake hands.
pub struct Incoming {
    tcp: TcpStream,
    peer: SocketAddr,
    tls: ServerTls,
    timeouts: Timeouts,
    stop: StopWatch,
    control: Control,
}

impl Incoming {
    /// The client's address.
    pub fn peer(&self) -> SocketAddr {
        self.peer
    }

    /// Lets the connection in or cuts it off.
    pub fn control(&self) -> Control {
        self.control.clone()
    }

    /// The TLS handshake.
    ///
    /// # Errors
    /// `Network` if it takes too long, breaks off, is cut off or the server stops; otherwise what
    /// is wrong with the peer.
    pub async fn handshake(self) -> Result<TlsTransport> {
        let Self { tcp, tls, timeouts, stop, control, .. } = self;
        let (peer, tcp, raw) = prepare(tcp)?;
        let mut side = Some(ServerSide::new(stop, control));
        let late = side.as_ref().and_then(|s| s.control.greeting());
        let stream = tokio::select! {
            biased;
            stream = TlsAcceptor::from(tls.0).accept(tcp) => {
                stream.map_err(|e| tls_error::from_io("TLS handshake", &e))?
            }
            reason = stopped(&mut side) => return Err(Error::network(reason.text())),
            () = until(late) => return Err(Error::network("the TLS handshake took too long")),
        };
        check_alpn(stream.get_ref().1.alpn_protocol())?;
        let certificate = stream.get_ref().1.peer_certificates().and_then(|chain| chain.first());
        let fingerprint = certificate.map(|der| Sha256::digest(der).into());
        let server = side.map(|side| ServerSide { fingerprint, ..side });
        Ok(start(Parts { stream, raw, peer, timeouts, server }))
    }
}

/// Resolves at this time; never without one.
async fn until(time: Option<Instant>) {
    match time {
        Some(time) => sleep_until(time).await,
        None => std::future::pending().await,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::io_runtime;

    #[test]
    fn the_system_asks_after_idle_peers() {
        let runtime = io_runtime(1).unwrap();
        runtime.block_on(async {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let tcp = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
            watch_peer(&tcp).unwrap();
            let socket = SockRef::from(&tcp);
            assert!(socket.keepalive().unwrap());
            assert_eq!(socket.tcp_keepalive_time().unwrap(), KEEPALIVE_IDLE);
            assert_eq!(socket.tcp_keepalive_interval().unwrap(), KEEPALIVE_EVERY);
        });
    }
}
