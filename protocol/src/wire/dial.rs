//! From a host's name to a connection.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::net::{TcpStream, lookup_host};
use tokio::time::timeout;

use crate::error::{Error, Result};

/// Connects to the first of the host's addresses that answers. Finding them has `limit`, and so has
/// each of them: one that swallows what it is sent must not keep the others from being tried.
pub(super) async fn dial(address: &str, limit: Duration) -> Result<TcpStream> {
    let found = timeout(limit, lookup_host(address))
        .await
        .map_err(|_| unknown(address, &format!("no answer in {} s", limit.as_secs_f64())))?
        .map_err(|e| unknown(address, &e.to_string()))?;
    dial_any(address, &found.collect::<Vec<_>>(), limit).await
}

fn unknown(address: &str, why: &str) -> Error {
    let host = address.rsplit_once(':').map_or(address, |(host, _)| host);
    Error::network(format!(
        "cannot connect to {address}: the system finds no address of `{host}` ({why}): is the name \
         right, and is a name server within reach?"
    ))
}

async fn dial_any(address: &str, found: &[SocketAddr], limit: Duration) -> Result<TcpStream> {
    let mut failures = Vec::new();
    let mut refused = false;
    for at in found {
        let why = match timeout(limit, TcpStream::connect(at)).await {
            Ok(Ok(tcp)) => return Ok(tcp),
            Ok(Err(e)) => {
                refused |= e.kind() == io::ErrorKind::ConnectionRefused;
                e.to_string()
            }
            Err(_) => format!("no answer in {} s", limit.as_secs_f64()),
        };
        let other = at.to_string() != address;
        failures.push(if other { format!("{at}: {why}") } else { why });
    }
    let what = format!("cannot connect to {address}: {}", failures.join("; "));
    Err(if refused { Error::Refused { what } } else { Error::network(what) })
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, TcpListener};

    use socket2::{Domain, Socket, Type};

    use super::*;
    use crate::wire::io_runtime;

    /// A port of loopback whose queue is full: the system swallows what is sent to it.
    struct Deaf {
        socket: Socket,
        queued: Vec<Socket>,
    }

    impl Deaf {
        fn new() -> Self {
            let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
            socket.bind(&SocketAddr::from((Ipv4Addr::LOCALHOST, 0)).into()).unwrap();
            socket.listen(0).unwrap();
            let mut deaf = Self { socket, queued: Vec::new() };
            for _ in 0..8 {
                let caller = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
                caller.set_nonblocking(true).unwrap();
                // "In progress" is no failure.
                let _ = caller.connect(&deaf.address().into());
                deaf.queued.push(caller);
            }
            deaf
        }

        fn address(&self) -> SocketAddr {
            self.socket.local_addr().unwrap().as_socket().unwrap()
        }
    }

    fn nobody() -> SocketAddr {
        TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
    }

    fn dial_all(found: &[SocketAddr], limit: Duration) -> Result<TcpStream> {
        let runtime = io_runtime(1).unwrap();
        runtime.block_on(dial_any("server.example:7", found, limit))
    }

    #[test]
    fn an_address_that_swallows_everything_does_not_hide_the_next() {
        let deaf = Deaf::new();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let found = [deaf.address(), nobody(), listener.local_addr().unwrap()];
        let tcp = dial_all(&found, Duration::from_millis(300)).unwrap();
        assert_eq!(tcp.peer_addr().unwrap(), found[2]);
        assert_eq!(deaf.queued.len(), 8);
    }

    #[test]
    fn every_address_is_told_of() {
        let deaf = Deaf::new();
        let found = [deaf.address(), nobody()];
        let failed = dial_all(&found, Duration::from_millis(300)).unwrap_err();
        let Error::Refused { what } = &failed else { panic!("{failed:?}") };
        for words in ["server.example:7", &found[0].to_string(), &found[1].to_string(), "0.3 s"] {
            assert!(what.contains(words), "{what}");
        }
        let silent = dial_all(&found[..1], Duration::from_millis(50)).unwrap_err();
        assert!(matches!(silent, Error::Network { .. }), "{silent:?}");
    }
}
