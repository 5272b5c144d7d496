//! The client's half: answers the server's messages for the ReLUs, re-shares activations.

use std::time::{Duration, Instant};

use crate::bytes::{u64s_bytes, u64s_from};
use crate::error::{Error, Result};
use crate::offline::{ReluTensor, SLICE, Schedule};
use crate::ring::{add_assign, sub_assign};
use crate::ticket::{ClientTensor, ClientTicket};
use crate::wire::{Kind, Transport};

/// What an inference gives.
#[derive(Clone, Debug)]
pub struct Inference {
    /// The output tensor, two's complement: what the plan reveals
    /// ([`crate::plan::PublicPlan::winner`] reads it).
    pub output: Vec<i64>,
    /// Tensors that the parties exchange messages for, in order (the output last), and the wall
    /// time from the end of the one before. Tensors without ReLUs have no end that the client
    /// could see: their time is in the next one's.
    pub layers: Vec<(usize, Duration)>,
}

/// Notes the time from one tensor's end to the next.
struct Laps {
    since: Instant,
    laps: Vec<(usize, Duration)>,
}

impl Laps {
    fn start() -> Self {
        Self { since: Instant::now(), laps: Vec::new() }
    }

    fn end(&mut self, tensor: usize) {
        let now = Instant::now();
        self.laps.push((tensor, now - std::mem::replace(&mut self.since, now)));
    }
}

/// Spends `ticket` on `input` (tensor 0 as ring elements).
pub(crate) fn run<T: Transport>(
    transport: &mut T,
    schedule: &Schedule,
    ticket: ClientTicket,
    input: &[u64],
) -> Result<Inference> {
    let mut laps = Laps::start();
    let ClientTicket { id, input: mask, relus, output, .. } = ticket;
    if input.len() != mask.0.len() {
        return Err(Error::input(format!(
            "the input has {} values, the network takes {}",
            input.len(),
            mask.0.len()
        )));
    }
    transport.send(Kind::OnlineRequest, &id.to_le_bytes())?;
    let mut masked = input.to_vec();
    sub_assign(&mut masked, &mask.0);
    transport.send(Kind::MaskedInput, &u64s_bytes(&masked))?;
    for (tensor, state) in schedule.relus.iter().zip(relus) {
        activate(transport, tensor, state)?;
        laps.end(tensor.tensor);
    }
    let mut opened = u64s_from(&transport.recv(Kind::Logits, 8 * output.0.len())?);
    add_assign(&mut opened, &output.0);
    laps.end(schedule.identities.len().saturating_sub(1));
    let output = opened.into_iter().map(|x| x as i64).collect();
    Ok(Inference { output, layers: laps.laps })
}

/// One tensor: slices are worked on as their messages arrive; the answers leave when all messages
/// of the round are there, so that neither party ever sends while the other does.
fn activate<T: Transport>(
    transport: &mut T,
    tensor: &ReluTensor,
    state: ClientTensor,
) -> Result<()> {
    let gadget = state.choice.gadget(tensor.compare);
    let mut waiting = state.slices;
    for (number, round) in gadget.rounds().iter().enumerate() {
        let (mut answers, mut next) = (Vec::new(), Vec::new());
        for (slice, reshare) in waiting.into_iter().zip(state.reshare.0.chunks(SLICE)) {
            let len = gadget.message_bytes(number, reshare.len());
            let (answer, then) = slice.answer(&transport.recv(round.message, len)?, reshare)?;
            answers.push(answer);
            next.extend(then);
        }
        if round.joined {
            answers = vec![answers.concat()];
        }
        answers.iter().try_for_each(|answer| transport.send(round.answer, answer))?;
        waiting = next;
    }
    Ok(())
}
