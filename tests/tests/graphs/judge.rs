//! What the importer and the compiler make of a model, beside another runtime.

use std::panic::{AssertUnwindSafe, catch_unwind};

use prost::Message;
use tacita_compile::{Calibration, Network, Options, compile, import};
use tacita_image_input::{Pixels, Sample, encode, normalise};
use tacita_protocol::plan::{InputSpec, Shape, clear};
use tract_onnx::onnx;
use tract_onnx::prelude::*;

use crate::case::Case;
use crate::draw::Draw;
use crate::front::Front;

/// How far floats may be off, of the largest logit.
const FLOAT: f32 = 0.005;
/// How far fixed point may be off.
const FIXED: f32 = 0.03;

/// How a model fared.
pub enum Outcome {
    Right,
    /// Other logits, or a panic.
    Wrong(String),
    Refused(String),
    /// The other runtime cannot take it.
    Foreign(String),
}

type Fared<T> = Result<T, Outcome>;

/// Judges the model of a seed.
pub fn judge(seed: u64) -> Outcome {
    let all = catch_unwind(AssertUnwindSafe(|| compared(seed)));
    match all {
        Ok(Ok(())) => Outcome::Right,
        Ok(Err(outcome)) => outcome,
        Err(panic) => {
            let text = panic.downcast_ref::<String>().cloned();
            let text = text.or_else(|| panic.downcast_ref::<&str>().map(ToString::to_string));
            Outcome::Wrong(format!("panic: {}", text.unwrap_or_default()))
        }
    }
}

fn compared(seed: u64) -> Fared<()> {
    let (case, images, theirs) = lively(seed)?;
    let network = imported(&case)?;
    let scale = largest(&theirs);
    let real: Vec<Vec<f32>> = images.iter().map(|p| network.evaluate(&fed(&network, p))).collect();
    close("float", &real, &theirs, FLOAT * scale)?;
    let fixed = fixed(&network, &images)?;
    close("fixed point", &fixed, &theirs, FIXED * scale)
}

/// A model whose logits are of some size, as after training, its images, and its logits.
fn lively(seed: u64) -> Fared<(Case, Vec<Sample>, Vec<Vec<f32>>)> {
    for turn in 0..4 {
        let seed = seed ^ turn << 40;
        let case = Case::draw(seed, 1.0);
        let images = images(&case.front, seed);
        let logits = theirs(&case, &images)?;
        match largest(&logits) {
            0.5..100.0 => return Ok((case, images, logits)),
            // Next to nothing of the image is left.
            ..0.05 => {}
            most => {
                let case = Case::draw(seed, 4.0 / most);
                let logits = theirs(&case, &images)?;
                return Ok((case, images, logits));
            }
        }
    }
    Err(Outcome::Foreign("logits of no size".into()))
}

fn largest(logits: &[Vec<f32>]) -> f32 {
    logits.iter().flatten().fold(1e-6, |m, x| m.max(x.abs()))
}

/// Noise, and two drawn pictures.
fn images(front: &Front, seed: u64) -> Vec<Sample> {
    let (width, height) = (front.width, front.height);
    let mut images = Calibration::synthetic(Shape::new(front.channels, height, width), 2).images;
    let mut d = Draw(!seed);
    let rgb = (0..3 * width * height).map(|_| d.byte()).collect();
    images.push(Pixels { width, height, rgb }.into());
    images
}

/// Pixels in 0..1, channels first.
fn pixels(front: &Front, picture: &Sample) -> Vec<f64> {
    let n = front.channels;
    let spec = InputSpec::new(vec![0.0; n], vec![1.0; n]);
    normalise(picture, Shape::new(n, front.height, front.width), &spec)
        .expect("a picture that fits")
}

/// The graph's own input, in its order.
fn graph_input(front: &Front, picture: &Sample) -> Vec<f32> {
    let plane = front.height * front.width;
    let of = |v: &[f64], c: usize| v.get(c).or(v.first()).copied().unwrap_or(0.0);
    let (mean, std) = (&front.before.mean, &front.before.std);
    let first = pixels(front, picture).into_iter().enumerate();
    let first: Vec<f32> =
        first.map(|(i, p)| ((p - of(mean, i / plane)) / of(std, i / plane)) as f32).collect();
    if !front.last {
        return first;
    }
    (0..first.len()).map(|i| first[i % front.channels * plane + i / front.channels]).collect()
}

fn theirs(case: &Case, images: &[Sample]) -> Fared<Vec<Vec<f32>>> {
    let run = || -> TractResult<Vec<Vec<f32>>> {
        let bytes = case.plain.encode_to_vec();
        let model = onnx().model_for_read(&mut &bytes[..])?;
        let dims = case.front.dims();
        let fact = if case.front.bytes { u8::fact(dims) } else { f32::fact(dims) };
        let model = model.with_input_fact(0, fact.into())?.into_typed()?.into_runnable()?;
        let one = |p: &Sample| -> TractResult<Vec<f32>> {
            let values = graph_input(&case.front, p);
            let input = if case.front.bytes {
                let bytes: Vec<u8> = values.iter().map(|v| v.round() as u8).collect();
                Tensor::from_shape(&dims, &bytes)?
            } else {
                Tensor::from_shape(&dims, &values)?
            };
            let out = model.run(tvec!(input.into()))?;
            Ok(out[0].to_plain_array_view::<f32>()?.iter().copied().collect())
        };
        images.iter().map(one).collect()
    };
    match catch_unwind(AssertUnwindSafe(run)) {
        Ok(Ok(logits)) if logits.iter().flatten().all(|x| x.is_finite()) => Ok(logits),
        Ok(Ok(_)) => Err(Outcome::Foreign("logits that are not finite".into())),
        Ok(Err(e)) => Err(Outcome::Foreign(e.root_cause().to_string())),
        Err(_) => Err(Outcome::Foreign("a panic".into())),
    }
}

fn imported(case: &Case) -> Fared<Network> {
    let refused = |e: tacita_compile::Error| Outcome::Refused(e.to_string());
    let mut network = import(&case.model.encode_to_vec()).map_err(refused)?;
    let front = &case.front;
    if network.input != Shape::new(front.channels, front.height, front.width) {
        return Err(Outcome::Wrong(format!("an input of {:?}", network.input)));
    }
    if network.top1 != case.class {
        return Err(Outcome::Wrong("what the client learns".into()));
    }
    if !front.bytes && !front.in_metadata {
        network.feed(&front.before).map_err(refused)?;
    }
    // The plan of the logits themselves.
    network.top1 = false;
    Ok(network)
}

fn spec(network: &Network) -> InputSpec {
    let [mean, std] = [&network.mean, &network.std].map(|v| v.clone().unwrap_or_default());
    InputSpec::new(mean, std)
}

fn fed(network: &Network, picture: &Sample) -> Vec<f32> {
    let real = normalise(picture, network.input, &spec(network)).expect("a picture that fits");
    real.into_iter().map(|x| x as f32).collect()
}

/// Logits of the compiled plan in the clear.
fn fixed(network: &Network, images: &[Sample]) -> Fared<Vec<Vec<f32>>> {
    let images = images.to_vec();
    let calibration = Calibration { images, source: "drawn".into(), ..Calibration::default() };
    let compiled = compile(network, &calibration, &Options::default());
    let (plan, _) = compiled.map_err(|e| Outcome::Refused(format!("compiling: {e}")))?;
    let unit = plan.public.tensors.last().map_or(1.0, |t| f64::from(t.frac).exp2());
    let one = |p: &Sample| {
        let input = encode(p, &plan.public).expect("a picture that fits");
        let logits = clear::evaluate(&plan, &input).pop().unwrap_or_default();
        logits.into_iter().map(|x| (x as f64 / unit) as f32).collect()
    };
    Ok(calibration.images.iter().map(one).collect())
}

fn close(what: &str, ours: &[Vec<f32>], theirs: &[Vec<f32>], within: f32) -> Fared<()> {
    for (a, b) in ours.iter().zip(theirs) {
        let near = a.iter().zip(b).all(|(a, b)| (a - b).abs() <= within);
        if a.len() != b.len() || !near {
            return Err(Outcome::Wrong(format!("{what}: {a:.4?} where {b:.4?} is right")));
        }
    }
    Ok(())
}
