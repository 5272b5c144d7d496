//! `tacita-compile calibrate`.

use std::path::{Path, PathBuf};

use serde::Serialize;
use tacita_compile::calibration::Calibration;
use tacita_compile::{
    Error, MAX_MODEL_BYTES, Ranges, Result, has_external, load, lower, read_model,
};
use tacita_image_input::read_limited;

use super::args::Calibrate;
use super::output::{Table, print, print_json, rewrite};

/// What was measured, and the model that now carries it.
#[derive(Serialize)]
struct Outcome<'a> {
    model: String,
    images: &'a str,
    layers: Vec<Measured<'a>>,
}

#[derive(Serialize)]
struct Measured<'a> {
    name: &'a str,
    largest: f32,
}

pub fn run(args: &Calibrate, json: bool) -> Result<()> {
    let model = read_limited(&args.model, MAX_MODEL_BYTES as u64)?;
    let mut network = read_model(&load(&args.model)?)?;
    args.pixels.apply(&mut network)?;
    lower::lower(&mut network)?;
    for warning in &network.warnings {
        tracing::warn!("{warning}");
    }
    let images = Calibration::from_path(&args.data, network.input, args.n, args.resize)?;
    let ranges = Ranges::measure(&network, &images)?;
    let output = args.output.as_deref().unwrap_or(&args.model);
    if has_external(&model) && folder(output) != folder(&args.model) {
        return Err(Error::input(
            "the model's data lie in other files, beside it: write the calibrated model there, too",
        ));
    }
    rewrite(output, &ranges.store(&model)?)?;
    let outcome = outcome(&ranges, output);
    if json { print_json(&outcome) } else { print(&text(&outcome)) }
}

/// The folder of a file, links followed.
fn folder(path: &Path) -> Option<PathBuf> {
    let parent = path.parent().filter(|p| !p.as_os_str().is_empty());
    parent.unwrap_or(Path::new(".")).canonicalize().ok()
}

fn outcome<'a>(ranges: &'a Ranges, output: &Path) -> Outcome<'a> {
    let layers = ranges.layers().iter();
    Outcome {
        model: output.display().to_string(),
        images: ranges.images(),
        layers: layers.map(|(name, largest)| Measured { name, largest: *largest }).collect(),
    }
}

fn text(o: &Outcome<'_>) -> String {
    let mut table = Table::new(&["layer", "largest |x|"]);
    for l in &o.layers {
        table.row(vec![l.name.to_owned(), format!("{:.3}", l.largest)]);
    }
    format!("{}\nranges of {} stored in {}\n", table.render(), o.images, o.model)
}
