//! Options of HybReNet.

use super::Budget;
use super::args::{budget, size};
use crate::deepreduce::profile;
use crate::hybrenet::{LARGEST, ORDER, Problem, STAGES, Setting};
use crate::{Error, Result};
use clap::{Args, Subcommand};
use std::path::PathBuf;
use tacita_architectures::Shape;

/// The verbs of HybReNet.
#[derive(Debug, Subcommand)]
pub enum HybReNetVerb {
    /// Find the least widths under which the stages have ReLUs in the order of their
    /// criticality, and the networks that have them.
    Equalize(EqualizeArgs),
    /// List the published networks with what they cost.
    List(SizedArgs),
}

/// What networks are counted for.
#[derive(Args, Clone, Debug)]
pub struct SizedArgs {
    /// Blocks of each of the four stages.
    #[arg(long, value_name = "N,..", value_delimiter = ',', default_values_t = [2; STAGES])]
    pub depths: Vec<usize>,
    /// Rows and columns of an image (one number for squares).
    #[arg(long, value_name = "HxW", default_value = "32", value_parser = size)]
    pub input_size: (usize, usize),
    /// Channels of an image.
    #[arg(long, value_name = "N", default_value_t = 3)]
    pub channels: usize,
    /// Classes.
    #[arg(long, value_name = "N", default_value_t = 100)]
    pub classes: usize,
}

impl SizedArgs {
    /// The same, checked.
    ///
    /// # Errors
    /// There are not four depths.
    pub fn setting(&self) -> Result<Setting> {
        let problem = "needs one number for each of the four stages";
        let depths = <[usize; STAGES]>::try_from(self.depths.as_slice())
            .map_err(|_| Error::BadSetting { setting: "--depths", problem })?;
        let (height, width) = (self.input_size.0 as i64, self.input_size.1 as i64);
        let input = Shape { channels: self.channels as i64, height, width };
        Ok(Setting { input, classes: self.classes as i64, depths })
    }
}

/// Arguments of `hybrenet equalize`.
#[derive(Args, Debug)]
pub struct EqualizeArgs {
    #[command(flatten)]
    /// What networks are counted for.
    pub sized: SizedArgs,
    /// The stages, most critical first [default: s3,s2,s4,s1, as DeepReDuce finds for ResNets].
    #[arg(long, value_name = "STAGE,..", value_delimiter = ',', conflicts_with = "criticality")]
    pub order: Option<Vec<String>>,
    /// Take the order from this file, which `deepreduce profile` wrote.
    #[arg(long, value_name = "FILE")]
    pub criticality: Option<PathBuf>,
    /// Least factor between the widths of neighbouring stages.
    #[arg(long, value_name = "N", default_value_t = 2)]
    pub min: u64,
    /// Largest factor.
    #[arg(long, value_name = "N", default_value_t = LARGEST)]
    pub max: u64,
    /// Choose for each network the largest base width with at most so many ReLUs, the stem's
    /// included: a number, or thousands as in 350k.
    #[arg(long, value_name = "N", value_parser = count, conflicts_with = "base_width")]
    pub relu_budget: Option<usize>,
    /// Base width where there is no budget.
    #[arg(long, value_name = "N", default_value_t = 16)]
    pub base_width: i64,
}

impl EqualizeArgs {
    /// The problem that the options pose.
    ///
    /// # Errors
    /// The order is not one of four stages, a bound is out of range, or the file of
    /// criticalities cannot be used.
    pub fn problem(&self) -> Result<Problem> {
        let order = match (&self.criticality, &self.order) {
            (Some(path), _) => numbers(&profile::read_order(path)?)?,
            (_, Some(order)) => numbers(order)?,
            _ => ORDER,
        };
        Problem::new(order, self.sized.setting()?.depths, (self.min, self.max))
    }
}

/// `s3,s2,s4,s1` as numbers of stages.
fn numbers(order: &[String]) -> Result<[usize; STAGES]> {
    let number = |s: &String| s.trim_start_matches(['s', 'S']).parse().unwrap_or(0);
    let order: Vec<usize> = order.iter().map(number).collect();
    let problem = "does not name each of s1, s2, s3 and s4 once";
    order.try_into().map_err(|_| Error::BadSetting { setting: "--order", problem })
}

/// A number of ReLUs, but no share.
fn count(text: &str) -> std::result::Result<usize, String> {
    match budget(text)? {
        Budget::Count(count) => Ok(count),
        Budget::Share(_) => Err("a number of ReLUs, such as 350000 or 350k".to_owned()),
    }
}
