//! The log of a run, one line of CSV for each epoch, which survives being killed.

use crate::results::{EpochRow, read_text, replace};
use crate::{Error, Result};
use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};

/// First line of the file.
const HEADER: &str = "phase,epoch,loss,validation,rate,seconds,distance";

/// A log that grows by one row an epoch.
#[derive(Debug)]
pub struct History {
    path: PathBuf,
    file: File,
}

impl History {
    /// Opens a log, or starts one; rows already there stay.
    ///
    /// # Errors
    /// The file cannot be read or written, or is no such log.
    pub fn open(path: &Path) -> Result<Self> {
        let rows = if path.exists() { read(path)? } else { Vec::new() };
        Self::rewrite(path, &rows)
    }

    /// Opens a log to go on after epoch `epoch` of `phase`: drops all later rows, so that
    /// epochs that are trained again appear once. Epoch 0 drops the phase as a whole.
    ///
    /// # Errors
    /// As for [`History::open`].
    pub fn resume(path: &Path, phase: &str, epoch: usize) -> Result<Self> {
        let mut rows = if path.exists() { read(path)? } else { Vec::new() };
        let last = rows.iter().rposition(|r| r.phase == phase && r.epoch <= epoch);
        let first = rows.iter().position(|r| r.phase == phase);
        // Without a row to go on after, the phase is yet to start (or to start again).
        let keep = last.map(|i| i + 1).or(first).unwrap_or(rows.len());
        rows.truncate(keep);
        Self::rewrite(path, &rows)
    }

    /// Appends a row.
    ///
    /// # Errors
    /// The file cannot be written, or the name of the phase would break the line.
    pub fn push(&mut self, row: &EpochRow) -> Result<()> {
        if row.phase.is_empty() || row.phase.contains([',', '"', '\n', '\r']) {
            let problem = format!("no name for a phase: {:?}", row.phase);
            return Err(Error::BadResult { path: self.path.clone(), problem });
        }
        // One write for the whole line, so that a kill tears at most the last.
        let line = line(row) + "\n";
        self.file.write_all(line.as_bytes()).map_err(Error::io(&self.path))
    }

    /// Writes the rows anew, which also drops a torn last line.
    fn rewrite(path: &Path, rows: &[EpochRow]) -> Result<Self> {
        let lines = rows.iter().map(|row| line(row) + "\n");
        let text: String = std::iter::once(format!("{HEADER}\n")).chain(lines).collect();
        replace(path, text.as_bytes())?;
        let file = File::options().append(true).open(path).map_err(Error::io(path))?;
        Ok(Self { path: path.to_owned(), file })
    }
}

/// Reads a log; a last line without its end, torn by a kill, is left out.
///
/// # Errors
/// The file cannot be read, or is no such log; the error gives the line.
pub fn read(path: &Path) -> Result<Vec<EpochRow>> {
    let text = read_text(path)?;
    let whole = text.rfind('\n').map_or("", |end| &text[..end]);
    let mut lines = whole.lines();
    let bad = |line: usize, problem: String| Error::BadResult {
        path: path.to_owned(),
        problem: format!("line {line}: {problem}"),
    };
    if lines.next() != Some(HEADER) {
        return Err(bad(1, format!("not the header {HEADER:?} of a training log")));
    }
    lines.enumerate().map(|(i, l)| parse(l).map_err(|problem| bad(i + 2, problem))).collect()
}

fn line(row: &EpochRow) -> String {
    let EpochRow { phase, epoch, loss, validation, rate, seconds, distance } = row;
    let maybe = |v: &Option<f64>| v.map(|v| v.to_string()).unwrap_or_default();
    let (validation, distance) = (maybe(validation), maybe(distance));
    format!("{phase},{epoch},{loss},{validation},{rate},{seconds},{distance}")
}

fn parse(line: &str) -> std::result::Result<EpochRow, String> {
    let fields: Vec<&str> = line.split(',').collect();
    let &[phase, epoch, loss, validation, rate, seconds, distance] = fields.as_slice() else {
        return Err(format!("{} fields where 7 belong", fields.len()));
    };
    let number = |name: &str, text: &str| {
        text.parse::<f64>().map_err(|_| format!("{name} {text:?} is no number"))
    };
    let maybe = |name: &str, text: &str| match text {
        "" => Ok(None),
        _ => number(name, text).map(Some),
    };
    Ok(EpochRow {
        phase: phase.to_owned(),
        epoch: epoch.parse().map_err(|_| format!("epoch {epoch:?} is no count"))?,
        loss: number("loss", loss)?,
        validation: maybe("validation", validation)?,
        rate: number("rate", rate)?,
        seconds: number("seconds", seconds)?,
        distance: maybe("distance", distance)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(phase: &str, epoch: usize) -> EpochRow {
        let validation = (epoch != 2).then_some(0.1 + epoch as f64 / 3.0);
        let distance = (phase == "search").then_some(0.05);
        let (phase, loss, rate, seconds) = (phase.to_owned(), 2.5, 0.05, 1.25);
        EpochRow { phase, epoch, loss, validation, rate, seconds, distance }
    }

    fn filled(path: &Path) -> Vec<EpochRow> {
        let rows = vec![row("teacher", 1), row("teacher", 2), row("search", 1), row("search", 2)];
        let mut history = History::open(path).expect("started");
        rows.iter().for_each(|row| history.push(row).expect("written"));
        rows
    }

    #[test]
    fn rows_come_back_and_a_reopened_log_grows() {
        let dir = tempfile::tempdir().expect("temporary folder");
        let path = dir.path().join("run/epochs.csv");
        let mut rows = filled(&path);
        assert_eq!(read(&path).expect("read"), rows);
        let mut history = History::open(&path).expect("opened again");
        history.push(&row("finetune", 1)).expect("written");
        rows.push(row("finetune", 1));
        assert_eq!(read(&path).expect("read"), rows);
    }

    #[test]
    fn a_resumed_run_does_not_repeat_rows() {
        let dir = tempfile::tempdir().expect("temporary folder");
        let path = dir.path().join("epochs.csv");
        for (phase, epoch, kept) in
            [("search", 1, 3), ("search", 0, 2), ("teacher", 1, 1), ("teacher", 0, 0)]
        {
            std::fs::remove_file(&path).ok();
            let rows = filled(&path);
            let mut history = History::resume(&path, phase, epoch).expect("resumed");
            assert_eq!(read(&path).expect("read"), rows[..kept], "{phase} {epoch}");
            history.push(&row(phase, epoch + 1)).expect("written");
            assert_eq!(read(&path).expect("read"), rows[..=kept], "{phase} {epoch}");
        }
        History::resume(&path, "search", 0).expect("a phase yet to start");
        assert_eq!(read(&path).expect("read"), [row("teacher", 1)]);
    }

    #[test]
    fn a_torn_line_is_dropped_and_damage_is_named() {
        let dir = tempfile::tempdir().expect("temporary folder");
        let path = dir.path().join("epochs.csv");
        let rows = filled(&path);
        let whole = std::fs::read_to_string(&path).expect("read");
        std::fs::write(&path, format!("{whole}search,3,0.")).expect("written");
        History::open(&path).expect("opened").push(&row("search", 3)).expect("written");
        assert_eq!(read(&path).expect("read").len(), rows.len() + 1);
        for (damage, part) in [
            (format!("{whole}search,3\n"), "line 6: 2 fields"),
            (format!("{whole}search,x,1,,1,1,\n"), "line 6: epoch \"x\""),
            ("phase\n".to_owned(), "line 1: "),
            (String::new(), "line 1: "),
        ] {
            std::fs::write(&path, damage).expect("written");
            let error = read(&path).expect_err("damaged").to_string();
            assert!(error.contains(part) && error.contains("epochs.csv"), "{error}");
        }
    }

    #[test]
    fn a_loss_that_is_no_number_and_a_bad_phase() {
        let dir = tempfile::tempdir().expect("temporary folder");
        let path = dir.path().join("epochs.csv");
        let mut history = History::open(&path).expect("started");
        history.push(&EpochRow { loss: f64::NAN, ..row("search", 1) }).expect("written");
        assert!(read(&path).expect("read")[0].loss.is_nan());
        assert!(matches!(history.push(&row("a,b", 1)), Err(Error::BadResult { .. })));
    }
}
