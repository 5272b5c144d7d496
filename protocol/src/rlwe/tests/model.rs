//! The byte model: what a ticket costs on the wire, asserted.

use std::time::{Duration, Instant};

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

/// ResNet18 for 32x32 images: a projection shares its tensor with a 3x3 convolution of stride 2
/// and rides along as more output channels of it. The first layer is in it.
fn resnet18() -> Vec<ConvShape> {
    let mut layers = vec![conv(3, 32, 32, 64, 3, 1)];
    layers.extend([conv(64, 32, 32, 64, 3, 1); 4]);
    for (channels, size) in [(128, 16), (256, 8), (512, 4)] {
        layers.push(conv(channels / 2, 2 * size, 2 * size, 2 * channels, 3, 2));
        layers.extend([conv(channels, size, size, channels, 3, 1); 3]);
    }
    layers.push(conv(512, 1, 1, 100, 1, 1));
    layers
}

/// Megabytes (10^6) and products per ticket.
fn total(batch: usize) -> (f64, usize) {
    let packings = resnet18().into_iter().map(|s| Packing::choose(&s, batch).unwrap());
    let (mut sum, mut products) = (0, 0);
    for p in packings {
        sum += bytes(&p);
        products += p.products();
        println!("  B={batch} {:?} {} kB: {}", p.shape().input, bytes(&p) / batch / 1000, line(&p));
    }
    (sum as f64 / batch as f64 / 1e6, products / batch)
}

#[test]
fn single_layers() {
    for batch in [1, 8] {
        layer(&conv(64, 32, 32, 64, 3, 1), batch);
        layer(&conv(512, 4, 4, 512, 3, 1), batch);
    }
}

#[test]
fn resnet18_costs_no_more_than_specified() {
    for (batch, most) in [(1, 110.0), (8, 42.0), (32, 31.0)] {
        let start = Instant::now();
        let (mb, products) = total(batch);
        println!("B={batch}: {mb:.2} MB and {products} products a ticket, {:.1?}", start.elapsed());
        assert!(mb <= most, "{mb:.1} MB at B={batch}, {most} specified");
    }
}

/// Not an assertion: `cargo test --release -p tacet-protocol timings -- --ignored --nocapture`.
#[test]
#[ignore = "prints timings"]
fn timings() {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
    for batch in [1, 8] {
        pool.install(|| time_layer(&conv(64, 32, 32, 64, 3, 1), batch));
        pool.install(|| time_layer(&conv(512, 4, 4, 512, 3, 1), batch));
    }
}

/// Processor time of this thread, so that other work on the machine does not count.
fn thread_time() -> Duration {
    let stat = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    Duration::from_nanos(stat.split_whitespace().next().unwrap().parse().unwrap())
}

fn time_layer(shape: &ConvShape, batch: usize) {
    let packing = Packing::choose(shape, batch).unwrap();
    let mut rng = SecretRng::from_test_seed(1);
    let key = SecretKey::generate(&mut rng);
    let public = key.public_key(&mut rng);
    let raw = weights(shape, 100, &mut rng);
    let mut defined = Defined::none(batch, shape.input.len());
    let mut r = vec![0; defined.len()];
    let mut clock = thread_time();
    let mut lap = |what: &str, count: usize| {
        let took = thread_time() - clock;
        println!("{what:>20}: {took:>10.2?}, {:>8.2?} each", took / count as u32);
        clock = thread_time();
    };
    println!("{}", line(&packing));
    let cells = CellMap::new(&packing, &mut defined).unwrap();
    lap("cell map", packing.uploads());
    let upload = encrypt_mask(&key, &cells, &[0; 32], 0, &mut r, &mut rng).unwrap();
    lap("encrypt", packing.uploads());
    let input = receive_upload(&cells, &[0; 32], 0, &upload).unwrap();
    lap("receive", packing.uploads());
    let prepared = PreparedWeights::new(&packing, &raw).unwrap();
    lap("prepare weights", packing.weight_polys());
    let mask = rng.u64s(batch * shape.output().len());
    let weights = Weights::Prepared(&prepared);
    let response = evaluate(&packing, weights, &input, &public, &mask, &mut rng).unwrap();
    lap("evaluate, products", packing.products());
    decrypt_response(&key, &packing, &response).unwrap();
    lap("decrypt", packing.responses());
}
