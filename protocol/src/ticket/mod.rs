//! Tickets: correlated randomness for exactly one inference, and the server's store of them.
//!
//! Two online runs on one ticket would reveal the difference of two images. The client's ticket is
//! therefore moved into the online run, and the server takes its half out of the store before
//! the run begins: neither can be used twice, whatever happens in between. Tickets live in memory
//! and belong to one session.
//!
//! ```compile_fail,E0382
//! # use tacita_protocol::{session::ClientSession, ticket::ClientTicket, wire::Transport};
//! fn twice<T: Transport>(s: &mut ClientSession<T>, ticket: ClientTicket, x: &[u64]) {
//!     let _ = s.infer(ticket, x);
//!     let _ = s.infer(ticket, x); // error[E0382]: use of moved value
//! }
//! ```
//!
//! Once is fine:
//!
//! ```
//! # use tacita_protocol::{session::ClientSession, ticket::ClientTicket, wire::Transport};
//! fn once<T: Transport>(s: &mut ClientSession<T>, ticket: ClientTicket, x: &[u64]) {
//!     let _ = s.infer(ticket, x);
//! }
//! ```

use std::collections::BTreeMap;

use crate::error::{Error, Result};
use crate::gadget::ReluChoice;
use crate::gadget::seam::{ClientRelus, ServerRelus};
use crate::ring::{ClientShare, ServerShare};

/// The client's half of a ticket. Not `Clone`: it is spent by move.
pub struct ClientTicket {
    /// Names the server's half.
    pub(crate) id: u64,
    /// The session it belongs to; another one refuses it.
    pub(crate) session: u64,
    /// r_0: masks the image.
    pub(crate) input: ClientShare,
    /// One entry a tensor that has ReLUs, in order.
    pub(crate) relus: Vec<ClientTensor>,
    /// The client's share of the output, known since the offline phase.
    pub(crate) output: ClientShare,
}

/// The client's half of one tensor's ReLUs.
pub(crate) struct ClientTensor {
    /// What computes them.
    pub(crate) choice: ReluChoice,
    /// One entry a slice.
    pub(crate) slices: Vec<Box<dyn ClientRelus>>,
    /// r' at the ReLU positions: the client's share of the result.
    pub(crate) reshare: ClientShare,
}

/// The server's half of a ticket.
pub(crate) struct ServerTicket {
    /// One entry a tensor (the input's is empty).
    pub(crate) tensors: Vec<ServerTensor>,
}

/// The server's half for one tensor.
#[derive(Default)]
pub(crate) struct ServerTensor {
    /// s: the mask on the tensor's accumulator.
    pub(crate) mask: ServerShare,
    /// `x_C - r'` at the identity positions, in order.
    pub(crate) corrections: Vec<u64>,
    /// What computes its ReLUs, if it has any.
    pub(crate) choice: ReluChoice,
    /// One entry a slice of ReLU positions.
    pub(crate) slices: Vec<Box<dyn ServerRelus>>,
}

/// The unspent tickets of one session, at the server.
#[derive(Default)]
pub(crate) struct TicketStore {
    next: u64,
    unspent: BTreeMap<u64, ServerTicket>,
}

impl TicketStore {
    /// Adds a ticket; both parties number them in the order they are made.
    pub(crate) fn add(&mut self, ticket: ServerTicket) {
        self.unspent.insert(self.next, ticket);
        self.next += 1;
    }

    /// Number of unspent tickets.
    pub(crate) fn len(&self) -> usize {
        self.unspent.len()
    }

    /// Takes a ticket out, for good.
    ///
    /// # Errors
    /// `PeerMisbehaved` if it was spent before or never made.
    pub(crate) fn spend(&mut self, id: u64) -> Result<ServerTicket> {
        self.unspent.remove(&id).ok_or_else(|| {
            let why = if id < self.next { "was already spent" } else { "was never made" };
            Error::misbehaved(format!("ticket {id} {why}"))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_replayed_or_invented_ticket_is_refused() {
        let mut store = TicketStore::default();
        store.add(ServerTicket { tensors: Vec::new() });
        assert!(store.spend(1).err().unwrap().to_string().contains("never made"));
        assert!(store.spend(0).is_ok());
        assert!(store.spend(0).err().unwrap().to_string().contains("already spent"));
        assert_eq!(store.len(), 0);
    }
}
