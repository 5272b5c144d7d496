//! The comparison of ways to choose where ReLUs stay: same teacher, same budgets, same
//! fine-tuning from the teacher's weights, several seeds.

use super::stages::{guide, run};
use super::{Answer, json};
use crate::checkpoint::Reached;
use crate::cli::{Arm, CompareArgs};
use crate::masks::MaskSet;
use crate::net::Net;
use crate::pipeline::{self, Run, Training};
use crate::results::{self, BudgetRun, Budgets, EpochRow, LayerUnits, NetworkNote, Study};
use crate::rng::Rng;
use crate::senet::allocate::allocate;
use crate::senet::finetune::WEIGHTS;
use crate::{Result, machine};
use tacita_architectures::Layer;

/// Runs the comparison and writes it.
pub(super) fn compare(args: &CompareArgs) -> Result<Answer> {
    let data = args.stage.data.load()?;
    let base = run(&args.stage, &data)?;
    let (teacher, reached) = guide(&args.stage, &base)?;
    let units = pipeline::units(teacher.layers());
    let mut runs = Vec::new();
    for budget in &args.budgets {
        let relus = budget.of(units);
        for &arm in &args.arms {
            for &seed in &args.seeds {
                let one = Single { args, base: &base, teacher: &teacher, arm, relus, seed };
                runs.push(one.run(budget.share(units))?);
            }
        }
    }
    let study = Budgets {
        // Of all runs, also of those that were there already.
        head: head(args, &base, runs.iter().map(|r| r.seconds).sum())?,
        network: note(&teacher),
        teacher: reached,
        runs,
    };
    let text = describe(&study);
    let study = Study::Budgets(study);
    results::write(&args.out, &study)?;
    Ok((format!("{text}\nwrote {}", args.out.display()), json(&study)))
}

fn head(args: &CompareArgs, run: &Run<'_>, seconds: f64) -> Result<results::Head> {
    let schedule = &args.stage.schedule;
    let show = |t: Training| {
        let (curve, peak) = (t.schedule.curve, t.schedule.peak);
        format!("{} epochs, {curve:?} at rate {peak}", t.epochs)
    };
    let choice = args.masks.choice()?;
    let conditions = vec![
        ("teacher", show(schedule.teacher()?)),
        ("search (senet only)", show(schedule.search()?)),
        ("evidence of earlier epochs in the search", format!("{}", choice.memory)),
        ("fine-tuning (all arms, from the teacher's weights)", show(schedule.finetune()?)),
        ("batch", schedule.batches.batch.to_string()),
        ("uniform", "equal numbers in all layers, random positions".to_owned()),
        ("random", "positions drawn over the whole network".to_owned()),
        ("allocation", "SENet's numbers for each layer, random positions".to_owned()),
    ];
    let conditions = conditions.into_iter().map(|(k, v)| (k.to_owned(), v)).collect();
    let title =
        format!("ReLU budgets of {} on {}", args.stage.net.options().title(), run.data.name);
    Ok(machine::head(&title, conditions, run.data.note(), seconds))
}

/// A network as results name it.
fn note(net: &Net) -> NetworkNote {
    let counts = net.graph().counts();
    let layer = |l: &Layer| LayerUnits { name: l.name.clone(), units: l.units() };
    NetworkNote {
        name: net.network.name.clone(),
        relus: counts.relus,
        macs: counts.macs,
        parameters: counts.parameters,
        layers: net.layers().iter().map(layer).collect(),
    }
}

/// One arm at one budget with one seed.
struct Single<'a> {
    args: &'a CompareArgs,
    base: &'a Run<'a>,
    teacher: &'a Net,
    arm: Arm,
    relus: usize,
    seed: u64,
}

impl Single<'_> {
    fn run(&self, share: f64) -> Result<BudgetRun> {
        let arm = self.arm.name();
        let folder = format!("{arm}-{}-seed{}", self.relus, self.seed);
        let run = Run {
            data: self.base.data,
            network: self.base.network.clone(),
            work: self.base.work.join(folder),
            command: self.base.command.clone(),
            seed: self.seed,
            ..*self.base
        };
        tracing::info!(arm, relus = self.relus, seed = self.seed, "run");
        let (masks, mut history) = self.masks(&run)?;
        let mut net = Net::new(&run.network, run.device);
        net.copy_from(self.teacher)?;
        net.set_masks(&masks)?;
        let training = self.args.stage.schedule.finetune()?;
        let done = run.finetune("finetune", &mut net, self.teacher, (training, WEIGHTS))?;
        history.extend(done.rows);
        let Reached { validation, test } = done.reached;
        Ok(BudgetRun {
            arm: arm.to_owned(),
            share,
            relus: pipeline::kept(&masks),
            seed: self.seed,
            validation,
            test,
            layers: masks.counts(),
            seconds: history.iter().map(|r: &EpochRow| r.seconds).sum(),
            history,
        })
    }

    /// The masks of this arm, and the log of what it took to find them.
    fn masks(&self, run: &Run<'_>) -> Result<(MaskSet, Vec<EpochRow>)> {
        let layers = self.teacher.layers();
        let units: Vec<usize> = layers.iter().map(Layer::units).collect();
        let shares = |sensitivity: &[f64]| {
            allocate(self.relus, &units, sensitivity, &vec![false; units.len()])
        };
        let sensitivity = super::look::sensitivities(
            &run.network.name,
            layers,
            self.args.sensitivity.as_deref(),
        )?;
        let mut rng = Rng::new(self.seed, "masks of the study");
        let masks = match self.arm {
            Arm::Senet => {
                let (choice, start) = (self.args.masks.choice()?, self.args.masks.search_from);
                let shares = shares(&sensitivity)?;
                let training = self.args.stage.schedule.search()?;
                let how = (shares.as_slice(), choice, start);
                let (net, done) = run.search("search", self.teacher, how, training)?;
                return Ok((net.masks()?, done.rows));
            }
            Arm::Allocation => MaskSet::random_exact(layers, &shares(&sensitivity)?, &mut rng),
            Arm::Uniform => {
                MaskSet::random_exact(layers, &shares(&vec![1.0; units.len()])?, &mut rng)
            }
            Arm::Random => MaskSet::random_over(layers, self.relus, &mut rng),
        };
        Ok((masks, Vec::new()))
    }
}

fn describe(study: &Budgets) -> String {
    let row = |c: results::BudgetCell| {
        let lead = c.lead.map_or_else(String::new, |l| format!("{:>+9.2}", 100.0 * l));
        let (mean, deviation) = (100.0 * c.test.mean, 100.0 * c.test.deviation.unwrap_or(f64::NAN));
        format!("{:<12}{:>7.1} %{mean:>9.2} %{deviation:>8.2}{lead}", c.arm, 100.0 * c.share)
    };
    let head = format!("{:<12}{:>9}{:>11}{:>8}{:>9}", "arm", "ReLUs", "test", "spread", "lead");
    let teacher = format!("teacher: {:.2} %", 100.0 * study.teacher.test);
    std::iter::once(head)
        .chain(study.summary().into_iter().map(row))
        .chain([teacher])
        .collect::<Vec<_>>()
        .join("\n")
}
