//! Whole sessions in memory, both parties, against the clear evaluator.

mod batches;
mod faults;
mod lookup;
mod mixed;
pub(crate) mod network;
mod ots;
mod priority;
mod silent;
pub(crate) mod tap;
mod top1;
mod uniform;

use std::thread;

use crate::cost;
use crate::error::Result;
use crate::gadget::ReluChoice;
use crate::plan::{Plan, ReluChoices, clear};
use crate::rng::SecretRng;
use crate::session::{
    BatchSizes, ClientOptions, ClientSession, ServerContext, SessionLimits, SessionReport,
};
use crate::wire::{MemoryTransport, Phase, Traffic, Transport, memory};

/// Runs a client against a server thread, with fixed randomness at both.
pub(crate) fn with_session<R>(
    plan: &Plan,
    seed: u64,
    client: impl FnOnce(ClientSession<MemoryTransport>) -> R,
) -> (R, Result<SessionReport>) {
    let batches = Some(BatchSizes::new(&[1, 2, 3, 5, 8]).unwrap());
    let limits = SessionLimits { max_tickets: 8, batches, ..Default::default() };
    let context = ServerContext::new(plan.clone(), limits).unwrap();
    let (near, mut far) = memory::pair();
    thread::scope(|scope| {
        let server = scope.spawn(move || {
            context.serve_with(&mut far, &|| false, SecretRng::from_test_seed(seed + 1))
        });
        let rng = SecretRng::from_test_seed(seed);
        let session = ClientSession::connect_with(near, &ClientOptions::default(), rng).unwrap();
        let result = client(session);
        (result, server.join().unwrap())
    })
}

/// What one inference moved, on one of `batch` tickets with these ReLUs.
fn moved(plan: &Plan, batch: usize, relus: &ReluChoices) -> impl Fn(Phase) -> Traffic + use<> {
    let image = network::image(plan, &mut SecretRng::from_test_seed(1));
    let (meter, report) = with_session(plan, 7, |mut session| {
        let ticket = session.prepare_with(batch, relus).unwrap().pop().unwrap();
        session.infer(ticket, &ring(&image)).unwrap();
        let meter = session.transport().meter().clone();
        session.close().unwrap();
        meter
    });
    report.unwrap();
    move |phase| Traffic::from(meter.phase(phase))
}

/// Hashes of every byte sent and received in a whole session under fixed seeds.
fn recorded(relus: impl Fn(&Plan) -> ReluChoices) -> [String; 2] {
    let plan = network::small(21);
    let relus = relus(&plan);
    let image = network::image(&plan, &mut SecretRng::from_test_seed(22));
    let context =
        ServerContext::new(plan, SessionLimits { max_tickets: 8, ..Default::default() }).unwrap();
    let (mut near, mut far) = memory::pair();
    near.record();
    let trace = thread::scope(|scope| {
        scope.spawn(move || {
            context.serve_with(&mut far, &|| false, SecretRng::from_test_seed(23)).unwrap()
        });
        let rng = SecretRng::from_test_seed(24);
        let mut session =
            ClientSession::connect_with(near, &ClientOptions::default(), rng).unwrap();
        for ticket in session.prepare_with(2, &relus).unwrap() {
            session.infer(ticket, &ring(&image)).unwrap();
        }
        session.close().unwrap().trace().unwrap()
    });
    [hex(&trace.sent), hex(&trace.received)]
}

/// The backend of this name.
pub(crate) fn choice(name: &str) -> ReluChoice {
    ReluChoice::named(name).unwrap()
}

/// All tensors' ReLUs garbled.
fn garbled(plan: &Plan) -> ReluChoices {
    ReluChoices::uniform(&plan.public, ReluChoice::default())
}

/// All looked up.
fn looked_up(plan: &Plan) -> ReluChoices {
    ReluChoices::uniform(&plan.public, choice("ot"))
}

fn ring(image: &[i64]) -> Vec<u64> {
    image.iter().map(|x| *x as u64).collect()
}

#[test]
fn private_logits_equal_the_clear_evaluator_up_to_rounding() {
    for seed in 0..8 {
        let plan = match seed {
            0..4 => network::small(seed),
            4 | 5 => network::varied(seed),
            _ => network::enlarging(seed),
        };
        let mut rng = SecretRng::from_test_seed(seed + 100);
        let images: Vec<_> = (0..3).map(|_| network::image(&plan, &mut rng)).collect();
        let (logits, report) = with_session(&plan, seed, |mut session| {
            let mut tickets = session.prepare(3).unwrap();
            let logits: Vec<Vec<i64>> = images
                .iter()
                .map(|x| session.infer(tickets.pop().unwrap(), &ring(x)).unwrap())
                .collect();
            session.close().unwrap();
            logits
        });
        assert_eq!(report.unwrap(), SessionReport { tickets: 3, inferences: 3 });
        for (image, private) in images.iter().zip(logits) {
            let clear = clear::evaluate(&plan, image).pop().unwrap();
            for (p, c) in private.iter().zip(&clear) {
                assert!((p - c).abs() <= 8, "private {private:?} clear {clear:?}");
            }
        }
    }
}

#[test]
fn an_inference_is_timed_layer_by_layer() {
    let plan = network::small(3);
    let image = network::image(&plan, &mut SecretRng::from_test_seed(3));
    let (inference, _) = with_session(&plan, 3, |mut session| {
        let ticket = session.prepare(1).unwrap().pop().unwrap();
        let start = std::time::Instant::now();
        let inference = session.infer_timed(ticket, &ring(&image)).unwrap();
        let spent: std::time::Duration = inference.layers.iter().map(|l| l.1).sum();
        assert!(spent <= start.elapsed());
        inference
    });
    let tensors = plan.public.tensors.iter().enumerate();
    let mut with_relus: Vec<usize> =
        tensors.filter(|(_, t)| t.mask.ones() > 0).map(|(i, _)| i).collect();
    assert!(!with_relus.is_empty());
    with_relus.push(plan.public.tensors.len() - 1);
    let timed: Vec<usize> = inference.layers.iter().map(|l| l.0).collect();
    assert_eq!(timed, with_relus);
}

#[test]
fn measured_traffic_is_the_predicted_traffic() {
    for (plan, batch) in
        [1, 2, 5].map(|b| (network::small(7), b)).into_iter().chain([(network::varied(8), 3)])
    {
        let predicted = cost::predict(&plan.public, batch).unwrap();
        let measured = moved(&plan, batch, &garbled(&plan));
        assert_eq!(measured(Phase::Session), predicted.session);
        assert_eq!(measured(Phase::Offline), predicted.offline);
        assert_eq!(measured(Phase::Online), predicted.online);
    }
}

/// A refactoring that changes the wire fails here; a change that is meant to does too, and updates
/// the hashes.
#[test]
fn the_wire_trace_is_the_recorded_one() {
    let [sent, received] = recorded(garbled);
    assert_eq!(
        (sent.as_str(), received.as_str()),
        (
            "c792df43cf769c169729a8d0ef868fcc8700fda6ae70d7273716f739e772c3bc",
            "46465d496c298d90d5ffb854138abde784fa371d97d7340aa0fc1c1610d622d2",
        )
    );
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

#[test]
fn a_ticket_of_another_session_or_too_many_tickets_are_refused() {
    let plan = network::small(2);
    let image = ring(&network::image(&plan, &mut SecretRng::from_test_seed(3)));
    let (stray, _) = with_session(&plan, 30, |mut s| s.prepare(1).unwrap().pop().unwrap());
    let ((), _) = with_session(&plan, 31, |mut s| {
        assert!(s.infer(stray, &image).unwrap_err().to_string().contains("another session"));
        // None, more than the server keeps, and a size that it does not make.
        [0, 9, 4].iter().for_each(|batch| assert!(s.prepare(*batch).is_err(), "{batch}"));
        s.close().unwrap();
    });
}

#[test]
fn another_plan_than_the_expected_one_is_refused() {
    let plan = network::small(2);
    let context =
        ServerContext::new(plan, SessionLimits { max_tickets: 8, ..Default::default() }).unwrap();
    let (near, mut far) = memory::pair();
    thread::scope(|scope| {
        scope.spawn(move || context.serve(&mut far, &|| false));
        let options = ClientOptions { expect_plan: Some([7; 32]), ..Default::default() };
        let refused = ClientSession::connect(near, &options).err().unwrap();
        assert!(matches!(refused, crate::Error::PeerIncompatible { .. }), "{refused}");
    });
}
