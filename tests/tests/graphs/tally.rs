//! Outcomes, counted by kind.

use std::collections::BTreeMap;
use std::fmt;

use crate::judge::Outcome;

/// Longest reason, in characters.
const REASON: usize = 110;

/// Counts of reasons, each with the first seeds that gave it.
type Reasons = BTreeMap<String, Vec<u64>>;

#[derive(Default)]
pub struct Tally {
    pub right: usize,
    pub wrong: Vec<(u64, String)>,
    refused: Reasons,
    foreign: Reasons,
}

impl Tally {
    pub fn add(mut self, seed: u64, outcome: Outcome) -> Self {
        match outcome {
            Outcome::Right => self.right += 1,
            Outcome::Wrong(what) => self.wrong.push((seed, what)),
            Outcome::Refused(why) => self.refused.entry(kind(&why)).or_default().push(seed),
            Outcome::Foreign(why) => self.foreign.entry(kind(&why)).or_default().push(seed),
        }
        self
    }

    pub fn refused(&self) -> usize {
        self.refused.values().map(Vec::len).sum()
    }

    pub fn foreign(&self) -> usize {
        self.foreign.values().map(Vec::len).sum()
    }
}

/// A message without names and numbers.
fn kind(message: &str) -> String {
    let mut named =
        message.split('`').enumerate().map(|(i, part)| if i % 2 == 0 { part } else { "_" });
    let text = named.by_ref().collect::<String>().replace("node _ ", "").replace(", layer _", "");
    let mut out = String::new();
    for c in text.lines().next().unwrap_or_default().chars() {
        match c {
            '0'..='9' if out.ends_with('N') => {}
            '0'..='9' => out.push('N'),
            c => out.push(c),
        }
    }
    let list = out.replace("N, ", "").replace("N.N", "N");
    list.chars().take(REASON).collect()
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let total = self.right + self.wrong.len() + self.refused();
        let share = 100.0 * self.refused() as f64 / total.max(1) as f64;
        writeln!(
            f,
            "{total} graphs: {} right, {} wrong, {} refused ({share:.2} %)",
            self.right,
            self.wrong.len(),
            self.refused()
        )?;
        for (seed, what) in &self.wrong {
            writeln!(f, "  wrong, seed {seed}: {what}")?;
        }
        list(f, "refused", &self.refused)?;
        writeln!(f, "{} more that the other runtime does not take", self.foreign())?;
        list(f, "not taken there", &self.foreign)
    }
}

fn list(f: &mut fmt::Formatter<'_>, what: &str, reasons: &Reasons) -> fmt::Result {
    let mut by_count: Vec<_> = reasons.iter().collect();
    by_count.sort_by_key(|(_, seeds)| std::cmp::Reverse(seeds.len()));
    for (why, seeds) in by_count {
        let first: Vec<String> = seeds.iter().take(3).map(u64::to_string).collect();
        writeln!(f, "  {what} {:4}: {why} (seeds {}, ...)", seeds.len(), first.join(", "))?;
    }
    Ok(())
}
