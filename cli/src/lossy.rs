//! Lines that a thread of their own writes, or that are lost.
//!
//! A server must not stand still because nobody reads its log, nor end because a disk is full. So
//! whoever has a line to write only queues it. What cannot be queued or written is dropped and
//! counted, and the count is written as soon as something can be.

use std::fs::File;
use std::io::{self, ErrorKind, Write};
use std::os::fd::AsFd;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, OnceLock};
use std::thread;
use std::time::{Duration, Instant};

use tacita_protocol::{Error, Result};

/// Lines that wait to be written; a line is a few hundred bytes.
const QUEUED_LINES: usize = 4096;
/// How often a full queue is tried again by who waits for it.
const RETRY: Duration = Duration::from_millis(5);

static LOG: OnceLock<Lines> = OnceLock::new();
static OUT: OnceLock<Lines> = OnceLock::new();

/// Lines that were dropped so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lost {
    /// Of the log.
    pub log: u64,
    /// Of stdout.
    pub out: u64,
}

/// Makes stderr and stdout lossy; `notice` says in the log's format how many of its lines were
/// lost.
pub(crate) fn install(notice: fn(u64) -> String) -> Result<()> {
    let failed = |e: io::Error| Error::local(format!("cannot start to log: {e}"));
    let log = Lines::start(copy(&io::stderr()), notice).map_err(failed)?;
    let out = Lines::start(copy(&io::stdout()), lost_events).map_err(failed)?;
    // A second call keeps the first ones.
    let _ = (LOG.set(log), OUT.set(out));
    Ok(())
}

/// What stdout says of lines that it lost.
fn lost_events(lost: u64) -> String {
    format!("{}\n", serde_json::json!({"event": "lost", "lines": lost}))
}

/// A descriptor of its own: the standard library's is locked while a write hangs. Without one
/// (the descriptor is closed) all lines are lost.
fn copy(stream: &impl AsFd) -> Option<File> {
    stream.as_fd().try_clone_to_owned().ok().map(File::from)
}

/// How many lines were lost; none where nothing was made lossy.
pub fn lost() -> Lost {
    let of = |lines: &OnceLock<Lines>| lines.get().map_or(0, |l| l.lost.load(Ordering::Relaxed));
    Lost { log: of(&LOG), out: of(&OUT) }
}

/// Waits until what was queued is written, at most for `limit` a stream.
pub fn flush(limit: Duration) {
    [&OUT, &LOG].into_iter().filter_map(OnceLock::get).for_each(|lines| lines.flush(limit));
}

/// Queues a line for stdout if that is lossy; hands it back otherwise.
pub(crate) fn to_stdout(line: String) -> std::result::Result<(), String> {
    let Some(lines) = OUT.get() else { return Err(line) };
    lines.push(line.into_bytes());
    Ok(())
}

/// The lossy log, as something to write whole lines to.
pub(crate) struct Log;

impl Write for Log {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        if let Some(lines) = LOG.get() {
            lines.push(line.to_vec());
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

enum Entry {
    Line(Vec<u8>),
    Flush(SyncSender<()>),
}

/// The queue of a stream.
struct Lines {
    queue: SyncSender<Entry>,
    lost: Arc<AtomicU64>,
}

impl Lines {
    fn start(
        out: Option<impl Write + Send + 'static>,
        notice: fn(u64) -> String,
    ) -> io::Result<Self> {
        let (queue, entries) = sync_channel(QUEUED_LINES);
        let lost = Arc::new(AtomicU64::new(0));
        let writer = Writer { out, lost: Arc::clone(&lost), told: 0, torn: false, notice };
        thread::Builder::new().name("tacita-lines".into()).spawn(|| writer.run(entries))?;
        Ok(Self { queue, lost })
    }

    fn push(&self, line: Vec<u8>) {
        if self.queue.try_send(Entry::Line(line)).is_err() {
            self.lost.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn flush(&self, limit: Duration) {
        let (done, flushed) = sync_channel(1);
        let until = Instant::now() + limit;
        while self.queue.try_send(Entry::Flush(done.clone())).is_err() {
            if Instant::now() >= until {
                return;
            }
            thread::sleep(RETRY);
        }
        // Whether it came to that or not, there is nothing more to do.
        let _ = flushed.recv_timeout(until.saturating_duration_since(Instant::now()));
    }
}

/// The thread that may hang in place of all others.
struct Writer<W> {
    out: Option<W>,
    lost: Arc<AtomicU64>,
    told: u64,
    /// Whether the last line is there in part.
    torn: bool,
    notice: fn(u64) -> String,
}

impl<W: Write> Writer<W> {
    fn run(mut self, entries: Receiver<Entry>) {
        for entry in entries {
            match entry {
                Entry::Line(line) => self.line(&line),
                Entry::Flush(done) => {
                    self.tell();
                    let _ = done.try_send(());
                }
            }
        }
    }

    fn line(&mut self, line: &[u8]) {
        self.tell();
        if self.write(line).is_err() {
            self.lost.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Says how many lines were lost since it last did.
    fn tell(&mut self) {
        let lost = self.lost.load(Ordering::Relaxed);
        if lost > self.told && self.write((self.notice)(lost - self.told).as_bytes()).is_ok() {
            self.told = lost;
        }
    }

    fn write(&mut self, line: &[u8]) -> io::Result<()> {
        let out = self.out.as_mut().ok_or(ErrorKind::NotConnected)?;
        if self.torn {
            out.write_all(b"\n")?;
            self.torn = false;
        }
        let mut rest = line;
        while !rest.is_empty() {
            match out.write(rest) {
                Ok(0) => return Err(ErrorKind::WriteZero.into()),
                Ok(n) => rest = rest.get(n..).unwrap_or_default(),
                Err(e) if e.kind() == ErrorKind::Interrupted => {}
                Err(e) => {
                    self.torn = rest.len() < line.len();
                    return Err(e);
                }
            }
        }
        out.flush()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;
    use std::sync::mpsc::Sender;

    use super::*;

    /// What was written, and how many bytes still fit before writes fail.
    #[derive(Clone, Default)]
    struct Disk(Arc<Mutex<(Vec<u8>, usize)>>);

    impl Disk {
        fn room(&self, bytes: usize) {
            self.0.lock().unwrap().1 = bytes;
        }

        fn text(&self) -> String {
            String::from_utf8(self.0.lock().unwrap().0.clone()).unwrap()
        }
    }

    impl Write for Disk {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let (written, room) = &mut *self.0.lock().unwrap();
            let fits = bytes.len().min(*room);
            if fits == 0 {
                return Err(ErrorKind::StorageFull.into());
            }
            *room -= fits;
            written.extend_from_slice(&bytes[..fits]);
            Ok(fits)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn notice(lost: u64) -> String {
        format!("{lost} lost\n")
    }

    #[test]
    fn what_does_not_fit_is_counted_and_told_once() {
        let disk = Disk::default();
        disk.room(7);
        let lines = Lines::start(Some(disk.clone()), notice).unwrap();
        let long = Duration::from_secs(60);
        for line in ["one\n", "two and more\n", "three\n"] {
            lines.push(line.into());
            lines.flush(long);
        }
        assert_eq!((lines.lost.load(Ordering::Relaxed), disk.text().as_str()), (2, "one\ntwo"));
        disk.room(1000);
        lines.push("four\n".into());
        lines.push("five\n".into());
        lines.flush(long);
        assert_eq!(disk.text(), "one\ntwo\n2 lost\nfour\nfive\n");
    }

    /// A pipe that nobody reads.
    struct Stuck(Receiver<()>, Sender<()>);

    impl Write for Stuck {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.1.send(()).unwrap();
            // Until the test is over.
            let _ = self.0.recv();
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_stuck_stream_holds_nobody_up() {
        let (release, held) = std::sync::mpsc::channel();
        let (entered, inside) = std::sync::mpsc::channel();
        let lines = Lines::start(Some(Stuck(held, entered)), notice).unwrap();
        lines.push(b"stuck\n".to_vec());
        inside.recv().unwrap();
        (0..QUEUED_LINES + 3).for_each(|_| lines.push(b"line\n".to_vec()));
        lines.flush(Duration::ZERO);
        assert_eq!(lines.lost.load(Ordering::Relaxed), 3);
        drop(release);
    }

    #[test]
    fn without_a_stream_all_is_lost() {
        let lines = Lines::start(None::<Disk>, notice).unwrap();
        lines.push(b"line\n".to_vec());
        lines.flush(Duration::from_secs(60));
        assert_eq!(lines.lost.load(Ordering::Relaxed), 1);
    }
}
