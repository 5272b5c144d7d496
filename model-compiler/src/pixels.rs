//! What a network's pixels mean.
//!
//! A plan's tensor 0 is `(p - mean) / std` of pixels `p` in 0..1 ([`Network::mean`],
//! [`Network::std`]). Two things make that up: what is done to pixels *before* the graph, which
//! metadata, the user or the element type of the graph's input say, and what the graph itself does
//! to its input first ([`GraphInput`]), which the client then does instead. A guess here changes
//! every answer: where nothing says what comes before the graph, and what it does first does not
//! tell either, the network has no mean, and is not compiled.

use std::str::FromStr;

use crate::error::{Error, Result};
use crate::network::Network;

/// First words of the warnings about the input, which a later statement replaces.
const OWN: &str = "the model normalises its input itself";

/// What comes before the graph: its input is `(p - mean) / std` of pixels `p` in 0..1; one number a
/// channel, or one for all.
#[derive(Clone, Debug, PartialEq)]
pub struct Before {
    /// Mean.
    pub mean: Vec<f64>,
    /// Standard deviation.
    pub std: Vec<f64>,
}

impl Before {
    /// Pixels from `low` (black) to `high` (white), nothing else.
    pub fn range(low: f64, high: f64) -> Self {
        let std = 1.0 / (high - low);
        Self { mean: vec![-low * std], std: vec![std] }
    }

    /// From two lists of numbers.
    pub fn of(mean: &[f32], std: &[f32]) -> Self {
        let wide = |v: &[f32]| v.iter().map(|x| f64::from(*x)).collect();
        Self { mean: wide(mean), std: wide(std) }
    }

    /// Pixels in 0..255.
    pub fn bytes() -> Self {
        Self::range(0.0, 255.0)
    }

    /// True if one is pixels in 0..1 and the other in 0..255.
    fn contradicts(&self, other: &Self) -> bool {
        let plain = |b: &Self| b.mean.iter().all(|m| *m == 0.0) && b.std.iter().all(|s| *s == 1.0);
        self.is_bytes() && plain(other) || plain(self) && other.is_bytes()
    }

    fn is_bytes(&self) -> bool {
        self.mean.iter().all(|m| m.abs() < 1e-3)
            && self.std.iter().all(|s| (s * 255.0 - 1.0).abs() < 1e-2)
    }
}

impl FromStr for Before {
    type Err = String;

    /// `0..1`, `0..255` or any other range; else means and then as many deviations, such as
    /// `0.5,0.25`.
    fn from_str(text: &str) -> std::result::Result<Self, String> {
        let number = |t: &str| t.trim().parse::<f64>().ok().filter(|x| x.is_finite());
        let wrong = || {
            format!(
                "`{text}` is neither a range (0..1, 0..255) nor a mean and a deviation (0.5,0.25)"
            )
        };
        if let Some((low, high)) = text.split_once("..") {
            let (low, high) = number(low).zip(number(high)).ok_or_else(wrong)?;
            return if low < high { Ok(Self::range(low, high)) } else { Err(wrong()) };
        }
        let numbers = text.split(',').map(number).collect::<Option<Vec<_>>>().ok_or_else(wrong)?;
        let (mean, std) = numbers.split_at(numbers.len() / 2);
        let fits = !mean.is_empty() && mean.len() == std.len() && std.iter().all(|s| *s > 0.0);
        if fits { Ok(Self { mean: mean.to_vec(), std: std.to_vec() }) } else { Err(wrong()) }
    }
}

/// What the graph says of its input.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct GraphInput {
    /// Its elements are bytes, 0 to 255.
    pub bytes: bool,
    /// What the graph does to it first, `x * scale + shift` with a pair of numbers a channel; the
    /// client does that, the network begins behind.
    pub affine: Option<(Vec<f64>, Vec<f64>)>,
    /// What its first numbers make sense for.
    pub hint: Option<Before>,
    /// Its sizes behind the batch; empty for a network that no graph was read for.
    pub dims: Vec<usize>,
    /// Channels are the last of them.
    pub channels_last: bool,
    /// It is no picture: the network is fed arrays in its own units.
    pub arrays_only: bool,
}

impl Network {
    /// Says what comes before the graph. What the graph does itself comes on top.
    ///
    /// # Errors
    /// [`Error::Input`] if the numbers are not one for each channel or not usable, and if the graph
    /// takes bytes and this is something else.
    pub fn feed(&mut self, before: &Before) -> Result<()> {
        let n = self.input.channels;
        let (mean, std) = (each("mean", &before.mean, n)?, each("std", &before.std, n)?);
        if std.iter().any(|s| !(s.is_finite() && *s > 0.0)) || mean.iter().any(|m| !m.is_finite()) {
            return Err(Error::input("the standard deviations must be positive, and all finite"));
        }
        if self.graph_input.bytes && !before.is_bytes() {
            return Err(Error::input(
                "the graph's input holds bytes (uint8), which are pixels in 0..255: no other range, \
                 mean or std can come before it",
            ));
        }
        let (scale, shift) =
            self.graph_input.affine.clone().unwrap_or((vec![1.0; n], vec![0.0; n]));
        // (p - mean) / std * scale + shift = (p - mean') / std'
        let each = scale.iter().zip(&shift).zip(mean.iter().zip(&std));
        let (mean, std): (Vec<f64>, Vec<f64>) =
            each.map(|((s, t), (m, d))| (m - t * d / s, d / s)).unzip();
        self.warnings.retain(|w| !w.starts_with(OWN));
        if self.graph_input.affine.is_some() {
            self.warnings.push(format!(
                "{OWN}: done by the client, on pixels in 0..1, with mean {mean:.4?} and deviation \
                 {std:.4?}"
            ));
        }
        if let Some(hint) = self.graph_input.hint.as_ref().filter(|h| h.contradicts(before)) {
            let range = if hint.is_bytes() { "0..255" } else { "0..1" };
            self.warnings.push(format!(
                "{OWN} in a way that makes sense for pixels in {range}, which is not what was given"
            ));
        }
        let narrow = |v: Vec<f64>| Some(v.into_iter().map(|x| x as f32).collect());
        (self.mean, self.std) = (narrow(mean), narrow(std));
        Ok(())
    }

    /// From arrays in the graph's own units to tensor 0: `(x - mean) / std`, a pair a channel.
    pub(crate) fn own_units(&self) -> (Vec<f32>, Vec<f32>) {
        let n = self.input.channels;
        match &self.graph_input.affine {
            None => (vec![0.0; n], vec![1.0; n]),
            Some((scale, shift)) => {
                let each =
                    scale.iter().zip(shift).map(|(s, t)| ((-t / s) as f32, (1.0 / s) as f32));
                each.unzip()
            }
        }
    }

    /// Takes inputs for arrays in the graph's own units, whatever pictures they may look like.
    pub fn feed_arrays(&mut self) {
        self.graph_input.arrays_only = true;
        let (mean, std) = self.own_units();
        self.warnings.retain(|w| !w.starts_with(OWN));
        (self.mean, self.std) = (Some(mean), Some(std));
    }

    /// Takes the graph's word, where the metadata say nothing.
    pub(crate) fn feed_by_graph(&mut self) -> Result<()> {
        if self.graph_input.arrays_only {
            self.feed_arrays();
            return Ok(());
        }
        if self.graph_input.bytes {
            return self.feed(&Before::bytes());
        }
        let Some(hint) = self.graph_input.hint.clone() else { return Ok(()) };
        self.feed(&hint)?;
        if let Some(w) = self.warnings.iter_mut().find(|w| w.starts_with(OWN)) {
            let range = if hint.is_bytes() { "0..255" } else { "0..1" };
            w.push_str(&format!(
                " (its own numbers make sense for pixels in {range}, which it was taken to expect; \
                 --pixels says otherwise)"
            ));
        }
        Ok(())
    }
}

fn each(name: &str, values: &[f64], n: usize) -> Result<Vec<f64>> {
    match values {
        [one] => Ok(vec![*one; n]),
        v if v.len() == n => Ok(v.to_vec()),
        v => Err(Error::input(format!("{} values of {name} for {n} channels", v.len()))),
    }
}

/// What an error about unknown pixels asks for.
pub(crate) const ASK: &str = "nothing says what the network's pixels are: give --pixels 0..1, \
     --pixels 0..255, --arrays for inputs that are no pictures, or the mean and standard deviation that it was trained with (--mean and \
     --std, or tacita.mean and tacita.std in its metadata)";

#[cfg(test)]
mod tests {
    use tacita_protocol::plan::Shape;

    use super::*;

    fn network(channels: usize) -> Network {
        Network::new(Shape::new(channels, 2, 2), vec![])
    }

    #[test]
    fn ranges_and_deviations_are_read() {
        let of = |text: &str| text.parse::<Before>().unwrap();
        assert_eq!(of("0..1"), Before { mean: vec![0.0], std: vec![1.0] });
        assert_eq!(of("-1..1"), Before { mean: vec![0.5], std: vec![0.5] });
        assert!(of("0..255").is_bytes());
        assert_eq!(of("0.5,0.25"), Before { mean: vec![0.5], std: vec![0.25] });
        assert_eq!(of("1,2,3,4").std, [3.0, 4.0]);
        for wrong in ["", "1..0", "a..b", "1", "1,2,3", "0.5,0", "0..inf", "0.5,-1"] {
            assert!(wrong.parse::<Before>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn what_comes_before_the_graph_and_what_it_does_combine() {
        let mut network = network(2);
        network.graph_input.affine = Some((vec![2.0, 4.0], vec![-1.0, 0.0]));
        network.feed(&Before { mean: vec![0.5], std: vec![0.25] }).unwrap();
        // p -> (p - 0.5) / 0.25 -> twice that less 1; four times that.
        assert_eq!(network.mean, Some(vec![0.625, 0.5]));
        assert_eq!(network.std, Some(vec![0.125, 0.0625]));
        // Another statement takes the first one's place.
        network.feed(&Before::range(0.0, 1.0)).unwrap();
        assert_eq!(network.mean, Some(vec![0.5, 0.0]));
        assert_eq!(network.warnings.len(), 1);
    }

    #[test]
    fn bytes_are_bytes() {
        let mut network = network(3);
        network.graph_input.bytes = true;
        network.feed_by_graph().unwrap();
        assert!((network.std.as_ref().unwrap()[2] - 1.0 / 255.0).abs() < 1e-9);
        assert!(network.feed(&Before::bytes()).is_ok());
        let refused = network.feed(&Before::range(0.0, 1.0)).unwrap_err().to_string();
        assert!(refused.contains("uint8"), "{refused}");
        assert!(network.feed(&Before { mean: vec![0.0; 2], std: vec![1.0; 3] }).is_err());
    }
}
