//! One direction of a line.

use std::io::Result;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;

use super::alarm::Alarm;

/// Bytes that arrive together at most: a TLS record, of which nobody can use a part.
pub(super) const CHUNK: usize = 1 << 14;

/// What a direction does to bytes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Lane {
    /// From the end of sending to arrival.
    pub(super) delay: Duration,
    /// Seconds that a byte occupies the line.
    pub(super) seconds_a_byte: f64,
    /// Bytes that may be under way: more are not taken in.
    pub(super) room: usize,
}

impl Lane {
    /// Most bytes under way that can be counted.
    pub(super) const MOST_ROOM: usize = Semaphore::MAX_PERMITS;
}

/// Bytes under way. Their room is free again when the receiver has taken them in.
struct Parcel {
    arrival: Instant,
    bytes: Vec<u8>,
    _room: OwnedSemaphorePermit,
}

/// Carries bytes until `from` ends, breaks, or nobody takes them any more. What was read before
/// arrives in any case; then `to` is shut down, unless `from` broke.
pub(super) async fn pump<R, W, A>(from: R, to: W, lane: Lane, alarm: A) -> Result<()>
where
    R: AsyncRead,
    W: AsyncWrite,
    A: Alarm,
{
    let (line, parcels) = unbounded_channel();
    tokio::pin!(to);
    // Both at a time: a receiver that is busy must not keep bytes off the line.
    let (sent, received) =
        tokio::join!(send(from, line, lane), receive(parcels, to.as_mut(), alarm));
    sent.and(received)?;
    to.shutdown().await
}

/// Reads and stamps.
async fn send<R: AsyncRead>(from: R, line: UnboundedSender<Parcel>, lane: Lane) -> Result<()> {
    tokio::pin!(from);
    let under_way = Arc::new(Semaphore::new(lane.room));
    let mut buffer = vec![0; CHUNK];
    let mut free = Instant::now();
    loop {
        // The room for a whole chunk comes first, and what the chunk leaves of it goes back.
        let most = CHUNK.min(lane.room) as u32;
        let Ok(mut room) = Arc::clone(&under_way).acquire_many_owned(most).await else { break };
        let n = tokio::select! {
            n = from.read(buffer.get_mut(..most as usize).unwrap_or_default()) => n?,
            () = line.closed() => break,
        };
        let (Some(bytes), Some(taken)) = (buffer.get(..n).filter(|b| !b.is_empty()), room.split(n))
        else {
            break;
        };
        // The line takes one chunk after the other; those that wait for it follow without a gap.
        free = free.max(Instant::now()) + Duration::from_secs_f64(n as f64 * lane.seconds_a_byte);
        let parcel = Parcel { arrival: free + lane.delay, bytes: bytes.to_vec(), _room: taken };
        if line.send(parcel).is_err() {
            break;
        }
    }
    Ok(())
}

/// Hands over what has arrived.
async fn receive<W: AsyncWrite + Unpin, A: Alarm>(
    mut parcels: UnboundedReceiver<Parcel>,
    mut to: W,
    mut alarm: A,
) -> Result<()> {
    while let Some(Parcel { arrival, bytes, _room }) = parcels.recv().await {
        alarm.at(arrival).await?;
        to.write_all(&bytes).await?;
        to.flush().await?;
    }
    Ok(())
}
