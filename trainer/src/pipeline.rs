//! The stages of a run and where they are kept.
//!
//! A run has a folder; every stage has a folder in it. A stage that is complete there is
//! loaded, one that was cut off goes on, and others start.

use crate::batch::Augment;
use crate::checkpoint::{Identity, Reached, Stage};
use crate::data::Dataset;
use crate::fit::{self, Method, Plan};
use crate::loss::Weights;
use crate::masks::MaskSet;
use crate::net::Net;
use crate::results::EpochRow;
use crate::schedule::Schedule;
use crate::senet::finetune::Distill;
use crate::senet::search::{Choice, Search};
use crate::senet::teacher::Labels;
use crate::{Error, Result};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::path::PathBuf;
use tacita_architectures::{Layer, Network};
use tch::Device;

/// How long and how fast a stage trains.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Training {
    /// Passes over the training images.
    pub epochs: usize,
    /// Learning rate.
    pub schedule: Schedule,
}

/// What all stages of a run share.
#[derive(Debug)]
pub struct Run<'a> {
    /// The images.
    pub data: &'a Dataset,
    /// The network.
    pub network: Network,
    /// Where to compute.
    pub device: Device,
    /// Seed of weights, data order, augmentation and first masks.
    pub seed: u64,
    /// Images in a mini-batch.
    pub batch: usize,
    /// Cropping and mirroring.
    pub augment: Augment,
    /// Whether to compute in half precision where that is safe (CUDA only).
    pub mixed: bool,
    /// Folder of the run.
    pub work: PathBuf,
    /// The command line, for the records.
    pub command: String,
    /// Whether to start stages over that are there already.
    pub fresh: bool,
}

/// A finished stage.
#[derive(Clone, Debug)]
pub struct Done {
    /// Accuracies of the network that it chose.
    pub reached: Reached,
    /// A line for each epoch.
    pub rows: Vec<EpochRow>,
}

/// What search and fine-tuning start from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
pub enum Start {
    /// Random weights (SENet's default).
    Random,
    /// The teacher's weights: settles within a short schedule.
    Teacher,
}

impl Run<'_> {
    /// A network with random weights that depend on the seed alone. What CUDA makes of them does
    /// not: its kernels add in no fixed order, so that two runs of one seed drift apart.
    ///
    /// # Errors
    /// libtorch refuses a tensor.
    pub fn random_net(&self, rates: &[f64]) -> Result<Net> {
        let net = Net::with_widths(&self.network, rates, self.device);
        net.store.fill(self.seed)?;
        Ok(net)
    }

    /// Trains `net` as stage `name`. `settings` are what decides the outcome beside what the
    /// run knows.
    ///
    /// # Errors
    /// A file cannot be used, the stage there was asked for something else, or training fails.
    pub fn train(
        &self,
        name: &str,
        net: &mut Net,
        training: Training,
        settings: Value,
        method: &mut dyn Method,
    ) -> Result<Done> {
        let identity = self.identity(name, net, training, settings)?;
        let mut stage = Stage::open(&self.work.join(name), identity, &self.command, self.fresh)?;
        let plan = Plan {
            epochs: training.epochs,
            batch: self.batch,
            schedule: training.schedule,
            seed: self.seed,
            augment: self.augment,
            mixed: self.is_mixed(),
        };
        let reached = fit::train(&mut stage, net, self.data, &plan, method)?;
        Ok(Done { reached, rows: stage.rows()? })
    }

    fn is_mixed(&self) -> bool {
        self.mixed && self.device.is_cuda()
    }

    fn identity(
        &self,
        name: &str,
        net: &Net,
        training: Training,
        settings: Value,
    ) -> Result<Identity> {
        let mut all = json!({
            "training": training,
            "batch": self.batch,
            "augment": self.augment,
            "normalise": self.data.normalise,
            "from": net.hash()?,
        });
        if let (Some(all), Value::Object(more)) = (all.as_object_mut(), settings) {
            all.extend(more);
            if self.is_mixed() {
                all.insert("mixed".to_owned(), true.into());
            }
        }
        Ok(Identity {
            stage: name.to_owned(),
            network: net.network.clone(),
            rates: net.widths.iter().map(|w| w.rate).collect(),
            data: self.data.hash.clone(),
            seed: self.seed,
            settings: all,
        })
    }

    /// Trains the all-ReLU network on labels; it comes back frozen.
    ///
    /// # Errors
    /// As [`Run::train`].
    pub fn teacher(&self, training: Training) -> Result<(Net, Done)> {
        let mut net = self.random_net(&[1.0])?;
        let mut method = Labels { smoothing: 0.0 };
        let done = self.train("teacher", &mut net, training, json!({}), &mut method)?;
        net.store.freeze();
        Ok((net, done))
    }

    /// Searches masks with `shares[l]` ReLUs in layer `l`.
    ///
    /// # Errors
    /// As [`Run::train`].
    pub fn search(
        &self,
        name: &str,
        teacher: &Net,
        (shares, choice, start): (&[usize], Choice, Start),
        training: Training,
    ) -> Result<(Net, Done)> {
        let mut net = self.random_net(&[1.0])?;
        if start == Start::Teacher {
            net.copy_from(teacher)?;
        }
        let settings = json!({"shares": shares, "choice": choice, "start": start,
                              "teacher": teacher.hash()?});
        let mut method = Search::new(teacher, shares.to_vec(), choice, self.seed);
        let done = self.train(name, &mut net, training, settings, &mut method)?;
        Ok((net, done))
    }

    /// Trains `net` under its masks, guided by `teacher`.
    ///
    /// # Errors
    /// As [`Run::train`].
    pub fn finetune(
        &self,
        name: &str,
        net: &mut Net,
        teacher: &Net,
        (training, weights): (Training, Weights),
    ) -> Result<Done> {
        let settings = json!({"loss": weights, "teacher": teacher.hash()?});
        self.train(name, net, training, settings, &mut Distill { teacher, weights })
    }
}

/// Flags of the layers in `culled`, given by name or index.
///
/// # Errors
/// [`Error::UnknownLayer`] for a name that is neither.
pub fn cull_flags(layers: &[Layer], culled: &[String]) -> Result<Vec<bool>> {
    let mut flags = vec![false; layers.len()];
    for wanted in culled {
        let index = layers
            .iter()
            .position(|l| l.name == *wanted)
            .or_else(|| wanted.parse().ok().filter(|&i: &usize| i < layers.len()))
            .ok_or_else(|| unknown(layers, wanted))?;
        flags[index] = true;
    }
    Ok(flags)
}

fn unknown(layers: &[Layer], wanted: &str) -> Error {
    let known = layers.iter().map(|l| l.name.as_str()).collect::<Vec<_>>().join(", ");
    Error::UnknownLayer { name: wanted.to_owned(), known }
}

/// Sum of the units of all layers.
pub fn units(layers: &[Layer]) -> usize {
    layers.iter().map(Layer::units).sum()
}

/// Sum of the kept ReLUs.
pub fn kept(masks: &MaskSet) -> usize {
    masks.counts().iter().sum()
}
