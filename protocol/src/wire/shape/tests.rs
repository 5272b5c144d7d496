//! Exact times on a clock that stands still while anybody works.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio::time::{Instant, timeout};

use super::alarm::coarse::Clock;
use super::*;

/// A chunk takes a millisecond up and four down.
const LINE: Line = Line {
    one_way: Duration::from_millis(20),
    up: 0.001 / CHUNK as f64,
    down: 0.004 / CHUNK as f64,
};

/// A shaped stream and the peer at the other end of its socket, whose buffers hold `buffer` bytes.
fn pair(line: Line, buffer: usize) -> (Shaped, DuplexStream) {
    let (socket, peer) = duplex(buffer);
    (Shaped::with_alarms(socket, line, [Clock, Clock]), peer)
}

fn ms(since: Instant) -> u128 {
    since.elapsed().as_millis()
}

/// Writes five chunks, reads as many; when they were there.
async fn exchange(stream: &mut (impl AsyncRead + AsyncWrite + Unpin), start: Instant) -> u128 {
    let mut got = vec![0; 5 * CHUNK];
    stream.write_all(&bytes(5 * CHUNK)).await.unwrap();
    stream.read_exact(&mut got).await.unwrap();
    assert_eq!(got, bytes(5 * CHUNK));
    ms(start)
}

fn bytes(n: usize) -> Vec<u8> {
    (0..n).map(|i| (i % 251) as u8).collect()
}

#[tokio::test(start_paused = true)]
async fn a_message_takes_its_time_on_the_line_and_the_way() {
    let (mut near, mut far) = pair(LINE, 1 << 24);
    let (start, sent) = (Instant::now(), bytes(10 * CHUNK));
    near.write_all(&sent).await.unwrap();
    assert_eq!(ms(start), 0, "the buffers take it in at once");
    let mut first = vec![0; CHUNK];
    far.read_exact(&mut first).await.unwrap();
    assert_eq!(ms(start), 1 + 20);
    let mut rest = vec![0; 9 * CHUNK];
    far.read_exact(&mut rest).await.unwrap();
    assert_eq!(ms(start), 10 + 20);
    assert_eq!([first, rest].concat(), sent);
}

#[tokio::test(start_paused = true)]
async fn directions_have_their_own_rates_and_do_not_disturb_each_other() {
    let (mut near, mut far) = pair(LINE, 1 << 24);
    let start = Instant::now();
    let (near, far) = tokio::join!(exchange(&mut near, start), exchange(&mut far, start));
    assert_eq!((near, far), (5 * 4 + 20, 5 + 20));
}

#[tokio::test(start_paused = true)]
async fn questions_and_answers_take_a_round_trip_each() {
    let (mut near, mut far) = pair(LINE, 1 << 24);
    let start = Instant::now();
    let echo = tokio::spawn(async move {
        let mut chunk = vec![0; CHUNK];
        while far.read_exact(&mut chunk).await.is_ok() {
            far.write_all(&chunk).await.unwrap();
        }
    });
    let mut chunk = bytes(CHUNK);
    for round in 1..=7 {
        near.write_all(&chunk).await.unwrap();
        near.flush().await.unwrap();
        near.read_exact(&mut chunk).await.unwrap();
        assert_eq!(ms(start), round * (1 + 20 + 4 + 20));
    }
    near.shutdown().await.unwrap();
    echo.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_sender_is_held_up_once_line_and_buffers_are_full() {
    // The peer reads nothing and its buffers hold a chunk.
    let (mut near, mut far) = pair(LINE, CHUNK);
    let mut taken = 0;
    let wait = Duration::from_secs(60);
    while timeout(wait, near.write_all(&bytes(CHUNK))).await.is_ok() {
        taken += CHUNK;
    }
    // On the line for 20 ms at a chunk a millisecond, in the buffer, in the pipe, at the peer.
    let room = 20 * CHUNK + BUFFER;
    assert!((room..=room + 3 * CHUNK).contains(&taken), "{taken} of {room}");
    // Once it is taken in, more fits.
    let mut some = vec![0; taken / 2];
    far.read_exact(&mut some).await.unwrap();
    timeout(wait, near.write_all(&bytes(taken / 4))).await.unwrap().unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_receiver_that_comes_late_finds_everything_there() {
    let (mut near, mut far) = pair(LINE, 1 << 24);
    let start = Instant::now();
    far.write_all(&bytes(32 * CHUNK)).await.unwrap();
    tokio::time::sleep(Duration::from_millis(500)).await;
    let mut got = vec![0; 32 * CHUNK];
    near.read_exact(&mut got).await.unwrap();
    // 32 chunks were there after 32 * 4 + 20 ms.
    assert_eq!((ms(start), got), (500, bytes(32 * CHUNK)));
}

#[tokio::test(start_paused = true)]
async fn shutting_down_waits_for_what_was_written() {
    let (mut near, mut far) = pair(LINE, 1 << 24);
    let start = Instant::now();
    near.write_all(&bytes(50 * CHUNK)).await.unwrap();
    near.shutdown().await.unwrap();
    assert_eq!(ms(start), 50 + 20);
    let mut got = Vec::new();
    far.read_to_end(&mut got).await.unwrap();
    assert_eq!((ms(start), got), (50 + 20, bytes(50 * CHUNK)));
}

#[tokio::test(start_paused = true)]
async fn what_was_written_before_a_drop_arrives() {
    let (mut near, mut far) = pair(LINE, CHUNK);
    near.write_all(&bytes(30 * CHUNK + 5)).await.unwrap();
    near.flush().await.unwrap();
    drop(near);
    let mut got = Vec::new();
    far.read_to_end(&mut got).await.unwrap();
    assert_eq!(got, bytes(30 * CHUNK + 5));
}

#[tokio::test(start_paused = true)]
async fn the_end_of_the_peer_comes_after_its_last_bytes() {
    let (mut near, mut far) = pair(LINE, 1 << 24);
    let start = Instant::now();
    far.write_all(&bytes(3 * CHUNK)).await.unwrap();
    drop(far);
    let mut got = Vec::new();
    near.read_to_end(&mut got).await.unwrap();
    assert_eq!((ms(start), got), (3 * 4 + 20, bytes(3 * CHUNK)));
    assert_eq!(near.read(&mut [0; 1]).await.unwrap(), 0, "and stays the end");
}

#[tokio::test(start_paused = true)]
async fn a_socket_that_broke_is_an_error_for_reader_and_writer() {
    let broken = || std::io::Error::from(std::io::ErrorKind::ConnectionReset);
    let socket = || Broken(broken);
    let mut near = Shaped::with_alarms(socket(), LINE, [Clock, Clock]);
    let got = near.read(&mut [0; 1]).await;
    assert_eq!(got.unwrap_err().kind(), broken().kind());
    let mut near = Shaped::with_alarms(socket(), LINE, [Clock, Clock]);
    near.write_all(&[1]).await.unwrap();
    assert_eq!(near.shutdown().await.unwrap_err().kind(), broken().kind());
}

/// A socket that only fails.
struct Broken(fn() -> std::io::Error);

impl AsyncRead for Broken {
    fn poll_read(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        _: &mut ReadBuf<'_>,
    ) -> Poll<Result<()>> {
        Poll::Ready(Err(self.0()))
    }
}

impl AsyncWrite for Broken {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, _: &[u8]) -> Poll<Result<usize>> {
        Poll::Ready(Err(self.0()))
    }
    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<()>> {
        Poll::Ready(Err(self.0()))
    }
    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<()>> {
        Poll::Ready(Err(self.0()))
    }
}

/// The real timer, on the real clock: never early.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn the_precise_alarm_waits_until_its_time() {
    let mut clock = alarm::Clock::new().unwrap();
    for wait in [Duration::ZERO, Duration::from_micros(300), Duration::from_millis(2)] {
        let when = Instant::now() + wait;
        clock.at(when).await.unwrap();
        assert!(Instant::now() >= when);
    }
}
