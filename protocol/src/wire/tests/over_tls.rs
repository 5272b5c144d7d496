//! Connected TLS ends: counting, waiting, stopping.

use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::ServerName;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use super::authority::{Authority, Net, patient, tls_pair};
use super::*;
use crate::wire::{AbortReason, Timeouts, TlsTransport};

const SHORT: Duration = Duration::from_millis(20);

#[test]
fn both_ends_count_every_byte_above_and_below_tls() {
    let (_net, mut client, mut server) = tls_pair(patient(), patient());
    let (client_raw, server_raw) = (client.raw(), server.raw());
    let server = std::thread::spawn(move || {
        echo_server(&mut server).unwrap();
        let meter = server.meter().clone();
        server.close().unwrap();
        meter
    });
    echo_client(&mut client).unwrap();
    let meter = client.meter().clone();
    client.close().unwrap();
    check_echo_meters(&meter, &server.join().unwrap());
    assert_eq!(client_raw.sent(), server_raw.received());
    assert_eq!(client_raw.received(), server_raw.sent());
    let payload = meter.phase(Phase::Offline).sent + meter.phase(Phase::Session).sent;
    let overhead = client_raw.sent() - payload;
    assert!((1..payload / 50).contains(&overhead), "{overhead} of {payload}");
}

#[test]
fn counts_equal_those_in_memory() {
    let (_net, mut client, mut server) = tls_pair(patient(), patient());
    client.record();
    let (mut memory, mut peer) = crate::wire::memory::pair();
    memory.record();
    let threads = [
        std::thread::spawn(move || echo_server(&mut server).map(|()| server.close())),
        std::thread::spawn(move || echo_server(&mut peer).map(|()| Ok(()))),
    ];
    echo_client(&mut client).unwrap();
    echo_client(&mut memory).unwrap();
    assert_eq!(client.trace(), memory.trace());
    for phase in [Phase::Session, Phase::Offline] {
        assert_eq!(client.meter().phase(phase), memory.meter().phase(phase));
    }
    client.close().unwrap();
    threads.into_iter().for_each(|t| t.join().unwrap().unwrap().unwrap());
}

#[test]
fn a_silent_peer_is_given_up() {
    let (_net, mut client, _server) = tls_pair(Timeouts { read: SHORT, ..patient() }, patient());
    assert!(is_network(client.recv(Kind::Labels, 1)));
}

#[test]
fn a_peer_that_takes_nothing_in_is_given_up() {
    let (_net, mut client, server) = tls_pair(Timeouts { write: SHORT, ..patient() }, patient());
    // More than the queues and the socket's buffers hold, and the server's session never reads.
    let chunk = message(CHUNK_BYTES);
    let stuck = (0..1000).find_map(|_| client.send(Kind::Upload, &chunk).err());
    assert!(matches!(stuck, Some(Error::Network { .. })));
    drop(server);
}

#[test]
fn a_client_that_asks_for_nothing_is_sent_away() {
    let (_net, mut client, mut server) = tls_pair(patient(), Timeouts { idle: SHORT, ..patient() });
    let got = server.recv_any(&[Kind::OnlineRequest, Kind::Goodbye], 8).unwrap();
    assert_eq!(got, (Kind::Goodbye, Vec::new()));
    assert_eq!(server.interrupted(), Some(AbortReason::Idle));
    // Nothing crossed the wire, so nothing is counted.
    assert_eq!(server.meter().phase(Phase::Session), Default::default());
    let server = std::thread::spawn(move || server.end(Ok(())));
    assert_eq!(abort_text(client.recv(Kind::Labels, 1)), AbortReason::Idle.text());
    drop(client);
    server.join().unwrap().unwrap();
}

#[test]
fn the_stop_signal_ends_the_wait_for_a_request() {
    let (net, mut client, mut server) = tls_pair(patient(), patient());
    let server = std::thread::spawn(move || {
        let got = server.recv_any(&[Kind::OnlineRequest, Kind::Goodbye], 8);
        let why = server.interrupted();
        server.end(got).map(|got| (got.0, why))
    });
    net.stop.send(true).unwrap();
    assert_eq!(abort_text(client.recv(Kind::Labels, 1)), AbortReason::ShuttingDown.text());
    drop(client);
    let got = server.join().unwrap().unwrap();
    assert_eq!(got, (Kind::Goodbye, Some(AbortReason::ShuttingDown)));
}

#[test]
fn a_session_that_stops_between_requests_says_why() {
    let (net, mut client, server) = tls_pair(patient(), patient());
    net.stop.send(true).unwrap();
    let server = std::thread::spawn(move || server.end(Ok(())));
    assert_eq!(abort_text(client.recv(Kind::Labels, 1)), AbortReason::ShuttingDown.text());
    drop(client);
    server.join().unwrap().unwrap();
}

#[test]
fn the_stop_signal_does_not_wait_for_a_greeting() {
    let (net, mut client, mut server) = tls_pair(patient(), patient());
    net.stop.send(true).unwrap();
    let got = server.recv(Kind::ClientHello, 1);
    assert!(matches!(got, Err(Error::Local { .. })));
    let server = std::thread::spawn(move || server.end(got));
    assert_eq!(abort_text(client.recv(Kind::ServerHello, 1)), AbortReason::ShuttingDown.text());
    drop(client);
    assert!(server.join().unwrap().is_err());
}

#[test]
fn a_client_that_only_connects_is_given_up() {
    let (_net, _client, mut server) = tls_pair(patient(), Timeouts { read: SHORT, ..patient() });
    assert!(is_network(server.recv(Kind::ClientHello, 1)));
}

#[test]
fn a_running_request_is_finished_before_stopping() {
    let (net, mut client, mut server) = tls_pair(patient(), patient());
    request(&mut client, &mut server);
    net.stop.send(true).unwrap();
    client.send(Kind::Upload, &[7]).unwrap();
    assert_eq!(server.recv(Kind::Upload, 1).unwrap(), [7]);
}

/// A request is under way from here on.
fn request(client: &mut TlsTransport, server: &mut TlsTransport) {
    client.send(Kind::OfflineRequest, &[]).unwrap();
    server.recv_any(&[Kind::OfflineRequest, Kind::Goodbye], 0).unwrap();
}

#[test]
fn a_running_request_is_cut_off_and_told() {
    let (net, mut client, mut server) = tls_pair(patient(), patient());
    request(&mut client, &mut server);
    net.control.as_ref().unwrap().cut(AbortReason::ShuttingDown);
    let server = std::thread::spawn(move || {
        let cut = server.recv(Kind::Upload, 1);
        server.end(cut)
    });
    assert_eq!(abort_text(client.recv(Kind::Response, 1)), AbortReason::ShuttingDown.text());
    drop(client);
    assert!(matches!(server.join().unwrap(), Err(Error::Local { .. })));
}

#[test]
fn a_greeting_has_to_be_over_in_time_whatever_comes() {
    let timeouts = Timeouts { handshake: Duration::from_millis(200), ..patient() };
    let (_net, mut client, mut server) = tls_pair(patient(), timeouts);
    let drip = std::thread::spawn(move || {
        // Always a little more, until the server hangs up.
        while client.send(Kind::Labels, &[1]).is_ok() {
            std::thread::sleep(SHORT);
        }
    });
    let late = (0..).find_map(|_| server.recv(Kind::Labels, 1).err()).unwrap();
    assert!(late.to_string().contains("greeting took longer"), "{late}");
    drop(server);
    drip.join().unwrap();
}

#[test]
fn a_request_that_drips_is_given_up() {
    let rate = std::num::NonZeroU64::new(1 << 20);
    let timeouts = Timeouts { read: Duration::from_millis(200), min_rate: rate, ..patient() };
    let (_net, mut client, mut server) = tls_pair(patient(), timeouts);
    request(&mut client, &mut server);
    let drip = std::thread::spawn(move || {
        while client.send(Kind::Labels, &[1]).is_ok() {
            std::thread::sleep(SHORT);
        }
    });
    let late = (0..).find_map(|_| server.recv(Kind::Labels, 1).err()).unwrap();
    assert!(late.to_string().contains("too slow"), "{late}");
    drop(server);
    drip.join().unwrap();
}

#[test]
fn a_peer_that_leaves_is_a_network_error() {
    let (_net, mut client, server) = tls_pair(patient(), patient());
    drop(server);
    assert!(is_network(client.recv(Kind::Labels, 1)));
    assert!(is_network(client.recv(Kind::Labels, 1)), "and stays one");
}

#[test]
fn an_abort_overtakes_a_sender() {
    let (_net, mut client, server) = tls_pair(patient(), patient());
    let server = std::thread::spawn(move || server.abort(AbortReason::Busy));
    let chunk = message(CHUNK_BYTES);
    let stopped = (0..100_000).find_map(|_| client.send(Kind::Upload, &chunk).err());
    assert_eq!(abort_text(stopped.map_or(Ok(()), Err)), AbortReason::Busy.text());
    server.join().unwrap();
}

/// A client that speaks TLS but writes these bytes instead of frames, then hangs up or stays.
fn raw_client(bytes: &[u8], stay: bool) -> (Net, TlsTransport, Option<impl Sized>) {
    let authority = Authority::new();
    let mut net = Net::new(authority.server(), patient());
    let listener = net.listener.take().unwrap();
    let connector = TlsConnector::from(Arc::clone(&authority.client().0));
    let address = net.address.clone();
    let (stream, server) = net.runtime.block_on(async {
        let dial = async {
            let tcp = TcpStream::connect(address).await.unwrap();
            let name = ServerName::try_from("localhost").unwrap();
            connector.connect(name, tcp).await.unwrap()
        };
        let accept = async { listener.accept().await?.handshake().await };
        let (mut stream, server) = tokio::join!(dial, accept);
        stream.write_all(bytes).await.unwrap();
        stream.flush().await.unwrap();
        (stream, server)
    });
    (net, server.unwrap(), stay.then_some(stream))
}

#[test]
fn wrong_frames_are_refused() {
    for (what, bytes) in wrong_frames() {
        // The peer stays connected: the refusal does not wait for bytes that never come.
        let (_net, mut server, _stream) = raw_client(&bytes, true);
        assert!(is_misbehaviour(server.recv(Kind::Labels, AWAITED)), "{what}");
        assert!(server.recv(Kind::Labels, AWAITED).is_err(), "{what}");
    }
}

#[test]
fn a_peer_that_dies_within_a_frame_is_a_network_error() {
    let whole = encode(Kind::Labels, &message(1000));
    for cut in [1, 4, 5, 6, 1004] {
        let (_net, mut server, _) = raw_client(&whole[..cut], false);
        assert!(is_network(server.recv(Kind::Labels, 1000)), "{cut}");
    }
}
