//! Times of both backends, in turn, so that what slows the machine down slows both.

use crate::cases::{Instance, LookupSteps, Lookups, Relus};
use crate::meter::{Meter, median, unit};
use tacita_protocol::Result;
use tacita_protocol::gadget::CompareBits;
use tacita_protocol::gadget::garbled::{cot_count, rot_count};
use tacita_protocol::gadget::lookup::Split;
use tacita_protocol::ot::FieldBits;
use tacita_protocol::rng::SecretRng;

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
    /// For the correlated OTs of garbled ReLUs.
    ots: Instance,
    garbled: Relus,
    lookups: Lookups,
}

impl Sessions {
    /// Runs the base OTs.
    ///
    /// # Errors
    /// Those of the protocol.
    pub fn new(field: FieldBits) -> Result<Self> {
        let ots = Instance::with(field, &mut SecretRng::from_os()?)?;
        Ok(Self { ots, garbled: Relus::new()?, lookups: Lookups::with(field)? })
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
        let [pads_receive, pads_send, requested, garbled, picked, evaluated] =
            self.garbled.slice(bits)?;
        let ots = cot_count(POSITIONS, bits) + rot_count(POSITIONS);
        let [receive, send] = self.ots.time(ots)?;
        let offline = receive + send + pads_receive + pads_send + requested + garbled;
        let each = |seconds| unit(seconds, POSITIONS);
        Ok(Seconds { offline: each(offline), online: each(picked + evaluated) })
    }
}

fn of_lookup(steps: &LookupSteps) -> Seconds {
    let each = |seconds| unit(seconds, POSITIONS);
    Seconds { offline: each(steps.offline()), online: each(steps.online()) }
}
