//! Groups of options that several verbs share.

use crate::batch::{Augment, Padding};
use crate::data::{Dataset, Format, Holdout, LoadOptions, Normalise};
use crate::pipeline::{Start, Training};
use crate::schedule::{Curve, Schedule};
use crate::senet::search::{Choice, Granularity, STOP_DISTANCE};
use crate::{Error, Result, cuda};
use clap::{Args, ValueEnum};
use std::path::PathBuf;
use tch::Device;

/// Where the images are and how they are read.
#[derive(Args, Clone, Debug)]
pub struct DataArgs {
    /// Data set: CIFAR-10 or CIFAR-100 in their binary layout, MNIST or Fashion-MNIST (idx,
    /// also .gz), a MedMNIST archive (.npz), or a folder of images by class (also
    /// TinyImageNet).
    #[arg(long, value_name = "PATH")]
    pub data: PathBuf,
    /// Layout of the data set [default: found out from what lies there].
    #[arg(long, value_enum)]
    pub format: Option<Format>,
    /// Images held out to choose between epochs: a number, `given` (the data set's own), or
    /// `auto` (its own if it has some, else 5 % of the training images).
    #[arg(long, value_name = "N|given|auto", default_value = "auto", value_parser = holdout)]
    pub validation: Holdout,
    /// Use no more than this many images of each set (0: all). For trying things out.
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub limit: usize,
    /// Mean of each channel, of pixels scaled to [0, 1] [default: published or computed].
    #[arg(long, value_name = "X,..", value_delimiter = ',', requires = "std")]
    pub mean: Option<Vec<f32>>,
    /// Standard deviation of each channel.
    #[arg(long, value_name = "X,..", value_delimiter = ',', requires = "mean")]
    pub std: Option<Vec<f32>>,
    /// Resize the images of a folder to this (one number for squares).
    #[arg(long, value_name = "HxW", value_parser = size)]
    pub size: Option<(usize, usize)>,
    /// Give gray images three equal channels.
    #[arg(long)]
    pub gray_to_rgb: bool,
    /// Seed of the split into training and validation images.
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub split_seed: u64,
}

impl DataArgs {
    /// Reads the data set.
    ///
    /// # Errors
    /// It is missing or damaged; the error names the file.
    pub fn load(&self) -> Result<Dataset> {
        let normalise = self.mean.clone().zip(self.std.clone());
        let options = LoadOptions {
            format: self.format,
            validation: self.validation,
            limit: self.limit,
            seed: self.split_seed,
            normalise: normalise.map(|(mean, std)| Normalise { mean, std }),
            size: self.size,
            gray_to_rgb: self.gray_to_rgb,
        };
        let data = Dataset::load(&self.data, &options)?;
        tracing::info!(
            data = data.name,
            train = data.train.len(),
            validation = data.validation.len(),
            test = data.test.len(),
            "images read"
        );
        Ok(data)
    }
}

/// Where to compute; nothing for CUDA if there is any.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Place(pub Option<Device>);

/// Where and how fast to compute.
#[derive(Args, Clone, Debug)]
pub struct ComputeArgs {
    /// Threads for libtorch (0: one for each core). Results can differ in the last bits
    /// between numbers of threads.
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub threads: usize,
    /// Where to compute: auto (CUDA if there is any), cpu, cuda or cuda:N. Runs on CUDA do
    /// not repeat bit for bit.
    #[arg(long, value_name = "DEVICE", default_value = "auto", value_parser = device)]
    pub device: Place,
    /// Compute in half precision where that is safe, with scaled losses (CUDA only).
    #[arg(long)]
    pub mixed_precision: bool,
}

impl ComputeArgs {
    /// Sets the number of threads and gives the device.
    ///
    /// # Errors
    /// The device asked for is not there.
    pub fn prepare(&self) -> Result<Device> {
        if let Ok(threads @ 1..) = i32::try_from(self.threads) {
            tch::set_num_threads(threads);
        }
        let device = self.device.0.unwrap_or_else(Device::cuda_if_available);
        if let Device::Cuda(index) = device {
            let found = tch::Cuda::device_count();
            if index as i64 >= found {
                return Err(Error::NoCuda { index, found, cuda: cuda::state() });
            }
        } else if self.mixed_precision {
            tracing::info!("half precision is for CUDA: computing in single precision");
        }
        let (mixed, threads) = (self.mixed_precision && device.is_cuda(), tch::get_num_threads());
        tracing::info!(?device, threads, mixed, "computing");
        Ok(device)
    }
}

/// Folder of a run.
#[derive(Args, Clone, Debug)]
pub struct WorkArgs {
    /// Folder of the run: every stage keeps its checkpoints and log in a folder there.
    #[arg(long, value_name = "DIR")]
    pub work: PathBuf,
    /// Start stages over that are in the folder already, rather than going on with them.
    #[arg(long)]
    pub fresh: bool,
    /// Take the all-ReLU network from this folder of a stage, rather than from the run's own.
    #[arg(long, value_name = "DIR")]
    pub teacher: Option<PathBuf>,
}

/// What mini-batches are made of.
#[derive(Args, Clone, Debug)]
pub struct BatchArgs {
    /// Images in a mini-batch.
    #[arg(long, value_name = "N", default_value_t = 128)]
    pub batch: usize,
    /// Pixels of border that crops reach into (0: no cropping).
    #[arg(long, value_name = "N", default_value_t = 4)]
    pub crop: usize,
    /// What the border holds.
    #[arg(long, value_enum, default_value = "zero")]
    pub padding: Padding,
    /// Never mirror images.
    #[arg(long)]
    pub no_flip: bool,
    /// Seed of weights, data order, augmentation and first masks.
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,
}

impl BatchArgs {
    /// Cropping and mirroring.
    pub fn augment(&self) -> Augment {
        Augment { crop: self.crop, padding: self.padding, flip: !self.no_flip }
    }
}

/// A ready-made set of schedules.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Preset {
    /// SENet's for CIFAR: 240, 150 and 180 epochs, steps of ten.
    Paper,
    /// For a CPU: 12, 3 and 8 epochs of one cycle, and 3 closer to the labels.
    Short,
}

/// How long and how fast to train.
#[derive(Args, Clone, Debug)]
pub struct ScheduleArgs {
    /// Ready-made set of schedules; the options below change parts of it.
    #[arg(long, value_enum, default_value = "paper")]
    pub schedule: Preset,
    /// Epochs of the all-ReLU teacher.
    #[arg(long, value_name = "N")]
    pub teacher_epochs: Option<usize>,
    /// Largest learning rate of the teacher.
    #[arg(long, value_name = "RATE")]
    pub teacher_rate: Option<f64>,
    /// Epochs of the mask search; it ends before when masks settle.
    #[arg(long, value_name = "N")]
    pub search_epochs: Option<usize>,
    /// Learning rate of the search.
    #[arg(long, value_name = "RATE")]
    pub search_rate: Option<f64>,
    /// Epochs of training under frozen masks.
    #[arg(long, value_name = "N")]
    pub finetune_epochs: Option<usize>,
    /// Largest learning rate of fine-tuning.
    #[arg(long, value_name = "RATE")]
    pub finetune_rate: Option<f64>,
    /// Epochs of a second cycle under frozen masks, closer to the labels (0: none).
    #[arg(long, value_name = "N")]
    pub polish_epochs: Option<usize>,
    /// Largest learning rate of that cycle.
    #[arg(long, value_name = "RATE")]
    pub polish_rate: Option<f64>,
    #[command(flatten)]
    /// Mini-batches.
    pub batches: BatchArgs,
}

impl ScheduleArgs {
    /// Schedule of the teacher.
    ///
    /// # Errors
    /// The learning rate is not a positive number.
    pub fn teacher(&self) -> Result<Training> {
        let preset = self.pick((240, 0.05, Curve::Steps), (12, 0.2, Curve::OneCycle));
        training("--teacher-rate", preset, self.teacher_epochs, self.teacher_rate)
    }

    /// Schedule of the search.
    ///
    /// # Errors
    /// The learning rate is not a positive number.
    pub fn search(&self) -> Result<Training> {
        let preset = self.pick((150, 0.05, Curve::Constant), (3, 0.05, Curve::Constant));
        training("--search-rate", preset, self.search_epochs, self.search_rate)
    }

    /// Schedule of fine-tuning.
    ///
    /// # Errors
    /// The learning rate is not a positive number.
    pub fn finetune(&self) -> Result<Training> {
        let preset = self.pick((180, 0.01, Curve::Steps), (8, 0.1, Curve::OneCycle));
        training("--finetune-rate", preset, self.finetune_epochs, self.finetune_rate)
    }

    /// Schedule of the second cycle.
    ///
    /// # Errors
    /// The learning rate is not a positive number.
    pub fn polish(&self) -> Result<Training> {
        let preset = self.pick((0, 0.01, Curve::OneCycle), (3, 0.05, Curve::OneCycle));
        training("--polish-rate", preset, self.polish_epochs, self.polish_rate)
    }

    fn pick<T>(&self, paper: T, short: T) -> T {
        match self.schedule {
            Preset::Paper => paper,
            Preset::Short => short,
        }
    }
}

fn training(
    setting: &'static str,
    (epochs, peak, curve): (usize, f64, Curve),
    own_epochs: Option<usize>,
    own_peak: Option<f64>,
) -> Result<Training> {
    let peak = own_peak.unwrap_or(peak);
    if !(peak.is_finite() && peak > 0.0) {
        return Err(Error::BadSetting { setting, problem: "is not a positive number" });
    }
    let schedule = Schedule { curve, peak };
    Ok(Training { epochs: own_epochs.unwrap_or(epochs), schedule })
}

/// A number of ReLUs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Budget {
    /// So many.
    Count(usize),
    /// This share of the network's, in [0, 1].
    Share(f64),
}

impl Budget {
    /// How many of `units` that are.
    pub fn of(self, units: usize) -> usize {
        match self {
            Self::Count(count) => count,
            Self::Share(share) => (share * units as f64).round() as usize,
        }
    }

    /// Which share of `units` was asked for, in [0, 1].
    pub fn share(self, units: usize) -> f64 {
        match self {
            Self::Count(count) => count as f64 / units.max(1) as f64,
            Self::Share(share) => share,
        }
    }
}

/// The budget of ReLUs.
#[derive(Args, Clone, Debug)]
pub struct BudgetArgs {
    /// ReLUs to keep in the whole network: a number, thousands as in 50k, or a share as in
    /// 10%.
    #[arg(long, value_name = "N", value_parser = budget)]
    pub relu_budget: Budget,
    /// Layers that keep no ReLU at all, by name or index in forward order (`describe` lists
    /// them).
    #[arg(long, value_name = "LAYER,..", value_delimiter = ',')]
    pub cull: Vec<String>,
    /// Sensitivities to share the budget out by: the JSON file that `sensitivity` wrote
    /// [default: the published table of the network, or that of ResNet18 by depth].
    #[arg(long, value_name = "FILE")]
    pub sensitivity: Option<PathBuf>,
}

/// How masks are chosen.
#[derive(Args, Clone, Debug)]
pub struct MaskArgs {
    /// Keep single positions or whole channels.
    #[arg(long, value_enum, default_value = "pixel")]
    pub granularity: Granularity,
    /// Share of the evidence of earlier epochs that counts on in the search, in [0, 1). The
    /// paper's is 0, which takes many epochs to settle.
    #[arg(long, value_name = "X", default_value_t = 0.0)]
    pub memory: f64,
    /// The search ends when masks change by less than this share of the ReLUs in an epoch.
    #[arg(long, value_name = "X", default_value_t = STOP_DISTANCE)]
    pub stop_distance: f64,
    /// What the search starts from.
    #[arg(long, value_enum, default_value = "random")]
    pub search_from: Start,
}

impl MaskArgs {
    /// The choice these options describe.
    ///
    /// # Errors
    /// The memory is not in [0, 1).
    pub fn choice(&self) -> Result<Choice> {
        if !(0.0..1.0).contains(&self.memory) {
            let problem = "is not at least 0 and below 1";
            return Err(Error::BadSetting { setting: "--memory", problem });
        }
        let (granularity, memory, stop) = (self.granularity, self.memory, self.stop_distance);
        Ok(Choice { granularity, memory, stop })
    }
}

/// The file to write.
#[derive(Args, Clone, Debug)]
pub struct OutArgs {
    /// File to write the network to, as ONNX; its card goes to the same name ending in .json.
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,
}

pub(super) fn holdout(text: &str) -> std::result::Result<Holdout, String> {
    match text {
        "given" => Ok(Holdout::Given),
        "auto" => Ok(Holdout::Auto),
        _ => text.parse().map(Holdout::Count).map_err(|_| "a number, given or auto".to_owned()),
    }
}

/// `32` or `32x48`.
pub(super) fn size(text: &str) -> std::result::Result<(usize, usize), String> {
    let side = |s: &str| s.parse().ok().filter(|n| (1..=4096).contains(n));
    let (h, w) = text.split_once('x').unwrap_or((text, text));
    side(h).zip(side(w)).ok_or_else(|| "a side or HxW, each from 1 to 4096".to_owned())
}

pub(super) fn device(text: &str) -> std::result::Result<Place, String> {
    let device = match text {
        "auto" => None,
        "cpu" => Some(Device::Cpu),
        "cuda" => Some(Device::Cuda(0)),
        _ => {
            let index = text.strip_prefix("cuda:").and_then(|i| i.parse().ok());
            Some(Device::Cuda(index.ok_or("auto, cpu, cuda or cuda:N")?))
        }
    };
    Ok(Place(device))
}

/// `50000`, `50k`, `1.4M` or `10%`.
pub(super) fn budget(text: &str) -> std::result::Result<Budget, String> {
    let lower = text.to_ascii_lowercase();
    let bad = || "a number of ReLUs, such as 50000, 50k or 10%".to_owned();
    let number = |s: &str| s.parse::<f64>().ok().filter(|v| v.is_finite() && *v >= 0.0);
    if let Some(percent) = lower.strip_suffix('%') {
        let share = number(percent).filter(|p| *p <= 100.0).ok_or_else(bad)?;
        return Ok(Budget::Share(share / 100.0));
    }
    let (digits, factor) = match (lower.strip_suffix('k'), lower.strip_suffix('m')) {
        (Some(digits), _) => (digits, 1e3),
        (_, Some(digits)) => (digits, 1e6),
        _ => (lower.as_str(), 1.0),
    };
    let count = number(digits).map(|v| v * factor).filter(|v| *v < 1e12).ok_or_else(bad)?;
    Ok(Budget::Count(count.round() as usize))
}
