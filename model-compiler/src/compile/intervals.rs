//! Ranges that no image leaves, from the plan's integers alone.
//!
//! Interval arithmetic, a channel at a time: pixels are bounded, and so is what is computed of them.
//! The bounds are true for every image but grow with depth, far beyond what images show; they serve
//! small networks that are compiled without images.

use tacita_protocol::plan::{ConvShape, CopyShape, Linear, Padding, PoolShape, Shape, TensorSpec};

use super::input_peak;
use super::quantize::Draft;

/// What rounding may add to a truncated value; what the lattice adds to an accumulator.
const ROUNDING: f64 = 1.0;
const LATTICE: f64 = 256.0;

/// Lowest and highest value.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Interval {
    low: f64,
    high: f64,
}

impl Interval {
    const ZERO: Self = Self { low: 0.0, high: 0.0 };

    fn add(&mut self, other: Self) {
        self.low += other.low;
        self.high += other.high;
    }

    fn times(self, by: f64) -> Self {
        let (a, b) = (self.low * by, self.high * by);
        Self { low: a.min(b), high: a.max(b) }
    }

    /// Also zero.
    fn or_zero(self, zero: bool) -> Self {
        if zero { Self { low: self.low.min(0.0), high: self.high.max(0.0) } } else { self }
    }

    /// The least interval that holds both.
    fn hull(self, other: Self) -> Self {
        Self { low: self.low.min(other.low), high: self.high.max(other.high) }
    }

    fn peak(self) -> f64 {
        self.high.max(-self.low)
    }
}

/// Largest integer that any image can put into each tensor before its ReLU.
pub(super) fn peaks(draft: &Draft) -> Vec<f64> {
    let mut peaks = Vec::new();
    // Of each tensor, a channel each, after its ReLU.
    let mut known: Vec<Vec<Interval>> = Vec::new();
    for (j, (spec, secret)) in draft.public.tensors.iter().zip(&draft.secret.tensors).enumerate() {
        let mut z = vec![Interval::ZERO; spec.shape.channels];
        if j == 0 {
            let peak = input_peak(&draft.public.input, spec.frac);
            z.fill(Interval { low: -peak, high: peak });
        }
        for (z, b) in z.iter_mut().zip(&secret.bias) {
            z.add(Interval { low: *b as f64, high: *b as f64 });
        }
        let mut apart = Apart::default();
        for (term, weights) in spec.terms.iter().zip(&secret.weights) {
            let (Some(from), Some(shape)) =
                (known.get(term.input), draft.public.tensors.get(term.input).map(|t| t.shape))
            else {
                continue;
            };
            match &term.op {
                Linear::Conv(c) => add_conv(c, weights, from, &mut z),
                Linear::Copy(c) => add_copy(c, (from, shape), spec.shape, apart.part(c, &mut z)),
                Linear::AvgPool(p) => add_pool(p, from, &mut z),
            }
        }
        apart.add_to(&mut z);
        if j > 0 {
            let unit = f64::from(spec.truncate).exp2();
            for z in &mut z {
                let slack = LATTICE / unit + ROUNDING;
                *z = Interval { low: z.low / unit - slack, high: z.high / unit + slack };
            }
        }
        peaks.push(z.iter().fold(0.0, |m: f64, z| m.max(z.peak())));
        known.push(rectified(spec, z));
    }
    peaks
}

/// Sums of copies that spread: those that write every third row, say, from the first on and from
/// the second on never meet in an element, and do not add up.
#[derive(Default)]
struct Apart(Vec<Part>);

/// What the elements get that lie `spread` apart, the first of them at `at`.
struct Part {
    spread: [usize; 2],
    at: [usize; 2],
    sum: Vec<Interval>,
}

impl Apart {
    /// Where to add a copy: its part, or the whole tensor for one that writes side by side.
    fn part<'a>(&'a mut self, c: &CopyShape, z: &'a mut Vec<Interval>) -> &'a mut Vec<Interval> {
        if c.spread == [1; 2] {
            return z;
        }
        let at = [0, 1].map(|axis| c.at[axis] % c.spread[axis]);
        let own = |p: &Part| p.spread == c.spread && p.at == at;
        let i = self.0.iter().position(own).unwrap_or(self.0.len());
        if i == self.0.len() {
            let sum = vec![Interval::ZERO; z.len()];
            self.0.push(Part { spread: c.spread, at, sum });
        }
        self.0.get_mut(i).map_or(z, |p| &mut p.sum)
    }

    /// Adds what any of the parts of one spread may hold; where there is none, that is zero.
    fn add_to(mut self, z: &mut [Interval]) {
        while let Some(Part { spread, mut sum, .. }) = self.0.pop() {
            let same = |p: &mut Part| p.spread == spread;
            let others: Vec<Part> = self.0.extract_if(.., same).collect();
            let all = others.len() + 1 == spread[0] * spread[1];
            for other in &others {
                sum.iter_mut().zip(&other.sum).for_each(|(a, b)| *a = a.hull(*b));
            }
            z.iter_mut().zip(sum).for_each(|(z, s)| z.add(s.or_zero(!all)));
        }
    }
}

fn add_conv(c: &ConvShape, weights: &[i32], from: &[Interval], z: &mut [Interval]) {
    let taps = (c.kernel_h * c.kernel_w).max(1);
    let (inputs, outputs) = (c.group_inputs(), c.group_outputs());
    let padded = c.pad != Padding::NONE;
    for (i, plane) in weights.chunks(taps).enumerate() {
        let (to, own) = (i / inputs, i % inputs);
        let (Some(a), Some(z)) = (from.get(to / outputs * inputs + own), z.get_mut(to)) else {
            continue;
        };
        let a = a.or_zero(padded);
        plane.iter().for_each(|w| z.add(a.times(f64::from(*w))));
    }
}

fn add_copy(c: &CopyShape, (from, shape): (&[Interval], Shape), to: Shape, z: &mut [Interval]) {
    // Of the elements that lie `spread` apart.
    let inside = |axis: usize, size: usize, outputs: usize| {
        let count = outputs.saturating_sub(c.at[axis]).div_ceil(c.spread[axis]);
        let last = count.saturating_sub(1) as f64 * c.stride[axis] as f64 + c.offset[axis] as f64;
        c.at[axis] < c.spread[axis] && c.offset[axis] >= 0 && last < size as f64
    };
    let everywhere = inside(0, shape.height, to.height) && inside(1, shape.width, to.width);
    let by = f64::from(c.shift).exp2() * if c.negative { -1.0 } else { 1.0 };
    let block = z.iter_mut().skip(c.to).take(c.channels);
    for (z, a) in block.zip(from.iter().skip(c.from).step_by(c.step)) {
        z.add(a.or_zero(!everywhere).times(by));
    }
}

fn add_pool(p: &PoolShape, from: &[Interval], z: &mut [Interval]) {
    let by = (p.kernel_h * p.kernel_w) as f64 * f64::from(p.multiplier);
    for (z, a) in z.iter_mut().zip(from) {
        z.add(a.or_zero(p.pad != Padding::NONE).times(by));
    }
}

/// What is left of a channel after its ReLUs, of which it may have some, all or none.
fn rectified(spec: &TensorSpec, z: Vec<Interval>) -> Vec<Interval> {
    let plane = spec.shape.height * spec.shape.width;
    let after = |(c, z): (usize, Interval)| {
        let relus = (c * plane..(c + 1) * plane).filter(|i| spec.mask.relu(*i)).count();
        let low = if relus == plane { z.low.max(0.0) } else { z.low };
        let high = if relus > 0 { z.high.max(0.0) } else { z.high };
        Interval { low, high }
    };
    z.into_iter().enumerate().map(after).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::calibration::Calibration;
    use crate::compile::{flooding, input_spec};
    use crate::simulate::{Rounding, Simulator};
    use crate::testing::RandomNetwork;
    use tacita_image_input::encode;
    use tacita_protocol::plan::Plan;

    #[test]
    fn no_image_leaves_the_intervals() {
        for seed in 0..40 {
            let network = RandomNetwork::draw(seed);
            let input = input_spec(&network).unwrap();
            let draft = flooding::settle(&network, &input, (10, 12), 12, &mut vec![]).unwrap();
            let peaks = peaks(&draft);
            let mut plan =
                Plan { public: draft.public, secret: draft.secret, record: String::new() };
            plan.public.tensors.iter_mut().for_each(|t| t.magnitude = 40);
            let simulator = Simulator::new(&plan);
            let mut images = Calibration::pictures(network.input, 4);
            for (i, p) in images.iter_mut().take(2).enumerate() {
                p.rgb.iter_mut().enumerate().for_each(|(j, x)| *x = 255 * ((i + j) % 2) as u8);
            }
            for pixels in &images {
                let input = encode(pixels, &plan.public).unwrap();
                let seen = simulator.run(&input, Rounding::Shares(seed), 0).layers;
                for (peak, layer) in peaks.iter().zip(seen) {
                    assert!(layer.peak as f64 <= *peak, "seed {seed}: {} {peak}", layer.peak);
                }
            }
        }
    }
}
