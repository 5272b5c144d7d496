//! Kernels of arithmetic on shares.

use tacita_bench::cases::Conv;
use tacita_bench::meter::{Meter, timed, unit};
use tacita_protocol::Result;
use tacita_protocol::cost::profile::LinearKernels;
use tacita_protocol::linear::{Backend, copy};
use tacita_protocol::plan::{ConvShape, CopyShape, Shape};
use tacita_protocol::ring::truncate_client;
use tacita_protocol::rng::SecretRng;

use super::line_through;

const IMAGE: Shape = Shape::new(64, 32, 32);
/// Memory that no allocator keeps for later.
const FRESH_BYTES: usize = 64 << 20;
/// Output channels that the kernel computes together.
const ROWS: usize = 4;

/// Median core-seconds of a convolution.
fn seconds(meter: &Meter, shape: &ConvShape, rng: &mut SecretRng) -> Result<f64> {
    let (mut conv, backend) = (Conv::new(shape, rng), Backend::detect());
    meter.seconds_of(|| {
        conv.run(backend);
        Ok(())
    })
}

/// Measures them on a convolution with many output channels, one with few and a depthwise one.
pub fn measure(meter: &Meter) -> Result<LinearKernels> {
    let mut rng = SecretRng::from_os()?;
    let plane = (IMAGE.height * IMAGE.width) as f64;
    let taps = (9 * IMAGE.channels) as f64;
    let tasks = |channels: usize| channels.div_ceil(ROWS) as f64;
    let dense = |channels: usize, rng: &mut SecretRng| {
        seconds(meter, &ConvShape::same(IMAGE, channels, 3, 1), rng)
    };
    let (few, many) = (ROWS, 16 * ROWS);
    let (few_s, many_s) = (dense(few, &mut rng)?, dense(many, &mut rng)?);
    let (task, gather) = line_through((tasks(few), few_s), (tasks(many), many_s));
    let depthwise =
        ConvShape { groups: IMAGE.channels, ..ConvShape::same(IMAGE, IMAGE.channels, 3, 1) };
    let group = unit(seconds(meter, &depthwise, &mut rng)?, IMAGE.channels);
    let column = gather / (taps * plane);
    Ok(LinearKernels {
        mac: task / (ROWS as f64 * taps * plane),
        mac_narrow: (group / (9.0 * plane) - column).max(0.0),
        column,
        element: element(meter, &mut rng)?,
        fresh: fresh(meter)?,
        random: meter.seconds_of(|| Ok(rng.u64s(IMAGE.len())))? / IMAGE.len() as f64,
    })
}

/// A copy and a truncation, on one thread.
fn element(meter: &Meter, rng: &mut SecretRng) -> Result<f64> {
    let (a, mut z) = (rng.u64s(IMAGE.len()), vec![0; IMAGE.len()]);
    let shape = CopyShape::whole(IMAGE.channels, 10);
    let both = meter.seconds_of(|| {
        copy(&shape, (IMAGE, &a), (IMAGE, &mut z));
        truncate_client(&mut z, 10);
        Ok(())
    })?;
    Ok(both / (2 * IMAGE.len()) as f64)
}

/// A byte of new memory: writing all of it for the first time, less writing it again.
fn fresh(meter: &Meter) -> Result<f64> {
    let seconds = meter.median(|| {
        let mut memory = vec![0u8; FRESH_BYTES];
        let mut touch = |value: u8| {
            timed(|| {
                memory.iter_mut().step_by(4096).for_each(|byte| *byte = value);
                std::hint::black_box(&mut memory);
                Ok(())
            })
        };
        Ok((touch(1)?.1 - touch(2)?.1).max(0.0))
    })?;
    Ok(seconds / FRESH_BYTES as f64)
}
