//! The demo: compile, start both parties as processes, classify, compare with the clear model.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::json;
use tacet_cli::{json_line, line};
use tacet_compile::Network;
use tacet_image_input::{Pixels, encode, normalise};
use tacet_protocol::plan::{Plan, clear};
use tacet_protocol::{Error, Result};

use crate::Options;
use crate::certs::{self, Certs};
use crate::cifar;
use crate::client::{self, Answer, Summary, pictures};
use crate::process::{run as run_command, sibling};
use crate::server::Server;
use crate::table::bytes;

/// Everything that a run over real processes needs.
pub struct Stage {
    /// The compiled plan.
    pub plan: Plan,
    /// The float network.
    pub network: Network,
    /// Pictures, with their classes if they are known.
    pub images: Vec<(PathBuf, Option<usize>)>,
    certs: Certs,
    server: Server,
    // Deleted last.
    _dir: tempfile::TempDir,
}

/// An answer beside what the clear model says.
pub struct Compared {
    /// The client's answer.
    pub answer: Answer,
    /// The float model's class.
    pub clear_class: usize,
    /// Largest difference to the clear fixed-point logits.
    pub logit_error: f64,
    /// The clear fixed-point class.
    pub fixed_class: usize,
    /// The true class, if known.
    pub truth: Option<usize>,
}

impl Stage {
    /// Compiles the model, makes certificates, starts the server.
    ///
    /// # Errors
    /// Whatever goes wrong, said plainly.
    pub fn set(options: &Options) -> Result<Self> {
        let dir = tempfile::tempdir().map_err(|e| Error::local(format!("no temp folder: {e}")))?;
        let images = match &options.data {
            Some(data) => cifar::test_images(data, options.n, dir.path())?
                .into_iter()
                .map(|i| (i.path, Some(i.class)))
                .collect(),
            None => pictures(&options.samples)?.into_iter().map(|p| (p, None)).collect(),
        };
        let plan_path = dir.path().join("model.plan");
        compile_as_asked(options, &plan_path)?;
        let plan = Plan::from_bytes(&read(&plan_path)?)?;
        let network = tacet_compile::import(&read(&options.model)?)
            .map_err(|e| Error::input(e.to_string()))?;
        let certs = certs::make(dir.path())?;
        let server = Server::start(&plan_path, &certs)?;
        Ok(Self { plan, network, images, certs, server, _dir: dir })
    }

    /// Infers all pictures in one session.
    ///
    /// # Errors
    /// Whatever goes wrong, said plainly.
    pub fn infer(
        &self,
        batch: Option<usize>,
        mut each: impl FnMut(Compared) -> Result<()>,
    ) -> Result<Summary> {
        let paths: Vec<PathBuf> = self.images.iter().map(|(p, _)| p.clone()).collect();
        let mut known = self.images.iter().map(|(_, class)| *class);
        client::infer(&self.server.addr, &self.certs, &paths, batch, |answer| {
            each(self.compare(answer.clone(), known.next().flatten())?)
        })
    }

    fn compare(&self, answer: Answer, truth: Option<usize>) -> Result<Compared> {
        let pixels = Pixels::load(&answer.image)?;
        let public = &self.plan.public;
        let shape = public.tensors.first().map(|t| t.shape);
        let shape = shape.ok_or_else(|| Error::local("the plan has no input"))?;
        let input = normalise(&pixels, shape, &public.input)?;
        let float: Vec<f32> = input.iter().map(|x| *x as f32).collect();
        let clear_class = argmax(self.network.evaluate(&float).into_iter().map(f64::from));
        let scale = f64::from(public.output().map_or(0, |t| t.frac)).exp2();
        let encoded = encode(&pixels, public)?;
        let logits = clear::evaluate(&self.plan, &encoded).pop().unwrap_or_default();
        let fixed: Vec<f64> = logits.iter().map(|x| *x as f64 / scale).collect();
        let differences = answer.logits.iter().zip(&fixed).map(|(p, c)| (p - c).abs());
        Ok(Compared {
            logit_error: differences.fold(0.0, f64::max),
            fixed_class: argmax(fixed.iter().copied()),
            clear_class,
            truth,
            answer,
        })
    }
}

fn read(path: &Path) -> Result<Vec<u8>> {
    fs::read(path).map_err(|e| Error::input(format!("cannot read {}: {e}", path.display())))
}

/// The first of the largest values.
fn argmax(values: impl Iterator<Item = f64>) -> usize {
    let best = values.enumerate().reduce(|a, b| if b.1 > a.1 { b } else { a });
    best.map_or(0, |(i, _)| i)
}

/// Calibrates on training images where there are any; else the model's stored ranges serve.
fn compile_as_asked(options: &Options, plan: &Path) -> Result<()> {
    let mut more = Vec::new();
    if let Some(frac) = options.frac {
        more.extend(["--frac".into(), frac.to_string().into()]);
    }
    let training =
        options.data.as_ref().map(|d| d.join("data_batch_1.bin")).filter(|f| f.is_file());
    if let Some(file) = training {
        more.extend(["--calibrate".into(), file.into_os_string()]);
    }
    compile(&options.model, plan, &more)
}

/// Runs the compiler, with more arguments.
///
/// # Errors
/// `Local` if it fails.
pub fn compile(model: &Path, plan: &Path, more: &[OsString]) -> Result<()> {
    let mut command = sibling("tacet-compile")?;
    command.arg("build").arg(model).arg("-o").arg(plan).args(more);
    command.stdout(std::process::Stdio::null());
    run_command(command, "tacet-compile")
}

/// Counts over a run.
#[derive(Default)]
struct Score {
    images: usize,
    agree: usize,
    private_right: usize,
    clear_right: usize,
}

impl Score {
    fn add(&mut self, c: &Compared) {
        self.images += 1;
        self.agree += usize::from(c.answer.class == c.clear_class);
        self.private_right += usize::from(c.truth == Some(c.answer.class));
        self.clear_right += usize::from(c.truth == Some(c.clear_class));
    }
}

/// Runs the demo.
///
/// # Errors
/// Whatever goes wrong, said plainly.
pub fn run(options: &Options) -> Result<()> {
    let stage = Stage::set(options)?;
    let mut score = Score::default();
    if !options.json {
        line(&head())?;
    }
    let summary = stage.infer(options.batch, |c| {
        score.add(&c);
        if options.json { json_line(&image_json(&c)) } else { line(&image_text(&c)) }
    })?;
    let labelled = options.data.is_some();
    if options.json {
        return json_line(&json!({
            "event": "summary", "images": score.images, "agree": score.agree,
            "private_correct": labelled.then_some(score.private_right),
            "clear_correct": labelled.then_some(score.clear_right),
        }));
    }
    let n = score.images;
    line(&format!("\n{} of {n} private labels are the clear model's.", score.agree))?;
    if labelled {
        let percent = |right: usize| 100.0 * right as f64 / n.max(1) as f64;
        line(&format!(
            "Accuracy on these {n} test images: private {:.2} %, clear {:.2} %.",
            percent(score.private_right),
            percent(score.clear_right)
        ))?;
    }
    line(&format!(
        "Offline figures are a ticket's share of its batch. Session set-up {:.2} s, {} up, {} down. \
         All over TLS 1.3 on loopback, bytes counted above TLS.",
        summary.setup.seconds,
        bytes(summary.setup.up as f64),
        bytes(summary.setup.down as f64)
    ))
}

/// Head of the table; offline figures are a ticket's share of its batch.
fn head() -> String {
    format!(
        "{:18} {:12} {:9} {:>9} {:>9} {:>9} {:>6} {:>9} {:>9} {:>9} {:>6}  ReLUs",
        "picture",
        "private",
        "clear",
        "offline s",
        "up",
        "down",
        "rounds",
        "online s",
        "up",
        "down",
        "rounds"
    )
}

fn image_text(c: &Compared) -> String {
    let a = &c.answer;
    let (off, on) = (a.offline_batch, a.online);
    let share = |x: f64| x / off.tickets.max(1) as f64;
    let name = a.image.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    format!(
        "{name:18} {:12} {:9} {:>9.3} {:>9} {:>9} {:>6} {:>9.3} {:>9} {:>9} {:>6}  {} of {}",
        a.label,
        if a.class == c.clear_class { "the same" } else { "ANOTHER" },
        share(off.seconds),
        bytes(share(off.up as f64)),
        bytes(share(off.down as f64)),
        off.rounds,
        on.seconds,
        bytes(on.up as f64),
        bytes(on.down as f64),
        on.rounds,
        a.relus,
        a.unmasked_relus,
    )
}

fn image_json(c: &Compared) -> serde_json::Value {
    let a = &c.answer;
    let cost = |x: &client::Cost| json!({"seconds": x.seconds, "up": x.up, "down": x.down, "rounds": x.rounds});
    json!({
        "event": "image", "image": a.image.display().to_string(), "label": a.label,
        "class": a.class, "clear_class": c.clear_class, "truth": c.truth,
        "offline_batch": cost(&a.offline_batch), "tickets": a.offline_batch.tickets,
        "online": cost(&a.online), "relus": a.relus, "unmasked_relus": a.unmasked_relus,
        "logit_error": c.logit_error,
    })
}
