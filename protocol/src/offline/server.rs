//! The server's half: evaluates convolutions on encrypted masks, garbles the ReLUs or takes
//! requests for lookups.

use crate::bytes::u64s_from;
use crate::error::Result;
use crate::gadget::lookup::{self, ServerPads};
use crate::gadget::{self, ReluBackend};
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

/// Makes the server's half of `lattice.batch` tickets.
pub(crate) fn run<T: Transport>(
    t: &mut T,
    plan: &Plan,
    schedule: &Schedule,
    (lattice, cache): (&LatticePlan, &WeightCache),
    (crypto, choices): (&mut ServerCrypto, &ReluChoices),
    seed: &PublicSeed,
) -> Result<Vec<ServerTicket>> {
    let mut tickets = empty_tickets(plan, lattice.batch);
    let uploads: Vec<Vec<u8>> = lattice
        .groups
        .iter()
        .map(|g| t.recv(Kind::Upload, g.upload_bytes()))
        .collect::<Result<_>>()?;
    let ots = schedule.ots(lattice.batch, choices);
    refill(t, crypto, ots)?;
    // Not before: nothing is prepared for clients that only ask.
    let weights = cache.get(lattice, |group| group.prepare(&plan.secret))?;
    respond(t, plan, (lattice, &weights), crypto, (seed, uploads), &mut tickets)?;
    drop(weights);
    let pads = send_extensions(t, schedule, lattice.batch, crypto, choices)?;
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
            Pads::Garbled(pads) => garble(t, crypto, &slice, pads, &request, &mut tickets)?,
            Pads::Lookup(pads) => accept(crypto, &slice, pads, &request, &mut tickets)?,
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
    crypto: &mut ServerCrypto,
    [labels, selections]: [usize; 2],
) -> Result<()> {
    while let Some(len) = crypto.selection.due(selections) {
        crypto.selection.order(t.recv(Kind::Refill, len)?)?;
    }
    while let Some(message) = crypto.labels.order(labels, &mut crypto.rng)? {
        t.send(Kind::Refill, &message)?;
    }
    Ok(())
}

/// Evaluates every group under fresh masks s, which are added to the tickets.
fn respond<T: Transport>(
    t: &mut T,
    plan: &Plan,
    (lattice, weights): (&LatticePlan, &BatchWeights),
    crypto: &mut ServerCrypto,
    (seed, uploads): (&PublicSeed, Vec<Vec<u8>>),
    tickets: &mut [ServerTicket],
) -> Result<()> {
    for ((group, prepared), upload) in lattice.groups.iter().zip(weights.iter()).zip(uploads) {
        let raw = if prepared.is_none() { group.group.weights(&plan.secret) } else { Vec::new() };
        let mask = ServerShare(crypto.rng.u64s(lattice.batch * group.group.shape.output().len()));
        let response = group.evaluate(
            prepared.as_ref().map_or(Weights::Raw(&raw), Weights::Prepared),
            (seed, &upload),
            &crypto.lattice,
            &mask.0,
            &mut crypto.rng,
        )?;
        t.send(Kind::Response, &response)?;
        group.add_masks(&mask.0, tickets);
    }
    Ok(())
}

/// Random OTs in which the server receives.
fn send_extensions<T: Transport>(
    t: &mut T,
    schedule: &Schedule,
    batch: usize,
    crypto: &mut ServerCrypto,
    choices: &ReluChoices,
) -> Result<Vec<Pads>> {
    let mut pads = Vec::new();
    for slice in schedule.slices(batch) {
        let (n, backend) = (slice.len(), slice.backend(choices));
        let ots = backend.selection_ots(n);
        let message = crypto.selection.extend(ots)?;
        message.iter().try_for_each(|message| t.send(Kind::ServerExtension, message))?;
        let windows = crypto.tweaks.take(backend.selection_windows(n))?;
        let (hash, cots) = (&crypto.hash, crypto.selection.take(ots)?);
        pads.push(match backend {
            ReluBackend::Garbled(_) => Pads::Garbled(ReceiverPads::new(hash, windows, cots)?),
            ReluBackend::Lookup(split) => {
                Pads::Lookup(ServerPads::new(hash, windows, (n, split), cots)?)
            }
        });
    }
    Ok(pads)
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

fn garble<T: Transport>(
    t: &mut T,
    crypto: &mut ServerCrypto,
    slice: &Slice<'_>,
    pads: ReceiverPads,
    request: &Request,
    tickets: &mut [ServerTicket],
) -> Result<()> {
    let n = gadget::cot_count(slice.len(), slice.compare);
    let keys = crypto.labels.take(n, request.extension.as_deref())?;
    let windows = crypto.tweaks.take(gadget::relu_windows(slice.len(), slice.compare))?;
    let (relu, tables) = gadget::server_offline(
        &crypto.hash,
        windows,
        slice.compare,
        keys,
        pads,
        &request.corrections,
        &mut crypto.rng,
    )?;
    t.send(Kind::Tables, &tables)?;
    if let Some(state) = state_of(tickets, slice.tensor, slice.ticket) {
        state.slices.push(relu);
    }
    Ok(())
}

/// Takes a request for lookups; nothing goes back.
fn accept(
    crypto: &mut ServerCrypto,
    slice: &Slice<'_>,
    pads: ServerPads,
    request: &Request,
    tickets: &mut [ServerTicket],
) -> Result<()> {
    let ots = lookup::label_ots(slice.len());
    let windows = crypto.tweaks.take(lookup::label_windows(slice.len()))?;
    let keys = crypto.labels.take(ots, request.extension.as_deref())?;
    let relu = pads.accept(&crypto.hash, windows, keys, &request.corrections)?;
    if let Some(state) = state_of(tickets, slice.tensor, slice.ticket) {
        state.lookups.push(relu);
    }
    Ok(())
}
