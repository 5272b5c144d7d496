//! Progress: a bar where stderr is a terminal, log lines elsewhere.

use indicatif::{ProgressBar, ProgressStyle};
use std::io::IsTerminal;
use std::time::{Duration, Instant};

/// How often a log line is written where there is no terminal.
const LOG_EVERY: Duration = Duration::from_secs(30);

/// Progress of one epoch.
#[derive(Debug)]
pub struct Progress {
    bar: Option<ProgressBar>,
    phase: &'static str,
    epoch: usize,
    images: usize,
    done: usize,
    loss: f64,
    steps: usize,
    start: Instant,
    logged: Instant,
}

impl Progress {
    /// Starts epoch `epoch` (from 1) of a phase over `images` images.
    pub fn new(phase: &'static str, epoch: usize, images: usize) -> Self {
        let bar = std::io::stderr().is_terminal().then(|| bar(phase, epoch, images));
        let now = Instant::now();
        let (done, loss, steps) = (0, 0.0, 0);
        Self { bar, phase, epoch, images, done, loss, steps, start: now, logged: now }
    }

    /// Records a step over `images` images with its loss.
    pub fn step(&mut self, images: usize, loss: f64) {
        self.done += images;
        self.loss += loss;
        self.steps += 1;
        if let Some(bar) = &self.bar {
            bar.set_position(self.done as u64);
            bar.set_message(format!("loss {:.3}", self.mean_loss()));
        } else if self.logged.elapsed() >= LOG_EVERY {
            self.logged = Instant::now();
            self.log();
        }
    }

    /// Mean loss over the steps so far.
    pub fn mean_loss(&self) -> f64 {
        self.loss / self.steps.max(1) as f64
    }

    /// Images a second so far.
    pub fn rate(&self) -> f64 {
        self.done as f64 / self.start.elapsed().as_secs_f64().max(1e-9)
    }

    /// Ends the epoch.
    pub fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }

    fn log(&self) {
        tracing::info!(
            phase = self.phase,
            epoch = self.epoch,
            images = self.done,
            of = self.images,
            loss = format_args!("{:.4}", self.mean_loss()),
            images_per_second = format_args!("{:.0}", self.rate()),
            "training"
        );
    }
}

fn bar(phase: &'static str, epoch: usize, images: usize) -> ProgressBar {
    let template = "{prefix} [{bar:32}] {pos}/{len} {msg} {per_sec} eta {eta}";
    let bar = ProgressBar::new(images as u64).with_prefix(format!("{phase} epoch {epoch}"));
    match ProgressStyle::with_template(template) {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}
