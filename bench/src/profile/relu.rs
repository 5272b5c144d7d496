//! Kernels of oblivious transfer and of masked ReLUs.

use tacet_bench::cases::{POSITIONS, Relus, STEPS};
use tacet_bench::meter::{Meter, median, unit};
use tacet_protocol::Result;
use tacet_protocol::cost::profile::{PerGate, ReluKernels};
use tacet_protocol::gadget::{CompareBits, cot_count};

use super::line_through;

/// Bits compared, twice, so that gates and the rest can be told apart.
const WIDTHS: [u8; 2] = [10, 22];

/// Medians of each step, for both widths in turn: what slows the machine down slows both.
fn medians(meter: &Meter, widths: [CompareBits; 2]) -> Result<[[f64; STEPS]; 2]> {
    let mut relus = Relus::new()?;
    let mut all: [[Vec<f64>; STEPS]; 2] = Default::default();
    meter.median(|| {
        for (all, bits) in all.iter_mut().zip(widths) {
            let steps = relus.slice(bits)?;
            all.iter_mut().zip(steps).for_each(|(all, step)| all.push(step));
        }
        Ok(0.0)
    })?;
    Ok(all.map(|steps| steps.map(median)))
}

/// Measures them on full slices.
pub fn measure(meter: &Meter) -> Result<ReluKernels> {
    // Eight measurements in one.
    let meter = Meter { seconds: 4.0 * meter.seconds };
    let [narrow, wide] = WIDTHS.map(|width| CompareBits::new(width, 0));
    let (narrow, wide) = (narrow?, wide?);
    let [few, many] = medians(&meter, [narrow, wide])?;
    let a_value = |cpu: f64| unit(cpu, POSITIONS);
    let ands = |bits: CompareBits| (bits.compared() - 1) as f64;
    let gates = |few: f64, many: f64| {
        let (and, value) = line_through((ands(narrow), a_value(few)), (ands(wide), a_value(many)));
        PerGate { and, value }
    };
    let [ot_receive, ot_send, pads_receive, pads_send, requested, garbled, picked, evaluated] =
        many;
    let [.., few_requested, few_garbled, few_picked, few_evaluated] = few;
    Ok(ReluKernels {
        ot_receive: unit(ot_receive, cot_count(POSITIONS, wide)),
        ot_send: unit(ot_send, cot_count(POSITIONS, wide)),
        pads_receive: a_value(pads_receive),
        pads_send: a_value(pads_send),
        request: gates(few_requested, requested),
        garble: gates(few_garbled, garbled),
        labels: gates(few_picked, picked),
        evaluate: gates(few_evaluated, evaluated),
    })
}
