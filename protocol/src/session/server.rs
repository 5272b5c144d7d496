//! The server's half of a session.

use crate::bytes::Reader;
use crate::error::{Error, Result};
use crate::linear::Backend;
use crate::offline::{self, LatticePlan, Schedule, WeightCache};
use crate::online::{self, OnlinePlan};
use crate::plan::{MAX_BATCH, Plan, ReluChoices};
use crate::rng::SecretRng;
use crate::session::handshake::{self, ServerCrypto};
use crate::session::{ONLINE_REQUEST_BYTES, offline_request_bytes};
use crate::ticket::TicketStore;
use crate::wire::{Kind, Transport};

/// Bounds on memory.
#[derive(Clone, Copy, Debug)]
pub struct SessionLimits {
    /// Most unspent tickets a session may hold; they stay in memory.
    pub max_tickets: usize,
    /// Bytes of transformed weights kept in memory, for all sessions together.
    pub weight_cache: usize,
    /// Most bytes of correlated OTs that a session may keep in stock, both directions together
    /// ([`OtConfig::stock_bytes`](crate::ot::OtConfig::stock_bytes)): a client that asks for more
    /// is refused. The default is enough for medium sets of silent OT both ways.
    pub ot_stock: usize,
}

impl Default for SessionLimits {
    fn default() -> Self {
        Self { max_tickets: 64, weight_cache: 1 << 30, ot_stock: 160 << 20 }
    }
}

/// What a session did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SessionReport {
    /// Tickets made.
    pub tickets: usize,
    /// Inferences run.
    pub inferences: usize,
}

/// What all sessions of a server share: the plan and what follows from it.
pub struct ServerContext {
    plan: Plan,
    schedule: Schedule,
    limits: SessionLimits,
    weights: WeightCache,
    backend: Backend,
}

impl ServerContext {
    /// Prepares a plan for serving.
    ///
    /// # Errors
    /// `Input` if the plan cannot be packed.
    pub fn new(plan: Plan, limits: SessionLimits) -> Result<Self> {
        let schedule = Schedule::new(&plan.public)?;
        LatticePlan::new(&plan.public, 1)?;
        let weights = WeightCache::new(limits.weight_cache);
        Ok(Self { plan, schedule, limits, weights, backend: Backend::detect() })
    }

    /// The plan.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// Serves one session until the client says goodbye, or `stop` answers true between requests
    /// (a running request is finished first).
    ///
    /// # Errors
    /// Whatever ended the session otherwise; the tickets are gone.
    pub fn serve<T: Transport>(
        &self,
        transport: &mut T,
        stop: &dyn Fn() -> bool,
    ) -> Result<SessionReport> {
        self.serve_with(transport, stop, SecretRng::from_os()?)
    }

    /// As [`Self::serve`], for a server that has more connections than places: `paid` is asked
    /// once the client has sent its keys, the first message that costs it something. An error
    /// ends the session.
    ///
    /// # Errors
    /// As [`Self::serve`], and those of `paid`.
    pub fn serve_paid<T: Transport>(
        &self,
        transport: &mut T,
        stop: &dyn Fn() -> bool,
        paid: &dyn Fn() -> Result<()>,
    ) -> Result<SessionReport> {
        self.run(transport, stop, paid, SecretRng::from_os()?)
    }

    /// As [`Self::serve`], with the session's randomness given: fixed in wire traces.
    ///
    /// # Errors
    /// As [`Self::serve`].
    pub fn serve_with<T: Transport>(
        &self,
        transport: &mut T,
        stop: &dyn Fn() -> bool,
        rng: SecretRng,
    ) -> Result<SessionReport> {
        self.run(transport, stop, &|| Ok(()), rng)
    }

    fn run<T: Transport>(
        &self,
        transport: &mut T,
        stop: &dyn Fn() -> bool,
        paid: &dyn Fn() -> Result<()>,
        rng: SecretRng,
    ) -> Result<SessionReport> {
        let crypto = handshake::server(transport, &self.plan, &self.limits, paid, rng)?;
        let mut session = Session {
            context: self,
            crypto,
            store: TicketStore::default(),
            report: Default::default(),
        };
        while !stop() {
            if !session.request(transport)? {
                break;
            }
        }
        Ok(session.report)
    }
}

struct Session<'a> {
    context: &'a ServerContext,
    crypto: ServerCrypto,
    store: TicketStore,
    report: SessionReport,
}

impl Session<'_> {
    /// Serves one request; false after a goodbye.
    fn request<T: Transport>(&mut self, t: &mut T) -> Result<bool> {
        let kinds = [Kind::OfflineRequest, Kind::OnlineRequest, Kind::Goodbye];
        let longest = offline_request_bytes(self.context.schedule.relus.len());
        let (kind, payload) = t.recv_any(&kinds, longest.max(ONLINE_REQUEST_BYTES))?;
        let mut r = Reader::new(&payload);
        match kind {
            Kind::OfflineRequest if payload.len() == longest => {
                let batch = u32::from_le_bytes(r.array()?) as usize;
                let seed = r.array()?;
                let bits = r.take(longest - offline_request_bytes(0))?;
                r.finish()?;
                let choices = ReluChoices::from_bits(&self.context.plan.public, bits)?;
                self.prepare(t, batch, seed, &choices)?;
            }
            Kind::OfflineRequest => {
                return Err(Error::misbehaved(format!(
                    "an offline request of {} bytes, the plan's has {longest}",
                    payload.len()
                )));
            }
            Kind::OnlineRequest => {
                let id = r.u64()?;
                r.finish()?;
                self.infer(t, id)?;
            }
            _ => {
                r.finish()?;
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn prepare<T: Transport>(
        &mut self,
        t: &mut T,
        batch: usize,
        seed: [u8; 32],
        choices: &ReluChoices,
    ) -> Result<()> {
        let room = self.context.limits.max_tickets.saturating_sub(self.store.len());
        if !(1..=room.min(MAX_BATCH)).contains(&batch) {
            return Err(Error::misbehaved(format!(
                "asked for {batch} tickets where {room} more are allowed"
            )));
        }
        let lattice = LatticePlan::new(&self.context.plan.public, batch)?;
        let weights = self.context.weights.get(&lattice, &self.context.plan.secret)?;
        let tickets = offline::run_server(
            t,
            &self.context.plan,
            &self.context.schedule,
            (&lattice, &weights),
            (&mut self.crypto, choices),
            &seed,
        )?;
        tickets.into_iter().for_each(|ticket| self.store.add(ticket));
        self.report.tickets += batch;
        Ok(())
    }

    fn infer<T: Transport>(&mut self, t: &mut T, id: u64) -> Result<()> {
        // Out of the store before anything else: whatever happens now, it is spent.
        let ticket = self.store.spend(id)?;
        let context = self.context;
        let online = OnlinePlan {
            plan: &context.plan,
            schedule: &context.schedule,
            backend: context.backend,
        };
        online::run_server(t, &online, ticket)?;
        self.report.inferences += 1;
        Ok(())
    }
}
