//! Kernels of oblivious transfer and of masked ReLUs, garbled and looked up.

use std::collections::BTreeMap;

use tacita_bench::cases::{Instance, LookupSteps, Lookups, POSITIONS, Relus, Silent};
use tacita_bench::meter::{Meter, median, unit};
use tacita_protocol::Result;
use tacita_protocol::cost::profile::{
    FIELD_BITS, LookupKernels, OtKernels, PerGate, PerHash, PerWord, ReluKernels, SilentKernels,
};
use tacita_protocol::gadget::CompareBits;
use tacita_protocol::gadget::lookup::Split;
use tacita_protocol::ot::{FieldBits, SilentSet};
use tacita_protocol::rng::SecretRng;

use super::line_through;

/// Bits compared, twice, so that gates and the rest can be told apart.
const WIDTHS: [u8; 2] = [10, 22];
/// The same for lookups, about the widths that networks have: small tables cost little a word.
const LOOKUP_WIDTHS: [u8; 2] = [11, 17];
/// OTs of an extension: full chunks.
const OTS: usize = 1 << 16;
/// OTs for each pair of bits that a lookup opens.
const PREPARED: f64 = 4.0;

/// Medians of each step for each of some cases in turn: what slows the machine down slows all.
fn medians<T: Copy, const CASES: usize, const STEPS: usize>(
    meter: &Meter,
    cases: [T; CASES],
    mut run: impl FnMut(T) -> Result<[f64; STEPS]>,
) -> Result<[[f64; STEPS]; CASES]> {
    let mut all = [const { [const { Vec::new() }; STEPS] }; CASES];
    meter.median(|| {
        for (all, case) in all.iter_mut().zip(cases) {
            let steps = run(case)?;
            all.iter_mut().zip(steps).for_each(|(all, step)| all.push(step));
        }
        Ok(0.0)
    })?;
    Ok(all.map(|steps| steps.map(median)))
}

fn a_value(cpu: f64) -> f64 {
    unit(cpu, POSITIONS)
}

/// Measures them on full slices.
pub fn measure(meter: &Meter) -> Result<ReluKernels> {
    // Several measurements in one.
    let longer = |times: f64| Meter { seconds: times * meter.seconds };
    let ot = extensions(&longer(3.0))?;
    let silent = silent(&longer(3.0))?;
    let mut relus = Relus::new()?;
    let [narrow, wide] = WIDTHS.map(|width| CompareBits::new(width, 0));
    let widths = [narrow?, wide?];
    let [few, many] = medians(&longer(4.0), widths, |bits| relus.slice(bits))?;
    let ands = widths.map(|bits| (bits.compared() - 1) as f64);
    let gates = |few: f64, many: f64| {
        let (and, value) = line_through((ands[0], a_value(few)), (ands[1], a_value(many)));
        PerGate { and, value }
    };
    let [pads_receive, pads_send, requested, garbled, picked, evaluated] = many;
    let [_, _, few_requested, few_garbled, few_picked, few_evaluated] = few;
    let (pads_receive, pads_send) = (a_value(pads_receive), a_value(pads_send));
    Ok(ReluKernels {
        ot,
        silent,
        pads_receive,
        pads_send,
        request: gates(few_requested, requested),
        garble: gates(few_garbled, garbled),
        labels: gates(few_picked, picked),
        evaluate: gates(few_evaluated, evaluated),
        lookup: lookups(&longer(4.0), (pads_receive, pads_send))?,
    })
}

/// An OT with each number of field bits.
fn extensions(meter: &Meter) -> Result<[OtKernels; FIELD_BITS.len()]> {
    let mut rng = SecretRng::from_os()?;
    let mut instances = BTreeMap::new();
    for bits in FIELD_BITS {
        instances.insert(bits, Instance::with(FieldBits::new(bits)?, &mut rng)?);
    }
    let all = medians(meter, FIELD_BITS, |bits| {
        instances.get_mut(&bits).map_or(Ok([f64::NAN; 2]), |instance| instance.time(OTS))
    })?;
    Ok(all.map(|[receive, send]| OtKernels { receive: unit(receive, OTS), send: unit(send, OTS) }))
}

/// A silent OT of each set.
fn silent(meter: &Meter) -> Result<[SilentKernels; SilentSet::ALL.len()]> {
    let mut stocks = Vec::new();
    for set in SilentSet::ALL {
        stocks.push((set, Silent::new(set, SecretRng::from_os()?)?));
    }
    let all = medians(meter, SilentSet::ALL, |set| {
        let stock = stocks.iter_mut().find(|(other, _)| *other == set);
        stock.map_or(Ok([f64::NAN; 3]), |(_, stock)| stock.order())
    })?;
    let kernels = SilentSet::ALL.iter().zip(all).map(|(set, steps)| {
        let [order, send, receive] = steps.map(|cpu| unit(cpu, Silent::outputs(*set)));
        SilentKernels { order, send, receive }
    });
    let mut out = [SilentKernels::default(); SilentSet::ALL.len()];
    out.iter_mut().zip(kernels).for_each(|(to, from)| *to = from);
    Ok(out)
}

/// Lookups; `pads` are those of a random OT at its receiver and its sender.
fn lookups(meter: &Meter, pads: (f64, f64)) -> Result<LookupKernels> {
    let mut lookups = Lookups::new()?;
    let [narrow, wide] = LOOKUP_WIDTHS.map(|width| Split::cheapest(CompareBits::new(width, 0)?));
    let splits = [narrow?, wide?];
    let [few, many] =
        medians(meter, splits, |split| Ok(lookups.slice(split)?.list()))?.map(LookupSteps::of);
    let line = |of: fn(Split) -> usize, few: f64, many: f64| {
        let [narrow, wide] = splits.map(|split| of(split) as f64);
        line_through((narrow, a_value(few)), (wide, a_value(many)))
    };
    let hashes = |few, many| {
        let (hash, value) = line(Split::digit_hashes, few, many);
        PerHash { hash, value }
    };
    let words = |few, many| {
        let (word, value) = line(Split::words, few, many);
        PerWord { word, value }
    };
    let without = |cpu: f64, pad: f64| (a_value(cpu) - PREPARED * pad).max(0.0);
    Ok(LookupKernels {
        pads_send: hashes(few.pads[0], many.pads[0]),
        pads_receive: hashes(few.pads[1], many.pads[1]),
        request: without(many.request, pads.0),
        accept: without(many.accept, pads.1),
        digits: a_value(many.digits),
        tables: words(few.tables, many.tables),
        rows: words(few.rows, many.rows),
        answer: a_value(many.answer),
        finish: a_value(many.finish),
    })
}
