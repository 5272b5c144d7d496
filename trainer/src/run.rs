//! A whole run: teacher, budget, search, fine-tuning, export.

use crate::allocate::{allocate, sensitivity};
use crate::checkpoint::{Folder, Phase, Reached, Settings, load_into};
use crate::data::Dataset;
use crate::eval::accuracy;
use crate::fit::{Plan, Schedule};
use crate::masks::MaskSet;
use crate::net::Net;
use crate::shape::{self, Layer};
use crate::{Error, Result, export, finetune, search, teacher};
use serde::Serialize;
use std::path::Path;

/// Kept and possible ReLUs of a layer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LayerCount {
    /// Name of the layer.
    pub layer: String,
    /// ReLUs it keeps.
    pub relus: usize,
    /// ReLUs it would have without a mask.
    pub units: usize,
}

/// What a run made.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// Accuracies of the all-ReLU network.
    pub teacher: Reached,
    /// Accuracies right after the search.
    pub search: Reached,
    /// Accuracies after fine-tuning.
    pub finetune: Reached,
    /// Accuracies of the network that was written.
    pub network: Reached,
    /// ReLUs kept.
    pub relus: usize,
    /// ReLUs without masks.
    pub units: usize,
    /// The same by layer.
    pub layers: Vec<LayerCount>,
    /// Hash of the masks.
    pub mask_hash: String,
    /// Length of the ONNX file.
    pub bytes: usize,
}

/// The budget of each layer.
///
/// # Errors
/// An unknown layer is to be culled, or the budget does not fit.
pub fn shares(layers: &[Layer], relus: usize, cull: &[String]) -> Result<Vec<usize>> {
    let culled = shape::cull_flags(layers, cull)?;
    let units: Vec<usize> = layers.iter().map(Layer::units).collect();
    allocate(relus, &units, &sensitivity(layers.len()), &culled)
}

/// Kept and possible ReLUs, layer by layer.
pub fn layer_counts(layers: &[Layer], kept: &[usize]) -> Vec<LayerCount> {
    let count = |(l, &relus): (&Layer, &usize)| LayerCount {
        layer: l.name.clone(),
        relus,
        units: l.units(),
    };
    layers.iter().zip(kept).map(count).collect()
}

/// A run in progress.
struct Run<'a> {
    folder: Folder,
    data: &'a Dataset,
    shares: Vec<usize>,
}

/// Trains by `settings` on `data`, keeps checkpoints in `work`, and writes the network to
/// `out`. `command` is noted in the file. With `resume`, phases that are complete in `work`
/// are not run again.
///
/// # Errors
/// The settings do not fit, a file cannot be used, or libtorch refuses an operation.
pub fn run(
    settings: Settings,
    data: &Dataset,
    work: &Path,
    out: &Path,
    resume: bool,
    command: &str,
) -> Result<Report> {
    check(&settings)?;
    let shares = shares(&shape::layers(settings.width), settings.relus, &settings.cull)?;
    let folder = Folder::open(work, settings, resume)?;
    let mut run = Run { folder, data, shares };
    let teacher = run.teacher()?;
    let mut student = Net::new(run.settings().width);
    student.copy_from(&teacher)?;
    run.search(&mut student, &teacher)?;
    run.finetune(Phase::Finetune, &mut student, &teacher)?;
    if run.settings().epochs_polish > 0 {
        run.finetune(Phase::Polish, &mut student, &teacher)?;
    }
    run.export(&student, out, command)
}

fn check(settings: &Settings) -> Result<()> {
    let bad = |setting, problem| Err(Error::BadSetting { setting, problem });
    if !(1..=256).contains(&settings.width) {
        return bad("--width", "is not between 1 and 256");
    }
    let rates = [settings.lr_teacher, settings.lr_search, settings.lr_finetune, settings.lr_polish];
    if rates.iter().any(|r| !(r.is_finite() && *r > 0.0)) {
        return bad("--lr-*", "is not a positive number");
    }
    Ok(())
}

impl Run<'_> {
    fn settings(&self) -> &Settings {
        &self.folder.state.settings
    }

    fn plan(&self, phase: Phase) -> Plan {
        let s = self.settings();
        let (epochs, schedule) = match phase {
            Phase::Teacher => (s.epochs_teacher, Schedule::OneCycle(s.lr_teacher)),
            Phase::Search => (s.epochs_search, Schedule::Constant(s.lr_search)),
            Phase::Finetune => (s.epochs_finetune, Schedule::OneCycle(s.lr_finetune)),
            Phase::Polish => (s.epochs_polish, Schedule::OneCycle(s.lr_polish)),
        };
        Plan { epochs, batch: s.batch, schedule, seed: s.seed }
    }

    /// Runs a phase on `net`, unless it is complete: then loads what it made.
    fn phase(
        &mut self,
        phase: Phase,
        net: &mut Net,
        train: impl FnOnce(&mut Net, &Self, Plan, &Path) -> Result<f64>,
    ) -> Result<()> {
        let file = self.folder.file(phase);
        if self.folder.reached(phase).is_some() {
            tracing::info!(phase = phase.name(), "complete, resumed from its checkpoint");
            return load_into(net, &file);
        }
        let validation = train(net, self, self.plan(phase), &file)?;
        let test = accuracy(net, &self.data.test)?;
        tracing::info!(phase = phase.name(), validation, test, "phase done");
        self.folder.complete(phase, Reached { validation, test })
    }

    fn teacher(&mut self) -> Result<Net> {
        tch::manual_seed(self.settings().seed as i64);
        let mut net = Net::new(self.settings().width);
        self.phase(Phase::Teacher, &mut net, |net, run, plan, file| {
            teacher::train(net, run.data, plan, file)
        })?;
        net.vars.freeze();
        Ok(net)
    }

    fn search(&mut self, student: &mut Net, teacher: &Net) -> Result<()> {
        self.phase(Phase::Search, student, |net, run, plan, file| {
            search::search(net, teacher, run.data, &run.shares, plan, file)
        })?;
        self.folder.record_masks(masks(student)?.hash(&student.layers))
    }

    fn finetune(&mut self, phase: Phase, student: &mut Net, teacher: &Net) -> Result<()> {
        let weights = if phase == Phase::Polish { finetune::POLISH } else { finetune::WEIGHTS };
        self.phase(phase, student, |net, run, plan, file| {
            finetune::train(net, teacher, run.data, (phase, weights), plan, file)
        })
    }

    fn export(&self, net: &Net, out: &Path, command: &str) -> Result<Report> {
        let state = &self.folder.state;
        let missing = || Error::BadCheckpoint {
            path: self.folder.file(Phase::Finetune),
            problem: "a phase is not complete".to_owned(),
        };
        let masks = masks(net)?;
        let (teacher, search, finetune) = state
            .teacher
            .zip(state.search)
            .zip(state.finetune)
            .map(|((t, s), f)| (t, s, f))
            .ok_or_else(missing)?;
        let network = state.polish.unwrap_or(finetune);
        let mask_hash = masks.hash(&net.layers);
        let notes = [
            ("command", command.to_owned()),
            ("seed", state.settings.seed.to_string()),
            ("teacher_accuracy", format!("{:.4}", teacher.test)),
            ("validation_accuracy", format!("{:.4}", network.validation)),
            ("test_accuracy", format!("{:.4}", network.test)),
            ("mask_hash", mask_hash.clone()),
        ];
        let bytes = export::write(net, &notes, out)?;
        let counts = masks.counts();
        Ok(Report {
            teacher,
            search,
            finetune,
            network,
            relus: counts.iter().sum(),
            units: net.layers.iter().map(Layer::units).sum(),
            layers: layer_counts(&net.layers, &counts),
            mask_hash,
            bytes,
        })
    }
}

/// The masks of a network.
///
/// # Errors
/// libtorch refuses to hand a tensor out.
pub fn masks(net: &Net) -> Result<MaskSet> {
    MaskSet::from_tensors(net.relus.iter().map(|r| &r.mask))
}
