//! Training on labels alone, under whatever masks the network has: the all-ReLU network that
//! guides later stages (SENet's AR model).

use crate::Result;
use crate::batch::Batch;
use crate::fit::Method;
use crate::loss::cross_entropy;
use crate::net::{Mode, Net};
use tch::Tensor;

/// Training on labels.
#[derive(Debug)]
pub struct Labels {
    /// Share of a label's probability that is spread over the other classes.
    pub smoothing: f64,
}

impl Method for Labels {
    fn loss(&mut self, net: &Net, batch: &Batch) -> Result<Tensor> {
        let out = net.forward(&batch.images, Mode::Train)?;
        cross_entropy(&out.logits, &batch.labels, self.smoothing)
    }
}
