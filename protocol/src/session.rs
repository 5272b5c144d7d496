//! Interface sketch of a session; see `client` and `server`.

use crate::error::Result;
use crate::plan::{Plan, PlanHash, PublicPlan};
use crate::wire::Transport;

/// Limits and choices of a client.
#[derive(Clone, Debug, Default)]
pub struct ClientOptions {
    /// Refuse a server whose public plan has another hash.
    pub expect_plan: Option<PlanHash>,
}

/// A ticket: correlated randomness for exactly one inference. Not `Clone`: spent by move.
pub struct ClientTicket {}

/// The client's half of a session.
pub struct ClientSession<T> {
    transport: T,
    plan: PublicPlan,
}

impl<T: Transport> ClientSession<T> {
    /// Handshake, keys, base OTs.
    pub fn connect(transport: T, options: &ClientOptions) -> Result<Self> {
        let _ = (transport, options);
        Err(crate::Error::local("not yet"))
    }
    /// The server's public plan.
    pub fn plan(&self) -> &PublicPlan {
        &self.plan
    }
    /// Hash of the public plan.
    pub fn plan_hash(&self) -> PlanHash {
        [0; 32]
    }
    /// Makes `batch` tickets.
    pub fn prepare(&mut self, batch: usize) -> Result<Vec<ClientTicket>> {
        let _ = batch;
        Err(crate::Error::local("not yet"))
    }
    /// Spends a ticket on an image: tensor 0 as ring elements. Returns the logits
    /// (two's complement, the output tensor's fractional bits).
    pub fn infer(&mut self, ticket: ClientTicket, input: &[u64]) -> Result<Vec<i64>> {
        let _ = (ticket, input);
        Err(crate::Error::local("not yet"))
    }
    /// The transport, for its counters.
    pub fn transport(&self) -> &T {
        &self.transport
    }
    /// Says goodbye.
    pub fn close(self) -> Result<()> {
        Ok(())
    }
}

/// What all sessions of a server share.
pub struct ServerContext {
    plan: Plan,
}

/// Bounds on one session.
#[derive(Clone, Copy, Debug)]
pub struct SessionLimits {
    /// Most unspent tickets a session may hold.
    pub max_tickets: usize,
}

/// What a session did.
#[derive(Clone, Copy, Debug, Default)]
pub struct SessionReport {
    /// Tickets made.
    pub tickets: usize,
    /// Inferences run.
    pub inferences: usize,
}

impl ServerContext {
    /// Prepares a plan for serving.
    pub fn new(plan: Plan, limits: SessionLimits) -> Result<Self> {
        let _ = limits;
        Ok(Self { plan })
    }
    /// The plan.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }
    /// Serves one session until the client says goodbye, or `stop` answers true between requests
    /// (a running request is finished first).
    pub fn serve<T: Transport>(
        &self,
        transport: &mut T,
        stop: &dyn Fn() -> bool,
    ) -> Result<SessionReport> {
        let _ = (transport, stop);
        Err(crate::Error::local("not yet"))
    }
}
