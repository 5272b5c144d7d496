//! The verb for SENet++: one run, a network for each width.

use super::Answer;
use super::look::shares;
use super::stages::run;
use super::write::{Written, write};
use crate::checkpoint::{self, Reached};
use crate::cli::{MaskedArgs, SenetppArgs, StageArgs};
use crate::net::Net;
use crate::pipeline::{self, Run};
use crate::results::StageReached;
use crate::senet::finetune::{POLISH, WEIGHTS};
use crate::senetpp::{label, rates, reached};
use crate::{Error, Result};
use serde::Serialize;
use serde_json::json;
use std::fmt;
use std::path::{Path, PathBuf};
use tacita_architectures::Counts;

/// The trained network, and accuracies along the way: one for each width.
struct Course {
    net: Net,
    teacher: Vec<Reached>,
    stages: Vec<(&'static str, Vec<Reached>)>,
    search: Reached,
    budget: usize,
}

/// What a width costs and reaches.
#[derive(Serialize)]
struct Row {
    rate: f64,
    relus: usize,
    macs: u64,
    parameters: u64,
    reached: Reached,
    teacher: Reached,
}

pub(super) fn senetpp(args: &SenetppArgs) -> Result<Answer> {
    let stage = &args.masked.stage;
    let (rates, added) = rates(&args.rates)?;
    let data = stage.data.load()?;
    let run = run(stage, &data)?;
    let course = trained(&args.masked, &rates, &run)?;
    let (mut text, mut widths) = (HEAD.to_owned(), Vec::new());
    let mut wrote = Vec::new();
    for index in 0..rates.len() {
        let net = course.net.slice(index)?;
        let row = course.row(index, &net)?;
        text += &format!("\n{row}");
        let (line, card) = course.write((index, net, &row), &run, &args.out)?;
        wrote.push(line);
        widths.push(json!({"counts": row, "model": card}));
    }
    let (search, mask_hash) = (course.search, course.net.masks()?.hash(course.net.layers()));
    text += &format!("\nsearch    test accuracy {:.2} % at full width", 100.0 * search.test);
    text += &format!("\nmasks     {mask_hash}\n{}", wrote.join("\n"));
    if added {
        text += "\nnote      rate 1 was added: masks are found at full width";
    }
    let value = json!({"budget": course.budget, "search": search, "mask_hash": mask_hash,
                       "rates": rates, "rate_1_added": added, "widths": widths});
    Ok((text, value))
}

/// The all-ReLU network of all rates: the one given, or the run's own.
fn guide(args: &StageArgs, rates: &[f64], run: &Run<'_>) -> Result<Net> {
    let Some(dir) = &args.work.teacher else {
        return Ok(run.ordered_teacher(rates, args.schedule.teacher()?)?.0);
    };
    let (net, manifest) = checkpoint::load(dir, run.device)?;
    let fits = net.network == run.network && manifest.identity.rates == rates;
    if !fits || manifest.reached.is_none() {
        let problem = "is not complete, or holds another network than --net and --rates describe";
        return Err(Error::BadCheckpoint { path: dir.clone(), problem: problem.to_owned() });
    }
    net.store.freeze();
    Ok(net)
}

/// Runs all stages, or loads them. Options are read first: one that cannot be used is better
/// known before the teacher is trained.
fn trained(args: &MaskedArgs, rates: &[f64], run: &Run<'_>) -> Result<Course> {
    let schedule = &args.stage.schedule;
    let mut cycles = vec![("ordered-finetune", schedule.finetune()?, WEIGHTS)];
    let polish = ("ordered-polish", schedule.polish()?, POLISH);
    cycles.extend((polish.1.epochs > 0).then_some(polish));
    let (search, choice) = (schedule.search()?, args.masks.choice()?);
    let shares = shares(&run.network.name, &run.network.graph().layers, &args.budget)?;
    let budget: usize = shares.iter().sum();

    let teacher = guide(&args.stage, rates, run)?;
    let full = teacher.slice(rates.len() - 1)?;
    full.store.freeze();
    let how = (shares.as_slice(), choice, args.masks.search_from);
    let (searched, done) = run.search(&format!("search-{budget}"), &full, how, search)?;
    let mut net = run.ordered_start(&teacher, &searched)?;
    let mut stages = Vec::new();
    for (name, training, weights) in cycles {
        let folder = format!("{name}-{budget}");
        run.ordered_finetune(&folder, &mut net, &teacher, (training, weights))?;
        stages.push((name, reached(&net, run.data)?));
    }
    let (teacher, search) = (reached(&teacher, run.data)?, done.reached);
    Ok(Course { net, teacher, stages, search, budget })
}

impl Course {
    /// The row of width `index`, whose slice is `net`.
    fn row(&self, index: usize, net: &Net) -> Result<Row> {
        let Counts { macs, parameters, .. } = net.graph().counts();
        let teacher = self.teacher[index];
        Ok(Row {
            rate: self.net.widths[index].rate,
            relus: pipeline::kept(&net.masks()?),
            macs,
            parameters,
            reached: self.stages.last().map_or(teacher, |(_, all)| all[index]),
            teacher,
        })
    }

    /// Writes the slice at width `index`.
    fn write(
        &self,
        (index, mut net, row): (usize, Net, &Row),
        run: &Run<'_>,
        out: &Path,
    ) -> Result<Answer> {
        let path = target(out, &net.network.name, row.rate);
        net.network.name = format!("{}-w{}", net.network.name, label(row.rate));
        // A narrow network was allowed what the first channels of the masks hold.
        let full = index + 1 == self.net.widths.len();
        let stage = |(name, all): &(&str, Vec<Reached>)| {
            let Reached { validation, test } = all[index];
            StageReached { stage: (*name).to_owned(), validation, test }
        };
        let from = Written {
            method: "senet++".to_owned(),
            budget: if full { self.budget } else { row.relus },
            teacher: Some(row.teacher),
            stages: self.stages.iter().map(stage).collect(),
            seed: run.seed,
            command: run.command.clone(),
        };
        write(&net, run.data, from, &path)
    }
}

/// Names of the columns of a row.
const HEAD: &str = "rate        ReLUs     MMACs  parameters  validation      test   teacher";

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (millions, rate) = (self.macs as f64 / 1e6, label(self.rate));
        write!(f, "{rate:<8}{:>9}{millions:>10.2}{:>12}", self.relus, self.parameters)?;
        let percent = [self.reached.validation, self.reached.test, self.teacher.test];
        let [validation, test, teacher] = percent.map(|share| 100.0 * share);
        write!(f, "{validation:>10.2} %{test:>8.2} %{teacher:>8.2} %")
    }
}

/// The file for a rate: `out` with the rate before its ending, or in the folder `out` a name
/// after the network.
fn target(out: &Path, network: &str, rate: f64) -> PathBuf {
    let ending = out.extension().is_some_and(|e| e.eq_ignore_ascii_case("onnx"));
    let stem = out.file_stem().filter(|_| ending && !out.is_dir());
    let (dir, stem) = match stem {
        Some(stem) => (out.parent().unwrap_or(out), stem.to_string_lossy()),
        None => (out, network.into()),
    };
    dir.join(format!("{stem}-w{}.onnx", label(rate)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_named_by_rate() {
        let name = |out, rate| target(Path::new(out), "resnet18", rate);
        assert_eq!(name("nets/a.b.onnx", 0.5), Path::new("nets/a.b-w0.50.onnx"));
        assert_eq!(name("net.ONNX", 1.0), Path::new("net-w1.00.onnx"));
        assert_eq!(name("nets", 0.125), Path::new("nets/resnet18-w0.125.onnx"));
        assert_eq!(name("run.1/", 0.25), Path::new("run.1/resnet18-w0.25.onnx"));
    }
}
