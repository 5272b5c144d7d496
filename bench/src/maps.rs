//! Private maps beside clear ones: pixel by pixel, with what they cost.

use std::path::PathBuf;

use clap::Args;
use serde::Deserialize;
use serde_json::json;
use tacita_bench::certs;
use tacita_bench::clear::Clear;
use tacita_bench::client::{self, Cost, pictures};
use tacita_bench::server::Server;
use tacita_bench::stage::{build, compiler, temporary};
use tacita_cli::{Ot, Relu, json_line, line};
use tacita_image_input::Pixels;
use tacita_protocol::plan::{Shape, classes_of, decide};
use tacita_protocol::{Error, Result};

/// Options of `maps`.
#[derive(Args)]
pub struct Options {
    /// The model, whose answers are maps
    #[arg(long, default_value = "runs/unet-shapes/unet-shapes.onnx")]
    pub model: PathBuf,
    /// Folder of pictures of its size
    #[arg(long, default_value = "runs/unet-shapes/pictures")]
    pub pictures: PathBuf,
    /// Pictures to take
    #[arg(short, default_value_t = 4)]
    pub n: usize,
    /// What computes the ReLUs
    #[arg(long, value_enum)]
    pub relu: Option<Relu>,
    /// How correlated OTs are made
    #[arg(long, value_enum, default_value_t)]
    pub ot: Ot,
    /// Folder to keep the maps in
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Most pixels, in percent, that may differ from the clear fixed-point map
    #[arg(long, value_name = "PERCENT", default_value_t = 0.1)]
    pub most: f64,
    /// Results as JSON
    #[arg(long)]
    pub json: bool,
}

/// The client's answer for one image.
#[derive(Clone, Debug, Deserialize)]
struct Answer {
    image: PathBuf,
    map: Map,
    offline_batch: Cost,
    online: Cost,
    relus: u64,
}

#[derive(Clone, Debug, Deserialize)]
struct Map {
    shape: [usize; 3],
    mask: PathBuf,
}

/// Pixels, and those that differ.
#[derive(Clone, Copy, Default)]
struct Pixelwise {
    all: usize,
    set: usize,
    fixed: usize,
    float: usize,
}

/// Runs the model on the pictures, privately and in the clear.
///
/// # Errors
/// Whatever goes wrong, said plainly; also if too many pixels differ.
pub fn run(options: &Options) -> Result<()> {
    let dir = temporary()?;
    let mut images = pictures(&options.pictures)?;
    images.truncate(options.n.max(1));
    let plan = dir.path().join("model.plan");
    build(compiler(&options.model, &plan, None)?)?;
    let clear = Clear::load(&options.model, &plan)?;
    let certs = certs::make(dir.path())?;
    let server = Server::start(&plan, &certs, None)?;
    let out = options.out.clone().unwrap_or_else(|| dir.path().join("maps"));
    let mut more = client::choices(None, options.relu, options.ot);
    more.extend(["--map-out".into(), out.into_os_string()]);
    let mut total = Pixelwise::default();
    if !options.json {
        line(&head())?;
    }
    let summary = client::run(&server.addr, &certs, &images, &more, |answer: &Answer| {
        let pixels = compare(&clear, answer)?;
        total = total.plus(pixels);
        if options.json { json_line(&value(answer, pixels)) } else { line(&text(answer, pixels)) }
    })?;
    let share = 100.0 * total.fixed as f64 / total.all.max(1) as f64;
    if options.json {
        json_line(&json!({
            "event": "summary", "pixels": total.all, "differ": total.fixed, "percent": share,
            "differ_from_float": total.float, "setup_seconds": summary.setup.seconds,
        }))?;
    } else {
        line(&format!(
            "\n{} of {} pixels differ from the clear fixed-point map ({share:.3} %), {} from the \
             float network's.\n{}",
            total.fixed,
            total.all,
            total.float,
            client::cost_note(&summary)
        ))?;
    }
    if share > options.most {
        return Err(Error::local(format!("{share:.3} % of the pixels differ")));
    }
    Ok(())
}

impl Pixelwise {
    fn plus(self, other: Self) -> Self {
        Self {
            all: self.all + other.all,
            set: self.set + other.set,
            fixed: self.fixed + other.fixed,
            float: self.float + other.float,
        }
    }
}

/// The private mask beside the clear ones.
fn compare(clear: &Clear, answer: &Answer) -> Result<Pixelwise> {
    let [channels, height, width] = answer.map.shape;
    let shape = Shape::new(channels, height, width);
    let step = 255 / (classes_of(channels) - 1);
    let mask = Pixels::load(&answer.map.mask)?;
    let private: Vec<usize> =
        mask.rgb.as_chunks::<3>().0.iter().map(|[grey, ..]| usize::from(*grey) / step).collect();
    let picture = Pixels::load(&answer.image)?;
    let differ =
        |other: &[f64]| private.iter().zip(decide(other, shape)).filter(|(a, b)| **a != *b).count();
    Ok(Pixelwise {
        all: private.len(),
        set: private.iter().filter(|c| **c > 0).count(),
        fixed: differ(&clear.fixed(&picture)?),
        float: differ(&clear.float(&picture)?),
    })
}

fn head() -> String {
    let cost = client::cost_head();
    format!("{:14} {:>7} {:>7} {:>7}  {cost}", "picture", "set", "differ", "float")
}

fn text(a: &Answer, p: Pixelwise) -> String {
    let name = a.image.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    format!(
        "{name:14} {:>7} {:>7} {:>7}  {}  {}",
        p.set,
        p.fixed,
        p.float,
        client::cost_cells(&a.offline_batch, &a.online),
        a.relus,
    )
}

fn value(a: &Answer, p: Pixelwise) -> serde_json::Value {
    json!({
        "event": "image", "image": a.image.display().to_string(), "pixels": p.all, "set": p.set,
        "differ": p.fixed, "differ_from_float": p.float, "offline_batch": a.offline_batch.json(),
        "tickets": a.offline_batch.tickets, "online": a.online.json(), "relus": a.relus,
    })
}
