//! Checkpoints and the state that lets a killed run go on.
//!
//! A run keeps a folder with `teacher.safetensors`, `search.safetensors`,
//! `finetune.safetensors` and `polish.safetensors` (weights and masks) and `state.json`, which says with which
//! settings the run was started and which phases are complete.

use crate::net::Net;
use crate::{Error, Result};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// The settings that decide what a run makes. A run can be resumed with the same only, save
/// for epochs and learning rates of phases that are not complete.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Settings {
    /// Channels of the stem.
    pub width: i64,
    /// ReLUs to keep.
    pub relus: usize,
    /// Layers that keep none.
    pub cull: Vec<String>,
    /// Epochs of the teacher.
    pub epochs_teacher: usize,
    /// Epochs of the mask search, at most.
    pub epochs_search: usize,
    /// Epochs of fine-tuning.
    pub epochs_finetune: usize,
    /// Epochs of polishing; 0 leaves it out.
    #[serde(default)]
    pub epochs_polish: usize,
    /// Peak learning rate of the teacher.
    pub lr_teacher: f64,
    /// Learning rate of the search.
    pub lr_search: f64,
    /// Peak learning rate of fine-tuning.
    pub lr_finetune: f64,
    /// Peak learning rate of polishing.
    #[serde(default)]
    pub lr_polish: f64,
    /// Images in a mini-batch.
    pub batch: usize,
    /// Images held out to choose by.
    pub validation: usize,
    /// Cap on the images of each set; 0 for none.
    pub limit: usize,
    /// Seed of everything random.
    pub seed: u64,
}

/// What a finished phase reached, in [0, 1].
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Reached {
    /// Accuracy on the held-out images, by which the epoch was chosen.
    pub validation: f64,
    /// Accuracy on the test images.
    pub test: f64,
}

/// A phase of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// The all-ReLU network.
    Teacher,
    /// The search for masks.
    Search,
    /// Training under frozen masks.
    Finetune,
    /// A second cycle of that, closer to the labels.
    Polish,
}

impl Phase {
    /// Its name in file names and logs.
    pub fn name(self) -> &'static str {
        match self {
            Self::Teacher => "teacher",
            Self::Search => "search",
            Self::Finetune => "finetune",
            Self::Polish => "polish",
        }
    }
}

/// State of a run, as in `state.json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct State {
    /// Settings of the run.
    pub settings: Settings,
    /// Result of the teacher, once complete.
    pub teacher: Option<Reached>,
    /// Result of the search, once complete.
    pub search: Option<Reached>,
    /// Result of fine-tuning, once complete.
    pub finetune: Option<Reached>,
    /// Result of polishing, once complete.
    #[serde(default)]
    pub polish: Option<Reached>,
    /// Hash of the masks, once the search is complete.
    pub mask_hash: Option<String>,
}

impl State {
    fn new(settings: Settings) -> Self {
        Self {
            settings,
            teacher: None,
            search: None,
            finetune: None,
            polish: None,
            mask_hash: None,
        }
    }

    /// What a phase reached, if it is complete.
    pub fn reached(&self, phase: Phase) -> Option<Reached> {
        match phase {
            Phase::Teacher => self.teacher,
            Phase::Search => self.search,
            Phase::Finetune => self.finetune,
            Phase::Polish => self.polish,
        }
    }
}

/// The folder of a run.
#[derive(Debug)]
pub struct Folder {
    dir: PathBuf,
    /// State of the run.
    pub state: State,
}

impl Folder {
    /// Starts a run in `dir`, or goes on with the one there if `resume` is set.
    ///
    /// # Errors
    /// The folder cannot be used, or holds a run with other settings.
    pub fn open(dir: &Path, settings: Settings, resume: bool) -> Result<Self> {
        std::fs::create_dir_all(dir).map_err(Error::io(dir))?;
        let path = dir.join("state.json");
        if resume && path.exists() {
            let mut state = read_state(&path)?;
            if let Some(setting) = first_difference(&state, &settings) {
                return Err(Error::ResumeMismatch { path, setting });
            }
            state.settings = settings;
            return Ok(Self { dir: dir.to_owned(), state });
        }
        let state = State::new(settings);
        let folder = Self { dir: dir.to_owned(), state };
        folder.save()?;
        Ok(folder)
    }

    /// The checkpoint of a phase.
    pub fn file(&self, phase: Phase) -> PathBuf {
        self.dir.join(format!("{}.safetensors", phase.name()))
    }

    /// What a phase reached, if it is complete.
    pub fn reached(&self, phase: Phase) -> Option<Reached> {
        self.state.reached(phase)
    }

    /// Records that a phase is complete.
    ///
    /// # Errors
    /// The state cannot be written.
    pub fn complete(&mut self, phase: Phase, reached: Reached) -> Result<()> {
        let slot = match phase {
            Phase::Teacher => &mut self.state.teacher,
            Phase::Search => &mut self.state.search,
            Phase::Finetune => &mut self.state.finetune,
            Phase::Polish => &mut self.state.polish,
        };
        *slot = Some(reached);
        self.save()
    }

    /// Records the hash of the masks that were found.
    ///
    /// # Errors
    /// The state cannot be written.
    pub fn record_masks(&mut self, hash: String) -> Result<()> {
        self.state.mask_hash = Some(hash);
        self.save()
    }

    fn save(&self) -> Result<()> {
        let path = self.dir.join("state.json");
        let text = serde_json::to_string_pretty(&self.state).unwrap_or_default();
        // Written beside and renamed, so that a kill never leaves half a state.
        let partial = self.dir.join("state.json.partial");
        std::fs::write(&partial, text).map_err(Error::io(&partial))?;
        std::fs::rename(&partial, &path).map_err(Error::io(&path))
    }
}

fn read_state(path: &Path) -> Result<State> {
    let text = std::fs::read_to_string(path).map_err(Error::io(path))?;
    serde_json::from_str(&text)
        .map_err(|e| Error::BadCheckpoint { path: path.to_owned(), problem: e.to_string() })
}

/// Name of the first setting that was used already and differs from that of the run.
fn first_difference(state: &State, new: &Settings) -> Option<String> {
    let map = |s| serde_json::to_value(s).ok()?.as_object().cloned();
    let (old, new): (serde_json::Map<_, _>, _) = (map(&state.settings)?, map(new)?);
    let open: Vec<&str> = [Phase::Teacher, Phase::Search, Phase::Finetune, Phase::Polish]
        .into_iter()
        .filter(|&phase| state.reached(phase).is_none())
        .map(Phase::name)
        .collect();
    let used = |key: &str| {
        let (kind, phase) = key.split_once('_').unwrap_or_default();
        !(matches!(kind, "epochs" | "lr") && open.contains(&phase))
    };
    old.into_iter()
        .find(|(key, value)| used(key) && new.get(key) != Some(value))
        .map(|(key, _)| key)
}

/// Loads weights and masks into a new network; its width is read from the file.
///
/// # Errors
/// The file is missing or holds no network of this crate.
pub fn load(path: &Path) -> Result<Net> {
    std::fs::metadata(path).map_err(Error::io(path))?;
    let bad = |problem: String| Error::BadCheckpoint { path: path.to_owned(), problem };
    let tensors = tch::Tensor::read_safetensors(path).map_err(|e| bad(e.to_string()))?;
    let stem = tensors.iter().find(|(name, _)| name == "conv1.weight");
    let width = stem.map(|(_, t)| t.size()[0]).filter(|&w| w > 0);
    let mut net = Net::new(width.ok_or_else(|| bad("no conv1.weight".to_owned()))?);
    load_into(&mut net, path)?;
    Ok(net)
}

/// Loads weights and masks into `net`.
///
/// # Errors
/// The file does not fit the network.
pub fn load_into(net: &mut Net, path: &Path) -> Result<()> {
    let bad =
        |e: tch::TchError| Error::BadCheckpoint { path: path.to_owned(), problem: e.to_string() };
    net.vars.load(path).map_err(bad)?;
    net.refresh()
}

/// Keeps the best network seen so far in a file.
#[derive(Debug)]
pub struct Best<'a> {
    file: &'a Path,
    score: Option<f64>,
}

impl<'a> Best<'a> {
    /// Nothing seen yet.
    pub fn new(file: &'a Path) -> Self {
        Self { file, score: None }
    }

    /// Writes `net` to the file if its score is the best so far.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn offer(&mut self, net: &Net, score: f64) -> Result<()> {
        if self.score.is_none_or(|best| score > best) {
            net.vars.save(self.file)?;
            self.score = Some(score);
        }
        Ok(())
    }

    /// Loads the best network and gives its score.
    ///
    /// # Errors
    /// No network was offered, or the file cannot be read.
    pub fn restore(self, net: &mut Net) -> Result<f64> {
        let problem = "a phase needs at least one epoch";
        let score = self.score.ok_or(Error::BadSetting { setting: "--epochs-*", problem })?;
        load_into(net, self.file)?;
        Ok(score)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings() -> Settings {
        Settings {
            width: 4,
            relus: 100,
            cull: vec!["stem".to_owned()],
            epochs_teacher: 1,
            epochs_search: 1,
            epochs_finetune: 1,
            epochs_polish: 0,
            lr_teacher: 0.1,
            lr_search: 0.1,
            lr_finetune: 0.1,
            lr_polish: 0.1,
            batch: 8,
            validation: 8,
            limit: 0,
            seed: 1,
        }
    }

    #[test]
    fn a_run_goes_on_with_its_own_settings_only() {
        let dir = tempfile::tempdir().expect("temporary folder");
        let mut folder = Folder::open(dir.path(), settings(), false).expect("started");
        let reached = Reached { validation: 0.5, test: 0.25 };
        folder.complete(Phase::Teacher, reached).expect("saved");
        let open = |change: fn(&mut Settings), resume| {
            let mut settings = settings();
            change(&mut settings);
            Folder::open(dir.path(), settings, resume)
        };
        let refused = |change| matches!(open(change, true), Err(Error::ResumeMismatch { .. }));
        assert!(refused(|s| s.seed = 2));
        assert!(refused(|s| s.relus = 99));
        assert!(refused(|s| s.epochs_teacher = 2), "its phase is complete");
        let resumed = open(|s| s.epochs_finetune = 2, true).expect("its phase is open");
        assert_eq!(resumed.reached(Phase::Teacher), Some(reached));
        assert_eq!(resumed.reached(Phase::Search), None);
        let anew = open(|s| s.seed = 2, false).expect("started anew");
        assert_eq!(anew.reached(Phase::Teacher), None);
    }

    #[test]
    fn files_that_hold_no_network_are_refused() {
        let dir = tempfile::tempdir().expect("temporary folder");
        let path = dir.path().join("x.safetensors");
        assert!(matches!(load(&path), Err(Error::Io { .. })));
        std::fs::write(&path, b"not a checkpoint").expect("written");
        assert!(matches!(load(&path), Err(Error::BadCheckpoint { .. })));
        let net = Net::new(4);
        net.vars.save(&path).expect("saved");
        assert_eq!(load(&path).expect("loaded").layers, net.layers);
    }
}
