//! The server's half: evaluates convolutions on encrypted masks, garbles the ReLUs or takes
//! requests for lookups.

use crate::bytes::u64s_from;
use crate::compute::Compute;
use crate::error::Result;
use crate::gadget::lookup::{self, ServerLookup, ServerPads};
use crate::gadget::{self, ReluBackend, ServerRelu};
use crate::offline::lattice::LatticePlan;
use crate::offline::schedule::{Schedule, Slice};
use crate::offline::weights::{BatchWeights, WeightCache};
use crate::ot::{OtExtension, ReceiverPads};
use crate::plan::{Plan, ReluChoices};
use crate::ring::ServerShare;
use crate::rlwe::Weights;
use crate::rng::PublicSeed;
use crate::session::ServerCrypto;
use crate::ticket::{ServerTensor, ServerTicket};
use crate::wire::{Kind, Transport};

/// A slice's pads of the OTs in which the server receives.
enum Pads {
    Garbled(ReceiverPads),
    Lookup(ServerPads),
}

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
        if let Some(state) = state_of(&mut tickets, tensor, ticket) {
            state.corrections = u64s_from(&bytes);
        }
    }
    for ((slice, pads), request) in schedule.slices(lattice.batch).zip(pads).zip(requests) {
        match pads {
            Pads::Garbled(pads) => {
                let (relu, tables) = compute.piece(|| garble(crypto, &slice, pads, &request))?;
                t.send(Kind::Tables, &tables)?;
                if let Some(state) = state_of(&mut tickets, slice.tensor, slice.ticket) {
                    state.slices.push(relu);
                }
            }
            Pads::Lookup(pads) => {
                let relu = compute.piece(|| accept(crypto, &slice, pads, &request))?;
                if let Some(state) = state_of(&mut tickets, slice.tensor, slice.ticket) {
                    state.lookups.push(relu);
                }
            }
        }
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
) -> Option<&mut ServerTensor> {
    tickets.get_mut(ticket).and_then(|t| t.tensors.get_mut(tensor))
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
) -> Result<Vec<Pads>> {
    let OfflinePlan { schedule, lattice, compute, .. } = *offline;
    let mut pads = Vec::new();
    for slice in schedule.slices(lattice.batch) {
        let backend = slice.backend(choices);
        let (message, made) = compute.piece(|| make_pads(crypto, slice.len(), backend))?;
        message.iter().try_for_each(|message| t.send(Kind::ServerExtension, message))?;
        pads.push(made);
    }
    Ok(pads)
}

/// A slice's extension, if there is one, and its pads.
fn make_pads(
    crypto: &mut ServerCrypto,
    n: usize,
    backend: ReluBackend,
) -> Result<(Option<Vec<u8>>, Pads)> {
    let ots = backend.selection_ots(n);
    let message = crypto.selection.extend(ots)?;
    let windows = crypto.tweaks.take(backend.selection_windows(n))?;
    let (hash, cots) = (&crypto.hash, crypto.selection.take(ots)?);
    let pads = match backend {
        ReluBackend::Garbled(_) => Pads::Garbled(ReceiverPads::new(hash, windows, cots)?),
        ReluBackend::Lookup(split) => {
            Pads::Lookup(ServerPads::new(hash, windows, (n, split), cots)?)
        }
    };
    Ok((message, pads))
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
    let (n, backend) = (slice.len(), slice.backend(choices));
    let len = extension.extension_bytes(backend.label_ots(n));
    let extension = len.map(|len| t.recv(Kind::ClientExtension, len)).transpose()?;
    let corrections = t.recv(Kind::ClientCorrections, backend.request_bytes(n))?;
    Ok(Request { extension, corrections })
}

/// A slice's ReLUs and their tables.
fn garble(
    crypto: &mut ServerCrypto,
    slice: &Slice<'_>,
    pads: ReceiverPads,
    request: &Request,
) -> Result<(ServerRelu, Vec<u8>)> {
    let n = gadget::cot_count(slice.len(), slice.compare);
    let keys = crypto.labels.take(n, request.extension.as_deref())?;
    let windows = crypto.tweaks.take(gadget::relu_windows(slice.len(), slice.compare))?;
    gadget::server_offline(
        &crypto.hash,
        windows,
        slice.compare,
        keys,
        pads,
        &request.corrections,
        &mut crypto.rng,
    )
}

/// Takes a request for lookups; nothing goes back.
fn accept(
    crypto: &mut ServerCrypto,
    slice: &Slice<'_>,
    pads: ServerPads,
    request: &Request,
) -> Result<ServerLookup> {
    let ots = lookup::label_ots(slice.len());
    let windows = crypto.tweaks.take(lookup::label_windows(slice.len()))?;
    let keys = crypto.labels.take(ots, request.extension.as_deref())?;
    pads.accept(&crypto.hash, windows, keys, &request.corrections)
}
