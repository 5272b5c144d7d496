//! The server's half: evaluates convolutions on encrypted masks, makes its part of the ReLUs.

use crate::bytes::u64s_from;
use crate::compute::Compute;
use crate::error::{Error, Result};
use crate::gadget::seam::{Accepted, ServerPads};
use crate::offline::lattice::LatticePlan;
use crate::offline::schedule::{Schedule, Slice};
use crate::offline::weights::{BatchWeights, WeightCache};
use crate::ot::OtExtension;
use crate::plan::{Plan, ReluChoices};
use crate::ring::ServerShare;
use crate::rlwe::Weights;
use crate::rng::PublicSeed;
use crate::session::ServerCrypto;
use crate::ticket::{ServerTensor, ServerTicket};
use crate::wire::{Kind, Transport};

/// What the server needs beside a session's state.
#[derive(Clone, Copy)]
pub(crate) struct OfflinePlan<'a> {
    /// The network.
    pub(crate) plan: &'a Plan,
    /// Where its ReLUs are.
    pub(crate) schedule: &'a Schedule,
    /// How the batch is packed.
    pub(crate) lattice: &'a LatticePlan,
    /// Where weights are kept.
    pub(crate) cache: &'a WeightCache,
    /// Who computes.
    pub(crate) compute: &'a Compute,
}

/// Makes the server's half of `lattice.batch` tickets.
pub(crate) fn run<T: Transport>(
    t: &mut T,
    offline: &OfflinePlan<'_>,
    (crypto, choices): (&mut ServerCrypto, &ReluChoices),
    seed: &PublicSeed,
) -> Result<Vec<ServerTicket>> {
    let OfflinePlan { plan, schedule, lattice, cache, compute } = *offline;
    let mut tickets = empty_tickets(plan, lattice.batch);
    let uploads: Vec<Vec<u8>> = lattice
        .groups
        .iter()
        .map(|g| t.recv(Kind::Upload, g.upload_bytes()))
        .collect::<Result<_>>()?;
    let ots = schedule.ots(lattice.batch, choices);
    refill(t, compute, crypto, ots)?;
    // Not before: nothing is prepared for clients that only ask.
    let weights = cache.get(lattice, |group| group.prepare(compute, &plan.secret))?;
    respond(t, offline, &weights, crypto, (seed, uploads), &mut tickets)?;
    drop(weights);
    let pads = send_extensions(t, offline, crypto, choices)?;
    let requests = schedule
        .slices(lattice.batch)
        .map(|slice| receive_request(t, &slice, choices, crypto.ots.labels))
        .collect::<Result<Vec<_>>>()?;
    for (tensor, ticket, positions) in schedule.identity_messages(lattice.batch) {
        let bytes = t.recv(Kind::ClientCorrections, 8 * positions.len())?;
        state_of(&mut tickets, tensor, ticket)?.corrections = u64s_from(&bytes);
    }
    for ((slice, pads), request) in schedule.slices(lattice.batch).zip(pads).zip(requests) {
        let accepted = compute.piece(|| accept(crypto, (&slice, choices), pads, &request))?;
        let (relus, tables) = accepted;
        tables.iter().try_for_each(|tables| t.send(Kind::Tables, tables))?;
        let state = state_of(&mut tickets, slice.tensor, slice.ticket)?;
        state.choice = choices.of(slice.relu);
        state.slices.push(relus);
    }
    Ok(tickets)
}

/// Tickets whose masks are zero so far.
fn empty_tickets(plan: &Plan, batch: usize) -> Vec<ServerTicket> {
    let tensors = &plan.public.tensors;
    let blank = |len| ServerTensor { mask: ServerShare(vec![0; len]), ..Default::default() };
    (0..batch)
        .map(|_| ServerTicket { tensors: tensors.iter().map(|s| blank(s.shape.len())).collect() })
        .collect()
}

fn state_of(
    tickets: &mut [ServerTicket],
    tensor: usize,
    ticket: usize,
) -> Result<&mut ServerTensor> {
    let tensor = tickets.get_mut(ticket).and_then(|t| t.tensors.get_mut(tensor));
    tensor.ok_or_else(|| Error::local("a tensor of no ticket"))
}

/// Takes in the refills of the OTs in which the server receives and sends those of the OTs in which
/// it sends. Both are expanded when they are needed: the client waits for responses first.
fn refill<T: Transport>(
    t: &mut T,
    compute: &Compute,
    crypto: &mut ServerCrypto,
    [labels, selections]: [usize; 2],
) -> Result<()> {
    while let Some(len) = crypto.selection.due(selections) {
        crypto.selection.order(t.recv(Kind::Refill, len)?)?;
    }
    while let Some(message) = compute.piece(|| crypto.labels.order(labels, &mut crypto.rng))? {
        t.send(Kind::Refill, &message)?;
    }
    Ok(())
}

/// Evaluates every group under fresh masks s, which are added to the tickets.
fn respond<T: Transport>(
    t: &mut T,
    offline: &OfflinePlan<'_>,
    weights: &BatchWeights,
    crypto: &mut ServerCrypto,
    (seed, uploads): (&PublicSeed, Vec<Vec<u8>>),
    tickets: &mut [ServerTicket],
) -> Result<()> {
    let OfflinePlan { plan, lattice, compute, .. } = *offline;
    for ((group, prepared), upload) in lattice.groups.iter().zip(weights.iter()).zip(uploads) {
        let raw = if prepared.is_none() { group.group.weights(&plan.secret) } else { Vec::new() };
        let outputs = lattice.batch * group.group.shape.output().len();
        let mask = compute.piece(|| ServerShare(crypto.rng.u64s(outputs)));
        let response = group.evaluate(
            (compute, prepared.as_ref().map_or(Weights::Raw(&raw), Weights::Prepared)),
            (seed, &upload),
            &crypto.lattice,
            &mask.0,
            &mut crypto.rng,
        )?;
        t.send(Kind::Response, &response)?;
        compute.piece(|| group.add_masks(&mask.0, tickets));
    }
    Ok(())
}

/// Random OTs in which the server receives.
fn send_extensions<T: Transport>(
    t: &mut T,
    offline: &OfflinePlan<'_>,
    crypto: &mut ServerCrypto,
    choices: &ReluChoices,
) -> Result<Vec<Box<dyn ServerPads>>> {
    let OfflinePlan { schedule, lattice, compute, .. } = *offline;
    let mut pads = Vec::new();
    for slice in schedule.slices(lattice.batch) {
        let (message, made) = compute.piece(|| make_pads(crypto, &slice, choices))?;
        message.iter().try_for_each(|message| t.send(Kind::ServerExtension, message))?;
        pads.push(made);
    }
    Ok(pads)
}

/// A slice's extension, if there is one, and its pads.
type ExtendedPads = (Option<Vec<u8>>, Box<dyn ServerPads>);

/// Extends the selection OTs for a slice, and makes its pads.
fn make_pads(
    crypto: &mut ServerCrypto,
    slice: &Slice<'_>,
    choices: &ReluChoices,
) -> Result<ExtendedPads> {
    let (n, gadget) = (slice.len(), slice.gadget(choices));
    let ots = gadget.selection_ots(n);
    let message = crypto.selection.extend(ots)?;
    let windows = crypto.tweaks.take(gadget.selection_windows(n))?;
    let cots = crypto.selection.take(ots)?;
    Ok((message, gadget.server_pads(n, &crypto.hash, windows, cots)?))
}

/// A client's messages for one slice, kept as bytes until all have arrived: garbled tables are
/// eight times larger and are made only when they can be sent.
struct Request {
    extension: Option<Vec<u8>>,
    corrections: Vec<u8>,
}

fn receive_request<T: Transport>(
    t: &mut T,
    slice: &Slice<'_>,
    choices: &ReluChoices,
    extension: OtExtension,
) -> Result<Request> {
    let (n, gadget) = (slice.len(), slice.gadget(choices));
    let len = extension.extension_bytes(gadget.label_ots(n));
    let extension = len.map(|len| t.recv(Kind::ClientExtension, len)).transpose()?;
    let corrections = t.recv(Kind::ClientCorrections, gadget.request_bytes(n))?;
    Ok(Request { extension, corrections })
}

/// A slice's ReLUs and their tables, if there are any.
fn accept(
    crypto: &mut ServerCrypto,
    (slice, choices): (&Slice<'_>, &ReluChoices),
    pads: Box<dyn ServerPads>,
    request: &Request,
) -> Result<Accepted> {
    let (n, gadget) = (slice.len(), slice.gadget(choices));
    let keys = crypto.labels.take(gadget.label_ots(n), request.extension.as_deref())?;
    let windows = crypto.tweaks.take(gadget.label_windows(n))?;
    pads.accept(&crypto.hash, windows, keys, &request.corrections, &mut crypto.rng)
}
