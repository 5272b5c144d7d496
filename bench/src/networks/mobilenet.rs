//! MobileNetV1 for small images (Howard et al. 2017).

use tacita_protocol::plan::ConvShape;

use super::builder::Builder;

/// Channels and stride of each pair of a depthwise and a pointwise convolution.
const PAIRS: [(usize, usize); 13] = [
    (64, 1),
    (128, 2),
    (128, 1),
    (256, 2),
    (256, 1),
    (512, 2),
    (512, 1),
    (512, 1),
    (512, 1),
    (512, 1),
    (512, 1),
    (1024, 2),
    (1024, 1),
];

/// MobileNetV1 with 100 classes.
pub fn mobilenet(build: &mut Builder) {
    let stem = ConvShape::same(build.shape(0), 32, 3, 1);
    build.conv("stem", 0, stem, true);
    for (pair, (width, stride)) in (1..).zip(PAIRS) {
        let from = build.shape(build.last());
        let depthwise =
            ConvShape { groups: from.channels, ..ConvShape::same(from, from.channels, 3, stride) };
        build.conv(&format!("pair{pair}.depthwise"), build.last(), depthwise, true);
        let pointwise = ConvShape::same(depthwise.output(), width, 1, 1);
        build.conv(&format!("pair{pair}.pointwise"), build.last(), pointwise, true);
    }
    build.head(100);
}
