//! VGG (Simonyan and Zisserman 2015) with average pools, as private inference has it.

use tacita_protocol::plan::ConvShape;

use super::builder::Builder;

/// Channels and convolutions of each block.
const BLOCKS: [(usize, usize); 5] = [(64, 2), (128, 2), (256, 3), (512, 3), (512, 3)];

/// VGG16 with 100 classes.
pub fn vgg16(build: &mut Builder) {
    for (block, (width, convs)) in (1..).zip(BLOCKS) {
        for conv in 1..=convs {
            let shape = ConvShape::same(build.shape(build.last()), width, 3, 1);
            build.conv(&format!("block{block}.{conv}"), build.last(), shape, true);
        }
        build.average(&format!("block{block}.pool"), build.last(), 2);
    }
    build.head(100);
}
