//! Opens a session, runs something in it, and closes it properly either way.

use std::sync::Arc;
use std::time::Instant;

use tacita_protocol::Result;
use tacita_protocol::cost::Link;
use tacita_protocol::ot::OtConfig;
use tacita_protocol::plan::PublicPlan;
use tacita_protocol::session::{ClientOptions, ClientSession, Offer};
use tacita_protocol::wire::{
    ClientTls, Identity, Pem, RawTraffic, Target, TlsTransport, connect, io_runtime,
};

use crate::args::Common;
use crate::progress::Progress;

/// A session over a connection that outlives it.
pub type Session<'a> = ClientSession<&'a mut TlsTransport>;

/// Connects, shakes hands, and runs `work`; `ots` says how correlated OTs are made, given the plan and
/// what the server allows. Tells the server if that fails.
///
/// # Errors
/// Those of connecting and of `work`.
pub fn with_session<R>(
    common: &Common,
    progress: Progress,
    ots: impl Fn(&PublicPlan, &Offer) -> Result<OtConfig>,
    work: impl FnOnce(Session<'_>, &Context) -> Result<R>,
) -> Result<R> {
    let line = common.network.as_ref().and_then(Link::line);
    let target = Target::new(&common.server, common.server_name.as_deref())?.over(line);
    let tls = tls(common)?;
    let runtime = io_runtime(1)?;
    let connecting = Instant::now();
    let step = progress.step(format!("connecting to {}", common.server), None);
    let connected = connect(runtime.handle(), &target, &tls, common.timeouts());
    if connected.is_err() {
        // A name server that is slow to answer is not waited for.
        runtime.shutdown_background();
    }
    let mut transport = connected?;
    let context = Context { progress, raw: transport.raw(), connecting };
    let expect_plan = common.expect_plan.map(|hash| hash.0);
    let options = ClientOptions { expect_plan, ..ClientOptions::default() };
    let outcome =
        ClientSession::connect_choosing(&mut transport, &options, ots).and_then(|session| {
            drop(step);
            work(session, &context)
        });
    transport.end(outcome)
}

/// What work in a session needs besides the session.
pub struct Context {
    /// Tells the user what is going on.
    pub progress: Progress,
    /// The connection's bytes so far.
    pub raw: Arc<RawTraffic>,
    /// When connecting began.
    pub connecting: Instant,
}

fn tls(common: &Common) -> Result<ClientTls> {
    let ca = Pem::read(&common.ca)?;
    let identity = match (&common.cert, &common.key) {
        (Some(cert), Some(key)) => Some(Identity::read(cert, key)?),
        _ => None,
    };
    ClientTls::new(&ca, identity.as_ref())
}
