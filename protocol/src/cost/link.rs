//! The network between the two parties.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use crate::error::{Error, Result};
use crate::wire::Line;

/// Ethernet bytes for each byte of TCP: 1448 bytes of payload in a frame of 1538 with its preamble
/// and gap.
const ETHERNET_BYTES: f64 = 1538.0 / 1448.0;
/// The same for each byte above TLS, which adds 22 bytes to each record of 16 KiB.
const LINE_BYTES: f64 = ETHERNET_BYTES * (1.0 + 22.0 / 16384.0);

/// A connection's round trip and steady rates. Loss and TCP's slow start are not modelled: on a
/// long, fast link the latter adds a few round trips to each phase.
#[derive(Clone, Debug, PartialEq)]
pub struct Link {
    /// For people: a preset's name, or the numbers.
    pub name: String,
    /// Round trip, in seconds.
    pub rtt: f64,
    /// From client to server, bits a second on the line; infinite on loopback.
    pub rate_up: f64,
    /// From server to client.
    pub rate_down: f64,
    /// Both parties run on one machine and share its cores.
    pub one_machine: bool,
}

/// Presets: name, milliseconds, Mbit/s up, Mbit/s down.
const PRESETS: [(&str, f64, f64, f64); 3] = [
    // Gigabit Ethernet within a building.
    ("lan", 1.0, 1000.0, 1000.0),
    // Two cities with good fibre.
    ("wan", 40.0, 100.0, 100.0),
    // An average 4G connection: the uplink is the narrow one.
    ("mobile", 60.0, 10.0, 30.0),
];

impl Link {
    /// Both parties on one machine: no latency, the rate that TLS reaches there.
    pub fn loopback() -> Self {
        let rate = f64::INFINITY;
        Self {
            name: "loopback".into(),
            rtt: 0.0,
            rate_up: rate,
            rate_down: rate,
            one_machine: true,
        }
    }

    /// `rtt` in seconds, rates in bits a second.
    ///
    /// # Errors
    /// `Error::Input` unless the round trip is finite and not negative, the rates positive.
    pub fn new(rtt: f64, rate_up: f64, rate_down: f64) -> Result<Self> {
        let rates = [rate_up, rate_down].iter().all(|r| r.is_finite() && *r > 0.0);
        if !(rates && (0.0..=3600.0).contains(&rtt)) {
            return Err(Error::input(
                "a link needs positive rates and a round trip from 0 to 3600 s",
            ));
        }
        let mut link = Self { name: String::new(), rtt, rate_up, rate_down, one_machine: false };
        link.name = link.numbers();
        Ok(link)
    }

    /// Round trip and rates, for people.
    pub fn numbers(&self) -> String {
        if self.one_machine {
            return "one machine".into();
        }
        let rates = match self.rate_up == self.rate_down {
            true => format!("{} Mbit/s", self.rate_up / 1e6),
            false => format!("{} Mbit/s up, {} down", self.rate_up / 1e6, self.rate_down / 1e6),
        };
        format!("{} ms, {rates}", self.rtt * 1e3)
    }

    /// What a connection has to do to act like this link; `None` on loopback: nothing.
    pub fn line(&self) -> Option<Line> {
        let [up, down] = [self.rate_up, self.rate_down].map(|rate| 8.0 * ETHERNET_BYTES / rate);
        let one_way = Duration::from_secs_f64(self.rtt / 2.0);
        (!self.one_machine).then_some(Line { one_way, up, down })
    }

    /// Seconds that the line takes for a byte of the protocol, up and down.
    pub(super) fn seconds_a_byte(&self) -> [f64; 2] {
        [self.rate_up, self.rate_down].map(|rate| 8.0 * LINE_BYTES / rate)
    }
}

impl fmt::Display for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let numbers = self.numbers();
        if self.name == numbers {
            f.write_str(&numbers)
        } else {
            write!(f, "{} ({numbers})", self.name)
        }
    }
}

impl FromStr for Link {
    type Err = Error;

    /// `lan`, `wan`, `mobile`, `loopback`, `RTT,RATE` or `RTT,UP,DOWN`: `20ms,200Mbit`.
    fn from_str(text: &str) -> Result<Self> {
        if text == "loopback" {
            return Ok(Self::loopback());
        }
        if let Some((name, rtt, up, down)) = PRESETS.iter().find(|p| p.0 == text) {
            let link = Self::new(rtt / 1e3, up * 1e6, down * 1e6)?;
            return Ok(Self { name: (*name).into(), ..link });
        }
        let parts: Vec<&str> = text.split(',').map(str::trim).collect();
        match parts.as_slice() {
            [rtt, rate] => Self::new(seconds(rtt)?, bits(rate)?, bits(rate)?),
            [rtt, up, down] => Self::new(seconds(rtt)?, bits(up)?, bits(down)?),
            _ => Err(Error::input(format!(
                "`{text}` is no network: use lan, wan, mobile, loopback, RTT,RATE or RTT,UP,DOWN \
                 (such as 20ms,200Mbit)"
            ))),
        }
    }
}

/// A number followed by one of the units, as a multiple of the base unit.
fn quantity(text: &str, what: &str, units: &[(&str, f64)]) -> Result<f64> {
    let at = text.find(|c: char| c.is_ascii_alphabetic()).unwrap_or(text.len());
    let (number, unit) = text.split_at(at);
    let factor = units.iter().find(|(name, _)| unit.eq_ignore_ascii_case(name)).map(|u| u.1);
    match (number.trim().parse::<f64>(), factor) {
        (Ok(number), Some(factor)) => Ok(number * factor),
        _ => {
            let names: Vec<&str> = units.iter().map(|u| u.0).collect();
            Err(Error::input(format!(
                "`{text}` is no {what}: a number and one of {}",
                names.join(", ")
            )))
        }
    }
}

fn seconds(text: &str) -> Result<f64> {
    quantity(text, "round trip", &[("us", 1e-6), ("ms", 1e-3), ("s", 1.0)])
}

fn bits(text: &str) -> Result<f64> {
    let text = text.strip_suffix("/s").unwrap_or(text);
    quantity(text, "rate", &[("kbit", 1e3), ("Mbit", 1e6), ("Gbit", 1e9)])
}
