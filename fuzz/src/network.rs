//! The network of the sessions: as small as one can be that uses every kind of message.

use std::sync::LazyLock;

use tacita_compile::testing::{ConvSpec, MaskForm, ModelBuilder};
use tacita_compile::{Calibration, Options, compile, import_model};
use tacita_protocol::plan::Plan;

/// The plan, made once: 1x4x4 -> convolution of two channels, half of its ReLUs kept -> pooling
/// -> two logits.
pub fn plan() -> &'static Plan {
    static PLAN: LazyLock<Plan> = LazyLock::new(|| {
        let mut b = ModelBuilder::new(3, [1, 4, 4]);
        let x = b.conv("conv", &b.image(), ConvSpec::same(1, 2, 3, 1), true);
        let mask = b.mask(2 * 4 * 4, 0.5);
        let x = b.masked_relu("act", &x, [2, 4, 4], &mask, MaskForm::default());
        let x = b.op("GlobalAveragePool", "pool", &[&x]);
        let x = b.op("Flatten", "flatten", &[&x]);
        let x = b.gemm("fc", &x, 2, 2);
        b.metadata("tacita.mean", "0");
        b.metadata("tacita.std", "1");
        let network = import_model(&b.finish(&x, 2)).expect("the network imports");
        let options = Options { batch: Some(1), ..Options::default() };
        let images = Calibration::synthetic(network.input, 4);
        compile(&network, &images, &options).expect("the network compiles").0
    });
    &PLAN
}
