//! Progress of a stage: a bar where stderr is a terminal, log lines elsewhere.

use indicatif::{ProgressBar, ProgressStyle};
use std::io::IsTerminal;
use std::time::{Duration, Instant};

/// How often a log line is written where there is no terminal.
const LOG_EVERY: Duration = Duration::from_secs(30);

/// Progress over all epochs of a stage.
#[derive(Debug)]
pub struct Progress {
    bar: Option<ProgressBar>,
    stage: String,
    epochs: usize,
    epoch: usize,
    /// Images seen by this process, and those that were left at its start.
    seen: usize,
    left: usize,
    loss: f64,
    steps: usize,
    start: Instant,
    logged: Instant,
}

impl Progress {
    /// A stage of `epochs` passes over `images` images, of which `done` lie behind.
    pub fn new(stage: &str, epochs: usize, images: usize, done: usize) -> Self {
        let bar = std::io::stderr().is_terminal().then(|| bar(stage, epochs * images));
        if let Some(bar) = &bar {
            bar.set_position((done * images) as u64);
            bar.reset_eta();
        }
        let (now, left) = (Instant::now(), epochs.saturating_sub(done) * images);
        Self {
            bar,
            stage: stage.to_owned(),
            epochs,
            epoch: done,
            seen: 0,
            left,
            loss: 0.0,
            steps: 0,
            start: now,
            logged: now,
        }
    }

    /// Starts epoch `epoch` (from 1).
    pub fn begin(&mut self, epoch: usize) {
        (self.epoch, self.loss, self.steps) = (epoch, 0.0, 0);
    }

    /// Records a step over `images` images with its loss.
    pub fn step(&mut self, images: usize, loss: f64) {
        self.seen += images;
        self.loss += loss;
        self.steps += 1;
        if let Some(bar) = &self.bar {
            bar.inc(images as u64);
            let (epoch, epochs) = (self.epoch, self.epochs);
            bar.set_message(format!("epoch {epoch}/{epochs} loss {:.3}", self.mean_loss()));
        } else if self.logged.elapsed() >= LOG_EVERY {
            self.logged = Instant::now();
            self.log();
        }
    }

    /// Mean loss over the steps of the epoch so far.
    pub fn mean_loss(&self) -> f64 {
        self.loss / self.steps.max(1) as f64
    }

    /// Images a second so far.
    fn rate(&self) -> f64 {
        self.seen as f64 / self.start.elapsed().as_secs_f64().max(1e-9)
    }

    /// Ends the stage.
    pub fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }

    fn log(&self) {
        let seconds = self.left.saturating_sub(self.seen) as f64 / self.rate().max(1e-9);
        tracing::info!(
            stage = self.stage,
            epoch = self.epoch,
            of = self.epochs,
            loss = format_args!("{:.4}", self.mean_loss()),
            images_per_second = format_args!("{:.0}", self.rate()),
            seconds_left = format_args!("{seconds:.0}"),
            "training"
        );
    }
}

fn bar(stage: &str, images: usize) -> ProgressBar {
    let template = "{prefix} [{bar:32}] {pos}/{len} {msg} {per_sec} eta {eta}";
    let bar = ProgressBar::new(images as u64).with_prefix(stage.to_owned());
    match ProgressStyle::with_template(template) {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}
