//! A compiled model, its clear evaluators, and both parties as processes over TLS.

use std::path::{Path, PathBuf};
use std::process::Command;

use clap::Args;
use tacita_cli::Ot;
use tacita_image_input::Pixels;
use tacita_protocol::plan::class_of;
use tacita_protocol::{Error, Result};
use tempfile::TempDir;

use crate::certs::{self, Certs};
use crate::cifar;
use crate::clear::{Clear, largest_difference};
use crate::client::{self, Answer, Summary, pictures};
use crate::process::{run, sibling};
use crate::server::Server;

/// Options of the verbs that run the protocol on pictures.
#[derive(Args)]
pub struct Options {
    /// The model
    #[arg(long, default_value = "models/cifar10-thin.onnx")]
    pub model: PathBuf,
    /// Folder of pictures to classify
    #[arg(long, default_value = "samples")]
    pub samples: PathBuf,
    /// Folder of official CIFAR-10 binaries: classify its test images instead of the samples
    #[arg(long)]
    pub data: Option<PathBuf>,
    /// Test images to take from --data
    #[arg(short, default_value_t = 100)]
    pub n: usize,
    /// Tickets made at a time; by default what the compiler chose
    #[arg(long)]
    pub batch: Option<usize>,
    /// Fractional bits of the activations; by default what the compiler takes
    #[arg(long)]
    pub frac: Option<u32>,
    /// Results as JSON
    #[arg(long)]
    pub json: bool,
}

/// An image file and its class, if that is known.
pub type Picture = (PathBuf, Option<usize>);

/// Everything that a run over real processes needs.
pub struct Stage {
    /// The model in the clear.
    pub clear: Clear,
    /// Pictures.
    pub images: Vec<Picture>,
    certs: Certs,
    server: Server,
    // Deleted last.
    _dir: TempDir,
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
        let dir = temporary()?;
        let images = match &options.data {
            Some(data) => cifar::test_images(data, options.n, dir.path())?
                .into_iter()
                .map(|i| (i.path, Some(i.class)))
                .collect(),
            None => pictures(&options.samples)?.into_iter().map(|p| (p, None)).collect(),
        };
        let plan = dir.path().join("model.plan");
        let mut command = compiler(&options.model, &plan, options.data.as_deref())?;
        if let Some(frac) = options.frac {
            command.args(["--frac", &frac.to_string()]);
        }
        build(command)?;
        let clear = Clear::load(&options.model, &plan)?;
        Self::start(clear, &plan, images, (options.batch, dir))
    }

    /// Makes certificates in `dir` and starts the server on the plan's file.
    ///
    /// # Errors
    /// `Local` if the server does not start.
    pub fn start(
        clear: Clear,
        plan: &Path,
        images: Vec<Picture>,
        (batch, dir): (Option<usize>, TempDir),
    ) -> Result<Self> {
        let certs = certs::make(dir.path())?;
        let server = Server::start(plan, &certs, batch)?;
        Ok(Self { clear, images, certs, server, _dir: dir })
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
        client::infer(
            &self.server.addr,
            &self.certs,
            &paths,
            (batch, None, Ot::SoftSpoken),
            |answer| each(self.compare(answer.clone(), known.next().flatten())?),
        )
    }

    fn compare(&self, answer: Answer, truth: Option<usize>) -> Result<Compared> {
        let pixels = Pixels::load(&answer.image)?;
        let fixed = self.clear.fixed(&pixels)?;
        let (private, clear) = answer.beside(&fixed);
        Ok(Compared {
            clear_class: class_of(&self.clear.float(&pixels)?),
            logit_error: largest_difference(&private, &clear),
            fixed_class: class_of(&fixed),
            truth,
            answer,
        })
    }
}

/// A folder that goes with its owner.
///
/// # Errors
/// `Local` if it cannot be made.
pub fn temporary() -> Result<TempDir> {
    tempfile::tempdir().map_err(|e| Error::local(format!("no temp folder: {e}")))
}

/// Runs a [`compiler`] command, whose own report is not wanted.
///
/// # Errors
/// `Local` if it fails.
pub fn build(mut compiler: Command) -> Result<()> {
    compiler.stdout(std::process::Stdio::null());
    run(compiler, "tacita-compile")
}

/// `tacita-compile build`. Ranges come from training images where `data` has them; else the model's
/// stored ranges serve, or drawn images.
///
/// # Errors
/// `Local` if the compiler has not been built.
pub fn compiler(model: &Path, plan: &Path, data: Option<&Path>) -> Result<Command> {
    let mut command = sibling("tacita-compile")?;
    command.arg("build").arg(model).arg("-o").arg(plan);
    let training = data.map(|d| d.join("data_batch_1.bin")).filter(|f| f.is_file());
    if let Some(file) = training {
        command.arg("--calibrate").arg(file);
    } else {
        // Drawn images are what is run, too.
        command.arg("--drawn-ranges");
    }
    Ok(command)
}
