//! What `build` says of a plan.

use std::path::Path;

use tacita_cli::tell_choices;
use tacita_compile::{Accuracy, Judgement, Report, Result, SearchReport, Share};
use tacita_protocol::cost::predict;
use tacita_protocol::plan::PublicPlan;

use super::inspect::layer_table;
use super::output::{Table, bytes, whole};

/// Classes that are shown without `--verbose`, those that change most.
const CLASSES: usize = 10;

/// Four lines, and how a judgement comes about; everything if `verbose`.
pub fn text(r: &Report, plan: &PublicPlan, output: &Path, verbose: bool) -> Result<String> {
    let p = predict(plan, plan.batch)?;
    let ticket = (p.offline.up + p.offline.down) / plan.batch.max(1) as u64;
    let online = p.online.up + p.online.down;
    let mut text = if verbose { details(r, plan) } else { String::new() };
    text.push_str(&format!(
        "plan       {}\n\
         ReLUs      {} of {}; ranges hold {:.1} bits more than {}\n\
         bytes      {} offline a ticket, {} online an image\n\
         agreement  {}\n",
        output.display(),
        r.relus,
        r.unmasked_relus,
        r.headroom,
        r.checked_on,
        bytes(ticket),
        bytes(online),
        agreement(r.judgement.as_ref()),
    ));
    if let Some(j) = &r.judgement {
        text.push_str(&judgement(j, verbose));
    }
    Ok(text)
}

fn agreement(judgement: Option<&Judgement>) -> String {
    let Some(j) = judgement else {
        return "unjudged: give images with --calibrate".into();
    };
    format!("{}: {}", j.kept(), j.agreement)
}

fn judgement(j: &Judgement, verbose: bool) -> String {
    let mut text = String::new();
    if let Some(Accuracy { float, plan }) = &j.accuracy {
        text.push_str(&format!("accuracy   float network {float}, plan {plan}\n"));
    }
    text.push_str(&format!("\n{}\n{}", classes(j, verbose), signs(j)));
    text.push_str(&format!(
        "Shares are of {}, with 95 % intervals{}, as the protocol rounds.\n",
        j.counted,
        if j.counted == "images" { "" } else { " as if each were an image of its own" }
    ));
    text
}

fn classes(j: &Judgement, verbose: bool) -> String {
    let mut table =
        Table::new(&["class", &j.counted, "label kept", "right in float", "in the plan"]);
    let mut worst: Vec<_> = j.classes.iter().collect();
    worst.sort_by(|a, b| a.agreement.share.total_cmp(&b.agreement.share));
    let shown = if verbose { worst.len() } else { worst.len().min(CLASSES) };
    worst.truncate(shown);
    worst.sort_by_key(|c| c.class);
    for c in worst {
        let accuracy = |of: fn(&Accuracy) -> &Share| {
            c.accuracy.as_ref().map_or_else(|| "-".into(), |a| of(a).to_string())
        };
        table.row(vec![
            c.name.clone(),
            c.agreement.of.to_string(),
            c.agreement.to_string(),
            accuracy(|a| &a.float),
            accuracy(|a| &a.plan),
        ]);
    }
    let mut text = table.render();
    if shown < j.classes.len() {
        let rest = j.classes.len() - shown;
        text.push_str(&format!("... {rest} more classes keep more: --verbose shows them\n"));
    }
    text
}

fn signs(j: &Judgement) -> String {
    let mut table = Table::new(&["layer", "signs compared", "wrong", "out of range"]);
    for s in &j.signs {
        let numbers = [s.compared, s.wrong, s.out_of_range].map(|n| n.to_string());
        table.row(std::iter::once(s.name.clone()).chain(numbers).collect());
    }
    table.render()
}

fn details(r: &Report, plan: &PublicPlan) -> String {
    let mut text = layer_table(&r.layers);
    text.push_str(&format!(
        "\nnetwork            {}\n\
         reveals            {}\n\
         computed           {}\n\
         truncation failure 2^{:.1} per inference\n\
         flooding           {} bits at least\n\
         batch              {} tickets per offline run\n\
         ranges             {}\n\
         logits, fixed      off by {:.4} at most, {:.4} on average (largest logit {:.2}; {})\n",
        r.name,
        plan.reveals,
        tell_choices(&plan.relu_choices),
        r.log2_failure,
        whole(r.flooding_bits),
        r.batch.batch,
        r.calibration,
        r.max_logit_error,
        r.mean_logit_error,
        r.max_logit,
        r.checked_on,
    ));
    text.push_str(&r.search.as_ref().map_or_else(String::new, scales));
    text.push('\n');
    text
}

fn scales(s: &SearchReport) -> String {
    let most = s.chosen.dropped.iter().max().copied().unwrap_or(0);
    format!(
        "scales             {} fractional bits, up to {most} dropped: {} of {} labels change on \
         the images that chose ({} trials){}\n",
        s.chosen.frac,
        s.chosen.changed,
        s.chosen.images,
        s.trials.len(),
        if s.held { "" } else { "; not kept" },
    )
}
