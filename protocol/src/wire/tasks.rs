//! The two tasks of a connection that move frames between its channels and its socket.

use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::sync::mpsc::{Receiver, Sender};
use tokio::time::{Instant, timeout};

use super::frame::{Frame, decode_header};
use super::patience::Patience;
use super::tls_error;
use super::transport::FRAME_HEADER_BYTES;
use crate::error::{Error, Result};

/// How long a closing end swallows what the peer still sends. Closing a socket with unread bytes
/// resets the connection, and a reset can overtake our last words.
pub(super) const LINGER: Duration = Duration::from_secs(1);

const RECEIVING: &str = "receiving";
const SENDING: &str = "sending";

/// Reads frames until the stream ends, breaks a limit, or nobody listens any more. At most one
/// frame is held here besides those in the channel.
pub(super) async fn read_frames<R: AsyncRead + Unpin>(mut stream: R, to: Sender<Result<Frame>>) {
    loop {
        let frame = tokio::select! {
            frame = read_frame(&mut stream) => frame,
            () = to.closed() => break,
        };
        let over = frame.is_err();
        if to.send(frame).await.is_err() {
            break;
        }
        if over {
            to.closed().await;
            break;
        }
    }
    // Whatever comes now is of no interest, nor is how it ends.
    let _ = timeout(LINGER, tokio::io::copy(&mut stream, &mut tokio::io::sink())).await;
}

/// Reads one frame.
async fn read_frame<R: AsyncRead + Unpin>(stream: &mut R) -> Result<Frame> {
    let failed = |e| tls_error::from_io(RECEIVING, &e);
    let mut header = [0; FRAME_HEADER_BYTES];
    let (first, rest) = header.split_at_mut(1);
    if stream.read(first).await.map_err(failed)? == 0 {
        return Err(Error::network("the peer closed the connection"));
    }
    stream.read_exact(rest).await.map_err(failed)?;
    let header = decode_header(header)?;
    let mut payload = vec![0; header.len];
    stream.read_exact(&mut payload).await.map_err(failed)?;
    Ok(Frame { kind: header.kind, payload })
}

/// Writes frames until the channel closes, then says goodbye (TLS `close_notify`), as fast as
/// `patience` asks for.
pub(super) async fn write_frames<W: AsyncWrite + Unpin>(
    mut stream: W,
    mut from: Receiver<Vec<u8>>,
    mut patience: Patience,
) -> Result<()> {
    let too_slow = || Error::network("sending: the peer takes nothing in, or too little");
    while let Some(frame) = from.recv().await {
        let last = from.is_empty();
        let write = async {
            stream.write_all(&frame).await?;
            if last { stream.flush().await } else { Ok(()) }
        };
        let since = Instant::now();
        timeout(patience.limit(frame.len()), write)
            .await
            .map_err(|_| too_slow())?
            .map_err(|e| tls_error::from_io(SENDING, &e))?;
        patience.spend(since.elapsed(), frame.len());
    }
    timeout(patience.limit(0), stream.shutdown())
        .await
        .map_err(|_| too_slow())?
        .map_err(|e| tls_error::from_io("closing", &e))
}
