//! The CIFAR-10 network of MiniONN (Liu et al. 2017) and Delphi.

use tacita_protocol::plan::ConvShape;

use super::builder::Builder;

/// Channels, kernel, and whether 2x2 pixels are averaged afterwards.
const CONVS: [(usize, usize, bool); 7] = [
    (64, 3, false),
    (64, 3, true),
    (64, 3, false),
    (64, 3, true),
    (64, 3, false),
    (64, 1, false),
    (16, 1, false),
];

/// MiniONN's network with 10 classes.
pub fn minionn(build: &mut Builder) {
    for (i, (width, kernel, pool)) in (1..).zip(CONVS) {
        let shape = ConvShape::same(build.shape(build.last()), width, kernel, 1);
        build.conv(&format!("conv{i}"), build.last(), shape, true);
        if pool {
            build.average(&format!("pool{i}"), build.last(), 2);
        }
    }
    build.connected(10);
}
