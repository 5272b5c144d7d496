//! File descriptors: as many as there may be, and what to do when they are used up.

use std::fs::File;
use std::time::Duration;

use rustix::process::{Resource, getrlimit, setrlimit};
use tacita_protocol::wire::Listener;
use tokio::time::{sleep, timeout};

use crate::doors::Doors;

/// How long the accept loop rests while there are none.
const REST: Duration = Duration::from_millis(50);
/// How long a connection that has to go takes to do so.
const SOON: Duration = Duration::from_millis(5);

/// Raises this process's limit to the most that it may set.
pub fn raise_limit() {
    let mut limit = getrlimit(Resource::Nofile);
    if limit.current == limit.maximum {
        return;
    }
    limit.current = limit.maximum;
    if let Err(e) = setrlimit(Resource::Nofile, limit) {
        tracing::warn!("the limit on open files stays as it is: {e}");
    }
}

/// A descriptor that is kept for the moment when there is no other: with it a waiting connection
/// can at least be taken in and closed. Left in the system's queue, it would wait there for ever
/// and keep the accept loop awake.
pub struct Reserve(Option<File>);

impl Reserve {
    /// Takes one, if there is one.
    pub fn new() -> Self {
        Self(File::open("/dev/null").ok())
    }

    /// What to do when a connection could not be accepted for lack of descriptors: the connection
    /// that has waited longest goes. If there is none, the one at the door does.
    pub async fn make_room(&mut self, doors: &Doors, listener: &Listener) {
        if doors.evict_one() {
            return sleep(SOON).await;
        }
        if self.0.take().is_some() {
            // Closed as soon as it is here.
            let _ = timeout(REST, listener.accept()).await;
        }
        sleep(REST).await;
        if self.0.is_none() {
            *self = Self::new();
        }
    }
}
