//! The kernels under criterion, on one thread:
//! `cargo bench -p tacita-bench --features criterion [-- FILTER]`.
//!
//! For work on a kernel: wall-clock time, with a comparison to the last run. For figures beside
//! what the machine can do, see `tacita-bench kernels`.

use criterion::{BatchSize, Criterion, Throughput};
use tacita_bench::cases::{Conv, Gates, Instance, Keys, Layer, Polynomials, ProductStream, Relus};
use tacita_protocol::gadget::CompareBits;
use tacita_protocol::linear::Backend;
use tacita_protocol::plan::{ConvShape, Shape};
use tacita_protocol::rng::SecretRng;
use tacita_protocol::{Error, Result};

/// OTs of an extension.
const OTS: usize = 1 << 16;
/// Batches of gates in one call.
const BATCHES: usize = 16;

fn polynomials(c: &mut Criterion, rng: &mut SecretRng) {
    let mut group = c.benchmark_group("polynomial");
    group.bench_function("forward NTT", |b| {
        let poly = || Polynomials::new(1, rng).plain.pop();
        b.iter_batched(poly, |p| p.map(|p| p.forward()), BatchSize::PerIteration);
    });
    let polys = Polynomials::new(1, rng);
    group.bench_function("inverse NTT of a sum", |b| {
        b.iter_batched(|| polys.squares(), |sum| sum.inverse(), BatchSize::PerIteration);
    });
    let mut stream = ProductStream::new(rng);
    group.throughput(Throughput::Elements(ProductStream::COUNT as u64));
    group.bench_function("ciphertext-plaintext products", |b| b.iter(|| stream.run()));
    group.finish();
}

fn ciphertexts(c: &mut Criterion, rng: &mut SecretRng) -> Result<()> {
    let keys = Keys::new(rng);
    let mut layer = Layer::new(&ConvShape::same(Shape::new(64, 16, 16), 64, 3, 1), 4, rng)?;
    let upload = layer.encrypt(&keys, rng)?;
    let (input, prepared) = (layer.read(&upload)?, layer.prepare()?);
    let responses = layer.respond(&prepared, &input, &keys, rng)?;
    let mut group = c.benchmark_group("layer 64->64 3x3 on 16x16, 4 tickets");
    group.sample_size(10);
    group.bench_function("encrypt", |b| b.iter(|| layer.encrypt(&keys, rng)));
    group.bench_function("read", |b| b.iter(|| layer.read(&upload)));
    group.bench_function("transform weights", |b| b.iter(|| layer.prepare()));
    group.bench_function("respond", |b| b.iter(|| layer.respond(&prepared, &input, &keys, rng)));
    group.bench_function("decrypt", |b| b.iter(|| layer.decrypt(&keys, &responses)));
    group.finish();
    Ok(())
}

fn gates(c: &mut Criterion, rng: &mut SecretRng) {
    let mut gates = Gates::new(rng);
    let mut group = c.benchmark_group("AND gates");
    group.throughput(Throughput::Elements((BATCHES * Gates::COUNT) as u64));
    group.bench_function("garble", |b| b.iter(|| gates.garble(BATCHES)));
    group.bench_function("evaluate", |b| b.iter(|| gates.evaluate(BATCHES)));
    group.finish();
}

fn transfers(c: &mut Criterion, rng: &mut SecretRng) -> Result<()> {
    let mut ots = Instance::new(rng)?;
    let (_, message) = ots.receiver.extend(OTS)?;
    let mut group = c.benchmark_group("OT extension");
    group.throughput(Throughput::Elements(OTS as u64));
    group.bench_function("receiver", |b| b.iter(|| ots.receiver.extend(OTS)));
    // The message fits the first call only; the work is the same.
    group.bench_function("sender", |b| b.iter(|| ots.sender.extend(OTS, &message)));
    group.finish();
    let (mut relus, bits) = (Relus::new()?, CompareBits::new(14, 0)?);
    let mut group = c.benchmark_group("masked ReLUs");
    group.sample_size(10);
    group.bench_function("a slice through both phases, both parties", |b| {
        b.iter(|| relus.slice(bits));
    });
    group.finish();
    Ok(())
}

fn convolutions(c: &mut Criterion, rng: &mut SecretRng) {
    let shapes = [
        ("64->64 3x3 on 32x32", ConvShape::same(Shape::new(64, 32, 32), 64, 3, 1)),
        ("512->512 3x3 on 4x4", ConvShape::same(Shape::new(512, 4, 4), 512, 3, 1)),
        ("64->128 1x1 on 32x32 stride 2", ConvShape::same(Shape::new(64, 32, 32), 128, 1, 2)),
    ];
    for (name, shape) in shapes {
        let mut conv = Conv::new(&shape, rng);
        let mut group = c.benchmark_group(format!("online convolution {name}"));
        group.sample_size(10).throughput(Throughput::Elements(shape.macs() as u64));
        for backend in Backend::available() {
            let name = format!("{backend:?}").to_lowercase();
            group.bench_function(name, |b| b.iter(|| conv.run(backend)));
        }
        group.finish();
    }
}

fn main() -> Result<()> {
    rayon::ThreadPoolBuilder::new()
        .num_threads(1)
        .build_global()
        .map_err(|e| Error::local(format!("cannot start a thread: {e}")))?;
    let mut c = Criterion::default().configure_from_args();
    let mut rng = SecretRng::from_os()?;
    polynomials(&mut c, &mut rng);
    ciphertexts(&mut c, &mut rng)?;
    gates(&mut c, &mut rng);
    transfers(&mut c, &mut rng)?;
    convolutions(&mut c, &mut rng);
    c.final_summary();
    Ok(())
}
