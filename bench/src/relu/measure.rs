//! Times of both backends, in turn, so that what slows the machine down slows both.

use tacet_bench::cases::{self, LookupSteps, Lookups};
use tacet_bench::meter::{Meter, median, unit};
use tacet_protocol::Result;
use tacet_protocol::gadget::lookup::Split;
use tacet_protocol::gadget::{CompareBits, cot_count, rot_count};
use tacet_protocol::ot::FieldBits;

use super::POSITIONS;

/// Core-seconds of one ReLU, both parties.
#[derive(Clone, Copy, Debug, Default)]
pub struct Seconds {
    /// With the OT extension.
    pub offline: f64,
    /// Online.
    pub online: f64,
}

/// Both backends' sessions.
pub struct Sessions {
    garbled: cases::Relus,
    lookups: Lookups,
}

impl Sessions {
    /// Runs the base OTs.
    ///
    /// # Errors
    /// Those of the protocol.
    pub fn new(field: FieldBits) -> Result<Self> {
        Ok(Self { garbled: cases::Relus::with(field)?, lookups: Lookups::with(field)? })
    }

    /// Medians of the garbled and of the looked-up ReLU.
    ///
    /// # Errors
    /// Those of the protocol.
    pub fn measure(
        &mut self,
        meter: &Meter,
        (bits, split): (CompareBits, Split),
    ) -> Result<[Seconds; 2]> {
        let mut all: [Vec<Seconds>; 2] = Default::default();
        meter.median(|| {
            let [garbled, lookups] = &mut all;
            garbled.push(self.garbled(bits)?);
            lookups.push(of_lookup(&self.lookups.slice(split)?));
            Ok(0.0)
        })?;
        Ok(all.map(|all| Seconds {
            offline: median(all.iter().map(|s| s.offline).collect()),
            online: median(all.iter().map(|s| s.online).collect()),
        }))
    }

    fn garbled(&mut self, bits: CompareBits) -> Result<Seconds> {
        let steps = self.garbled.slice(bits)?;
        let [ot_receive, ot_send, pads_receive, pads_send, requested, garbled, picked, evaluated] =
            steps;
        // The random OTs' extension costs what the labels' costs, OT for OT.
        let labels = (ot_receive + ot_send) / cot_count(POSITIONS, bits) as f64;
        let ots = ot_receive + ot_send + labels * rot_count(POSITIONS) as f64;
        let offline = ots + pads_receive + pads_send + requested + garbled;
        let each = |seconds| unit(seconds, POSITIONS);
        Ok(Seconds { offline: each(offline), online: each(picked + evaluated) })
    }
}

fn of_lookup(steps: &LookupSteps) -> Seconds {
    let each = |seconds| unit(seconds, POSITIONS);
    Seconds { offline: each(steps.offline()), online: each(steps.online()) }
}
