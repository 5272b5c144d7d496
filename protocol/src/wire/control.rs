//! A server's hold on one of its connections.

use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

use super::abort::AbortReason;
use super::runtime::StopWatch;

/// Lets a connection in or cuts it off, from any thread, whatever the connection waits for.
///
/// From when it is accepted a connection has a limited time for all of its greeting: the TLS
/// handshake and the session's first messages, up to the one that costs a client something. Then
/// [`Self::admit`] lifts that limit.
#[derive(Clone, Debug)]
pub struct Control {
    state: Arc<watch::Sender<State>>,
    due: Option<Instant>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Greeting,
    Admitted,
    Cut(AbortReason),
}

impl Control {
    /// Of a connection that is to be let in within `limit` from now.
    pub(super) fn new(limit: Duration) -> Self {
        let state = Arc::new(watch::Sender::new(State::Greeting));
        // A limit beyond the clock is none.
        Self { state, due: Instant::now().checked_add(limit) }
    }

    /// Lets it in, unless it was cut off.
    pub fn admit(&self) {
        self.change(State::Admitted);
    }

    /// Ends it: whatever it waits for, now or later, ends for this reason.
    pub fn cut(&self, reason: AbortReason) {
        self.change(State::Cut(reason));
    }

    /// Why it was cut off, if it was.
    pub fn cut_reason(&self) -> Option<AbortReason> {
        match *self.state.borrow() {
            State::Cut(reason) => Some(reason),
            _ => None,
        }
    }

    /// The first cut counts, and nothing after it.
    fn change(&self, to: State) {
        self.state.send_if_modified(|state| {
            let open = !matches!(state, State::Cut(_));
            if open {
                *state = to;
            }
            open
        });
    }

    /// When the greeting is due, until the connection is let in.
    pub(super) fn greeting(&self) -> Option<Instant> {
        self.due.filter(|_| *self.state.borrow() == State::Greeting)
    }

    /// Resolves when the connection is cut off.
    pub(super) async fn cut_off(&self) -> AbortReason {
        let mut state = self.state.subscribe();
        loop {
            if let State::Cut(reason) = *state.borrow_and_update() {
                return reason;
            }
            if state.changed().await.is_err() {
                // Cannot be: we hold the sender.
                pending().await
            }
        }
    }
}

/// What a server has on a connection besides its bytes.
pub(super) struct ServerSide {
    pub(super) stop: StopWatch,
    pub(super) control: Control,
    pub(super) fingerprint: Option<[u8; 32]>,
    /// Whether the client made a request: its greeting is over.
    pub(super) asked: bool,
}

impl ServerSide {
    pub(super) fn new(stop: StopWatch, control: Control) -> Self {
        Self { stop, control, fingerprint: None, asked: false }
    }
}

/// Resolves when the connection is cut off; never without a control.
pub(super) async fn cut_off(control: Option<Control>) -> AbortReason {
    match control {
        Some(control) => control.cut_off().await,
        None => pending().await,
    }
}

/// Resolves when the connection is cut off or the server is to stop; never at a client.
pub(super) async fn stopped(server: &mut Option<ServerSide>) -> AbortReason {
    let Some(ServerSide { stop, control, .. }) = server else { return pending().await };
    let stop = async {
        let asked = stop.wait_for(|s| *s).await.is_ok();
        // Without a sender nobody will ask.
        if asked { AbortReason::ShuttingDown } else { pending().await }
    };
    tokio::select! {
        biased;
        reason = control.cut_off() => reason,
        reason = stop => reason,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_greeting_is_due_until_the_connection_is_let_in_or_cut_off() {
        let control = Control::new(Duration::from_secs(60));
        assert!(control.greeting().is_some());
        control.admit();
        assert_eq!((control.greeting(), control.cut_reason()), (None, None));
        control.cut(AbortReason::Busy);
        control.cut(AbortReason::Idle);
        control.admit();
        assert_eq!((control.greeting(), control.cut_reason()), (None, Some(AbortReason::Busy)));
    }

    #[test]
    fn limits_beyond_the_clock_are_none() {
        assert_eq!(Control::new(Duration::MAX).greeting(), None);
    }
}
