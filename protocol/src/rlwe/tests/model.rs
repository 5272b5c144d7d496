//! The byte model (docs/protocol.md, section 4): what a ticket costs on the wire, asserted.

use std::time::Instant;

use super::layout::line;
use super::*;

/// Bytes of a batch whose masks are all free.
fn bytes(packing: &Packing) -> usize {
    let none = Defined::none(packing.batch(), packing.shape().input.len());
    packing.upload_bytes(&none).unwrap() + packing.response_bytes()
}

/// Bytes per ticket of one layer, in kB.
fn layer(shape: &ConvShape, batch: usize) -> usize {
    let start = Instant::now();
    let packing = Packing::choose(shape, batch).unwrap();
    let took = start.elapsed();
    let kb = bytes(&packing) / batch / 1000;
    let (c, h, o) = (shape.input.channels, shape.input.height, shape.out_channels);
    println!("{c}->{o} on {h}, B={batch}: {kb} kB, {} in {took:.1?}", line(&packing));
    kb
}

/// Layers that share one input tensor, with the number of times that they occur.
struct Group {
    times: usize,
    layers: Vec<ConvShape>,
}

/// ResNet18 for 32x32 images, each projection either as more output channels of the 3x3
/// convolution of stride 2 that shares its tensor, or on its own with masks that are known.
fn resnet18(merged: bool) -> Vec<Group> {
    let group = |times, layers: &[ConvShape]| Group { times, layers: layers.to_vec() };
    let mut groups = vec![group(1, &[conv(3, 32, 32, 64, 3, 1)])];
    groups.push(group(4, &[conv(64, 32, 32, 64, 3, 1)]));
    for (out, size) in [(128, 32), (256, 16), (512, 8)] {
        let strided = |channels, kernel| conv(out / 2, size, size, channels, kernel, 2);
        groups.push(match merged {
            true => group(1, &[strided(2 * out, 3)]),
            false => group(1, &[strided(out, 3), strided(out, 1)]),
        });
        groups.push(group(3, &[conv(out, size / 2, size / 2, out, 3, 1)]));
    }
    groups.push(group(1, &[conv(512, 1, 1, 100, 1, 1)]));
    groups
}

/// Bytes and products of a batch.
fn cost(group: &Group, batch: usize) -> (usize, usize) {
    let mut defined = Defined::none(batch, group.layers[0].input.len());
    let (mut bytes, mut products) = (0, 0);
    for shape in &group.layers {
        let packing = Packing::choose(shape, batch).unwrap();
        let cells = CellMap::new(&packing, &mut defined).unwrap();
        bytes += cells.bytes() + packing.response_bytes();
        products += packing.products();
    }
    (group.times * bytes, group.times * products)
}

/// Megabytes (10^6) and products per ticket.
fn total(costs: impl Iterator<Item = (usize, usize)>, batch: usize) -> (f64, usize) {
    let (bytes, products) = costs.fold((0, 0), |sum, c| (sum.0 + c.0, sum.1 + c.1));
    (bytes as f64 / batch as f64 / 1e6, products / batch)
}

#[test]
fn single_layers() {
    for (batch, wide, deep) in [(1, 4904, 5308), (8, 2173, 1893)] {
        assert!(layer(&conv(64, 32, 32, 64, 3, 1), batch) <= wide);
        assert!(layer(&conv(512, 4, 4, 512, 3, 1), batch) <= deep);
    }
}

#[test]
fn resnet18_costs_no_more_than_specified() {
    for (batch, specified, reached) in [(1, 110.0, 94.5), (8, 42.0, 36.4), (32, 31.0, 22.8)] {
        let costs = |merged| resnet18(merged).into_iter().map(move |g| cost(&g, batch));
        let (mb, products) = total(costs(true), batch);
        println!("B={batch}, merged: {mb:.2} MB and {products} products a ticket");
        assert!(mb <= reached && reached < specified, "{mb:.2} MB at B={batch}");
        let (best, products) = total(costs(true).zip(costs(false)).map(|(m, s)| m.min(s)), batch);
        println!("B={batch}, cheaper of both: {best:.2} MB and {products} products a ticket");
        assert!(best <= mb);
    }
}
