//! `tacita-compile build`.

use tacita_cli::Relu;
use tacita_compile::calibration::Calibration;
use tacita_compile::{
    Budget, Error, Network, Options, Record, Report, Result, Trial, compile, compile_within,
    describe, load, lower, masks, read_model,
};
use tacita_image_input::read_limited;
use tacita_protocol::cost::CostModel;
use tacita_protocol::plan::Plan;

use super::args::{Build, Reveal};
use super::built::text;
use super::costly;
use super::estimate::profile;
use super::output::{bytes, print, print_json, write_private};

/// Images drawn when the user gives none.
const DRAWN_IMAGES: usize = 32;
/// Mean and standard deviation of each channel, if the model says them.
type Input = (Option<Vec<f32>>, Option<Vec<f32>>);
/// Seed of the shares that the search simulates.
const SEARCH_SEED: u64 = 1;
/// Longest file of class names, in bytes.
const MAX_LABEL_BYTES: u64 = 1 << 20;

pub fn run(args: &Build, json: bool) -> Result<()> {
    let mut network = read_model(&load(&args.model)?)?;
    masks::apply(&mut network, &args.masks.edits()?)?;
    let stored_input = (network.mean.clone(), network.std.clone());
    apply(args, &mut network)?;
    lower::lower(&mut network)?;
    tracing::info!(
        "imported {}: {} activation tensors, {} of {} ReLUs kept",
        network.name,
        network.layers.len(),
        network.relus(),
        network.layers.iter().map(|l| l.unmasked_relus).sum::<usize>()
    );
    let options = Options {
        frac: args.frac,
        weight_frac: args.weight_frac,
        margin_bits: args.margin_bits,
        batch: args.batch,
    };
    let calibration = calibration(args, &network, stored_input)?;
    let drawn = args.drawn_ranges && calibration.ranges.is_none();
    let budget = budget(args)?;
    let (mut plan, mut report) = scaled(&network, &calibration, &options, budget.as_ref())?;
    choose_backends(args, &mut plan, &mut report)?;
    if drawn {
        report.warnings.push(
            "the ranges hold for drawn images; real ones may leave them and then get \
             wrong answers. Give real ones with --calibrate for a plan that answers"
                .into(),
        );
    }
    report.warnings.extend(costly::warning(&plan.public, budget.is_some())?);
    Record::new(&report, drawn, budget.as_ref()).write(&mut plan)?;
    write_private(&args.output, &plan.to_bytes()?)?;
    for warning in &report.warnings {
        tracing::warn!("{warning}");
    }
    if json {
        return print_json(&report);
    }
    print(&text(&report, &plan.public, &args.output, args.verbose)?)
}

/// Writes into the plan what computes its ReLUs.
fn choose_backends(args: &Build, plan: &mut Plan, report: &mut Report) -> Result<()> {
    if args.relu != Relu::Auto && (args.network.is_some() || args.profile.is_some()) {
        return Err(Error::input(
            "--network and --profile are what --relu auto chooses by: give that too, or leave \
             them out",
        ));
    }
    if args.relu == Relu::default() {
        return Ok(());
    }
    let (profile, _) = profile(args.profile.as_deref())?;
    let model = CostModel::new(&plan.public, plan.public.batch)?;
    plan.public.relu_choices = args.relu.choices_at(&model, args.network.as_ref(), &profile)?;
    report.layers = describe(plan);
    Ok(())
}

/// What given images are to show; `None` if none are given.
fn budget(args: &Build) -> Result<Option<Budget>> {
    let max_class_loss = args.max_class_loss.unwrap_or(3.0 * args.max_loss);
    for loss in [args.max_loss, max_class_loss.min(100.0)] {
        if !(0.0..=100.0).contains(&loss) {
            return Err(Error::input(format!("a loss of {loss} %: it must be 0 to 100")));
        }
    }
    let budget = Budget { max_loss: args.max_loss, max_class_loss, seed: SEARCH_SEED };
    Ok(args.calibrate.is_some().then_some(budget))
}

/// Given images choose the scales and judge them.
fn scaled(
    network: &Network,
    calibration: &Calibration,
    options: &Options,
    budget: Option<&Budget>,
) -> Result<(Plan, Report)> {
    let Some(budget) = budget else { return compile(network, calibration, options) };
    tracing::info!("measuring on {}", calibration.source);
    compile_within(network, calibration, options, budget, &mut tell)
}

fn tell(t: &Trial) {
    let most = t.dropped.iter().max().copied().unwrap_or(0);
    tracing::info!(
        "{} fractional bits, up to {most} dropped: {} of {} labels change, {}; comparisons {}",
        t.frac,
        t.changed,
        t.images,
        match (t.within, t.swallowed) {
            (true, _) => "few enough",
            (_, true) => "few enough, but pictures of flat colours lose theirs",
            _ => "too many",
        },
        bytes(t.relu_bytes)
    );
}

fn apply(args: &Build, network: &mut Network) -> Result<()> {
    args.pixels.apply(network)?;
    if let Some(name) = &args.name {
        network.name.clone_from(name);
    }
    if let Some(reveal) = args.reveal {
        network.top1 = reveal == Reveal::Top1;
    }
    if let Some(path) = &args.labels {
        let text = read_limited(path, MAX_LABEL_BYTES)?;
        let text = String::from_utf8_lossy(&text);
        let lines = text.lines().map(str::trim).filter(|l| !l.is_empty());
        network.labels = lines.map(str::to_owned).collect();
    }
    Ok(())
}

/// Given images come first, then the model's own ranges, then bounds for any image.
fn calibration(args: &Build, network: &Network, measured_with: Input) -> Result<Calibration> {
    if let Some(path) = &args.calibrate {
        return Calibration::from_path(path, network.input, args.calibrate_limit, args.resize);
    }
    let Some(stored) = Calibration::stored(network, DRAWN_IMAGES)? else {
        let drawn = Calibration::drawn(network, DRAWN_IMAGES);
        return Ok(Calibration { any_image: !args.drawn_ranges, ..drawn });
    };
    if measured_with != (network.mean.clone(), network.std.clone()) {
        return Err(Error::input(
            "the value ranges stored in the model hold for its own mean and std only: with other \
             ones, give images with --calibrate",
        ));
    }
    Ok(stored)
}
