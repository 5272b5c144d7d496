//! The client's half: evaluates garbled circuits or masks tables, re-shares activations.

use std::time::{Duration, Instant};

use crate::bytes::{put_u64s, u64s_from};
use crate::error::{Error, Result};
use crate::gadget::{self, lookup};
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
    transport.send(Kind::MaskedInput, &encode(&masked))?;
    for (tensor, state) in schedule.relus.iter().zip(relus) {
        if state.lookups.is_empty() {
            activate(transport, tensor, state)?;
        } else {
            look_up(transport, tensor, state)?;
        }
        laps.end(tensor.tensor);
    }
    let mut opened = u64s_from(&transport.recv(Kind::Logits, 8 * output.0.len())?);
    add_assign(&mut opened, &output.0);
    laps.end(schedule.identities.len().saturating_sub(1));
    let output = opened.into_iter().map(|x| x as i64).collect();
    Ok(Inference { output, layers: laps.laps })
}

/// One tensor: slices are evaluated as they arrive; the re-shared values leave when all are
/// there, so that neither party ever sends while the other does.
fn activate<T: Transport>(
    transport: &mut T,
    tensor: &ReluTensor,
    state: ClientTensor,
) -> Result<()> {
    let mut values = Vec::with_capacity(tensor.positions.len());
    for (positions, relu) in tensor.slices().zip(state.slices) {
        let len = gadget::online_down_bytes(positions.len(), tensor.compare);
        values.extend(relu.online(&transport.recv(Kind::Labels, len)?)?);
    }
    sub_assign(&mut values, &state.reshare.0);
    transport.send(Kind::Activations, &encode(&values))
}

/// One tensor whose ReLUs are looked up: tables leave when all digits are there, answers when all
/// rows are.
fn look_up<T: Transport>(
    transport: &mut T,
    tensor: &ReluTensor,
    state: ClientTensor,
) -> Result<()> {
    let mut started = Vec::new();
    for (positions, relu) in tensor.slices().zip(state.lookups) {
        let len = lookup::digits_bytes(positions.len(), relu.split());
        started.push(relu.tables(&transport.recv(Kind::Digits, len)?)?);
    }
    for (_, tables) in &started {
        transport.send(Kind::MaskedTables, tables)?;
    }
    let mut answers = Vec::new();
    for ((relu, _), reshare) in started.into_iter().zip(state.reshare.0.chunks(SLICE)) {
        let rows = transport.recv(Kind::Rows, lookup::rows_bytes(relu.len()))?;
        answers.push(relu.answer(&rows, reshare)?);
    }
    answers.iter().try_for_each(|answer| transport.send(Kind::Answers, answer))
}

fn encode(values: &[u64]) -> Vec<u8> {
    let mut out = Vec::new();
    put_u64s(&mut out, values);
    out
}
