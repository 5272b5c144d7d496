//! The server's half: linear operators on shares, labels and rows for the ReLUs.

use crate::bytes::{put_u64s, u64s_from};
use crate::error::{Error, Result};
use crate::gadget::lookup;
use crate::linear::{self, Backend};
use crate::offline::{ReluTensor, Schedule, add_public_terms, gather};
use crate::plan::{Linear, Plan, TensorSpec};
use crate::ring::{add_assign, truncate_server};
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
            let values = if state.lookups.is_empty() {
                activate(transport, tensor, state, &x)?
            } else {
                look_up(transport, tensor, state, &x)?
            };
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

/// Mask-1 positions: labels and rows out, re-shared activations in.
fn activate<T: Transport>(
    transport: &mut T,
    tensor: &ReluTensor,
    state: ServerTensor,
    x: &[u64],
) -> Result<Vec<u64>> {
    let mut minus_rho = Vec::with_capacity(tensor.positions.len());
    for (positions, relu) in tensor.slices().zip(state.slices) {
        let (message, rho) = relu.online(&gather(positions, x))?;
        transport.send(Kind::Labels, &message)?;
        minus_rho.extend(rho.iter().map(|r| r.wrapping_neg()));
    }
    let bytes = transport.recv(Kind::Activations, 8 * tensor.positions.len())?;
    let mut values = u64s_from(&bytes);
    add_assign(&mut values, &minus_rho);
    Ok(values)
}

/// Mask-1 positions by lookup: digits out, tables in, rows out, answers in. Tables wait until all
/// are there: neither party sends while the other does.
fn look_up<T: Transport>(
    transport: &mut T,
    tensor: &ReluTensor,
    state: ServerTensor,
    x: &[u64],
) -> Result<Vec<u64>> {
    let mut started = Vec::new();
    for (positions, relu) in tensor.slices().zip(state.lookups) {
        let split = relu.split();
        let (relu, digits) = relu.digits(&gather(positions, x))?;
        transport.send(Kind::Digits, &digits)?;
        started.push((relu, split));
    }
    let mut tables = Vec::new();
    for (relu, split) in &started {
        let len = lookup::tables_bytes(relu.len(), *split);
        tables.push(transport.recv(Kind::MaskedTables, len)?);
    }
    let mut opened = Vec::new();
    for ((relu, _), tables) in started.into_iter().zip(tables) {
        let (relu, rows) = relu.rows(&tables)?;
        transport.send(Kind::Rows, &rows)?;
        opened.push(relu);
    }
    let mut values = Vec::with_capacity(tensor.positions.len());
    for relu in opened {
        let len = lookup::answer_bytes(relu.len());
        values.extend(relu.finish(&transport.recv(Kind::Answers, len)?)?);
    }
    Ok(values)
}

/// Writes new shares to their positions.
fn scatter(positions: &[u32], values: &[u64], x: &mut [u64]) {
    for (p, v) in positions.iter().zip(values) {
        if let Some(x) = x.get_mut(*p as usize) {
            *x = *v;
        }
    }
}
