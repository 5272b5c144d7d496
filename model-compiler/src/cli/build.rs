//! `tacita-compile build`.

use tacita_cli::{Relu, tell_choices};
use tacita_compile::calibration::Calibration;
use tacita_compile::masks::import_with_edits;
use tacita_compile::{
    Budget, Error, MAX_MODEL_BYTES, MIN_SEARCH_IMAGES, Network, Options, Report, Result, Trial,
    compile, compile_within, describe,
};
use tacita_image_input::read_limited;
use tacita_protocol::cost::{CostModel, predict};
use tacita_protocol::plan::{Plan, PublicPlan};

use super::args::{Build, Reveal};
use super::estimate::profile;
use super::inspect::layer_table;
use super::output::{bytes, print, print_json, whole, write_private};

/// Images drawn when the user gives none.
const DRAWN_IMAGES: usize = 32;
/// Mean and standard deviation of each channel, if the model says them.
type Input = (Option<Vec<f32>>, Option<Vec<f32>>);
/// Seed of the shares that the search simulates.
const SEARCH_SEED: u64 = 1;
/// Longest file of class names, in bytes.
const MAX_LABEL_BYTES: u64 = 1 << 20;

pub fn run(args: &Build, json: bool) -> Result<()> {
    let model = read_limited(&args.model, MAX_MODEL_BYTES as u64)?;
    let mut network = import_with_edits(&model, &args.masks.edits()?)?;
    let stored_input = (network.mean.clone(), network.std.clone());
    apply(args, &mut network)?;
    tracing::info!(
        "imported {}: {} activation tensors, {} of {} ReLUs kept",
        network.name,
        network.layers.len(),
        network.relus(),
        network.layers.iter().map(|l| l.unmasked_relus).sum::<usize>()
    );
    let options = Options {
        frac: args.frac.unwrap_or(Options::default().frac),
        weight_frac: args.weight_frac,
        margin_bits: args.margin_bits,
        batch: args.batch,
    };
    let calibration = calibration(args, &network, stored_input)?;
    let drawn = args.calibrate.is_none() && calibration.ranges.is_none();
    let (mut plan, mut report) = scaled(args, &network, &calibration, &options)?;
    choose_backends(args, &mut plan, &mut report)?;
    if drawn {
        report.warnings.push(
            "no calibration images: ranges come from drawn ones; give real ones with --calibrate, \
             or store ranges in the model with `tacita-compile calibrate`"
                .into(),
        );
    }
    write_private(&args.output, &plan.to_bytes()?)?;
    for warning in &report.warnings {
        tracing::warn!("{warning}");
    }
    if json { print_json(&report) } else { print(&text(&report, &plan.public, &args.output)?) }
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

/// Given images choose the scales, if there are enough of them.
fn scaled(
    args: &Build,
    network: &Network,
    calibration: &Calibration,
    options: &Options,
) -> Result<(Plan, Report)> {
    if !(0.0..=100.0).contains(&args.max_loss) {
        return Err(Error::input(format!(
            "a loss of {} points: it must be 0 to 100",
            args.max_loss
        )));
    }
    let images = calibration.images.len();
    if args.calibrate.is_none() || images < MIN_SEARCH_IMAGES {
        let (plan, mut report) = compile(network, calibration, options)?;
        if args.calibrate.is_some() {
            report.warnings.push(format!(
                "{images} calibration images are too few to choose scales by: the default ones \
                 are taken; give {MIN_SEARCH_IMAGES} or more"
            ));
        }
        return Ok((plan, report));
    }
    let budget = Budget { max_loss: args.max_loss, frac: args.frac, seed: SEARCH_SEED };
    compile_within(network, calibration, options, &budget, &mut tell)
}

fn tell(t: &Trial) {
    let most = t.dropped.iter().max().copied().unwrap_or(0);
    let verdict = if t.within { "within" } else { "too much" };
    tracing::info!(
        "{} fractional bits, up to {most} dropped: loss {:+.2} points (standard error {:.2}), \
         probability {:+.3}: {verdict}; comparisons {}",
        t.frac,
        t.loss.points,
        t.loss.standard_error,
        t.loss.probability,
        bytes(t.relu_bytes)
    );
}

fn apply(args: &Build, network: &mut Network) -> Result<()> {
    if let Some(mean) = &args.mean {
        network.mean = Some(mean.clone());
    }
    if let Some(std) = &args.std {
        network.std = Some(std.clone());
    }
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

/// Given images come first, then the model's own ranges, then drawn images.
fn calibration(args: &Build, network: &Network, measured_with: Input) -> Result<Calibration> {
    if let Some(path) = &args.calibrate {
        return Calibration::from_path(path, network.input, args.calibrate_limit, args.resize);
    }
    let Some(stored) = Calibration::stored(network, DRAWN_IMAGES)? else {
        return Ok(Calibration::synthetic(network.input, DRAWN_IMAGES));
    };
    if measured_with != (network.mean.clone(), network.std.clone()) {
        return Err(Error::input(
            "the value ranges stored in the model hold for its own mean and std only: with other \
             ones, give images with --calibrate",
        ));
    }
    Ok(stored)
}

fn text(r: &Report, plan: &PublicPlan, output: &std::path::Path) -> Result<String> {
    let mut text = layer_table(&r.layers);
    text.push_str(&format!(
        "\nnetwork            {}\n\
         reveals            {}\n\
         ReLUs              {} of {}\n\
         computed           {}\n\
         truncation failure 2^{:.1} per inference\n\
         flooding           {} bits at least\n\
         batch              {} tickets per offline run\n\
         calibration        {}\n\
         logits, fixed      off by {:.4} at most, {:.4} on average (largest logit {:.2})\n\
         top-1 agreement    {:.1} % with the float network\n\
         both measured on   {}\n\
         plan               {}\n",
        r.name,
        plan.reveals,
        r.relus,
        r.unmasked_relus,
        tell_choices(&plan.relu_choices),
        r.log2_failure,
        whole(r.flooding_bits),
        r.batch.batch,
        r.calibration,
        r.max_logit_error,
        r.mean_logit_error,
        r.max_logit,
        100.0 * r.top1_agreement,
        r.checked_on,
        output.display(),
    ));
    if let Some(s) = &r.search {
        let (loss, most) = (s.chosen.loss, s.chosen.dropped.iter().max().copied().unwrap_or(0));
        text.push_str(&format!(
            "scales             {} fractional bits, up to {most} dropped ({} trials)\n\
             loss               {:+.2} points of {} (standard error {:.2}; {} images, target {})\n",
            s.chosen.frac,
            s.trials.len(),
            loss.points,
            if s.labelled { "accuracy" } else { "agreement with the float network" },
            loss.standard_error,
            s.images,
            s.target,
        ));
    }
    let p = predict(plan, plan.batch)?;
    let ticket = (p.offline.up + p.offline.down) / plan.batch.max(1) as u64;
    let online = p.online.up + p.online.down;
    text.push_str(&format!(
        "predicted          {} offline a ticket, {} online an image\n",
        bytes(ticket),
        bytes(online)
    ));
    Ok(text)
}
