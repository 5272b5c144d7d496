//! What the verbs of the command line do. Each gives a text for people and a JSON value.

mod bench;
mod compare;
mod deepreduce;
mod hybrenet;
mod import;
mod look;
mod report;
mod senetpp;
mod sensitivity;
mod shapes;
mod stages;
mod untrained;
mod write;

use crate::Result;
use crate::cli::Verb;
use crate::data::{Dataset, ImageShape};
use serde::Serialize;
use serde_json::Value;
use tacita_architectures::{Layer, Network, Options, Shape};

/// Text for people, and the same for programs.
pub type Answer = (String, Value);

/// Does what was asked for.
///
/// # Errors
/// See [`crate::Error`].
pub fn perform(verb: &Verb) -> Result<Answer> {
    match verb {
        Verb::Describe(args) => look::describe(args),
        Verb::Data(args) => look::data(args),
        Verb::Allocate(args) => look::allocate(args),
        Verb::Eval(args) => look::eval(args),
        Verb::Teacher(args) => stages::teacher(args),
        Verb::Sensitivity(args) => sensitivity::sensitivity(args),
        Verb::Search(args) => stages::search(args),
        Verb::Finetune(args) => stages::finetune(args),
        Verb::Senet(args) => stages::senet(args),
        Verb::Compare(args) => compare::compare(args),
        Verb::Senetpp(args) => senetpp::senetpp(args),
        Verb::DeepReduce(verb) => deepreduce::perform(verb),
        Verb::HybReNet(verb) => hybrenet::perform(verb),
        Verb::Export(args) => write::export(args),
        Verb::Untrained(args) => untrained::untrained(args),
        Verb::Shapes(args) => shapes::shapes(args),
        Verb::Bench(args) => bench::bench(args),
        Verb::Import(args) => import::import(args),
        Verb::Report(args) => report::report(args),
    }
}

/// The command as typed, for the records; without the folder of the program.
pub(crate) fn command() -> String {
    let args = std::env::args().skip(1);
    std::iter::once("tacita-train".to_owned()).chain(args).collect::<Vec<_>>().join(" ")
}

/// Shape of an image as networks see it.
pub(crate) fn shape(image: ImageShape) -> Shape {
    Shape {
        channels: image.channels as i64,
        height: image.height as i64,
        width: image.width as i64,
    }
}

/// The network that goes with a data set.
pub(crate) fn network(options: &Options, data: &Dataset) -> Result<Network> {
    Ok(options.network(shape(data.shape()), data.classes.len() as i64)?)
}

/// A value as JSON.
pub(crate) fn json(value: impl Serialize) -> Value {
    serde_json::to_value(value).unwrap_or_default()
}

/// Kept and possible ReLUs, a line for each layer.
pub(crate) fn table(layers: &[Layer], kept: &[usize]) -> String {
    let line = |name: &str, relus: usize, units: usize| {
        let share = 100.0 * relus as f64 / units.max(1) as f64;
        format!("{name:<8}{relus:>8} of {units:>8}{share:>8.2} %")
    };
    let rows = layers.iter().zip(kept).map(|(l, &k)| line(&l.name, k, l.units()));
    let units = layers.iter().map(Layer::units).sum();
    rows.chain([line("total", kept.iter().sum(), units)]).collect::<Vec<_>>().join("\n")
}
