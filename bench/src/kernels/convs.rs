//! Online convolutions: every distinct shape of a network, and all of them.

use tacita_bench::cases::Conv;
use tacita_bench::meter::Meter;
use tacita_bench::networks::{Keep, Network};
use tacita_protocol::linear::Backend;
use tacita_protocol::plan::{ConvShape, Linear, PublicPlan};
use tacita_protocol::rng::SecretRng;
use tacita_protocol::{Error, Result};

use super::floor;
use super::peaks::Peaks;
use super::report::Row;

/// The target: multiplications a second.
const TARGET: f64 = 5e9;

/// The backends named, or all but the scalar one where there are others.
///
/// # Errors
/// `Input` for a name that this processor does not have.
pub fn backends(names: &[String]) -> Result<Vec<Backend>> {
    let all = Backend::available();
    if names.is_empty() {
        let fast = all.iter().copied().filter(|b| *b != Backend::Scalar);
        let fast: Vec<_> = fast.collect();
        return Ok(if fast.is_empty() { all } else { fast });
    }
    let known: Vec<_> = all.iter().map(|b| name(*b)).collect();
    let find = |wanted: &String| {
        all.iter().copied().find(|b| name(*b) == *wanted).ok_or_else(|| {
            Error::input(format!("no backend {wanted} here: there are {}", known.join(", ")))
        })
    };
    names.iter().map(find).collect()
}

fn name(backend: Backend) -> String {
    format!("{backend:?}").to_lowercase()
}

/// Distinct shapes with how often they occur, in the plan's order.
fn shapes(plan: &PublicPlan) -> Vec<(ConvShape, usize)> {
    let mut shapes: Vec<(ConvShape, usize)> = Vec::new();
    for term in plan.tensors.iter().flat_map(|t| &t.terms) {
        let Linear::Conv(shape) = &term.op else { continue };
        match shapes.iter_mut().find(|(known, _)| known == shape) {
            Some((_, count)) => *count += 1,
            None => shapes.push((*shape, 1)),
        }
    }
    shapes
}

/// A row a shape and one for all, for each backend.
pub fn rows(
    meter: &Meter,
    peaks: &Peaks,
    backends: &[Backend],
    rng: &mut SecretRng,
) -> Result<Vec<Row>> {
    let shapes = shapes(&Network::named("resnet18")?.plan(Keep::Count(0))?.public);
    let meter = Meter { seconds: meter.seconds / shapes.len().max(1) as f64 };
    let mut rows = Vec::new();
    for backend in backends {
        rows.extend(of_backend(&meter, peaks, *backend, &shapes, rng)?);
    }
    Ok(rows)
}

fn of_backend(
    meter: &Meter,
    peaks: &Peaks,
    backend: Backend,
    shapes: &[(ConvShape, usize)],
    rng: &mut SecretRng,
) -> Result<Vec<Row>> {
    let backend_name = name(backend);
    let (mut rows, mut seconds, mut macs) = (Vec::new(), 0.0, 0);
    let floor = floor::mac(peaks, &backend_name);
    for (shape, count) in shapes {
        let mut conv = Conv::new(shape, rng);
        let took = meter.seconds_of(|| {
            conv.run(backend);
            Ok(())
        })?;
        let of_shape = shape.macs() as f64;
        seconds += *count as f64 * took;
        macs += count * shape.macs();
        let name = format!("online convolution {} (x{count})", describe(shape));
        rows.push(Row::new(&name, "MAC", took / of_shape, floor.clone()).backend(&backend_name));
    }
    let all = macs as f64;
    let total = Row::new("online convolutions of ResNet18 32x32", "MAC", seconds / all, floor);
    rows.push(total.backend(&backend_name).target(TARGET));
    Ok(rows)
}

fn describe(s: &ConvShape) -> String {
    let (i, k) = (s.input, (s.kernel_h, s.kernel_w));
    let stride = if s.stride == 1 { String::new() } else { format!(" stride {}", s.stride) };
    let (channels, out) = (i.channels, s.out_channels);
    format!("{channels}->{out} {}x{} on {}x{}{stride}", k.0, k.1, i.height, i.width)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn resnet18_has_its_layers() {
        let shapes =
            shapes(&Network::named("resnet18").unwrap().plan(Keep::Count(0)).unwrap().public);
        let layers: usize = shapes.iter().map(|(_, count)| count).sum();
        assert_eq!((shapes.len(), layers), (12, 21));
        let macs: usize = shapes.iter().map(|(shape, count)| shape.macs() * count).sum();
        assert_eq!(macs, 555_468_800);
    }

    #[test]
    fn unknown_backends_are_refused_with_those_there_are() {
        let error = backends(&["gpu".to_owned()]).err().unwrap().to_string();
        assert!(error.contains("scalar"), "{error}");
        assert_eq!(backends(&["scalar".to_owned()]).unwrap(), vec![Backend::Scalar]);
    }
}
