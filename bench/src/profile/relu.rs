//! Kernels of oblivious transfer and of masked ReLUs.

use tacet_protocol::Result;
use tacet_protocol::cost::profile::{PerGate, ReluKernels};
use tacet_protocol::gadget::{
    self, CompareBits, client_offline_request, cot_count, relu_windows, rot_count, server_offline,
};
use tacet_protocol::ot::{
    BaseReceiver, BaseSender, CotReceiver, CotSender, Delta, FieldBits, GateHash, ReceiverPads,
    SenderPads, Tweaks, rot_windows,
};
use tacet_protocol::rng::SecretRng;

use super::{Meter, line_through, timed, unit};
use crate::table::median;

/// Positions of a call: a full slice.
const POSITIONS: usize = 1 << 13;
/// Bits compared, twice, so that gates and the rest can be told apart.
const WIDTHS: [u8; 2] = [10, 22];
/// Steps that are timed.
const STEPS: usize = 8;

/// Both directions of correlated OT and the rest of a session.
struct Session {
    labels: (CotReceiver, CotSender),
    selection: (CotReceiver, CotSender),
    hash: GateHash,
    /// The client's, then the server's.
    tweaks: (Tweaks, Tweaks),
    rng: SecretRng,
}

fn instance(rng: &mut SecretRng) -> Result<(CotReceiver, CotSender)> {
    let (field, delta) = (FieldBits::default(), Delta::random(rng));
    let (base, first) = BaseSender::new(rng);
    let (keys, answer) = BaseReceiver::respond(delta.base_choices(), &first, rng)?;
    let (receiver, corrections) = CotReceiver::new(field, base.finish(&answer)?, rng);
    Ok((receiver, CotSender::new(field, &delta, keys, &corrections)?))
}

impl Session {
    fn new() -> Result<Self> {
        let mut rng = SecretRng::from_os()?;
        Ok(Self {
            labels: instance(&mut rng)?,
            selection: instance(&mut rng)?,
            hash: GateHash::new(&rng.array()),
            tweaks: (Tweaks::new(), Tweaks::new()),
            rng,
        })
    }

    /// One slice through both phases; core-seconds of each step.
    fn slice(&mut self, bits: CompareBits) -> Result<[f64; STEPS]> {
        let (ots, n) = (cot_count(POSITIONS, bits), rot_count(POSITIONS));
        let hash = self.hash.clone();
        let (x_c, x_s) = (self.rng.u64s(n), self.rng.u64s(n));

        let (mut chosen, message) = self.selection.0.extend(n)?;
        let mut sent = self.selection.1.extend(n, &message)?;
        let w = self.tweaks.1.take(rot_windows(n))?;
        let (receiver_pads, pads_receive) = timed(|| ReceiverPads::new(&hash, w, chosen.take(n)?))?;
        let (w, delta) = (self.tweaks.0.take(rot_windows(n))?, self.selection.1.delta());
        let (sender_pads, pads_send) = timed(|| SenderPads::new(&hash, w, sent.take(n)?, delta))?;

        let ((mut active, message), ot_receive) = timed(|| self.labels.0.extend(ots))?;
        let (mut keys, ot_send) = timed(|| self.labels.1.extend(ots, &message))?;
        let w = self.tweaks.0.take(relu_windows(n, bits))?;
        let ((request, message), requested) =
            timed(|| client_offline_request(&hash, w, bits, active.take(ots)?, sender_pads, &x_c))?;
        let (w, delta) = (self.tweaks.1.take(relu_windows(n, bits))?, self.labels.1.delta());
        let rng = &mut self.rng;
        let ((relu, tables), garbled) = timed(|| {
            let keys = (keys.take(ots)?, delta);
            server_offline(&hash, w, bits, keys, receiver_pads, &message, rng)
        })?;
        let ready = request.tables(tables)?;
        let ((labels, _), picked) = timed(|| relu.online(&x_s))?;
        let (values, evaluated) = timed(|| gadget::ClientRelu::online(ready, &labels))?;
        std::hint::black_box(values);
        Ok([ot_receive, ot_send, pads_receive, pads_send, requested, garbled, picked, evaluated])
    }

    /// Medians of each step, for both widths in turn: what slows the machine down slows both.
    fn medians(&mut self, meter: &Meter, widths: [CompareBits; 2]) -> Result<[[f64; STEPS]; 2]> {
        let mut all: [[Vec<f64>; STEPS]; 2] = Default::default();
        meter.median(|| {
            for (all, bits) in all.iter_mut().zip(widths) {
                let steps = self.slice(bits)?;
                all.iter_mut().zip(steps).for_each(|(all, step)| all.push(step));
            }
            Ok(0.0)
        })?;
        Ok(all.map(|steps| steps.map(median)))
    }
}

/// Measures them on full slices.
pub fn measure(meter: &Meter) -> Result<ReluKernels> {
    let mut session = Session::new()?;
    // Eight measurements in one.
    let meter = Meter { seconds: 4.0 * meter.seconds };
    let [narrow, wide] = WIDTHS.map(|width| CompareBits::new(width, 0));
    let (narrow, wide) = (narrow?, wide?);
    let [few, many] = session.medians(&meter, [narrow, wide])?;
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
