//! Writing a network and its card.

use super::{Answer, json};
use crate::checkpoint::{self, Reached};
use crate::cli::ExportArgs;
use crate::data::Dataset;
use crate::export::{self, Notes};
use crate::net::Net;
use crate::results::{self, Digest, LayerCount, ModelCard, StageReached};
use crate::{Error, Result, pipeline};
use sha2::Digest as _;
use std::path::Path;
use tch::Device;

/// Where a network comes from.
pub(super) struct Written {
    pub method: String,
    pub budget: usize,
    pub teacher: Option<Reached>,
    pub stages: Vec<StageReached>,
    pub seed: u64,
    pub command: String,
}

/// Writes `net` to `out` and its card beside it.
pub(super) fn write(net: &Net, data: &Dataset, from: Written, out: &Path) -> Result<Answer> {
    let masks = net.masks()?;
    let mask_hash = masks.hash(net.layers());
    let mut more = vec![
        ("command", from.command.clone()),
        ("seed", from.seed.to_string()),
        ("mask_hash", mask_hash.clone()),
    ];
    if let Some(last) = from.stages.last() {
        more.push(("validation_accuracy", format!("{:.4}", last.validation)));
        more.push(("test_accuracy", format!("{:.4}", last.test)));
    }
    if let Some(teacher) = from.teacher {
        more.push(("teacher_accuracy", format!("{:.4}", teacher.test)));
    }
    let notes = Notes { classes: &data.classes, normalise: &data.normalise, more: &more };
    let bytes = export::write(net, notes, out)?;
    let card = ModelCard {
        name: net.network.name.clone(),
        method: from.method,
        data: data.note(),
        budget: from.budget,
        relus: pipeline::kept(&masks),
        units: pipeline::units(net.layers()),
        layers: layer_counts(net, &masks.counts()),
        teacher: from.teacher,
        stages: from.stages,
        seed: from.seed,
        command: from.command,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        mask_hash,
        onnx: digest(out, &bytes),
        normalise: data.normalise.clone(),
        classes: data.classes.clone(),
    };
    let path = out.with_extension("json");
    results::write_card(&path, &card)?;
    let text = format!("wrote     {} ({} bytes), {}", out.display(), bytes.len(), path.display());
    Ok((text, json(&card)))
}

fn layer_counts(net: &Net, kept: &[usize]) -> Vec<LayerCount> {
    let count = |(l, &relus): (&tacita_architectures::Layer, &usize)| LayerCount {
        name: l.name.clone(),
        units: l.units(),
        relus,
    };
    net.layers().iter().zip(kept).map(count).collect()
}

fn digest(path: &Path, bytes: &[u8]) -> Digest {
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let sha256 = sha2::Sha256::digest(bytes).iter().map(|b| format!("{b:02x}")).collect();
    Digest { name, bytes: bytes.len() as u64, sha256 }
}

/// Writes the network that a stage chose.
pub(super) fn export(args: &ExportArgs) -> Result<Answer> {
    let data = args.data.load()?;
    let (net, manifest) = checkpoint::load(&args.stage, Device::Cpu)?;
    if net.graph().classes() != data.classes.len() as i64 {
        let problem = "holds a network for another number of classes".to_owned();
        return Err(Error::BadCheckpoint { path: args.stage.clone(), problem });
    }
    let identity = manifest.identity;
    let stage = |r: Reached| StageReached {
        stage: identity.stage.clone(),
        validation: r.validation,
        test: r.test,
    };
    let from = Written {
        method: identity.stage.clone(),
        budget: pipeline::kept(&net.masks()?),
        teacher: None,
        stages: manifest.reached.map(stage).into_iter().collect(),
        seed: identity.seed,
        command: manifest.command,
    };
    write(&net, &data, from, &args.out.out)
}
