//! The verbs of DeepReDuce.

mod list;
mod profile;

use super::look::input;
use super::stages::{guide, run};
use super::write::{Written, write};
use super::{Answer, json, network, table};
use crate::Result;
use crate::checkpoint::Reached;
use crate::cli::{DeepReduceVerb, DescribeArgs, ReduceArgs};
use crate::deepreduce::{Recipe, candidate, stage};
use crate::masks::MaskSet;
use crate::pipeline::{Run, kept};
use crate::results::StageReached;
use serde_json::{Value, json};
use tacita_architectures::Graph;

pub(super) fn perform(verb: &DeepReduceVerb) -> Result<Answer> {
    match verb {
        DeepReduceVerb::Profile(args) => profile::profile(args),
        DeepReduceVerb::Cull(args) => show(&args.net, &args.recipe()?),
        DeepReduceVerb::Thin(args) => show(&args.net, &args.recipe()?),
        DeepReduceVerb::Reshape(args) => show(&args.net, &args.steps.recipe()?),
        DeepReduceVerb::List => list::list(),
        DeepReduceVerb::Run(args) => reduce(args),
    }
}

/// What a recipe leaves of a network.
fn show(args: &DescribeArgs, recipe: &Recipe) -> Result<Answer> {
    let network = recipe.options(&args.net.options())?.network(input(args), args.classes as i64)?;
    let graph = network.graph();
    let masks = recipe.masks(&graph.layers)?;
    Ok(described(&graph, &masks, recipe))
}

fn described(graph: &Graph, masks: &MaskSet, recipe: &Recipe) -> Answer {
    let (kept, counts) = (masks.counts(), graph.counts());
    let stages = stage::relus(&graph.layers, masks);
    let by_stage: Vec<String> = stages.iter().map(|(s, relus)| format!("{s} {relus}")).collect();
    let text = format!(
        "{}\nby stage: {}\n{:.1} million multiplications, {} parameters",
        table(&graph.layers, &kept),
        by_stage.join(", "),
        counts.macs as f64 / 1e6,
        counts.parameters
    );
    let row = |(layer, &relus): (&tacita_architectures::Layer, &usize)| json!({"layer": layer.name, "relus": relus, "units": layer.units()});
    let layers: Vec<Value> = graph.layers.iter().zip(&kept).map(row).collect();
    let stages: Vec<Value> =
        stages.iter().map(|(s, relus)| json!({"stage": s, "relus": relus})).collect();
    let relus: usize = kept.iter().sum();
    let value = json!({"relus": relus, "stages": stages, "layers": layers, "counts": counts,
                       "recipe": recipe});
    (text, value)
}

/// Trains the network that all steps lead to, and writes it.
fn reduce(args: &ReduceArgs) -> Result<Answer> {
    let recipe = args.steps.recipe()?;
    let training = args.candidate.training(args.stage.schedule.schedule)?;
    let options = recipe.options(&args.stage.net.options())?;
    let data = args.stage.data.load()?;
    let small = network(&options, &data)?;
    let graph = small.graph();
    let masks = recipe.masks(&graph.layers)?;
    let (relus, hash) = (kept(&masks), masks.hash(&graph.layers));
    let base = run(&args.stage, &data)?;
    let (teacher, guide) = guide(&args.stage, &base)?;
    let run = Run { network: small, ..base };
    // Recipes that keep equally many ReLUs differ in their masks.
    let name = format!("deepreduce-{relus}-{}", &hash[..8]);
    let (net, done) = candidate::train(&run, &name, &masks, &teacher, training)?;
    let (text, value) = described(&graph, &masks, &recipe);
    let text = format!("{text}\n{}\nmasks     {hash}", accuracies(guide, done.reached));
    let Reached { validation, test } = done.reached;
    let stages = vec![StageReached { stage: "deepreduce".to_owned(), validation, test }];
    let (seed, command) = (run.seed, run.command.clone());
    let (method, teacher) = ("deepreduce".to_owned(), Some(guide));
    let written = Written { method, budget: relus, teacher, stages, seed, command };
    let (wrote, card) = write(&net, &data, written, &args.out.out)?;
    let value = json!({"result": value, "teacher": json(guide), "model": card});
    Ok((format!("{text}\n{wrote}"), value))
}

fn accuracies(teacher: Reached, reduced: Reached) -> String {
    let line = |name: &str, r: Reached| {
        let (test, validation) = (100.0 * r.test, 100.0 * r.validation);
        format!("{name:<10}test accuracy {test:.2} % (validation {validation:.2} %)")
    };
    format!("{}\n{}", line("teacher", teacher), line("reduced", reduced))
}
