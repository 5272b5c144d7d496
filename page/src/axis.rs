//! Axes: the range of values, where the ticks go and what they say.

use crate::text::short;

/// Steps a linear axis has at most, unless told otherwise.
const STEPS: f64 = 5.0;
/// Decades up to which a logarithmic axis also marks 2 and 5.
const FINE_DECADES: f64 = 3.2;
/// Most decades of a logarithmic axis; smaller values are clipped.
const MAX_DECADES: i32 = 12;

/// One axis of a chart.
#[derive(Clone, Debug, PartialEq)]
pub struct Axis {
    /// What it measures, with the unit.
    pub label: String,
    /// Values and what is written there.
    pub ticks: Vec<(f64, String)>,
    lo: f64,
    hi: f64,
    log: bool,
}

impl Axis {
    /// A linear axis that covers `values` with round ticks.
    pub fn linear(label: &str, values: impl IntoIterator<Item = f64>) -> Self {
        Self::stepped(label, values, STEPS)
    }

    /// The same with up to about `steps` steps between ticks.
    pub fn stepped(label: &str, values: impl IntoIterator<Item = f64>, steps: f64) -> Self {
        let (lo, hi) = extent(values).unwrap_or((0.0, 1.0));
        // A single value still needs some height around it.
        let pad = if hi > lo { 0.0 } else { lo.abs().max(1e-3) * 0.1 };
        let (lo, hi) = (lo - pad, hi + pad);
        let step = step((hi - lo) / steps);
        let (first, last) = ((lo / step).floor(), (hi / step).ceil());
        let tick = |i: usize| (first + i as f64) * step;
        let ticks = (0..=(last - first) as usize).map(|i| (tick(i), short(tick(i)))).collect();
        Self { label: label.to_owned(), ticks, lo: first * step, hi: last * step, log: false }
    }

    /// A linear axis from zero, for bars.
    pub fn from_zero(label: &str, values: impl IntoIterator<Item = f64>) -> Self {
        Self::linear(label, values.into_iter().chain([0.0]))
    }

    /// A logarithmic axis that covers the positive among `values` with a little room.
    pub fn log(label: &str, values: impl IntoIterator<Item = f64>) -> Self {
        let positive = values.into_iter().filter(|&v| v > 0.0);
        let (lo, hi) = extent(positive).unwrap_or((1.0, 10.0));
        let lo = lo.max(hi * 10f64.powi(-MAX_DECADES));
        // A fourteenth of the range on either side, and never less than 15 %.
        let room = (hi / lo).powf(0.07).max(1.15);
        let (lo, hi) = (lo / room, hi * room);
        let fine = (hi / lo).log10() <= FINE_DECADES;
        let mantissas: &[f64] = if fine { &[1.0, 2.0, 5.0] } else { &[1.0] };
        let decades = lo.log10().floor() as i32..=hi.log10().ceil() as i32;
        let all = decades.flat_map(|d| mantissas.iter().map(move |m| m * 10f64.powi(d)));
        let ticks = all.filter(|v| (lo..=hi).contains(v)).map(|v| (v, short(v))).collect();
        Self { label: label.to_owned(), ticks, lo, hi, log: true }
    }

    /// An axis of names at 0, 1, 2, ...
    pub fn bands(label: &str, names: &[String]) -> Self {
        let ticks = names.iter().enumerate().map(|(i, n)| (i as f64, n.clone())).collect();
        let hi = names.len().max(1) as f64 - 0.5;
        Self { label: label.to_owned(), ticks, lo: -0.5, hi, log: false }
    }

    /// Where a value lies, 0 at the start of the axis and 1 at its end; values outside are
    /// held at the ends.
    pub fn at(&self, value: f64) -> f64 {
        let place = if self.log {
            (value / self.lo).ln() / (self.hi / self.lo).ln()
        } else {
            (value - self.lo) / (self.hi - self.lo)
        };
        // NaN would poison the whole drawing.
        if place.is_nan() { 0.0 } else { place.clamp(0.0, 1.0) }
    }
}

fn extent(values: impl IntoIterator<Item = f64>) -> Option<(f64, f64)> {
    let finite = values.into_iter().filter(|v| v.is_finite());
    finite.fold(None, |range, v| {
        let (lo, hi) = range.unwrap_or((v, v));
        Some((v.min(lo), v.max(hi)))
    })
}

/// The round number (1, 2, 2.5 or 5 times a power of ten) next above `rough`.
fn step(rough: f64) -> f64 {
    let power = 10f64.powf(rough.log10().floor());
    let good = [1.0, 2.0, 2.5, 5.0].into_iter().find(|m| m * power >= rough * 0.999);
    good.unwrap_or(10.0) * power
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(axis: &Axis) -> Vec<&str> {
        axis.ticks.iter().map(|t| t.1.as_str()).collect()
    }

    #[test]
    fn ticks_are_round_and_cover_the_values() {
        let axis = Axis::linear("", [61.3, 78.3]);
        assert_eq!(labels(&axis), ["60", "65", "70", "75", "80"]);
        assert_eq!((axis.at(60.0), axis.at(80.0), axis.at(70.0)), (0.0, 1.0, 0.5));
        assert_eq!(labels(&Axis::linear("", [0.1, 0.3])), ["0.1", "0.15", "0.2", "0.25", "0.3"]);
        assert_eq!(labels(&Axis::from_zero("", [1900.0])), ["0", "500", "1k", "1.5k", "2k"]);
        let axis = Axis::log("", [12_300.0, 230_000.0]);
        assert_eq!(labels(&axis), ["20k", "50k", "100k", "200k"]);
        assert!((axis.at((12_300f64 * 230_000.0).sqrt()) - 0.5).abs() < 1e-9);
    }

    #[test]
    fn odd_values_do_no_harm() {
        for values in [vec![], vec![f64::NAN], vec![0.0], vec![-3.0], vec![1e300, 1e-300]] {
            for axis in [Axis::linear("", values.clone()), Axis::log("", values.clone())] {
                assert!(axis.ticks.len() < 50, "{values:?}");
                assert!((0.0..=1.0).contains(&axis.at(f64::NAN)));
                assert!((0.0..=1.0).contains(&axis.at(f64::INFINITY)));
            }
        }
    }
}
