//! What a running process has used so far.

use tacita_bench::process::high_water_mark;

/// Units of the times in /proc/PID/stat (`USER_HZ`): a hundred a second on every Linux that this
/// program runs on.
const TICKS: f64 = 100.0;

/// A process's books at one moment; zero where the system does not tell.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Usage {
    /// Seconds on a core, user and system, all threads.
    pub cpu: f64,
    /// Most memory held so far, in bytes.
    pub peak: u64,
}

impl Usage {
    /// Reads them.
    pub fn of(id: u32) -> Self {
        let stat = std::fs::read_to_string(format!("/proc/{id}/stat")).unwrap_or_default();
        Self { cpu: cpu(&stat).unwrap_or(0.0), peak: high_water_mark(id).unwrap_or(0) }
    }
}

/// User and system seconds of a stat line: the 14th and 15th field. The second one, a name in
/// brackets, may hold anything.
fn cpu(stat: &str) -> Option<f64> {
    let (_, rest) = stat.rsplit_once(')')?;
    let mut fields = rest.split_whitespace().skip(11);
    let mut ticks = || fields.next()?.parse::<f64>().ok();
    Some((ticks()? + ticks()?) / TICKS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_found_behind_any_name() {
        let line = "7 (a) b (c)) S 1 2 3 4 5 6 7 8 9 10 250 50 13 14 20 0";
        assert_eq!(cpu(line), Some(3.0));
        assert_eq!(cpu("7 (x) S 1"), None);
    }

    #[test]
    fn this_process_uses_memory_and_a_strange_one_nothing() {
        assert!(Usage::of(std::process::id()).peak > 0);
        assert_eq!(Usage::of(u32::MAX), Usage::default());
    }
}
