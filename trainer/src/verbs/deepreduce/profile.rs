//! The criticality of the stages of a network.

use super::super::stages::{guide, run};
use super::super::{Answer, json};
use crate::checkpoint::Reached;
use crate::cli::ProfileArgs;
use crate::deepreduce::{candidate, profile, stage};
use crate::loss::Weights;
use crate::pipeline::{Run, Training};
use crate::results::{self, Criticality, Head, StageCell, Study, order};
use crate::{Error, Result, machine};
use serde_json::json;
use std::path::PathBuf;

pub(super) fn profile(args: &ProfileArgs) -> Result<Answer> {
    let training = args.candidate.training(args.stage.schedule.schedule)?;
    let data = args.stage.data.load()?;
    let seeds = seeds(args)?;
    let base = run(&args.stage, &data)?;
    let layers = base.network.graph().layers;
    let stages = stages(args, &layers)?;
    let mut run = seeded(base, &args.stage.work.work, seeds[0]);
    let (teacher, reached) = guide(&args.stage, &run)?;
    let head = head(args, &run, reached)?;
    let mut study = Criticality { head, runs: Vec::new() };
    for &seed in &seeds {
        run = seeded(run, &args.stage.work.work, seed);
        for stage in &stages {
            study.runs.push(profile::only(&run, &teacher, stage, training)?);
            study.head.seconds = seconds(&study);
            results::write(&args.out, &Study::Criticality(study.clone()))?;
        }
    }
    Ok(answer(&study, reached, args))
}

/// The run with another seed, in a folder of its own.
fn seeded<'a>(run: Run<'a>, work: &std::path::Path, seed: u64) -> Run<'a> {
    let work: PathBuf = work.join(format!("seed-{seed}"));
    Run { seed, work, ..run }
}

fn seeds(args: &ProfileArgs) -> Result<Vec<u64>> {
    if args.seeds.is_empty() {
        return Ok(vec![args.stage.schedule.batches.seed]);
    }
    repeated(&args.seeds, "--seeds")?;
    Ok(args.seeds.clone())
}

/// The stages to keep alone, all known to the network.
fn stages(args: &ProfileArgs, layers: &[tacita_architectures::Layer]) -> Result<Vec<String>> {
    if args.stages.is_empty() {
        return Ok([vec![stage::NONE.to_owned()], stage::names(layers)].concat());
    }
    let stages: Vec<String> = args.stages.iter().map(|s| s.to_ascii_lowercase()).collect();
    repeated(&stages, "--stages")?;
    // Better refused now than after hours of training.
    stages.iter().try_for_each(|s| stage::only(layers, s).map(|_| ()))?;
    Ok(stages)
}

fn repeated<T: PartialEq>(values: &[T], setting: &'static str) -> Result<()> {
    let twice = values.iter().enumerate().any(|(i, v)| values[..i].contains(v));
    let error = Error::BadSetting { setting, problem: "names something twice" };
    if twice { Err(error) } else { Ok(()) }
}

fn head(args: &ProfileArgs, run: &Run<'_>, teacher: Reached) -> Result<Head> {
    let show = |t: Training| {
        let (curve, peak) = (t.schedule.curve, t.schedule.peak);
        format!("{} epochs, {curve:?} at rate {peak}", t.epochs)
    };
    let schedule = &args.stage.schedule;
    let Weights { labels, teacher: guide, temperature, .. } = candidate::WEIGHTS;
    let conditions = vec![
        ("teacher", show(schedule.teacher()?)),
        ("teacher's test accuracy", format!("{:.2} %", 100.0 * teacher.test)),
        ("each network, from random weights", show(args.candidate.training(schedule.schedule)?)),
        ("batch", run.batch.to_string()),
        ("loss", format!("{labels} labels + {guide} teacher at temperature {temperature}")),
    ];
    let conditions = conditions.into_iter().map(|(k, v)| (k.to_owned(), v)).collect();
    let title = format!(
        "Criticality of the stages of {} on {}",
        args.stage.net.options().title(),
        run.data.name
    );
    Ok(machine::head(&title, conditions, run.data.note(), 0.0))
}

/// Time that the networks trained, in this process or before it was cut off; the teacher's,
/// which may come from elsewhere, does not count.
fn seconds(study: &Criticality) -> f64 {
    study.runs.iter().flat_map(|run| &run.history).map(|row| row.seconds).sum()
}

fn answer(study: &Criticality, teacher: Reached, args: &ProfileArgs) -> Answer {
    let cells = study.summary();
    let line = |c: &StageCell| {
        let ranked = c.criticality.map(|c| format!("{c:.2}")).unwrap_or_default();
        format!("{:<8}{:>10}{:>12.2}{ranked:>13}", c.stage, c.relus, 100.0 * c.test.mean)
    };
    let head = format!("{:<8}{:>10}{:>12}{:>13}", "stage", "ReLUs", "test %", "criticality");
    let mut lines: Vec<String> = std::iter::once(head).chain(cells.iter().map(line)).collect();
    let order = order(&cells);
    lines.push(format!("most critical first: {}", order.join(" > ")));
    lines.push(format!("teacher   test accuracy {:.2} %", 100.0 * teacher.test));
    lines.push(format!("wrote     {}", args.out.display()));
    let stage = |c: &StageCell| json!({"stage": c.stage, "relus": c.relus, "test": c.test.mean, "criticality": c.criticality});
    let stages: Vec<_> = cells.iter().map(stage).collect();
    let value = json!({"stages": stages, "order": order, "teacher": json(teacher),
                       "file": args.out.display().to_string()});
    (lines.join("\n"), value)
}
