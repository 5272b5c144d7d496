//! Processor time and its median.

use std::time::Instant;

use tacita_protocol::Result;

/// Fewest calls that a median is taken of.
const MIN_CALLS: usize = 5;

/// How long to measure.
#[derive(Clone, Copy)]
pub struct Meter {
    /// Seconds for one measurement.
    pub seconds: f64,
}

impl Meter {
    /// Median of what `timed` says it took.
    ///
    /// # Errors
    /// Those of `timed`.
    pub fn median(&self, mut timed: impl FnMut() -> Result<f64>) -> Result<f64> {
        let started = Instant::now();
        // Memory and caches are warm from the second call on.
        timed()?;
        let mut all = Vec::new();
        while all.len() < MIN_CALLS || started.elapsed().as_secs_f64() < self.seconds {
            all.push(timed()?);
        }
        Ok(median(all))
    }

    /// Median processor time of `f`.
    ///
    /// # Errors
    /// Those of `f`.
    pub fn seconds_of<R>(&self, mut f: impl FnMut() -> Result<R>) -> Result<f64> {
        self.median(|| {
            let (result, seconds) = timed(&mut f)?;
            std::hint::black_box(result);
            Ok(seconds)
        })
    }
}

/// Seconds that all threads of this process have computed.
fn processor_time() -> f64 {
    let t = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    t.tv_sec as f64 + t.tv_nsec as f64 / 1e9
}

/// Runs `f` and says how many core-seconds it took.
///
/// # Errors
/// Those of `f`.
pub fn timed<R>(f: impl FnOnce() -> Result<R>) -> Result<(R, f64)> {
    let started = processor_time();
    let result = f()?;
    Ok((result, processor_time() - started))
}

/// Core-seconds of one of `units`.
pub fn unit(seconds: f64, units: usize) -> f64 {
    seconds / units.max(1) as f64
}

/// The median of some values; 0 of none.
pub fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or_default()
}
