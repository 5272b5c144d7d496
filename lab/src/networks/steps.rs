//! The steps of a row: import, compare in the clear, compile, predict, run privately.

use std::path::{Path, PathBuf};

use prost::Message;
use rayon::prelude::*;
use serde_json::Value;
use tacita_bench::cifar::write_png;
use tacita_bench::clear::{Clear, largest_difference, normalised};
use tacita_bench::met::deviation;
use tacita_bench::process::{Finished, measured};
use tacita_bench::stage::{Compared, Stage, compiler, temporary};
use tacita_bench::table::median;
use tacita_compile::{MAX_MODEL_BYTES, Network, lower, read_model};
use tacita_image_input::{Pixels, read_limited};
use tacita_onnx::ModelProto;
use tacita_protocol::plan::{InputSpec, class_of};
use tacita_protocol::{Error, Result, cost};
use tempfile::TempDir;

use super::images::{Images, images};
use super::row::{Compile, Fixed, Float, Predicted, Private, Row};
use super::runtime::Runtime;
use super::{NetworksArgs, progress};

/// Everything about one model; a failing step is written into the row.
///
/// # Errors
/// `Input` if the images are unusable, `Local` if there is no room for files.
pub fn network(model: &Path, args: &NetworksArgs) -> Result<Row> {
    let name = model.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let mut row = Row { network: name, threads, ..Row::default() };
    let network = match import(model, args, &mut row) {
        Ok(network) => network,
        Err(e) => return Ok(refuse(row, &e)),
    };
    let images = images(args.data.as_deref(), network.input, args.n.max(args.check_n))?;
    row.images.clone_from(&images.source);
    let job = Job { model, args, images };
    match job.run(network, &mut row) {
        Ok(()) => Ok(row),
        Err(e) => Ok(refuse(row, &e)),
    }
}

fn refuse(mut row: Row, e: &Error) -> Row {
    progress(&row, &format!("refused: {e}"));
    row.refused = Some(e.to_string());
    row
}

/// Reads and lowers the model; notes what it is.
fn import(model: &Path, args: &NetworksArgs, row: &mut Row) -> Result<Network> {
    let refused = |e: tacita_compile::Error| Error::input(e.to_string());
    let bytes = read_limited(model, MAX_MODEL_BYTES as u64)?;
    let model = ModelProto::decode(bytes.as_slice())
        .map_err(|e| Error::input(format!("not an ONNX model, or damaged ({e})")))?;
    row.weights = weights(&model, args.seeded);
    let mut network = read_model(&model).map_err(refused)?;
    let s = network.input;
    row.input = [s.channels, s.height, s.width];
    row.classes = network.classes();
    row.relus = network.relus();
    row.unmasked_relus = network.layers.iter().map(|l| l.unmasked_relus).sum();
    lower::lower(&mut network).map_err(refused)?;
    progress(row, &format!("imported, {} of {} ReLUs", row.relus, row.unmasked_relus));
    Ok(network)
}

/// Where the weights come from: the metadata entry `tacita.weights`, or the trainer's notes.
fn weights(model: &ModelProto, seeded: bool) -> String {
    let metadata = model.metadata();
    let trained = metadata.keys().any(|k| k.starts_with("tacita.train."));
    let said = metadata.get("tacita.weights").copied();
    let text = match said {
        _ if seeded => "seeded",
        Some(said) => said,
        None if trained => "trained",
        None => "unknown",
    };
    text.to_owned()
}

/// A model that was imported.
struct Job<'a> {
    model: &'a Path,
    args: &'a NetworksArgs,
    images: Images,
}

impl Job<'_> {
    fn run(&self, network: Network, row: &mut Row) -> Result<()> {
        match self.float(&network) {
            Ok(float) => row.float = float,
            // The row goes on: it is the other runtime that does not take the model.
            Err(e) => progress(row, &e.to_string()),
        }
        let dir = temporary()?;
        let plan = dir.path().join("model.plan");
        progress(row, "compiling");
        let report = self.compile(&plan)?;
        let clear = self.clear(network, &plan)?;
        row.compile = Some(compiled(&report, &clear, &plan)?);
        let public = &clear.plan.public;
        let p = cost::predict(public, public.batch)?;
        row.predicted =
            Some(Predicted { batch: p.batch, offline: p.offline.into(), online: p.online.into() });
        progress(row, "fixed point against float");
        row.fixed = Some(self.fixed(&clear)?);
        if !self.args.no_private {
            progress(row, "private run");
            row.private = Some(self.private(clear, &plan, dir)?);
        }
        Ok(())
    }

    fn checked(&self) -> &[Pixels] {
        self.images.pixels.get(..self.args.check_n).unwrap_or(&self.images.pixels)
    }

    /// Our float evaluator against another's.
    fn float(&self, network: &Network) -> Result<Option<Float>> {
        let Some(name) = Runtime::NAME else { return Ok(None) };
        let runtime = Runtime::load(self.model, network.input)?;
        let n = network.input.channels;
        let spec = InputSpec::new(
            network.mean.clone().unwrap_or_else(|| vec![0.0; n]),
            network.std.clone().unwrap_or_else(|| vec![1.0; n]),
        );
        let each = self.checked().par_iter().map(|pixels| {
            let image = normalised(network, &spec, pixels)?;
            let ours: Vec<f64> = network.evaluate(&image).into_iter().map(f64::from).collect();
            Ok((largest_difference(&ours, &runtime.logits(&image)?), largest(&ours)))
        });
        let each = each.collect::<Result<Vec<_>>>()?;
        Ok(Some(Float {
            runtime: name.into(),
            images: each.len(),
            largest_difference: each.iter().map(|e| e.0).fold(0.0, f64::max),
            largest_logit: each.iter().map(|e| e.1).fold(0.0, f64::max),
        }))
    }

    /// Compiles in a process of its own; gives what it says.
    fn compile(&self, plan: &Path) -> Result<(Finished, Value)> {
        let data = self.args.data.as_deref().filter(|_| self.images.cifar);
        let mut command = compiler(self.model, plan, data)?;
        command.args(["--json", "--log", "json"]);
        if let Some(batch) = self.args.batch {
            command.args(["--batch", &batch.to_string()]);
        }
        if let Some(masks) = &self.args.masks {
            command.arg("--masks").arg(masks);
        }
        let done = measured(command, "tacita-compile")?;
        if !done.status.success() {
            return Err(Error::input(format!("tacita-compile: {}", last_error(&done.stderr))));
        }
        let report = serde_json::from_slice(&done.stdout)
            .map_err(|e| Error::local(format!("tacita-compile: unexpected output: {e}")))?;
        Ok((done, report))
    }

    /// The plan beside the float network with the masks that the plan has.
    fn clear(&self, mut network: Network, plan: &Path) -> Result<Clear> {
        let plan = Clear::plan(plan)?;
        let tensors = &plan.public.tensors;
        let same = |(l, t): (&tacita_compile::Layer, &tacita_protocol::plan::TensorSpec)| {
            l.shape == t.shape
        };
        let layers = &mut network.layers;
        if layers.len() != tensors.len() || !layers.iter().zip(tensors).all(same) {
            return Err(Error::local("the plan's tensors are not the network's layers"));
        }
        layers.iter_mut().zip(tensors).for_each(|(l, t)| l.mask.clone_from(&t.mask));
        Ok(Clear { plan, network })
    }

    fn fixed(&self, clear: &Clear) -> Result<Fixed> {
        let each = self.checked().par_iter().map(|pixels| {
            let (float, fixed) = (clear.float(pixels)?, clear.fixed(pixels)?);
            let same = class_of(&float) == class_of(&fixed);
            Ok((same, largest_difference(&float, &fixed), largest(&float)))
        });
        let each = each.collect::<Result<Vec<_>>>()?;
        Ok(Fixed {
            images: each.len(),
            same: each.iter().filter(|e| e.0).count(),
            largest_difference: each.iter().map(|e| e.1).fold(0.0, f64::max),
            largest_logit: each.iter().map(|e| e.2).fold(0.0, f64::max),
        })
    }

    fn private(&self, clear: Clear, plan: &Path, dir: TempDir) -> Result<Private> {
        let images = self.images.pixels.iter().take(self.args.n).enumerate();
        let images: Vec<PathBuf> =
            images.map(|(i, pixels)| write_png(pixels, i, dir.path())).collect::<Result<_>>()?;
        let images = images.into_iter().map(|path| (path, None)).collect();
        let stage = Stage::start(clear, plan, images, (self.args.batch, dir))?;
        let mut runs: Vec<Compared> = Vec::new();
        let summary = stage.infer(self.args.batch, |c| {
            runs.push(c);
            Ok(())
        })?;
        let deviation = deviation(&stage.clear.plan.public, &summary, &runs)?;
        let first = runs.first().map(|r| &r.answer);
        let offline = first.map(|a| a.offline_batch).unwrap_or_default();
        let share = |r: &Compared| {
            r.answer.offline_batch.seconds / r.answer.offline_batch.tickets.max(1) as f64
        };
        Ok(Private {
            images: runs.len(),
            same: runs.iter().filter(|r| r.answer.class == r.fixed_class).count(),
            largest_difference: runs.iter().map(|r| r.logit_error).fold(0.0, f64::max),
            tickets: offline.tickets,
            offline: offline.traffic().into(),
            online: first.map(|a| a.online.traffic().into()).unwrap_or_default(),
            as_predicted: deviation.is_none(),
            deviation,
            setup_seconds: summary.setup.seconds,
            offline_seconds: median(runs.iter().map(share).collect()),
            online_seconds: median(runs.iter().map(|r| r.answer.online.seconds).collect()),
        })
    }
}

fn compiled((done, report): &(Finished, Value), clear: &Clear, plan: &Path) -> Result<Compile> {
    let unreadable = |e| Error::local(format!("{}: {e}", plan.display()));
    let number = |key: &str| report.get(key).and_then(Value::as_f64);
    let public = &clear.plan.public;
    Ok(Compile {
        seconds: done.seconds,
        peak_memory: done.peak_memory,
        plan_bytes: std::fs::metadata(plan).map_err(unreadable)?.len(),
        tensors: public.tensors.len(),
        comparisons: public.relus(),
        log2_failure: number("log2_failure").unwrap_or_default(),
        flooding_bits: number("flooding_bits").map(|x| x as u32),
        calibration: report
            .get("calibration")
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned(),
    })
}

fn largest(values: &[f64]) -> f64 {
    values.iter().fold(0.0, |m: f64, x| m.max(x.abs()))
}

/// The message of the last error in a JSON log; else the log's last line.
fn last_error(log: &[u8]) -> String {
    let log = String::from_utf8_lossy(log);
    let error = |line: &str| {
        let event: Value = serde_json::from_str(line).ok()?;
        let is_error = event.get("level").and_then(Value::as_str) == Some("ERROR");
        let message = event.pointer("/fields/message").and_then(Value::as_str);
        message.filter(|_| is_error).map(str::to_owned)
    };
    let lines = || log.lines().filter(|l| !l.trim().is_empty());
    lines().rev().find_map(error).or_else(|| lines().next().map(str::to_owned)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_error_of_a_log_is_found() {
        let log = br#"{"level":"WARN","fields":{"message":"no"}}
{"level":"ERROR","fields":{"message":"node `x`"}}
{"level":"INFO","fields":{"message":"bye"}}
"#;
        assert_eq!(last_error(log), "node `x`");
        assert_eq!(
            last_error(b"error: unexpected argument\n\nUsage\n"),
            "error: unexpected argument"
        );
    }

    #[test]
    fn weights_are_what_the_metadata_say() {
        let model = |key: &str, value: &str| {
            let mut model = ModelProto::default();
            let (key, value) = (key.to_owned(), value.to_owned());
            model.metadata_props.push(tacita_onnx::StringStringEntryProto { key, value });
            model
        };
        assert_eq!(weights(&model("tacita.weights", "seeded 7"), false), "seeded 7");
        assert_eq!(weights(&model("tacita.train.seed", "7"), false), "trained");
        assert_eq!(weights(&model("tacita.train.seed", "7"), true), "seeded");
        assert_eq!(weights(&ModelProto::default(), false), "unknown");
    }
}
