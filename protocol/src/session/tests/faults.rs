//! A party that dies or lies at any message: the other one ends with an error that says whose
//! fault it was; it never panics and never waits for ever.

use std::thread;

use super::tap::{Fault, Tap};
use super::{mixed, network};
use crate::error::{Error, Result};
use crate::rng::SecretRng;
use crate::session::{ClientOptions, ClientSession, ServerContext, SessionLimits, SessionReport};
use crate::wire::{Transport, memory};

fn client<T: Transport>(transport: T, image: &[u64]) -> Result<T> {
    let rng = SecretRng::from_test_seed(1);
    let mut session = ClientSession::connect_with(transport, &ClientOptions::default(), rng)?;
    let mut tickets = session.prepare(1)?;
    let relus = mixed::alternating(session.plan());
    tickets.extend(session.prepare_with(1, &relus)?);
    for ticket in tickets {
        session.infer(ticket, image)?;
    }
    session.close()
}

/// Runs both parties with a fault at one of them; their results, and how many messages each saw.
fn run(
    fault: Fault,
    at_client: Option<usize>,
    at_server: Option<usize>,
) -> (Result<()>, Result<SessionReport>, usize, usize) {
    let plan = network::small(3);
    let image: Vec<u64> = network::image(&plan, &mut SecretRng::from_test_seed(5))
        .into_iter()
        .map(|x| x as u64)
        .collect();
    let context =
        ServerContext::new(plan, SessionLimits { max_tickets: 8, ..Default::default() }).unwrap();
    let (near, far) = memory::pair();
    let chosen = |at: Option<usize>| at.map_or((Fault::None, 0), |at| (fault, at));
    thread::scope(|scope| {
        let server = scope.spawn(|| {
            let (fault, at) = chosen(at_server);
            let mut tap = Tap::new(far, fault, at);
            let result = context.serve_with(&mut tap, &|| false, SecretRng::from_test_seed(2));
            (result, tap.messages())
        });
        let (fault, at) = chosen(at_client);
        let (result, messages) = match client(Tap::new(near, fault, at), &image) {
            Ok(tap) => (Ok(()), tap.messages()),
            Err(e) => (Err(e), 0),
        };
        let (served, server_messages) = server.join().expect("the server must not panic");
        (result, served, messages, server_messages)
    })
}

#[test]
fn a_client_killed_at_any_message_ends_its_session_only() {
    let (ok, served, messages, _) = run(Fault::None, None, None);
    ok.unwrap();
    assert_eq!(served.unwrap().inferences, 2);
    for at in 0..messages {
        let (_, served, ..) = run(Fault::Die, Some(at), None);
        assert!(matches!(served, Err(Error::Network { .. })), "message {at}: {served:?}");
    }
}

#[test]
fn a_server_killed_at_any_message_is_a_network_error_at_the_client() {
    let (_, _, _, messages) = run(Fault::None, None, None);
    // The last message is the client's goodbye: it needs no answer.
    for at in 0..messages - 1 {
        let (result, ..) = run(Fault::Die, None, Some(at));
        assert!(matches!(result, Err(Error::Network { .. })), "message {at}: {result:?}");
    }
}

/// Contents that parse give a wrong result, the rest an error: nothing panics (`run` joins both
/// threads).
#[test]
fn garbage_of_the_right_length_never_crashes_the_other_party() {
    let (_, _, client, server) = run(Fault::None, None, None);
    for at in 0..client {
        let _ = run(Fault::Garbage, Some(at), None);
    }
    for at in 0..server {
        let _ = run(Fault::Garbage, None, Some(at));
    }
}

#[test]
fn a_wrong_length_or_order_is_refused_as_misbehaviour() {
    let (_, _, messages, _) = run(Fault::None, None, None);
    for fault in [Fault::Short, Fault::Long, Fault::Reorder] {
        for at in 0..messages {
            let (result, served, ..) = run(fault, Some(at), None);
            // A fault at a message that the client receives changes nothing, and a goodbye
            // cannot be shorter.
            let harmless = result.is_ok() && served.is_ok();
            let refused = matches!(served, Err(Error::PeerMisbehaved { .. }));
            assert!(harmless || refused, "message {at}: {served:?}");
        }
    }
}
