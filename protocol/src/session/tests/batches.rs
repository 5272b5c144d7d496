//! Offline requests for other batch sizes than the server announced.

use std::thread;

use super::network;
use crate::error::{Error, Result};
use crate::plan::Plan;
use crate::rng::SecretRng;
use crate::session::{
    BatchSizes, ClientOptions, ClientSession, ServerContext, SessionLimits, SessionReport,
};
use crate::wire::{Kind, MemoryTransport, Transport, memory};

fn context(plan: &Plan, sizes: &[usize], max_tickets: usize) -> Result<ServerContext> {
    let batches = Some(BatchSizes::new(sizes).unwrap());
    ServerContext::new(
        plan.clone(),
        SessionLimits { max_tickets, batches, ..SessionLimits::default() },
    )
}

/// Serves a client that ends as it likes.
pub(super) fn served(
    context: &ServerContext,
    client: impl FnOnce(ClientSession<MemoryTransport>),
) -> Result<SessionReport> {
    let (near, mut far) = memory::pair();
    thread::scope(|scope| {
        let server = scope
            .spawn(move || context.serve_with(&mut far, &|| false, SecretRng::from_test_seed(2)));
        let (options, rng) = (ClientOptions::default(), SecretRng::from_test_seed(1));
        client(ClientSession::connect_with(near, &options, rng).unwrap());
        server.join().unwrap()
    })
}

/// A request for `batch` tickets and nothing after it.
pub(super) fn ask(session: ClientSession<MemoryTransport>, batch: u32) {
    let choices = session.plan().relu_choices.to_bytes();
    let request = [&batch.to_le_bytes()[..], &[7; 32], &choices].concat();
    session.into_transport().send(Kind::OfflineRequest, &request).unwrap();
}

#[test]
fn a_batch_that_was_not_announced_is_misbehaviour() {
    let context = context(&network::small(3), &[1, 4], 6).unwrap();
    for batch in [0, 2, 3, 5, 6, 64, 65, u32::MAX] {
        let error = served(&context, |session| ask(session, batch)).unwrap_err();
        assert!(matches!(error, Error::PeerMisbehaved { .. }), "{batch}: {error}");
        assert!(error.to_string().contains("1,4 are made at a time"), "{error}");
        assert_eq!(context.weight_preparations(), 0);
    }
    // A listed one is waited for: the client has hung up instead.
    let error = served(&context, |session| ask(session, 4)).unwrap_err();
    assert!(matches!(error, Error::Network { .. }), "{error}");
    assert_eq!(context.weight_preparations(), 0, "prepared for a client that sent nothing");
}

#[test]
fn weights_are_prepared_once_for_all_sessions() {
    let context = context(&network::small(3), &[1, 4], 6).unwrap();
    let make = |batch: usize| {
        let made = |mut session: ClientSession<_>| {
            session.prepare(batch).unwrap();
            session.close().unwrap();
        };
        served(&context, made).unwrap();
        context.weight_preparations()
    };
    assert_eq!([4, 4, 1, 4].map(make), [1, 1, 2, 2]);
}

#[test]
fn a_server_that_has_prepared_prepares_no_more() {
    let context = context(&network::small(3), &[1, 4], 6).unwrap();
    context.prepare_weights().unwrap();
    let (prepared, bytes) = (context.weight_preparations(), context.weight_bytes());
    assert_eq!(prepared, 2);
    let report = served(&context, |mut session| {
        for batch in [1, 4] {
            session.prepare(batch).unwrap();
        }
        session.close().unwrap();
    });
    assert_eq!(report.unwrap().tickets, 5);
    assert_eq!((context.weight_preparations(), context.weight_bytes()), (prepared, bytes));
}

#[test]
fn a_client_knows_the_sizes_and_keeps_to_them() {
    let context = context(&network::small(3), &[1, 4], 6).unwrap();
    let report = served(&context, |mut session| {
        let sizes = session.offer().batches;
        assert_eq!(sizes.iter().collect::<Vec<_>>(), [1, 4]);
        assert!(matches!(session.prepare(2), Err(Error::Input { .. })));
        for batch in sizes.runs(6, 6) {
            assert_eq!(session.prepare(batch).unwrap().len(), batch);
        }
        // There is no room for more.
        assert!(matches!(session.prepare(1), Err(Error::Input { .. })));
        session.close().unwrap();
    });
    assert_eq!(report.unwrap(), SessionReport { tickets: 6, inferences: 0 });
}

#[test]
fn the_usual_sizes_keep_to_the_plan_and_the_limit() {
    let sizes = |batch, max_tickets| {
        let mut plan = network::small(3);
        plan.public.batch = batch;
        let limits = SessionLimits { max_tickets, ..SessionLimits::default() };
        let context = ServerContext::new(plan, limits).unwrap();
        context.offer().batches.to_string()
    };
    assert_eq!(sizes(1, 64), "1");
    assert_eq!(sizes(6, 64), "1,2,4,6");
    assert_eq!(sizes(6, 3), "1,2,3");
}

#[test]
fn a_batch_that_no_session_may_hold_is_refused_at_the_start() {
    let refused = context(&network::small(3), &[1, 4], 3).err().unwrap();
    assert!(matches!(refused, Error::Input { .. }), "{refused}");
}
