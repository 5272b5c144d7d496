//! What a network costs: ReLUs, multiplications and parameters.

use super::graph::{Graph, Op};
use serde::{Deserialize, Serialize};

/// Sizes of a network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// ReLUs without any mask.
    pub relus: usize,
    /// Multiplications of convolutions and fully connected layers for one image.
    pub macs: u64,
    /// Trained values: weights, biases, scales and shifts.
    pub parameters: u64,
}

impl Graph {
    /// Counts what the network costs.
    pub fn counts(&self) -> Counts {
        let relus = self.layers.iter().map(|l| l.units()).sum();
        let (mut macs, mut parameters) = (0, 0);
        for node in &self.nodes {
            let from = node.inputs.first().map_or(node.shape, |&i| self.nodes[i].shape);
            let (weights, uses, others) = match &node.op {
                Op::Conv(c) => {
                    let weights = c.out * from.channels / c.groups * c.kernel * c.kernel;
                    let bias = if c.bias { c.out } else { 0 };
                    (weights, node.shape.height * node.shape.width, bias)
                }
                Op::Linear(_, out) => (from.units() as i64 * out, 1, *out),
                Op::Enlarge(_, out) => (from.channels * out * 4, from.height * from.width, *out),
                Op::Norm(_) => (0, 0, 2 * from.channels),
                _ => (0, 0, 0),
            };
            macs += (weights * uses) as u64;
            parameters += (weights + others) as u64;
        }
        Counts { relus, macs, parameters }
    }

    /// ReLUs of each stage without any mask, the stem first.
    pub fn stage_relus(&self) -> Vec<usize> {
        let stages = self.layers.iter().map(|l| l.stage).max().map_or(0, |s| s + 1);
        let mut relus = vec![0; stages];
        self.layers.iter().for_each(|l| relus[l.stage] += l.units());
        relus
    }
}
