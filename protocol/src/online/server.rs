//! The server's half: linear operators on shares, messages for the ReLUs.

use crate::bytes::{put_u64s, u64s_from};
use crate::error::{Error, Result};
use crate::gadget::seam::{Gadget, Round, ServerTurn};
use crate::linear::{self, Backend};
use crate::offline::{ReluTensor, Schedule, add_public_terms, gather};
use crate::plan::{Linear, Plan, TensorSpec};
use crate::ring::truncate_server;
use crate::ticket::{ServerTensor, ServerTicket};
use crate::wire::{Kind, Transport};

/// What the server needs beside the ticket.
pub(crate) struct OnlinePlan<'a> {
    /// The network.
    pub(crate) plan: &'a Plan,
    /// Where its ReLUs are.
    pub(crate) schedule: &'a Schedule,
    /// Which kernel multiplies.
    pub(crate) backend: Backend,
}

/// Spends `ticket`: reads the masked image, ends by sending the share of the output.
pub(crate) fn run<T: Transport>(
    transport: &mut T,
    online: &OnlinePlan<'_>,
    ticket: ServerTicket,
) -> Result<()> {
    let specs = &online.plan.public.tensors;
    let pixels = specs.first().map_or(0, |t| t.shape.len());
    let masked = transport.recv(Kind::MaskedInput, 8 * pixels)?;
    let mut shares = vec![u64s_from(&masked)];
    let mut relus = online.schedule.relus.iter().peekable();
    for (j, (spec, state)) in specs.iter().zip(ticket.tensors).enumerate().skip(1) {
        let mut x = accumulate(online, j, spec, &state, &shares);
        truncate_server(&mut x, spec.truncate);
        if j + 1 == specs.len() {
            let mut output = Vec::new();
            put_u64s(&mut output, &x);
            return transport.send(Kind::Logits, &output);
        }
        correct_identities(online.schedule, j, &state, &mut x);
        if let Some(tensor) = relus.next_if(|r| r.tensor == j) {
            let values = activate(transport, tensor, state, &x)?;
            scatter(&tensor.positions, &values, &mut x);
        }
        shares.push(x);
    }
    Err(Error::local("the plan has no output tensor"))
}

/// `sum of L(a - r) + bias + s`, at the accumulator's scale.
fn accumulate(
    online: &OnlinePlan<'_>,
    j: usize,
    spec: &TensorSpec,
    state: &ServerTensor,
    shares: &[Vec<u64>],
) -> Vec<u64> {
    let mut z = state.mask.0.clone();
    if let Some(secret) = online.plan.secret.tensors.get(j) {
        let plane = spec.shape.height * spec.shape.width;
        for (z, bias) in z.chunks_mut(plane).zip(&secret.bias) {
            z.iter_mut().for_each(|z| *z = z.wrapping_add(*bias as u64));
        }
        for (term, weights) in spec.terms.iter().zip(&secret.weights) {
            if let (Linear::Conv(shape), Some(a)) = (&term.op, shares.get(term.input)) {
                linear::conv(online.backend, shape, weights, a, &mut z);
            }
        }
    }
    add_public_terms(&online.plan.public, spec, |i| shares.get(i).map(Vec::as_slice), &mut z);
    z
}

/// Mask-0 positions: the correction sent offline turns the client's share into r'.
fn correct_identities(schedule: &Schedule, j: usize, state: &ServerTensor, x: &mut [u64]) {
    let positions = schedule.identities.get(j).map(Vec::as_slice).unwrap_or_default();
    for (p, correction) in positions.iter().zip(&state.corrections) {
        if let Some(x) = x.get_mut(*p as usize) {
            *x = x.wrapping_add(*correction);
        }
    }
}

/// Mask-1 positions, round by round: messages of all slices out, answers in. The next messages wait
/// until all answers are there: neither party sends while the other does.
fn activate<T: Transport>(
    transport: &mut T,
    tensor: &ReluTensor,
    state: ServerTensor,
    x: &[u64],
) -> Result<Vec<u64>> {
    let gadget = state.choice.gadget(tensor.compare);
    let rounds = gadget.rounds();
    let kind = |number: usize| rounds.get(number).map(|round| round.message);
    let mut waiting = Vec::new();
    for (positions, slice) in tensor.slices().zip(state.slices) {
        let (message, next) = slice.begin(&gather(positions, x))?;
        kind(0).map_or(Ok(()), |kind| transport.send(kind, &message))?;
        waiting.push(next);
    }
    let mut values = Vec::with_capacity(tensor.positions.len());
    for (number, round) in rounds.iter().enumerate() {
        let answers = receive_answers(transport, tensor, gadget.as_ref(), (number, round))?;
        let mut next = Vec::new();
        for (slice, answer) in waiting.into_iter().zip(answers) {
            match (slice.take(&answer)?, kind(number + 1)) {
                (ServerTurn::Message(message, then), Some(kind)) => {
                    transport.send(kind, &message)?;
                    next.push(then);
                }
                (ServerTurn::Done(shares), None) => values.extend(shares),
                _ => return Err(Error::local("a ReLU gadget has other rounds than it says")),
            }
        }
        waiting = next;
    }
    Ok(values)
}

/// The client's answers of a round, slice by slice.
fn receive_answers<T: Transport>(
    transport: &mut T,
    tensor: &ReluTensor,
    gadget: &dyn Gadget,
    (number, round): (usize, &Round),
) -> Result<Vec<Vec<u8>>> {
    let sizes = tensor.slices().map(|positions| gadget.answer_bytes(number, positions.len()));
    if !round.joined {
        return sizes.map(|len| transport.recv(round.answer, len)).collect();
    }
    let sizes: Vec<usize> = sizes.collect();
    let joined = transport.recv(round.answer, sizes.iter().sum())?;
    let mut rest = joined.as_slice();
    let cut = |len: usize| {
        let (answer, after) = rest.split_at(len.min(rest.len()));
        rest = after;
        answer.to_vec()
    };
    Ok(sizes.into_iter().map(cut).collect())
}

/// Writes new shares to their positions.
fn scatter(positions: &[u32], values: &[u64], x: &mut [u64]) {
    for (p, v) in positions.iter().zip(values) {
        if let Some(x) = x.get_mut(*p as usize) {
            *x = *v;
        }
    }
}
