//! Taking over networks that others trained.

use super::write::{Written, write};
use super::{Answer, command, network, table};
use crate::checkpoint::{Identity, Reached, Stage};
use crate::cli::{Fill, ImportArgs, Presence};
use crate::data::Dataset;
use crate::eval::accuracy;
use crate::import::{Checkpoint, Choices, into_net, read};
use crate::net::Net;
use crate::results::StageReached;
use crate::{Result, pipeline};
use serde_json::{Value, json};

/// Name of the stage that holds an imported network.
const STAGE: &str = "import";

/// Reads a checkpoint, measures its network and writes it.
pub(super) fn import(args: &ImportArgs) -> Result<Answer> {
    let device = args.compute.prepare()?;
    let data = args.images.load()?;
    let network = network(&args.network(), &data)?;
    let found = read(&args.checkpoint, &args.reader()?)?;
    found.warnings.iter().for_each(|warning| tracing::warn!("{warning}"));
    let choices = Choices {
        identity_skip: args.identity_skip.map(|skip| skip == Presence::Present),
        stem: args.stem_mask.map(|fill| fill == Fill::Ones),
        cut: args.width_index.is_some(),
    };
    let net = into_net(&args.checkpoint, &found, &network, choices)?;
    let reached = measure(&net, &data, device)?;
    keep(args, &net, &data, reached)?;
    answer(args, &found, &net, &data, reached)
}

/// Accuracies, if there are images.
fn measure(net: &Net, data: &Dataset, device: tch::Device) -> Result<Option<Reached>> {
    if data.test.is_empty() {
        return Ok(None);
    }
    let mut there = Net::new(&net.network, device);
    there.copy_from(net)?;
    let validation = accuracy(&there, &data.validation, &data.normalise)?;
    Ok(Some(Reached { validation, test: accuracy(&there, &data.test, &data.normalise)? }))
}

/// Leaves the network as a stage in the folder of the run, if there is to be one.
fn keep(args: &ImportArgs, net: &Net, data: &Dataset, reached: Option<Reached>) -> Result<()> {
    let Some(work) = &args.work else { return Ok(()) };
    let identity = Identity {
        stage: STAGE.to_owned(),
        network: net.network.clone(),
        rates: vec![1.0],
        data: data.hash.clone(),
        seed: 0,
        settings: json!({"normalise": data.normalise, "from": net.hash()?}),
    };
    Stage::open(&work.join(STAGE), identity, &command(), args.fresh)?.adopt(net, reached)
}

fn answer(
    args: &ImportArgs,
    found: &Checkpoint,
    net: &Net,
    data: &Dataset,
    reached: Option<Reached>,
) -> Result<Answer> {
    let masks = net.masks()?;
    let (counts, hash) = (masks.counts(), masks.hash(net.layers()));
    let stage = |r: Reached| {
        let stage = STAGE.to_owned();
        StageReached { stage, validation: r.validation, test: r.test }
    };
    let from = Written {
        method: format!("{STAGE} ({})", found.layout.name()),
        budget: pipeline::kept(&masks),
        teacher: None,
        stages: reached.map(stage).into_iter().collect(),
        seed: 0,
        command: command(),
    };
    let (wrote, card) = write(net, data, from, &args.out.out)?;
    let mut text = format!("{}\n{}", head(found), table(net.layers(), &counts));
    if let Some(Reached { test, .. }) = reached {
        let (percent, images) = (100.0 * test, data.test.len());
        text += &format!("\naccuracy  {percent:.2} % of {images} test images");
    }
    text += &format!("\nmasks     {hash}\n{wrote}");
    let more = json!({"layout": found.layout.name(), "arch": found.arch, "notes": found.notes,
                      "warnings": found.warnings});
    Ok((text, joined(more, json!({"result": reached, "mask_hash": hash, "model": card}))))
}

fn head(found: &Checkpoint) -> String {
    let name = found.arch.as_deref().map(|arch| format!(", {arch}")).unwrap_or_default();
    format!("read      a checkpoint of {}{name}", found.layout.name())
}

fn joined(mut a: Value, b: Value) -> Value {
    if let (Some(a), Value::Object(b)) = (a.as_object_mut(), b) {
        a.extend(b);
    }
    a
}
