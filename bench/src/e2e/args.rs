//! The command lines of `e2e` and `sweep`.

use std::path::PathBuf;

use clap::Args;
use clap::builder::RangedU64ValueParser;
use tacita_bench::networks::Keep;
use tacita_cli::{Ot, Relu, session_choices};
use tacita_protocol::Result;
use tacita_protocol::cost::Link;
use tacita_protocol::ot::OtConfig;
use tacita_protocol::plan::{MAX_BATCH, PublicPlan, ReluChoices};
use tacita_protocol::session::SessionLimits;

/// Options of `e2e`.
#[derive(Args)]
pub struct E2e {
    #[command(flatten)]
    pub common: Common,
    /// ReLUs to keep: 50k, 50000, 10% or all, at drawn positions; a file keeps its own masks
    #[arg(long, default_value = "all", value_parser = parse::<Keep>)]
    pub relus: Keep,
}

/// Options of both verbs.
#[derive(Args)]
pub struct Common {
    /// A network with drawn weights, by any name that the trainer knows (resnet18, resnet56,
    /// wrn22-8, vgg16, mobilenetv1, minionn, hrn-5x5x3x), or FILE.onnx
    #[arg(long, value_name = "NAME", default_value = "resnet18")]
    pub net: String,
    /// The connection: loopback, lan, wan, mobile, RTT,RATE or RTT,UP,DOWN (such as 20ms,200Mbit)
    #[arg(long, default_value = "loopback", value_parser = parse::<Link>)]
    pub network: Link,
    /// What computes the ReLUs
    #[arg(long, value_enum, default_value_t)]
    pub relu: Relu,
    /// How correlated OTs are made
    #[arg(long, value_enum, default_value_t)]
    pub ot: Ot,
    /// Tickets made at a time
    #[arg(long, default_value_t = 8,
          value_parser = RangedU64ValueParser::<usize>::new().range(1..=MAX_BATCH as u64))]
    pub batch: usize,
    /// Images to classify; whole batches of them, two at least, for the first offline run also
    /// prepares the weights [default: two batches]
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub images: usize,
    /// Results as JSON
    #[arg(long)]
    pub json: bool,
    /// Append the results to this file, one JSON object a line
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
}

impl Common {
    /// Images of the run: whole batches, two at least.
    pub fn images(&self) -> usize {
        self.batch * self.images.div_ceil(self.batch).max(2)
    }

    /// What the client's command line takes of these options.
    pub fn client(&self) -> Vec<String> {
        let mut options = vec!["--batch".into(), self.batch.to_string()];
        options.extend(["--relu".into(), self.relu.to_string()]);
        options.extend(["--ot".into(), self.ot.to_string()]);
        options.extend(["--network".into(), self.network_text()]);
        options
    }

    /// What the client makes of `--relu` and `--ot`, given its command line.
    ///
    /// # Errors
    /// If the plan's convolutions cannot be packed.
    pub fn choices(&self, plan: &PublicPlan) -> Result<(ReluChoices, OtConfig)> {
        let asked = (Some(self.relu), self.ot);
        let session = (self.images(), SessionLimits::default().ot_stock as u64);
        session_choices(plan, self.batch, asked, session, Some(&self.network_text().parse()?))
    }

    fn network_text(&self) -> String {
        let Link { rtt, rate_up, rate_down, one_machine, .. } = self.network;
        if one_machine {
            return "loopback".into();
        }
        format!("{}s,{}kbit,{}kbit", rtt, rate_up / 1e3, rate_down / 1e3)
    }
}

fn parse<T: std::str::FromStr<Err = tacita_protocol::Error>>(
    text: &str,
) -> std::result::Result<T, String> {
    text.parse().map_err(|e: tacita_protocol::Error| e.to_string())
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        e2e: E2e,
    }

    fn read(words: &[&str]) -> Common {
        Line::parse_from(std::iter::once("e2e").chain(words.iter().copied())).e2e.common
    }

    #[test]
    fn images_come_in_whole_batches_and_two_at_least() {
        assert_eq!(read(&["--batch", "8"]).images(), 16);
        assert_eq!(read(&["--batch", "8", "--images", "3"]).images(), 16);
        assert_eq!(read(&["--batch", "8", "--images", "17"]).images(), 24);
    }

    #[test]
    fn the_clients_network_is_the_one_asked_for() {
        for text in ["loopback", "lan", "wan", "mobile", "20ms,200Mbit", "1500us,1Gbit,300kbit"] {
            let common = read(&["--network", text]);
            let again: Link = common.network_text().parse().unwrap();
            assert_eq!(again.line(), common.network.line(), "{text}");
        }
    }
}
