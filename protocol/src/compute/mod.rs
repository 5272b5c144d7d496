//! Who computes when: online work before offline work, and offline work of all sessions in turn.
//!
//! A client that waits for an answer must not wait for another client's tickets, which take a
//! thousand times longer. So the server computes tickets
//!
//! - **on threads of their own**, whose priority a program lowers where the system lets it: online
//!   work keeps the ambient pool, and never waits for a thread that computes tickets;
//! - **in small pieces** of a few milliseconds, which do not begin while online work is under way
//!   (`PATIENCE` bounds how long one waits: tickets are made under any load);
//! - **in turn**: a session has only a few pieces waiting at a time, and the pool takes pieces in
//!   the order in which they came, so that a small batch does not wait for a large one.
//!
//! Online work is what a session does between two messages of an inference. While it waits for the
//! client it computes nothing, and tickets go on, but for `LINGER`: a near client's next message
//! comes sooner than a piece would end. Only threads that compute tickets ever wait here, and no
//! other work needs them.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rayon::{ThreadPool, ThreadPoolBuilder};
use stopwatch::Stopwatch;

use crate::error::{Error, Result};
use crate::wire::{Kind, Meter, Transport};

/// How long a piece waits at most for online work to end.
const PATIENCE: Duration = Duration::from_millis(100);
/// How long an inference that waits for its client keeps pieces from beginning.
const LINGER: Duration = Duration::from_millis(5);
/// Pieces of one session that wait or run, for each thread: enough that no thread waits for the
/// session to hand out the next.
const WINDOW: usize = 2;

/// The threads that compute tickets, and the gate that online work closes.
pub struct Compute {
    offline: ThreadPool,
    gate: Gate,
    stopwatch: Stopwatch,
    /// Called when a piece begins, past the gate.
    #[cfg(test)]
    pub(crate) on_piece: Option<Box<dyn Fn() + Send + Sync>>,
}

impl Compute {
    /// Computes tickets on this pool, which nothing else should use.
    pub fn new(offline: ThreadPool) -> Self {
        Self {
            offline,
            gate: Gate::default(),
            stopwatch: Stopwatch::default(),
            #[cfg(test)]
            on_piece: None,
        }
    }

    /// Computes tickets on as many threads as the ambient pool has, of the same priority.
    ///
    /// # Errors
    /// `Local` if the system has no threads left.
    pub fn with_usual_threads() -> Result<Self> {
        let builder = ThreadPoolBuilder::new().num_threads(rayon::current_num_threads());
        let pool = builder.thread_name(|i| format!("tacita-offline-{i}")).build();
        let failed = |e| Error::local(format!("cannot start the threads for offline work: {e}"));
        pool.map(Self::new).map_err(failed)
    }

    /// A connection whose inference closes the gate, except while it waits for the peer.
    pub(crate) fn online<'a, T: Transport>(&'a self, transport: &'a mut T) -> Online<'a, T> {
        self.gate.close();
        Online { gate: &self.gate, transport }
    }

    /// Computes one piece of offline work.
    pub(crate) fn piece<R: Send>(&self, work: impl FnOnce() -> R + Send) -> R {
        self.offline.install(|| self.timed(work))
    }

    /// Computes a piece for each item; the results in the order of the items.
    pub(crate) fn pieces<T: Send, R: Send>(
        &self,
        items: impl ExactSizeIterator<Item = T>,
        work: impl Fn(T) -> R + Sync,
    ) -> Vec<R> {
        let window = Window::new(WINDOW * self.offline.current_num_threads());
        let mut results: Vec<Option<R>> = (0..items.len()).map(|_| None).collect();
        self.offline.in_place_scope_fifo(|scope| {
            for (item, result) in items.zip(&mut results) {
                let (work, turn) = (&work, window.enter());
                scope.spawn_fifo(move |_| {
                    let _turn = turn;
                    *result = Some(self.timed(|| work(item)));
                });
            }
        });
        // All are there: a piece that panics panics here.
        results.into_iter().flatten().collect()
    }

    /// Waits for the gate. For long pieces also within: wherever a thread holds nothing that online
    /// work needs.
    pub(crate) fn pass(&self) {
        self.stopwatch.pause(|| self.gate.pass());
    }

    /// How long pieces were so far: what an inference may have to wait for.
    pub fn stretches(&self) -> Stretches {
        self.stopwatch.read()
    }

    fn timed<R>(&self, work: impl FnOnce() -> R) -> R {
        self.gate.pass();
        #[cfg(test)]
        self.on_piece.iter().for_each(|hook| hook());
        self.stopwatch.time(work)
    }
}

/// Closed while online work is under way.
#[derive(Default)]
struct Gate {
    state: Mutex<Traffic>,
    opened: Condvar,
}

#[derive(Default)]
struct Traffic {
    /// Sessions that compute an inference right now.
    online: usize,
    /// When the last of them stopped.
    stopped: Option<Instant>,
}

impl Gate {
    fn lock(&self) -> MutexGuard<'_, Traffic> {
        // No code that may panic runs under the lock.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn close(&self) {
        self.lock().online += 1;
    }

    fn open(&self) {
        let mut state = self.lock();
        state.online -= 1;
        if state.online == 0 {
            state.stopped = Some(Instant::now());
            self.opened.notify_all();
        }
    }

    /// Waits until it has been open for a moment, but no longer than [`PATIENCE`].
    fn pass(&self) {
        let mut state = self.lock();
        if state.online == 0 && state.stopped.is_none() {
            return;
        }
        let patience = Instant::now() + PATIENCE;
        loop {
            let now = Instant::now();
            let until = match state.stopped {
                Some(stopped) if state.online == 0 => patience.min(stopped + LINGER),
                _ => patience,
            };
            let wait = until.saturating_duration_since(now);
            if wait.is_zero() {
                return;
            }
            let woken = self.opened.wait_timeout(state, wait);
            state = woken.unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

/// An inference's connection: the gate is closed while its session computes.
pub(crate) struct Online<'a, T> {
    gate: &'a Gate,
    transport: &'a mut T,
}

impl<T> Online<'_, T> {
    /// Opens the gate while `wait` waits for the peer.
    fn waiting<R>(&mut self, wait: impl FnOnce(&mut T) -> R) -> R {
        self.gate.open();
        let closed = OnDrop(|| self.gate.close());
        let result = wait(self.transport);
        drop(closed);
        result
    }
}

impl<T> Drop for Online<'_, T> {
    fn drop(&mut self) {
        self.gate.open();
    }
}

impl<T: Transport> Transport for Online<'_, T> {
    fn send(&mut self, kind: Kind, payload: &[u8]) -> Result<()> {
        self.waiting(|t| t.send(kind, payload))
    }

    fn recv(&mut self, kind: Kind, len: usize) -> Result<Vec<u8>> {
        self.waiting(|t| t.recv(kind, len))
    }

    fn recv_any(&mut self, kinds: &[Kind], max: usize) -> Result<(Kind, Vec<u8>)> {
        self.waiting(|t| t.recv_any(kinds, max))
    }

    fn meter(&self) -> &Meter {
        self.transport.meter()
    }
}

/// Runs something when dropped, panics included.
struct OnDrop<F: FnMut()>(F);

impl<F: FnMut()> Drop for OnDrop<F> {
    fn drop(&mut self) {
        (self.0)();
    }
}

/// So many at a time.
struct Window {
    free: Mutex<usize>,
    left: Condvar,
}

impl Window {
    fn new(places: usize) -> Self {
        Self { free: Mutex::new(places), left: Condvar::new() }
    }

    /// Waits for a place, which is free again when the result is dropped.
    fn enter(&self) -> impl Send + use<'_> {
        let free = self.free.lock().unwrap_or_else(PoisonError::into_inner);
        let taken = self.left.wait_while(free, |free| *free == 0);
        *taken.unwrap_or_else(PoisonError::into_inner) -= 1;
        OnDrop(|| {
            *self.free.lock().unwrap_or_else(PoisonError::into_inner) += 1;
            self.left.notify_one();
        })
    }
}

mod stopwatch;
#[cfg(test)]
mod tests;

pub use stopwatch::Stretches;
