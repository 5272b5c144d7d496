//! The verbs of HybReNet.

use super::{Answer, json};
use crate::cli::{EqualizeArgs, HybReNetVerb, SizedArgs};
use crate::hybrenet::{NAMED, Sized, name};
use crate::{Error, Result};
use serde_json::json;

pub(super) fn perform(verb: &HybReNetVerb) -> Result<Answer> {
    match verb {
        HybReNetVerb::Equalize(args) => equalize(args),
        HybReNetVerb::List(args) => list(args),
    }
}

fn equalize(args: &EqualizeArgs) -> Result<Answer> {
    let (problem, setting) = (args.problem()?, args.sized.setting()?);
    let found = problem.solve();
    if found.is_empty() {
        let problem = "is not reached with any factors from --min to --max";
        return Err(Error::BadSetting { setting: "--order", problem });
    }
    let mut rows = Vec::new();
    let mut narrow = Vec::new();
    for name in found.into_iter().map(name) {
        let sized = match args.relu_budget {
            Some(budget) => Sized::within(&name, budget, &setting)?,
            None => Some(Sized::new(&name, args.base_width, &setting)?),
        };
        match sized {
            Some(sized) => rows.push(sized),
            None => narrow.push(name),
        }
    }
    let mut text = table(&rows);
    for name in &narrow {
        text += &format!("\n{name:<13} has more ReLUs than the budget at every width");
    }
    let order = problem.order.map(|s| format!("s{s}"));
    Ok((text, json!({"order": order, "networks": json(&rows), "too_large": narrow})))
}

fn list(args: &SizedArgs) -> Result<Answer> {
    let setting = args.setting()?;
    let rows = NAMED.iter().map(|&(name, base)| Sized::new(name, base, &setting));
    let rows: Vec<Sized> = rows.collect::<Result<_>>()?;
    Ok((table(&rows), json!({"networks": json(&rows)})))
}

fn table(rows: &[Sized]) -> String {
    let join = |numbers: Vec<String>| numbers.join("/");
    let line = |s: &Sized| {
        let widths = join(s.widths.iter().map(i64::to_string).collect());
        let stages = join(s.stages.iter().map(usize::to_string).collect());
        let (macs, parameters) = (s.counts.macs as f64 / 1e6, s.counts.parameters as f64 / 1e6);
        let (name, base, relus) = (&s.name, s.base_width, s.counts.relus);
        format!(
            "{name:<13}{base:>5}  {widths:<18}{stages:<36}{relus:>9}{macs:>9.0}{parameters:>8.1}"
        )
    };
    let head = format!(
        "{:<13}{:>5}  {:<18}{:<36}{:>9}{:>9}{:>8}",
        "network", "base", "widths", "ReLUs of stem and stages", "ReLUs", "MMACs", "M par."
    );
    std::iter::once(head).chain(rows.iter().map(line)).collect::<Vec<_>>().join("\n")
}
