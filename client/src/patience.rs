//! Trying again while a server is busy, away for a moment, or not there yet.

use std::time::{Duration, Instant};

use tacita_protocol::rng::SecretRng;
use tacita_protocol::wire::AbortReason;
use tacita_protocol::{Error, Result};

/// The pause after the first try is at most this long; the limit doubles with every further one.
const FIRST: Duration = Duration::from_millis(500);
/// What the limit grows to.
const LONGEST: Duration = Duration::from_secs(30);

/// Runs `attempt` until it succeeds, fails for good, or has failed for `wait`. It is given another
/// try if the server is only away for now and `may_retry` allows it; `pausing` hears why and for how
/// long.
///
/// Pauses are drawn between nothing and a limit that grows exponentially, so that clients which were
/// turned away together do not come back together.
///
/// # Errors
/// Those of the last attempt.
pub fn persist<R>(
    wait: Duration,
    may_retry: impl Fn() -> bool,
    mut pausing: impl FnMut(&str, Duration),
    mut attempt: impl FnMut() -> Result<R>,
) -> Result<R> {
    let mut rng = SecretRng::from_os()?;
    let mut since = None;
    for tries in 0.. {
        let error = match attempt() {
            Err(error) => error,
            done => return done,
        };
        let Some(why) = away(&error).filter(|_| may_retry()) else { return Err(error) };
        let left = wait.saturating_sub(since.get_or_insert_with(Instant::now).elapsed());
        if left.is_zero() {
            return Err(error);
        }
        let pause = pause(tries, left, rng.u64());
        pausing(why, pause);
        std::thread::sleep(pause);
    }
    Err(Error::local("tried for ever"))
}

/// Why the server cannot be talked to now, if that may change by itself.
fn away(error: &Error) -> Option<&'static str> {
    match error {
        Error::Refused { .. } => Some("nobody listens there"),
        Error::PeerAborted { reason } => match AbortReason::from_text(reason)? {
            AbortReason::Busy => Some("server busy"),
            AbortReason::ShuttingDown => Some("server shutting down"),
            _ => None,
        },
        _ => None,
    }
}

/// A pause drawn by `random` from nothing to the limit after so many tries, or to what is `left`: the
/// last try is made when that is over.
fn pause(tries: u32, left: Duration, random: u64) -> Duration {
    let limit = FIRST.saturating_mul(1 << tries.min(16)).min(LONGEST);
    let share = random as f64 / u64::MAX as f64;
    limit.mul_f64(share).min(left)
}

#[cfg(test)]
mod tests {
    use std::cell::{Cell, RefCell};

    use super::*;

    #[test]
    fn pauses_grow_up_to_what_is_left() {
        let long = Duration::from_secs(3600);
        assert_eq!(pause(0, long, u64::MAX), FIRST);
        assert_eq!(pause(3, long, u64::MAX), FIRST * 8);
        assert_eq!(pause(3, long, 0), Duration::ZERO);
        assert_eq!(pause(40, long, u64::MAX), LONGEST);
        assert_eq!(pause(40, FIRST, u64::MAX), FIRST);
        assert!(pause(1, long, u64::MAX / 4) < FIRST);
    }

    fn aborted(reason: AbortReason) -> Error {
        Error::PeerAborted { reason: reason.text().into() }
    }

    #[test]
    fn only_what_passes_by_itself_is_tried_again() {
        let errors = || {
            [
                Error::Refused { what: String::new() },
                aborted(AbortReason::Busy),
                aborted(AbortReason::ShuttingDown),
            ]
        };
        for error in errors() {
            assert!(away(&error).is_some(), "{error}");
        }
        for error in [
            Error::network("gone"),
            Error::input("no"),
            Error::local("full"),
            aborted(AbortReason::Idle),
            aborted(AbortReason::ProtocolError),
            Error::PeerAborted { reason: "busy".into() },
        ] {
            assert!(away(&error).is_none(), "{error}");
        }
    }

    #[test]
    fn tries_end_with_success_or_with_the_time() {
        let tries = Cell::new(0);
        let told = RefCell::new(Vec::new());
        let attempt = |good: u32| {
            tries.set(tries.get() + 1);
            if tries.get() == good { Ok(tries.get()) } else { Err(aborted(AbortReason::Busy)) }
        };
        let minute = Duration::from_secs(60);
        let tell = |why: &str, _| told.borrow_mut().push(why.to_owned());
        assert_eq!(persist(minute, || true, tell, || attempt(2)).unwrap(), 2);
        assert_eq!(*told.borrow(), ["server busy"]);
        // No time, or no leave, means one try.
        for (wait, leave) in [(Duration::ZERO, true), (minute, false)] {
            tries.set(0);
            assert!(persist(wait, || leave, |_, _| (), || attempt(2)).is_err());
            assert_eq!(tries.get(), 1);
        }
        tries.set(0);
        assert!(persist(Duration::from_millis(20), || true, |_, _| (), || attempt(0)).is_err());
        assert!(tries.get() >= 2);
    }
}
