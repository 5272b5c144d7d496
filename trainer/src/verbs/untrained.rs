//! Writing a network that was never trained.

use super::{Answer, command, look};
use crate::cli::UntrainedArgs;
use crate::data::Normalise;
use crate::export::{self, Notes};
use crate::untrained::draw;
use crate::{Error, Result, pipeline, results};
use prost::Message;
use serde_json::json;
use tacita_onnx::StringStringEntryProto;

/// Metadata key that says where weights come from.
const WEIGHTS: &str = "tacita.weights";

/// Draws a network and writes it.
pub(super) fn untrained(args: &UntrainedArgs) -> Result<Answer> {
    let network =
        args.net.net.options().network(look::input(&args.net), args.net.classes as i64)?;
    let units = network.graph().counts().relus;
    let relus = args.relus.of(units);
    if relus > units {
        let problem = "is more than the network has";
        return Err(Error::BadSetting { setting: "--relus", problem });
    }
    let net = draw(&network, relus, args.seed)?;
    let channels = args.net.channels;
    let normalise = Normalise { mean: vec![0.5; channels], std: vec![0.25; channels] };
    let classes: Vec<String> = (0..args.net.classes).map(|c| c.to_string()).collect();
    let masks = net.masks()?.hash(net.layers());
    let more =
        [("command", command()), ("seed", args.seed.to_string()), ("mask_hash", masks.clone())];
    let notes = Notes { classes: &classes, normalise: &normalise, more: &more };
    let mut model = export::model(&net, notes)?;
    let (key, value) = (WEIGHTS.to_owned(), "seeded".to_owned());
    model.metadata_props.push(StringStringEntryProto { key, value });
    let bytes = model.encode_to_vec();
    if let Some(dir) = args.out.parent().filter(|d| !d.as_os_str().is_empty()) {
        std::fs::create_dir_all(dir).map_err(Error::io(dir))?;
    }
    results::replace(&args.out, &bytes)?;
    let kept = pipeline::kept(&net.masks()?);
    let text = format!(
        "wrote     {} ({} bytes): {}, {kept} of {units} ReLUs, weights drawn from seed {}",
        args.out.display(),
        bytes.len(),
        network.name,
        args.seed
    );
    let value = json!({
        "out": args.out, "bytes": bytes.len(), "network": network.name, "relus": kept,
        "units": units, "seed": args.seed, "mask_hash": masks,
    });
    Ok((text, value))
}
