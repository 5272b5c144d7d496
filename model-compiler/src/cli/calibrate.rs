//! `tacita-compile calibrate`.

use std::path::Path;

use serde::Serialize;
use tacita_compile::calibration::Calibration;
use tacita_compile::{MAX_MODEL_BYTES, Ranges, Result, import};
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
    let network = import(&model)?;
    for warning in &network.warnings {
        tracing::warn!("{warning}");
    }
    if network.mean.is_none() || network.std.is_none() {
        tracing::warn!("the model does not say its mean and std: ranges are for raw 0..1 pixels");
    }
    let images = Calibration::from_path(&args.data, network.input, args.n, args.resize)?;
    let ranges = Ranges::measure(&network, &images)?;
    let output = args.output.as_deref().unwrap_or(&args.model);
    rewrite(output, &ranges.store(&model)?)?;
    let outcome = outcome(&ranges, output);
    if json { print_json(&outcome) } else { print(&text(&outcome)) }
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
