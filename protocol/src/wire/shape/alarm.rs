//! Waking up on time. The runtime's own timers count milliseconds; a round trip in a building is
//! one, and has two ways.

use std::future::Future;
use std::io::Result;

use tokio::time::Instant;

/// Wakes one task.
pub(super) trait Alarm: Send + 'static {
    /// Waits until `when`; not at all if that has passed.
    fn at(&mut self, when: Instant) -> impl Future<Output = Result<()>> + Send;
}

#[cfg(not(target_os = "linux"))]
pub(super) use coarse::Clock;
#[cfg(target_os = "linux")]
pub(super) use precise::Clock;

#[cfg(target_os = "linux")]
mod precise {
    use std::io::Result;
    use std::os::fd::OwnedFd;
    use std::time::Duration;

    use rustix::time::{
        Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create,
        timerfd_settime,
    };
    use tokio::io::unix::AsyncFd;
    use tokio::time::Instant;

    use super::Alarm;

    /// A timer of the kernel, read like a socket: late by tens of microseconds.
    pub(in super::super) struct Clock(AsyncFd<OwnedFd>);

    impl Clock {
        pub(in super::super) fn new() -> Result<Self> {
            let flags = TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC;
            let fd = timerfd_create(TimerfdClockId::Monotonic, flags)?;
            // SAFETY: the descriptor is owned, and nothing closes or replaces it while it is here.
            Ok(Self(unsafe { AsyncFd::register(fd) }?))
        }
    }

    impl Alarm for Clock {
        async fn at(&mut self, when: Instant) -> Result<()> {
            let wait = when.saturating_duration_since(Instant::now());
            if wait.is_zero() {
                return Ok(());
            }
            let once =
                Itimerspec { it_interval: timespec(Duration::ZERO), it_value: timespec(wait) };
            timerfd_settime(self.0.get_ref(), TimerfdTimerFlags::empty(), &once)?;
            loop {
                let mut ready = self.0.readable().await?;
                let rung = ready.try_io(|fd| Ok(rustix::io::read(fd, &mut [0u8; 8])?));
                if let Ok(rung) = rung {
                    return rung.map(drop);
                }
            }
        }
    }

    fn timespec(t: Duration) -> Timespec {
        Timespec { tv_sec: t.as_secs() as i64, tv_nsec: t.subsec_nanos().into() }
    }
}

/// The runtime's own timer: what other systems use, and tests, whose time stands still.
#[cfg(any(test, not(target_os = "linux")))]
pub(super) mod coarse {
    use std::io::Result;

    use tokio::time::{Instant, sleep_until};

    use super::Alarm;

    /// A timer of the runtime.
    pub(in super::super) struct Clock;

    impl Clock {
        #[cfg_attr(target_os = "linux", expect(dead_code, reason = "for other systems"))]
        pub(in super::super) fn new() -> Result<Self> {
            Ok(Self)
        }
    }

    impl Alarm for Clock {
        async fn at(&mut self, when: Instant) -> Result<()> {
            sleep_until(when).await;
            Ok(())
        }
    }
}
