//! The client's half of a session.

use crate::error::{Error, Result};
use crate::offline::{self, LatticePlan, Schedule};
use crate::online::{self, Inference};
use crate::ot::OtConfig;
use crate::plan::{PlanHash, PublicPlan, ReluChoices};
use crate::rng::SecretRng;
use crate::session::handshake::{self, ClientCrypto, Offer, ServerInfo};
use crate::ticket::ClientTicket;
use crate::wire::{Kind, Transport};

/// Choices of a client.
#[derive(Clone, Debug, Default)]
pub struct ClientOptions {
    /// Refuse a server whose public plan has another hash.
    pub expect_plan: Option<PlanHash>,
    /// How correlated OTs are made; the server follows.
    pub ots: OtConfig,
}

/// The client's half of a session. Any error ends it: drop it and connect again.
pub struct ClientSession<T> {
    transport: T,
    info: ServerInfo,
    schedule: Schedule,
    crypto: ClientCrypto,
    tickets: TicketCount,
}

/// Numbers tickets like the server does.
struct TicketCount {
    session: u64,
    next: u64,
    unspent: usize,
}

impl<T: Transport> ClientSession<T> {
    /// Handshake, keys, base OTs: two round trips.
    ///
    /// # Errors
    /// `PeerIncompatible` for another version or another plan than expected, and whatever the
    /// transport reports.
    pub fn connect(transport: T, options: &ClientOptions) -> Result<Self> {
        Self::connect_with(transport, options, SecretRng::from_os()?)
    }

    /// As [`Self::connect`], with the session's randomness given: fixed in wire traces.
    ///
    /// # Errors
    /// As [`Self::connect`].
    pub fn connect_with(transport: T, options: &ClientOptions, rng: SecretRng) -> Result<Self> {
        Self::open(transport, options, &|_, _| Ok(options.ots), rng)
    }

    /// As [`Self::connect`], but correlated OTs are made as `choose` says of the server's public
    /// plan and of what it allows a session.
    ///
    /// # Errors
    /// As [`Self::connect`], and those of `choose`.
    pub fn connect_choosing(
        transport: T,
        options: &ClientOptions,
        choose: impl Fn(&PublicPlan, &Offer) -> Result<OtConfig>,
    ) -> Result<Self> {
        Self::open(transport, options, &choose, SecretRng::from_os()?)
    }

    fn open(
        mut transport: T,
        options: &ClientOptions,
        choose: handshake::ChooseOts<'_>,
        rng: SecretRng,
    ) -> Result<Self> {
        let (mut crypto, info) = handshake::client(&mut transport, options, choose, rng)?;
        let schedule = Schedule::new(&info.plan)?;
        let tickets = TicketCount { session: crypto.rng.u64(), next: 0, unspent: 0 };
        Ok(Self { transport, info, schedule, crypto, tickets })
    }

    /// The server's public plan.
    pub fn plan(&self) -> &PublicPlan {
        &self.info.plan
    }

    /// Hash of the public plan.
    pub fn plan_hash(&self) -> PlanHash {
        self.info.hash
    }

    /// What the server allows this session.
    pub fn offer(&self) -> &Offer {
        &self.info.offer
    }

    /// How correlated OTs are made.
    pub fn ots(&self) -> OtConfig {
        self.crypto.ots
    }

    /// Offline: makes `batch` tickets in two round trips, or in one if the plan has all ReLUs looked
    /// up.
    ///
    /// # Errors
    /// `Input` unless `batch` is one of the server's sizes ([`Offer::batches`], whose
    /// [`runs`](super::BatchSizes::runs) make any number of tickets) and there is room for it.
    pub fn prepare(&mut self, batch: usize) -> Result<Vec<ClientTicket>> {
        let choices = self.info.plan.relu_choices.clone();
        self.prepare_with(batch, &choices)
    }

    /// As [`Self::prepare`], with the backend of each tensor's ReLUs chosen. If all are looked up,
    /// there is one round trip. Tickets of different choices may be in stock together.
    ///
    /// # Errors
    /// As [`Self::prepare`], and `Input` if the choices are another plan's.
    pub fn prepare_with(
        &mut self,
        batch: usize,
        choices: &ReluChoices,
    ) -> Result<Vec<ClientTicket>> {
        choices.check(&self.info.plan)?;
        let Offer { max_tickets, batches, .. } = self.info.offer;
        let room = max_tickets.saturating_sub(self.tickets.unspent);
        if batch > room || !batches.contains(batch) {
            return Err(Error::input(format!(
                "cannot make {batch} tickets at once: the server makes {batches} at a time and has \
                 room for {room} more"
            )));
        }
        let lattice = LatticePlan::new(&self.info.plan, batch)?;
        let tickets = offline::run_client(
            &mut self.transport,
            &self.info.plan,
            &self.schedule,
            &lattice,
            (&mut self.crypto, choices),
            (self.tickets.session, self.tickets.next),
        )?;
        self.tickets.next += batch as u64;
        self.tickets.unspent += batch;
        Ok(tickets)
    }

    /// Online: spends a ticket on an image, given as tensor 0 in ring elements. Returns the output
    /// tensor, two's complement: the logits, or what else the plan reveals
    /// ([`PublicPlan::winner`] reads it).
    ///
    /// # Errors
    /// `Input` if the ticket is another session's or the image has the wrong size; the ticket is
    /// gone in any case.
    pub fn infer(&mut self, ticket: ClientTicket, input: &[u64]) -> Result<Vec<i64>> {
        self.infer_timed(ticket, input).map(|inference| inference.output)
    }

    /// As [`Self::infer`], with the wall time of each layer.
    ///
    /// # Errors
    /// As [`Self::infer`].
    pub fn infer_timed(&mut self, ticket: ClientTicket, input: &[u64]) -> Result<Inference> {
        if ticket.session != self.tickets.session {
            return Err(Error::input("this ticket belongs to another session"));
        }
        self.tickets.unspent = self.tickets.unspent.saturating_sub(1);
        online::run_client(&mut self.transport, &self.schedule, ticket, input)
    }

    /// The transport, for its counters.
    pub fn transport(&self) -> &T {
        &self.transport
    }

    /// The transport, for a client that goes on without rules.
    #[cfg(test)]
    pub(crate) fn into_transport(self) -> T {
        self.transport
    }

    /// Says goodbye and hands the transport back.
    ///
    /// # Errors
    /// `Network` if the connection is gone already.
    pub fn close(mut self) -> Result<T> {
        self.transport.send(Kind::Goodbye, &[])?;
        Ok(self.transport)
    }
}
