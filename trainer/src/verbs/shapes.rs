//! A U-Net for drawn shapes: trained, written, with pictures to try it on.

use super::{Answer, command};
use crate::cli::ShapesArgs;
use crate::export::{self, Notes};
use crate::rng::Rng;
use crate::shapes::{Drawn, SIDE, draw, network, normalise, score, train};
use crate::{Error, Result};
use image::GrayImage;
use serde_json::json;
use std::path::Path;

/// Pictures that the network is tried on.
const HELD_OUT: usize = 64;
/// Steps between two lines of the log.
const TELL: usize = 50;

/// Trains the network and writes it.
pub(super) fn shapes(args: &ShapesArgs) -> Result<Answer> {
    let net = network(args.seed)?;
    let mut recent = 0.0;
    train(&net, args.steps, args.seed, |step, loss| {
        recent += loss;
        if step % TELL == 0 {
            tracing::info!("step {step} of {}: loss {:.4}", args.steps, recent / TELL as f64);
            recent = 0.0;
        }
    })?;
    let found = score(&net, HELD_OUT, args.seed)?;
    let more = [
        ("command", command()),
        ("seed", args.seed.to_string()),
        ("accuracy", format!("{:.4}", found.accuracy)),
        ("overlap", format!("{:.4}", found.overlap)),
    ];
    let classes = ["shape".to_owned()];
    let notes = Notes { classes: &classes, normalise: &normalise(), more: &more };
    let bytes = export::write(&net, notes, &args.out)?;
    if let Some(folder) = &args.pictures {
        write_pictures(folder, args.count, args.seed)?;
    }
    let counts = net.graph().counts();
    let text = format!(
        "wrote     {} ({} bytes): {} weights, {} ReLUs\n\
         pixels    {:.2} % right on {HELD_OUT} pictures that were not trained on\n\
         overlap   {:.2} % of what is shape or was taken for one",
        args.out.display(),
        bytes.len(),
        counts.parameters,
        counts.relus,
        100.0 * found.accuracy,
        100.0 * found.overlap,
    );
    let value = json!({
        "out": args.out, "bytes": bytes.len(), "parameters": counts.parameters,
        "relus": counts.relus, "steps": args.steps, "seed": args.seed,
        "pictures": found.pictures, "accuracy": found.accuracy, "overlap": found.overlap,
    });
    Ok((text, value))
}

/// Writes pictures, and their masks beside them.
fn write_pictures(folder: &Path, count: usize, seed: u64) -> Result<()> {
    let truth = folder.join("truth");
    std::fs::create_dir_all(&truth).map_err(Error::io(&truth))?;
    let mut rng = Rng::new(seed, "pictures to keep");
    for i in 0..count {
        let Drawn { pixels, mask } = draw(&mut rng);
        let name = format!("shapes-{i:03}.png");
        write_png(&folder.join(&name), pixels)?;
        write_png(&truth.join(&name), mask.iter().map(|m| if *m { 255 } else { 0 }).collect())?;
    }
    Ok(())
}

fn write_png(path: &Path, pixels: Vec<u8>) -> Result<()> {
    let side = SIDE as u32;
    let failed = |e: String| Error::io(path)(std::io::Error::other(e));
    let image = GrayImage::from_raw(side, side, pixels);
    let image = image.ok_or_else(|| failed("pixels are missing".to_owned()))?;
    image.save(path).map_err(|e| failed(e.to_string()))
}
