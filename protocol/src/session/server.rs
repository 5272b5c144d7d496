//! The server's half of a session.

use crate::bytes::Reader;
use crate::compute::{Compute, Stretches};
use crate::error::{Error, Result};
use crate::linear::Backend;
use crate::offline::{self, LatticePlan, OfflinePlan, Schedule, WeightCache};
use crate::online::{self, OnlinePlan};
use crate::plan::{Plan, ReluChoices};
use crate::rng::SecretRng;
use crate::session::handshake::{self, Offer, ServerCrypto};
use crate::session::{BatchSizes, ONLINE_REQUEST_BYTES, offline_request_bytes};
use crate::ticket::TicketStore;
use crate::wire::{Kind, Transport};

/// Bounds on memory and on what clients may ask for.
#[derive(Clone, Copy, Debug)]
pub struct SessionLimits {
    /// Most unspent tickets a session may hold; they stay in memory.
    pub max_tickets: usize,
    /// Bytes of transformed weights kept in memory, for all sessions together: never more, those in
    /// use included.
    pub weight_cache: usize,
    /// Most bytes of correlated OTs that a session may keep in stock, both directions together
    /// ([`OtConfig::stock_bytes`](crate::ot::OtConfig::stock_bytes)): a client that asks for more
    /// is refused. The default is enough for medium sets of silent OT both ways.
    pub ot_stock: usize,
    /// How many tickets an offline run may make; by default the powers of two up to the batch that
    /// the plan advises, and that batch, within `max_tickets`.
    pub batches: Option<BatchSizes>,
}

impl Default for SessionLimits {
    fn default() -> Self {
        Self { max_tickets: 64, weight_cache: 1 << 30, ot_stock: 160 << 20, batches: None }
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
    offer: Offer,
    /// One a batch size, ascending.
    lattices: Vec<LatticePlan>,
    weights: WeightCache,
    compute: Compute,
    backend: Backend,
}

impl ServerContext {
    /// Prepares a plan for serving: packs it for every batch size. Tickets are computed by
    /// [`Compute::with_usual_threads`].
    ///
    /// # Errors
    /// `Input` if the plan cannot be packed, or if a batch is more than a session may hold; `Local`
    /// without threads.
    pub fn new(plan: Plan, limits: SessionLimits) -> Result<Self> {
        Self::with_compute(plan, limits, Compute::with_usual_threads()?)
    }

    /// As [`Self::new`], with `compute` for the tickets.
    ///
    /// # Errors
    /// `Input` as [`Self::new`].
    pub fn with_compute(plan: Plan, limits: SessionLimits, compute: Compute) -> Result<Self> {
        let schedule = Schedule::new(&plan.public)?;
        let offer = offer(&plan, &limits)?;
        let pack = |batch| LatticePlan::new(&plan.public, batch);
        let lattices = offer.batches.iter().map(pack).collect::<Result<_>>()?;
        let weights = WeightCache::new(limits.weight_cache);
        let backend = Backend::detect();
        Ok(Self { plan, schedule, offer, lattices, weights, compute, backend })
    }

    /// Transforms the weights of the batch sizes, as far as they fit [`SessionLimits::weight_cache`]
    /// together: of the size that the plan advises first. For a server that is about to listen:
    /// computed by the ambient pool, before any work that this could hold up. What is missing is
    /// prepared when a client has sent what it is needed for.
    ///
    /// # Errors
    /// `Local` if a computation fails.
    pub fn prepare_weights(&self) -> Result<()> {
        let advised = self.offer.batches.at_most(self.plan.public.batch);
        let mut order: Vec<&LatticePlan> = self.lattices.iter().collect();
        order.sort_by_key(|lattice| lattice.batch != advised);
        for lattice in order {
            if self.weights.has_room(lattice) {
                self.weights.get(lattice, |group| group.prepare_now(&self.plan.secret))?;
            }
        }
        Ok(())
    }

    /// How often weights of a batch size have been transformed to be kept.
    pub fn weight_preparations(&self) -> usize {
        self.weights.preparations()
    }

    /// Bytes of transformed weights that are kept.
    pub fn weight_bytes(&self) -> usize {
        self.weights.held()
    }

    /// How long offline work computed without asking whether an inference waits.
    pub fn stretches(&self) -> Stretches {
        self.compute.stretches()
    }

    /// What each session is allowed.
    pub fn offer(&self) -> &Offer {
        &self.offer
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
        let crypto = handshake::server(transport, &self.plan, &self.offer, paid, rng)?;
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

/// What a server with these limits allows its sessions.
fn offer(plan: &Plan, limits: &SessionLimits) -> Result<Offer> {
    let max_tickets = limits.max_tickets;
    let usual = BatchSizes::up_to(plan.public.batch.min(max_tickets));
    let batches = limits.batches.unwrap_or(usual);
    if batches.largest() > max_tickets.max(1) {
        return Err(Error::input(format!(
            "batches of {} tickets where a session may hold {max_tickets}: allow more tickets or \
             smaller batches",
            batches.largest()
        )));
    }
    Ok(Offer { max_tickets, ot_stock: limits.ot_stock as u64, batches })
}

struct Session<'a> {
    context: &'a ServerContext,
    crypto: ServerCrypto,
    store: TicketStore,
    report: SessionReport,
}

impl<'a> Session<'a> {
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
                let codes = r.take(longest - offline_request_bytes(0))?;
                r.finish()?;
                let choices = ReluChoices::from_bytes(&self.context.plan.public, codes)?;
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
        let lattice = self.allowed(batch)?;
        let ServerContext { plan, schedule, weights: cache, compute, .. } = self.context;
        let offline = OfflinePlan { plan, schedule, lattice, cache, compute };
        let tickets = offline::run_server(t, &offline, (&mut self.crypto, choices), &seed)?;
        tickets.into_iter().for_each(|ticket| self.store.add(ticket));
        self.report.tickets += batch;
        Ok(())
    }

    /// How a batch is packed that the session may ask for now.
    fn allowed(&self, batch: usize) -> Result<&'a LatticePlan> {
        let Offer { max_tickets, batches, .. } = self.context.offer;
        let room = max_tickets.saturating_sub(self.store.len());
        let listed = self.context.lattices.iter().find(|lattice| lattice.batch == batch);
        listed.filter(|_| batch <= room).ok_or_else(|| {
            Error::misbehaved(format!(
                "asked for {batch} tickets where {batches} are made at a time and {room} more are \
                 allowed"
            ))
        })
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
        online::run_server(&mut context.compute.online(t), &online, ticket)?;
        self.report.inferences += 1;
        Ok(())
    }
}
