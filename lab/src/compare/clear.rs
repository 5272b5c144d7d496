//! Whole networks in the clear, in a third-party runtime, beside their private runs.

use std::path::Path;
use std::time::Instant;

use tacita_bench::cifar::write_png;
use tacita_bench::clear::{Clear, normalised};
use tacita_bench::stage::{Compared, Stage, build, compiler, temporary};
use tacita_bench::table::median;
use tacita_protocol::{Error, Result};

use super::record::{ClearRow, PrivateRun};
use crate::networks::images::images;
use crate::networks::runtime::Runtime;

/// Fewest images that the median of the clear runtime is taken of.
const RUNS: usize = 10;

/// Measures one model: the clear runtime for about `seconds`, then `n` images privately. `None`
/// in a build without a runtime.
///
/// # Errors
/// If the compiler, the runtime or a party refuses the model.
pub fn measure(model: &Path, n: usize, seconds: f64) -> Result<Option<ClearRow>> {
    let Some(runtime) = Runtime::NAME else { return Ok(None) };
    let dir = temporary()?;
    let plan = dir.path().join("model.plan");
    build(compiler(model, &plan, None)?)?;
    let clear = Clear::load(model, &plan)?;
    let images = images(None, clear.network.input, n.max(1))?.pixels;
    let row = ClearRow {
        net: model.file_stem().unwrap_or_default().to_string_lossy().into_owned(),
        runtime: runtime.into(),
        seconds: in_the_clear(
            &Runtime::load(model, clear.network.input)?,
            &clear,
            &images,
            seconds,
        )?,
        // The runtime computes on the thread that calls it.
        threads: 1,
        private: None,
    };
    if n == 0 {
        return Ok(Some(row));
    }
    let paths = images.iter().enumerate().map(|(i, pixels)| write_png(pixels, i, dir.path()));
    let pictures = paths.map(|path| Ok((path?, None))).collect::<Result<_>>()?;
    let stage = Stage::start(clear, &plan, pictures, (None, dir))?;
    Ok(Some(ClearRow { private: Some(privately(&stage)?), ..row }))
}

/// Median wall seconds of an image.
fn in_the_clear(
    runtime: &Runtime,
    clear: &Clear,
    images: &[tacita_image_input::Pixels],
    seconds: f64,
) -> Result<f64> {
    let image = images.first().ok_or_else(|| Error::local("no image to classify"))?;
    let input = normalised(&clear.network, &clear.plan.public.input, image)?;
    runtime.logits(&input)?;
    let (started, mut times) = (Instant::now(), Vec::new());
    while times.len() < RUNS || started.elapsed().as_secs_f64() < seconds {
        let begun = Instant::now();
        std::hint::black_box(runtime.logits(&input)?);
        times.push(begun.elapsed().as_secs_f64());
    }
    Ok(median(times))
}

fn privately(stage: &Stage) -> Result<PrivateRun> {
    let mut runs: Vec<Compared> = Vec::new();
    stage.infer(None, |run| {
        runs.push(run);
        Ok(())
    })?;
    let ticket = |r: &Compared| {
        r.answer.offline_batch.seconds / r.answer.offline_batch.tickets.max(1) as f64
    };
    Ok(PrivateRun {
        batch: runs.first().map_or(0, |r| r.answer.offline_batch.tickets),
        offline_seconds: median(runs.iter().map(ticket).collect()),
        online_seconds: median(runs.iter().map(|r| r.answer.online.seconds).collect()),
        images: runs.len(),
        same: runs.iter().filter(|r| r.answer.class == r.fixed_class).count(),
    })
}
