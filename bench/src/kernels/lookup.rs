//! Looked-up ReLUs: both parties' work on a position, offline without the OT extension, and online.

use tacita_bench::cases::{LookupSteps, Lookups, POSITIONS};
use tacita_bench::meter::{Meter, median, unit};
use tacita_protocol::Result;
use tacita_protocol::gadget::CompareBits;
use tacita_protocol::gadget::lookup::{self, Split};

use super::floor::{self, Floor};
use super::peaks::Peaks;
use super::report::Row;

/// Bits compared.
const BITS: u8 = 14;

/// Medians of the steps.
fn medians(meter: &Meter, split: Split) -> Result<LookupSteps> {
    let mut lookups = Lookups::new()?;
    let mut all: [Vec<f64>; LookupSteps::COUNT] = Default::default();
    meter.median(|| {
        let steps = lookups.slice(split)?.list();
        all.iter_mut().zip(steps).for_each(|(all, step)| all.push(step));
        Ok(0.0)
    })?;
    Ok(LookupSteps::of(all.map(|step| unit(median(step), POSITIONS))))
}

/// What a party hashes and moves for a position.
struct Work {
    hashes: usize,
    bytes: f64,
    text: String,
}

impl Work {
    fn floor(&self, p: &Peaks) -> Floor {
        floor::hashes(p, self.hashes as f64, self.bytes, &self.text)
    }
}

/// Of the client and of the server: a hash of two AES calls for each key, twice as many at a
/// sender as at a receiver; keys read, pads written.
fn offline(split: Split) -> [Work; 2] {
    let (sent, prepared) = (lookup::selection_ots(1, split), lookup::label_ots(1));
    let others = sent - split.digit_bits();
    let received = split.digit_hashes() + others;
    let keys = 16.0 * (sent + prepared) as f64;
    let of = |hashes: usize, pads: f64| Work {
        hashes,
        bytes: keys + pads,
        text: format!("{hashes} hashes of 2 AES calls of 10 rounds; keys read, pads written"),
    };
    let tables = split.table_bits() as f64 / 8.0;
    [
        of(2 * received + prepared, tables + 16.0 + 8.0 * prepared as f64),
        of(received + 2 * prepared, 8.0 + 16.0 * prepared as f64),
    ]
}

/// Of the client and of the server: messages read and written, and pads read.
fn online(split: Split) -> [Work; 2] {
    let up = lookup::online_up_bytes(POSITIONS, split) as f64 / POSITIONS as f64;
    let down = lookup::online_down_bytes(POSITIONS, split) as f64 / POSITIONS as f64;
    let tables = split.table_bits() as f64 / 8.0;
    let of = |pads: f64| Work {
        hashes: 0,
        bytes: up + down + pads,
        text: "messages, and the pads, shares and rows that go into them".into(),
    };
    // The client's: tables, the pads of two values, a chosen one, two shares. The server's: a pair of the
    // offers, a pad, two shares.
    [of(tables + 16.0 + 8.0 + 16.0), of(16.0 + 8.0 + 16.0)]
}

/// Four rows.
pub fn rows(meter: &Meter, p: &Peaks) -> Result<Vec<Row>> {
    let split = Split::cheapest(CompareBits::new(BITS, 0)?)?;
    let s = medians(meter, split)?;
    let row = |name: &str, seconds: f64, work: &Work| {
        let name = format!("looked-up ReLU of {BITS} bits, {name}");
        Row::new(&name, "ReLU", seconds, work.floor(p))
    };
    let ([client, server], [client_on, server_on]) = (offline(split), online(split));
    let each = |bytes: usize| bytes as f64 / POSITIONS as f64;
    let n = POSITIONS;
    Ok(vec![
        row("client, offline without OT extension", s.pads[0] + s.request, &client)
            .bytes(each(lookup::request_bytes(n))),
        row("server, offline without OT extension", s.pads[1] + s.accept, &server),
        row("client, online", s.tables + s.answer, &client_on)
            .bytes(each(lookup::online_up_bytes(n, split))),
        row("server, online", s.digits + s.rows + s.finish, &server_on)
            .bytes(each(lookup::online_down_bytes(n, split))),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_follows_from_the_split() {
        let split = Split::cheapest(CompareBits::new(BITS, 0).unwrap()).unwrap();
        // 13 OTs of digits, two of bits, one of values; four prepared.
        assert_eq!(offline(split).map(|w| w.hashes), [36, 24]);
        assert_eq!(online(split).map(|w| w.bytes), [58.0 + 72.0, 58.0 + 40.0]);
    }
}
