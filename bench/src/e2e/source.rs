//! Where a plan and its images come from.

use std::path::{Path, PathBuf};

use tacita_bench::cifar::write_png;
use tacita_bench::clear::Clear;
use tacita_bench::networks::{Keep, Network};
use tacita_bench::stage::{build, compiler};
use tacita_compile::Calibration;
use tacita_protocol::plan::{Plan, PublicPlan};
use tacita_protocol::{Error, Result};

/// A network with its masks.
pub enum Source {
    /// One of ours, with drawn weights.
    Drawn(Box<Network>, Keep),
    /// A file with masks of its own.
    File(PathBuf),
}

impl Source {
    /// A network by name, or a file. `None` keeps what there is.
    ///
    /// # Errors
    /// `Input` if there is no such network, or for other masks than a file's own.
    pub fn named(name: &str, keep: Option<Keep>) -> Result<Self> {
        let keep = keep.unwrap_or(Keep::All);
        if !name.ends_with(".onnx") {
            let network = Network::named(name)?;
            keep.of(network.relus())?;
            return Ok(Self::Drawn(Box::new(network), keep));
        }
        if keep != Keep::All {
            return Err(Error::input(format!(
                "{name} has masks of its own: leave --relus out, or give the file other masks"
            )));
        }
        Ok(Self::File(name.into()))
    }

    /// What it is called.
    pub fn name(&self) -> String {
        match self {
            Self::Drawn(network, _) => network.name().into(),
            Self::File(path) => path.file_stem().unwrap_or_default().to_string_lossy().into_owned(),
        }
    }

    /// Writes the plan's file.
    ///
    /// # Errors
    /// `Input` if the model is refused, `Local` if the file cannot be written.
    pub fn write(&self, path: &Path) -> Result<Plan> {
        match self {
            Self::Drawn(network, keep) => {
                let plan = network.plan(*keep)?;
                std::fs::write(path, plan.to_bytes()?)
                    .map_err(|e| Error::local(format!("{}: {e}", path.display())))?;
                Ok(plan)
            }
            Self::File(model) => {
                build(compiler(model, path, None)?)?;
                Clear::plan(path)
            }
        }
    }
}

/// Drawn images of the network's size as files in `dir`.
///
/// # Errors
/// `Local` if one cannot be written.
pub fn images(plan: &PublicPlan, n: usize, dir: &Path) -> Result<Vec<PathBuf>> {
    let shape = plan.tensors.first().map(|t| t.shape);
    let shape = shape.ok_or_else(|| Error::input("the plan has no input"))?;
    let pixels = Calibration::pictures(shape, n);
    pixels.iter().enumerate().map(|(i, pixels)| write_png(pixels, i, dir)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_run_is_refused_before_anything_starts() {
        let error = |net, keep| Source::named(net, keep).err().map(|e| e.to_string()).unwrap();
        assert!(error("alexnet", None).contains("resnet18"));
        assert!(error("resnet20", Some(Keep::Count(1 << 30))).contains("188416"));
        assert!(error("model.onnx", Some(Keep::Count(5))).contains("--relus"));
        assert_eq!(Source::named("a/model.onnx", Some(Keep::All)).unwrap().name(), "model");
    }
}
