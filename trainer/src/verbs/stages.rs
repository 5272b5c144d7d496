//! Verbs that train: each runs the stages it rests on first, or loads them.

use super::look::shares;
use super::write::{Written, write};
use super::{Answer, command, json, network, table};
use crate::checkpoint::{self, Reached};
use crate::cli::{MaskedArgs, SenetArgs, StageArgs};
use crate::data::Dataset;
use crate::net::Net;
use crate::pipeline::Run;
use crate::results::StageReached;
use crate::senet::finetune::{POLISH, WEIGHTS};
use crate::{Error, Result};
use serde_json::json;

/// The run that the options describe.
pub(super) fn run<'a>(args: &StageArgs, data: &'a Dataset) -> Result<Run<'a>> {
    Ok(Run {
        data,
        network: network(&args.net.options(), data)?,
        device: args.compute.prepare()?,
        seed: args.schedule.batches.seed,
        batch: args.schedule.batches.batch,
        augment: args.schedule.batches.augment(),
        mixed: args.compute.mixed_precision,
        work: args.work.work.clone(),
        command: command(),
        fresh: args.work.fresh,
    })
}

/// The all-ReLU network: the one given, or the run's own.
pub(super) fn guide(args: &StageArgs, run: &Run<'_>) -> Result<(Net, Reached)> {
    let Some(dir) = &args.work.teacher else {
        let (net, done) = run.teacher(args.schedule.teacher()?)?;
        return Ok((net, done.reached));
    };
    let (net, manifest) = checkpoint::load(dir, run.device)?;
    let reached = manifest.reached.filter(|_| net.network == run.network);
    let reached = reached.ok_or_else(|| Error::BadCheckpoint {
        path: dir.clone(),
        problem: "is not complete, or holds another network than --net describes".to_owned(),
    })?;
    net.store.freeze();
    Ok((net, reached))
}

fn percent(reached: Reached) -> String {
    format!("{:.2} % (validation {:.2} %)", 100.0 * reached.test, 100.0 * reached.validation)
}

pub(super) fn teacher(args: &StageArgs) -> Result<Answer> {
    let data = args.data.load()?;
    let run = run(args, &data)?;
    let (_, reached) = guide(args, &run)?;
    Ok((format!("test accuracy {}", percent(reached)), json(reached)))
}

/// Networks and accuracies along the way.
struct Course {
    teacher: Reached,
    net: Net,
    stages: Vec<StageReached>,
    budget: usize,
}

impl Course {
    fn note(&mut self, stage: &str, reached: Reached) {
        let Reached { validation, test } = reached;
        self.stages.push(StageReached { stage: stage.to_owned(), validation, test });
    }

    fn answer(&self) -> Result<Answer> {
        let masks = self.net.masks()?;
        let (counts, hash) = (masks.counts(), masks.hash(self.net.layers()));
        let mut text = table(self.net.layers(), &counts);
        text += &format!("\nteacher   test accuracy {}", percent(self.teacher));
        for s in &self.stages {
            let reached = Reached { validation: s.validation, test: s.test };
            text += &format!("\n{:<10}test accuracy {}", s.stage, percent(reached));
        }
        text += &format!("\nmasks     {hash}");
        let relus: usize = counts.iter().sum();
        let value = json!({"relus": relus, "layers": counts, "teacher": self.teacher,
                           "stages": self.stages, "mask_hash": hash});
        Ok((text, value))
    }
}

fn searched(args: &MaskedArgs, run: &Run<'_>) -> Result<(Course, Net)> {
    let (teacher, reached) = guide(&args.stage, run)?;
    let shares = shares(&run.network.name, teacher.layers(), &args.budget)?;
    let choice = args.masks.choice()?;
    let budget = shares.iter().sum();
    let how = (shares.as_slice(), choice, args.masks.search_from);
    let training = args.stage.schedule.search()?;
    let (net, done) = run.search(&format!("search-{budget}"), &teacher, how, training)?;
    let mut course = Course { teacher: reached, net, stages: Vec::new(), budget };
    course.note("search", done.reached);
    Ok((course, teacher))
}

fn finetuned(args: &MaskedArgs, run: &Run<'_>) -> Result<Course> {
    let (mut course, teacher) = searched(args, run)?;
    let schedule = &args.stage.schedule;
    let cycles =
        [("finetune", schedule.finetune()?, WEIGHTS), ("polish", schedule.polish()?, POLISH)];
    for (name, training, weights) in cycles.into_iter().filter(|c| c.1.epochs > 0) {
        let folder = format!("{name}-{}", course.budget);
        let done = run.finetune(&folder, &mut course.net, &teacher, (training, weights))?;
        course.note(name, done.reached);
    }
    Ok(course)
}

pub(super) fn search(args: &MaskedArgs) -> Result<Answer> {
    let data = args.stage.data.load()?;
    searched(args, &run(&args.stage, &data)?)?.0.answer()
}

pub(super) fn finetune(args: &MaskedArgs) -> Result<Answer> {
    let data = args.stage.data.load()?;
    finetuned(args, &run(&args.stage, &data)?)?.answer()
}

pub(super) fn senet(args: &SenetArgs) -> Result<Answer> {
    let data = args.masked.stage.data.load()?;
    let run = run(&args.masked.stage, &data)?;
    let course = finetuned(&args.masked, &run)?;
    let (text, value) = course.answer()?;
    let Course { teacher, stages, budget, .. } = course;
    let (method, seed, command) = ("senet".to_owned(), run.seed, run.command.clone());
    let teacher = Some(teacher);
    let written = Written { method, budget, teacher, stages, seed, command };
    let (wrote, card) = write(&course.net, &data, written, &args.out.out)?;
    Ok((format!("{text}\n{wrote}"), json!({"result": value, "model": card})))
}
