//! The folder of a training stage, from which a killed stage goes on.
//!
//! `manifest.json` says what was asked for and how far the stage is; the safetensors files it
//! names hold weights and masks (and, for the last epoch, the optimiser's state). An epoch
//! counts once the manifest that names its files has replaced the one before, so a kill at
//! any moment loses at most the epoch under way. `history.csv` has a line for each epoch.

use crate::history::History;
use crate::net::{Net, store};
use crate::optim::Sgd;
use crate::results::{EpochRow, replace};
use crate::{Error, Result};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use tacita_architectures::Network;
use tch::Tensor;

const MANIFEST: &str = "manifest.json";

/// What a finished stage reached, in [0, 1].
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Reached {
    /// Accuracy on the held-out images, by which the epoch was chosen.
    pub validation: f64,
    /// Accuracy on the test images.
    pub test: f64,
}

/// What decides the outcome of a stage. A folder can be gone on with by the same only.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Identity {
    /// Name of the stage.
    pub stage: String,
    /// The network.
    pub network: Network,
    /// Its widths (SENet++), or 1 alone.
    pub rates: Vec<f64>,
    /// Hash of the data set as split.
    pub data: String,
    /// Seed of everything random.
    pub seed: u64,
    /// Everything else: epochs, learning rate, budget, loss, hash of the network started from.
    pub settings: serde_json::Value,
}

/// How far a stage is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    /// What was asked for.
    pub identity: Identity,
    /// The command line.
    pub command: String,
    /// Version of this program.
    pub version: String,
    /// Epochs done.
    pub epoch: usize,
    /// File with the state after that epoch.
    pub last: Option<String>,
    /// File with the epoch that does best on the validation images, and its accuracy.
    pub best: Option<(String, f64)>,
    /// Hash of the masks in that file.
    pub mask_hash: Option<String>,
    /// Whether the stage ended itself before its last epoch.
    #[serde(default)]
    pub stopped: bool,
    /// Accuracies of that file, once the stage is complete.
    pub reached: Option<Reached>,
}

impl Manifest {
    fn new(identity: Identity, command: &str) -> Self {
        Self {
            identity,
            command: command.to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            epoch: 0,
            last: None,
            best: None,
            mask_hash: None,
            stopped: false,
            reached: None,
        }
    }
}

/// The folder of a stage.
#[derive(Debug)]
pub struct Stage {
    dir: PathBuf,
    /// How far the stage is.
    pub manifest: Manifest,
    history: History,
}

impl Stage {
    /// Opens the stage in `dir`, or starts one there; `fresh` starts over.
    ///
    /// # Errors
    /// The folder cannot be used, or holds a stage that was asked for something else.
    pub fn open(dir: &Path, identity: Identity, command: &str, fresh: bool) -> Result<Self> {
        std::fs::create_dir_all(dir).map_err(Error::io(dir))?;
        let path = dir.join(MANIFEST);
        let manifest = if path.exists() && !fresh {
            let manifest = read_manifest(dir)?;
            if let Some(setting) = first_difference(&manifest.identity, &identity) {
                return Err(Error::ResumeMismatch { path, setting });
            }
            manifest
        } else {
            Manifest::new(identity, command)
        };
        let name = &manifest.identity.stage;
        let history = History::resume(&dir.join("history.csv"), name, manifest.epoch)?;
        let stage = Self { dir: dir.to_owned(), manifest, history };
        stage.save()?;
        stage.sweep()?;
        Ok(stage)
    }

    /// Name of the stage.
    pub fn name(&self) -> &str {
        &self.manifest.identity.stage
    }

    /// What the stage reached, if it is complete.
    pub fn reached(&self) -> Option<Reached> {
        self.manifest.reached
    }

    /// Loads the state after the last epoch, gives its number (0 if there is none) and the
    /// tensors that belong neither to the network nor to the optimiser.
    ///
    /// # Errors
    /// The file does not fit.
    pub fn restore(
        &self,
        net: &mut Net,
        sgd: &mut Sgd,
    ) -> Result<(usize, HashMap<String, Tensor>)> {
        let Some(last) = &self.manifest.last else { return Ok((0, HashMap::new())) };
        let path = self.dir.join(last);
        net.load(&path)?;
        let tensors: HashMap<String, Tensor> = store::read(&path)?.into_iter().collect();
        sgd.restore(&tensors)?;
        Ok((self.manifest.epoch, tensors))
    }

    /// Records an epoch: its state, its line in the log, and whether it is the best so far.
    ///
    /// # Errors
    /// A file cannot be written.
    pub fn commit(
        &mut self,
        net: &Net,
        sgd: &Sgd,
        extra: Vec<(String, Tensor)>,
        (row, stopped): (&EpochRow, bool),
    ) -> Result<()> {
        let last = format!("epoch-{:04}.safetensors", row.epoch);
        let more = sgd.state().chain(extra.iter().map(|(name, t)| (name.clone(), t)));
        net.store.save(&self.dir.join(&last), more)?;
        let score = row.validation.unwrap_or_default();
        if self.manifest.best.as_ref().is_none_or(|(_, best)| score > *best) {
            let best = format!("best-{:04}.safetensors", row.epoch);
            net.store.save(&self.dir.join(&best), [])?;
            self.manifest.best = Some((best, score));
            self.manifest.mask_hash = Some(net.masks()?.hash(net.layers()));
        }
        self.history.push(row)?;
        (self.manifest.epoch, self.manifest.last) = (row.epoch, Some(last));
        self.manifest.stopped = stopped;
        self.save()?;
        self.sweep()
    }

    /// Lets the next epoch that is committed count as the best, whatever its accuracy.
    pub fn forget_best(&mut self) {
        self.manifest.best = None;
    }

    /// Records a network that was trained elsewhere as the one the stage chose. Without
    /// accuracies nothing is known about it; it can be gone on from all the same.
    ///
    /// # Errors
    /// A file cannot be written.
    pub fn adopt(&mut self, net: &Net, reached: Option<Reached>) -> Result<()> {
        let best = "best-0000.safetensors".to_owned();
        net.store.save(&self.dir.join(&best), [])?;
        self.manifest.best = Some((best, reached.map_or(0.0, |r| r.validation)));
        self.manifest.mask_hash = Some(net.masks()?.hash(net.layers()));
        self.manifest.reached = reached;
        self.save()
    }

    /// Loads the best epoch and gives its accuracy on the validation images.
    ///
    /// # Errors
    /// No epoch is done, or the file does not fit.
    pub fn load_best(&self, net: &mut Net) -> Result<f64> {
        let problem = "must be at least 1: the stage has no epoch to choose from";
        let none = || Error::BadSetting { setting: "the number of epochs", problem };
        let (file, score) = self.manifest.best.as_ref().ok_or_else(none)?;
        net.load(&self.dir.join(file))?;
        Ok(*score)
    }

    /// Records that the stage is complete. The optimiser's state goes.
    ///
    /// # Errors
    /// The manifest cannot be written.
    pub fn finish(&mut self, reached: Reached) -> Result<()> {
        self.manifest.reached = Some(reached);
        self.manifest.last = None;
        self.save()?;
        self.sweep()
    }

    /// The lines of the log.
    ///
    /// # Errors
    /// The log cannot be read.
    pub fn rows(&self) -> Result<Vec<EpochRow>> {
        crate::history::read(&self.dir.join("history.csv"))
    }

    fn save(&self) -> Result<()> {
        let text = serde_json::to_string_pretty(&self.manifest).unwrap_or_default();
        replace(&self.dir.join(MANIFEST), text.as_bytes())
    }

    /// Removes states that the manifest no longer names.
    fn sweep(&self) -> Result<()> {
        let best = self.manifest.best.as_ref().map(|(file, _)| file.as_str());
        let kept = [best, self.manifest.last.as_deref()];
        for entry in std::fs::read_dir(&self.dir).map_err(Error::io(&self.dir))? {
            let path = entry.map_err(Error::io(&self.dir))?.path();
            let name = path.file_name().and_then(|n| n.to_str()).unwrap_or_default();
            let state = name.ends_with(".safetensors")
                && (name.starts_with("epoch-") || name.starts_with("best-"));
            if state && !kept.contains(&Some(name)) {
                std::fs::remove_file(&path).map_err(Error::io(&path))?;
            }
        }
        Ok(())
    }
}

/// Reads the manifest of the stage in `dir`.
///
/// # Errors
/// There is none, or it is damaged.
pub fn read_manifest(dir: &Path) -> Result<Manifest> {
    let path = dir.join(MANIFEST);
    let text = std::fs::read_to_string(&path).map_err(Error::io(&path))?;
    serde_json::from_str(&text)
        .map_err(|e| Error::BadCheckpoint { path: path.clone(), problem: e.to_string() })
}

/// Loads the network that the stage in `dir` chose, with what is known about it.
///
/// # Errors
/// The stage is not there, has no epoch yet, or its files are damaged.
pub fn load(dir: &Path, device: tch::Device) -> Result<(Net, Manifest)> {
    let manifest = read_manifest(dir)?;
    let mut net = Net::with_widths(&manifest.identity.network, &manifest.identity.rates, device);
    let none = || Error::BadCheckpoint {
        path: dir.join(MANIFEST),
        problem: "the stage has no finished epoch".to_owned(),
    };
    let (file, _) = manifest.best.as_ref().ok_or_else(none)?;
    net.load(&dir.join(file))?;
    Ok((net, manifest))
}

/// Name of a setting that differs.
fn first_difference(old: &Identity, new: &Identity) -> Option<String> {
    let flat = |identity: &Identity| {
        let mut all = serde_json::to_value(identity).ok()?.as_object().cloned()?;
        let settings = all.remove("settings");
        all.extend(settings.and_then(|s| s.as_object().cloned()).unwrap_or_default());
        Some(all)
    };
    let (old, new) = (flat(old)?, flat(new)?);
    let differing = || old.keys().chain(new.keys()).filter(|key| old.get(*key) != new.get(*key));
    // Hashes of networks differ because something else does, which says more.
    let cause = differing().find(|key| !["from", "teacher"].contains(&key.as_str()));
    cause.or_else(|| differing().next()).cloned()
}

#[cfg(test)]
mod tests;
