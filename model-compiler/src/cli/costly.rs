//! What to do about a network whose ReLUs make an answer dear.

use tacita_compile::Result;
use tacita_protocol::cost::{CostModel, Prediction};
use tacita_protocol::gadget::ReluChoice;
use tacita_protocol::plan::{PublicPlan, ReluChoices};

use super::output::bytes;

/// Bytes of one answer, its ticket included, from which on something is said.
const DEAR: u64 = 100_000_000;
/// The part of the ReLUs that a mask is supposed to keep, for comparison.
const MASKED: u64 = 10;

/// Bytes of an answer, its ticket included; those of its ReLUs among them.
#[derive(Clone, Copy)]
struct Answer {
    all: u64,
    relus: u64,
}

/// A warning if ReLUs make an answer dear: by how much, and what would make it cheaper.
///
/// # Errors
/// If a convolution cannot be packed.
pub fn warning(plan: &PublicPlan, calibrated: bool) -> Result<Option<String>> {
    let model = CostModel::new(plan, plan.batch)?;
    let now = Answer::of(&model.traffic()?);
    if now.all < DEAR || 2 * now.relus < now.all {
        return Ok(None);
    }
    let mut ways = Vec::new();
    for choice in ReluChoice::all() {
        let other = model.clone().with_relus(&ReluChoices::uniform(plan, choice));
        let other = Answer::of(&other.traffic()?);
        if 10 * other.all < 9 * now.all {
            ways.push(format!("--relu {choice} makes it {}", bytes(other.all)));
        }
    }
    if !calibrated {
        ways.push("images (--calibrate) show which bits need no comparing".into());
    }
    let masked = now.all - now.relus + now.relus / MASKED;
    ways.push(format!(
        "a mask that keeps one ReLU in {MASKED} would make it about {} (tacita-train finds masks)",
        bytes(masked)
    ));
    Ok(Some(format!(
        "an answer moves {}, {} of it for {} ReLUs: {}",
        bytes(now.all),
        bytes(now.relus),
        plan.relus(),
        ways.join("; ")
    )))
}

impl Answer {
    fn of(p: &Prediction) -> Self {
        let batch = p.batch.max(1) as u64;
        let all = (p.offline.up + p.offline.down) / batch + p.online.up + p.online.down;
        let lattice: u64 = p.tensors.iter().map(|t| t.lattice_up + t.lattice_down).sum();
        Self { all, relus: all.saturating_sub(lattice / batch) }
    }
}

#[cfg(test)]
mod tests {
    use tacita_compile::testing::ResNet;
    use tacita_compile::{Calibration, Options, compile, import_model};

    use super::*;

    fn plan(side: usize, keep: f32) -> PublicPlan {
        let net = ResNet { side, widths: [16, 32, 64], ..ResNet::tiny(3, keep) };
        let network = import_model(&net.model()).unwrap();
        let images = Calibration::synthetic(network.input, 1);
        let options = Options { batch: Some(1), ..Options::default() };
        compile(&network, &images, &options).unwrap().0.public
    }

    #[test]
    fn a_dear_answer_is_said_to_be_one() {
        let dear = plan(48, 1.0);
        let told = warning(&dear, false).unwrap().unwrap();
        for part in ["an answer moves", "--relu ot", "--calibrate", "mask"] {
            assert!(told.contains(part), "{told}");
        }
        assert!(!warning(&dear, true).unwrap().unwrap().contains("--calibrate"));
    }

    #[test]
    fn a_cheap_one_is_not() {
        assert_eq!(warning(&plan(8, 0.1), false).unwrap(), None);
    }
}
