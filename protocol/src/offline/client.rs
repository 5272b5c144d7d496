//! The client's half: encrypted masks up, its shares of every accumulator down, ReLU gadgets.

use zeroize::Zeroizing;

use crate::bytes::u64s_bytes;
use crate::error::{Error, Result};
use crate::gadget::seam::{ClientPads, ClientRequested};
use crate::offline::lattice::LatticePlan;
use crate::offline::schedule::{ReluTensor, Schedule, Slice, add_public_terms, gather, ticket_of};
use crate::plan::{PublicPlan, ReluChoices};
use crate::ring::{ClientShare, sub_assign, truncate_client};
use crate::session::ClientCrypto;
use crate::ticket::{ClientTensor, ClientTicket};
use crate::wire::{Kind, Transport};

/// One vector a tensor, each holding a whole batch: `[ticket][CHW]`.
type Batch = Vec<Zeroizing<Vec<u64>>>;

/// Makes `lattice.batch` tickets, numbered from `first`.
pub(crate) fn run<T: Transport>(
    t: &mut T,
    plan: &PublicPlan,
    schedule: &Schedule,
    lattice: &LatticePlan,
    (crypto, choices): (&mut ClientCrypto, &ReluChoices),
    (session, first): (u64, u64),
) -> Result<Vec<ClientTicket>> {
    let mut masks = upload(t, plan, lattice, crypto, choices)?;
    refill(t, crypto, schedule.ots(lattice.batch, choices))?;
    let mut shares = receive_shares(t, plan, lattice, crypto)?;
    finish_shares(plan, schedule, lattice.batch, &mut masks, &mut shares);
    let pads = receive_pads(t, schedule, lattice.batch, crypto, choices)?;
    let mut requests = Vec::new();
    for (slice, pads) in schedule.slices(lattice.batch).zip(pads) {
        requests.push(request_relus(t, plan, crypto, (&slice, choices), pads, &shares)?);
    }
    send_identity_corrections(t, plan, schedule, lattice.batch, &masks, &shares)?;
    let mut relus = Vec::with_capacity(requests.len());
    for (slice, request) in schedule.slices(lattice.batch).zip(requests) {
        let tables = slice.gadget(choices).tables_bytes(slice.len());
        relus.push(request.ready(tables.map(|len| t.recv(Kind::Tables, len)).transpose()?)?);
    }
    let numbers = (lattice.batch, session, first);
    let mut tickets = assemble(plan, (schedule, choices), &masks, &shares, numbers);
    for (slice, relus) in schedule.slices(lattice.batch).zip(relus) {
        let ticket = tickets.get_mut(slice.ticket);
        let tensor = ticket.and_then(|t| t.relus.get_mut(slice.relu));
        tensor.ok_or_else(|| Error::local("a slice of no ticket"))?.slices.push(relus);
    }
    Ok(tickets)
}

fn tensor_len(plan: &PublicPlan, tensor: usize) -> usize {
    plan.tensors.get(tensor).map_or(0, |t| t.shape.len())
}

/// Draws r for every tensor (where an upload leaves it free, the ciphertext fixes it) and sends
/// the uploads.
fn upload<T: Transport>(
    t: &mut T,
    plan: &PublicPlan,
    lattice: &LatticePlan,
    crypto: &mut ClientCrypto,
    choices: &ReluChoices,
) -> Result<Batch> {
    let seed = crypto.rng.array();
    let mut request = (lattice.batch as u32).to_le_bytes().to_vec();
    request.extend_from_slice(&seed);
    request.extend_from_slice(&choices.to_bytes());
    t.send(Kind::OfflineRequest, &request)?;
    let mut masks: Batch = plan
        .tensors
        .iter()
        .map(|spec| Zeroizing::new(crypto.rng.u64s(lattice.batch * spec.shape.len())))
        .collect();
    for group in &lattice.groups {
        if let Some(r) = masks.get_mut(group.group.input) {
            let bytes = group.encrypt(&crypto.lattice, &seed, r, &mut crypto.rng)?;
            t.send(Kind::Upload, &bytes)?;
        }
    }
    Ok(masks)
}

/// Sends the refills of the OTs in which the client sends and takes in those of the OTs in which
/// it receives. What can be expanded is, while the server evaluates.
fn refill<T: Transport>(
    t: &mut T,
    crypto: &mut ClientCrypto,
    [labels, selections]: [usize; 2],
) -> Result<()> {
    while let Some(message) = crypto.selection.order(selections, &mut crypto.rng)? {
        t.send(Kind::Refill, &message)?;
    }
    crypto.selection.expand(selections)?;
    while let Some(len) = crypto.labels.due(labels) {
        crypto.labels.order(t.recv(Kind::Refill, len)?)?;
    }
    crypto.labels.expand(labels)
}

/// `sum of L(r) - s` over each tensor's convolutions, from the server's responses.
fn receive_shares<T: Transport>(
    t: &mut T,
    plan: &PublicPlan,
    lattice: &LatticePlan,
    crypto: &ClientCrypto,
) -> Result<Batch> {
    let mut shares: Batch = plan
        .tensors
        .iter()
        .map(|spec| Zeroizing::new(vec![0; lattice.batch * spec.shape.len()]))
        .collect();
    for group in &lattice.groups {
        let bytes = t.recv(Kind::Response, group.response_bytes())?;
        let c = Zeroizing::new(group.decrypt(&crypto.lattice, &bytes)?);
        group.add_outputs(&c, &mut shares);
    }
    Ok(shares)
}

/// Adds the operators without secret weights, truncates: from accumulators to x_C. Where shares
/// are kept, r becomes x_C.
fn finish_shares(
    plan: &PublicPlan,
    schedule: &Schedule,
    batch: usize,
    masks: &mut Batch,
    shares: &mut Batch,
) {
    for (j, (spec, share)) in plan.tensors.iter().zip(shares).enumerate() {
        let len = spec.shape.len();
        for (ticket, z) in share.chunks_mut(len).enumerate().take(batch) {
            let mask_of =
                |i: usize| masks.get(i).map(|m| ticket_of(m, tensor_len(plan, i), ticket));
            add_public_terms(plan, spec, mask_of, z);
            truncate_client(z, spec.truncate);
            let own = masks.get_mut(j).and_then(|m| m.get_mut(ticket * len..(ticket + 1) * len));
            let kept = schedule.kept.get(j).map(Vec::as_slice).unwrap_or_default();
            keep(kept, z, own.unwrap_or_default());
        }
    }
}

/// `r = x` at some positions.
fn keep(positions: &[u32], x: &[u64], r: &mut [u64]) {
    for p in positions {
        if let (Some(r), Some(x)) = (r.get_mut(*p as usize), x.get(*p as usize)) {
            *r = *x;
        }
    }
}

/// Random OTs in which the client sends.
fn receive_pads<T: Transport>(
    t: &mut T,
    schedule: &Schedule,
    batch: usize,
    crypto: &mut ClientCrypto,
    choices: &ReluChoices,
) -> Result<Vec<Box<dyn ClientPads>>> {
    let mut pads = Vec::new();
    for slice in schedule.slices(batch) {
        let (n, gadget) = (slice.len(), slice.gadget(choices));
        let ots = gadget.selection_ots(n);
        let len = crypto.ots.selection.extension_bytes(ots);
        let message = len.map(|len| t.recv(Kind::ServerExtension, len)).transpose()?;
        let windows = crypto.tweaks.take(gadget.selection_windows(n))?;
        let keys = crypto.selection.take(ots, message.as_deref())?;
        pads.push(gadget.client_pads(n, &crypto.hash, windows, keys)?);
    }
    Ok(pads)
}

/// One slice's correlated OTs and masked values.
fn request_relus<T: Transport>(
    t: &mut T,
    plan: &PublicPlan,
    crypto: &mut ClientCrypto,
    (slice, choices): (&Slice<'_>, &ReluChoices),
    pads: Box<dyn ClientPads>,
    shares: &Batch,
) -> Result<Box<dyn ClientRequested>> {
    let gadget = slice.gadget(choices);
    let n = gadget.label_ots(slice.len());
    let extension = crypto.labels.extend(n)?;
    let windows = crypto.tweaks.take(gadget.label_windows(slice.len()))?;
    let share = shares.get(slice.tensor).map(|s| s.as_slice()).unwrap_or_default();
    let x_c = Zeroizing::new(slice.gather(share, tensor_len(plan, slice.tensor)));
    let cots = crypto.labels.take(n)?;
    let (request, corrections) = pads.request(&crypto.hash, windows, cots, &x_c)?;
    extension.iter().try_for_each(|message| t.send(Kind::ClientExtension, message))?;
    t.send(Kind::ClientCorrections, &corrections)?;
    Ok(request)
}

/// `x_C - r'` at the mask-0 positions: uniform to the server, since r' is.
fn send_identity_corrections<T: Transport>(
    t: &mut T,
    plan: &PublicPlan,
    schedule: &Schedule,
    batch: usize,
    masks: &Batch,
    shares: &Batch,
) -> Result<()> {
    for (tensor, ticket, positions) in schedule.identity_messages(batch) {
        let (Some(x), Some(r)) = (shares.get(tensor), masks.get(tensor)) else { continue };
        let len = tensor_len(plan, tensor);
        let mut corrections = gather(positions, ticket_of(x, len, ticket));
        sub_assign(&mut corrections, &gather(positions, ticket_of(r, len, ticket)));
        t.send(Kind::ClientCorrections, &u64s_bytes(&corrections))?;
    }
    Ok(())
}

/// Sorts everything by ticket, but for the gadgets.
fn assemble(
    plan: &PublicPlan,
    (schedule, choices): (&Schedule, &ReluChoices),
    masks: &Batch,
    shares: &Batch,
    (batch, session, first): (usize, u64, u64),
) -> Vec<ClientTicket> {
    let part = |values: &Batch, tensor: usize, ticket: usize| {
        let values = values.get(tensor).map(|v| v.as_slice()).unwrap_or_default();
        ticket_of(values, tensor_len(plan, tensor), ticket).to_vec()
    };
    let tensor = |relu: &ReluTensor, ticket: usize| {
        let mask = Zeroizing::new(part(masks, relu.tensor, ticket));
        let reshare = ClientShare(gather(&relu.positions, &mask));
        ClientTensor { choice: choices.of(relu.index), slices: Vec::new(), reshare }
    };
    let ticket = |ticket: usize| ClientTicket {
        id: first + ticket as u64,
        session,
        input: ClientShare(part(masks, 0, ticket)),
        relus: schedule.relus.iter().map(|relu| tensor(relu, ticket)).collect(),
        output: ClientShare(part(shares, plan.tensors.len() - 1, ticket)),
    };
    (0..batch).map(ticket).collect()
}
