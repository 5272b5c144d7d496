//! Sessions whose correlated OTs are silent: results, bytes of every run, traces, faults.

use std::thread;

use super::tap::{Fault, Tap};
use super::{garbled, hex, looked_up, mixed, network, ring};
use crate::cost::CostModel;
use crate::error::{Error, Result};
use crate::ot::{FieldBits, OtConfig, OtExtension, SilentSet};
use crate::plan::{Plan, ReluChoices, clear};
use crate::rng::SecretRng;
use crate::session::{ClientOptions, ClientSession, ServerContext, SessionLimits, SessionReport};
use crate::wire::{Kind, Meter, Phase, Traffic, Transport, memory};

/// Small enough that a run of a small network takes several refills.
const TINY: OtExtension = OtExtension::Silent(SilentSet::Tiny);

fn options(ots: OtConfig) -> ClientOptions {
    ClientOptions { ots, ..ClientOptions::default() }
}

/// Silent one way, the other way, both ways.
fn configs() -> [OtConfig; 3] {
    let soft = OtExtension::default();
    [
        OtConfig { labels: TINY, selection: soft },
        OtConfig { labels: soft, selection: TINY },
        OtConfig::silent(SilentSet::Tiny),
    ]
}

fn serve<T: Transport>(plan: &Plan, mut transport: T) -> Result<SessionReport> {
    let context = ServerContext::new(plan.clone(), SessionLimits::default()).unwrap();
    context.serve_with(&mut transport, &|| false, SecretRng::from_test_seed(2))
}

fn connect<T: Transport>(transport: T, ots: OtConfig) -> Result<ClientSession<T>> {
    ClientSession::connect_with(transport, &options(ots), SecretRng::from_test_seed(1))
}

/// Makes `batch` tickets, and spends one; the logits.
fn use_one<T: Transport>(
    session: &mut ClientSession<T>,
    (batch, relus): (usize, &ReluChoices),
    image: &[u64],
) -> Result<Vec<i64>> {
    let ticket = session.prepare_with(batch, relus)?.remove(0);
    session.infer(ticket, image)
}

fn counted(meter: &Meter) -> [Traffic; 3] {
    [Phase::Session, Phase::Offline, Phase::Online].map(|phase| Traffic::from(meter.phase(phase)))
}

/// `runs` runs on one connection: each has the clear logits, the predicted bytes and rounds.
fn agrees(plan: &Plan, ots: OtConfig, (batch, relus): (usize, &ReluChoices), runs: usize) {
    let image = network::image(plan, &mut SecretRng::from_test_seed(1));
    let clear = clear::evaluate(plan, &image).pop().unwrap();
    let (near, far) = memory::pair();
    thread::scope(|scope| {
        let server = scope.spawn(|| serve(plan, far));
        let mut session = connect(near, ots).unwrap();
        let model = CostModel::new(&plan.public, batch).unwrap().with_relus(relus).with_ots(ots);
        let mut offline = Traffic::default();
        let [opened, ..] = counted(session.transport().meter());
        assert_eq!(opened, model.traffic().unwrap().session, "{ots}");
        for run in 0..runs {
            let [_, before, online] = counted(session.transport().meter());
            let logits = use_one(&mut session, (batch, relus), &ring(&image)).unwrap();
            for (p, c) in logits.iter().zip(&clear) {
                assert!((p - c).abs() <= 8, "{ots}, run {run}: {logits:?} clear {clear:?}");
            }
            let predicted = model.clone().in_run(run).traffic().unwrap();
            let [_, after, online_after] = counted(session.transport().meter());
            let less = |a: Traffic, b: Traffic| Traffic {
                up: a.up - b.up,
                down: a.down - b.down,
                rounds: a.rounds - b.rounds,
            };
            assert_eq!(less(after, before), predicted.offline, "{ots}, run {run}");
            assert_eq!(less(online_after, online), predicted.online, "{ots}, run {run}");
            offline = after;
        }
        assert_eq!(offline, model.offline_of_runs(runs).unwrap(), "{ots}");
        session.close().unwrap();
        server.join().unwrap().unwrap();
    });
}

#[test]
fn every_run_gives_the_clear_logits_in_the_predicted_bytes() {
    for plan in [network::small(7), network::varied(8)] {
        let mixed = mixed::alternating(&plan.public);
        for relus in [garbled(&plan), looked_up(&plan), mixed] {
            for ots in configs() {
                agrees(&plan, ots, (2, &relus), 4);
            }
        }
    }
}

#[test]
fn so_do_real_sets() {
    let plan = network::small(7);
    let soft = OtExtension::SoftSpoken(FieldBits::default());
    let [small, large] = [SilentSet::Small, SilentSet::Large].map(OtExtension::Silent);
    for (labels, selection) in [(small, soft), (soft, small), (small, small), (soft, large)] {
        let ots = OtConfig { labels, selection };
        let limits = SessionLimits::default();
        if ots.stock_bytes() <= limits.ot_stock {
            agrees(&plan, ots, (2, &mixed::alternating(&plan.public)), 2);
        }
    }
}

/// Runs are covered by what the ones before have left: the second run of a set that lasts sends no
/// refill.
#[test]
fn later_runs_use_up_the_stock() {
    let plan = network::small(7).public;
    let model = CostModel::new(&plan, 1).unwrap().with_ots(OtConfig::silent(SilentSet::Small));
    let offline = |run| model.clone().in_run(run).traffic().unwrap().offline;
    let [first, second, third] = [0, 1, 2].map(offline);
    let refill = crate::wire::framed_bytes(SilentSet::Small.message_bytes());
    assert_eq!((first.up, first.down), (second.up + refill, second.down + refill));
    assert_eq!(second, third);
}

#[test]
fn the_wire_trace_is_the_recorded_one() {
    let plan = network::small(21);
    let image = ring(&network::image(&plan, &mut SecretRng::from_test_seed(22)));
    let (mut near, far) = memory::pair();
    near.record();
    let trace = thread::scope(|scope| {
        scope.spawn(|| serve(&plan, far).unwrap());
        let mut session = connect(near, OtConfig::silent(SilentSet::Tiny)).unwrap();
        let relus = mixed::alternating(session.plan());
        for _ in 0..2 {
            use_one(&mut session, (2, &relus), &image).unwrap();
        }
        session.close().unwrap().trace().unwrap()
    });
    assert_eq!(
        (hex(&trace.sent).as_str(), hex(&trace.received).as_str()),
        (
            "5d32835ae4181ffc175a4b7416fcf5f5e208f813bb8ed78676532657a3e894ef",
            "81947a3802ea8d4ac298398c62aa6ceea6f37e2a5b3569fc9b53384ecb881fa3",
        )
    );
}

#[test]
fn a_set_over_the_limit_is_refused_by_both() {
    let plan = network::small(7);
    let limits = SessionLimits { ot_stock: 1 << 20, ..SessionLimits::default() };
    let context = ServerContext::new(plan.clone(), limits).unwrap();
    let ots = OtConfig::silent(SilentSet::Small);
    let run = |lie: bool| {
        let (near, mut far) = memory::pair();
        thread::scope(|scope| {
            let context = &context;
            let server = scope.spawn(move || context.serve(&mut far, &|| false));
            // Who lies sends another configuration than it has checked.
            let near = Refills { inner: near, keys: lie.then(|| ots.to_bytes()), change: None };
            let asked = if lie { OtConfig::default() } else { ots };
            let client = connect(near, asked).err().map(|e| e.to_string());
            (client, server.join().unwrap())
        })
    };
    let (client, _) = run(false);
    let why = "the server keeps at most 1 MB for a session";
    assert!(client.as_ref().is_some_and(|e| e.contains(why)), "{client:?}");
    let (_, server) = run(true);
    let error = server.unwrap_err();
    assert!(matches!(error, Error::PeerMisbehaved { .. }), "{error}");
    assert!(error.to_string().contains(why), "{error}");
    // The default is enough for medium sets both ways, not for large ones.
    let enough = |set| OtConfig::silent(set).stock_bytes() <= SessionLimits::default().ot_stock;
    assert_eq!(SilentSet::ALL.map(enough), [true, true, false]);
}

/// Changes what one party sends of silent OT.
struct Refills<T> {
    inner: T,
    keys: Option<[u8; OtConfig::BYTES]>,
    change: Option<(Kind, Change)>,
}

#[derive(Clone, Copy)]
enum Change {
    Shorter,
    Longer,
    Missing,
    Twice,
}

impl<T: Transport> Transport for Refills<T> {
    fn send(&mut self, kind: Kind, payload: &[u8]) -> Result<()> {
        if let (Kind::ClientKeys, Some(ots)) = (kind, self.keys) {
            return self.inner.send(kind, &[&ots[..], &payload[OtConfig::BYTES..]].concat());
        }
        match (kind, self.change) {
            (kind, Some((changed, change))) if kind == changed => {
                self.change = None;
                match change {
                    Change::Shorter => self.inner.send(kind, &payload[1..]),
                    Change::Longer => self.inner.send(kind, &[payload, &[0]].concat()),
                    Change::Missing => Ok(()),
                    Change::Twice => {
                        self.inner.send(kind, payload)?;
                        self.inner.send(kind, payload)
                    }
                }
            }
            _ => self.inner.send(kind, payload),
        }
    }
    fn recv(&mut self, kind: Kind, len: usize) -> Result<Vec<u8>> {
        self.inner.recv(kind, len)
    }
    fn recv_any(&mut self, kinds: &[Kind], max: usize) -> Result<(Kind, Vec<u8>)> {
        self.inner.recv_any(kinds, max)
    }
    fn meter(&self) -> &Meter {
        self.inner.meter()
    }
}

#[test]
fn wrong_bootstraps_and_refills_are_misbehaviour() {
    let plan = network::small(3);
    let image = ring(&network::image(&plan, &mut SecretRng::from_test_seed(5)));
    let ots = OtConfig::silent(SilentSet::Tiny);
    let session = |near: Refills<_>| -> Result<()> {
        let mut session = connect(near, ots)?;
        let relus = looked_up(&plan);
        use_one(&mut session, (1, &relus), &image)?;
        session.close().map(drop)
    };
    let all = [Change::Shorter, Change::Longer, Change::Twice, Change::Missing];
    let cases = all.iter().flat_map(|c| [(Kind::Refill, *c), (Kind::Bootstrap, *c)]);
    for change in cases {
        for at_client in [true, false] {
            let last = at_client == (change.0 == Kind::Refill);
            if last && matches!(change.1, Change::Missing) {
                // Nothing follows that could be taken for it: the other's patience ends that.
                continue;
            }
            let (near, far) = memory::pair();
            let wrap = |inner, change| Refills { inner, keys: None, change };
            let (client, server) = thread::scope(|scope| {
                let change = Some(change);
                let server = scope.spawn(move || {
                    serve(&network::small(3), wrap(far, change.filter(|_| !at_client)))
                });
                let client = session(wrap(near, change.filter(|_| at_client)));
                (client, server.join().unwrap().map(drop))
            });
            let refused = if at_client { server } else { client };
            assert!(matches!(refused, Err(Error::PeerMisbehaved { .. })), "{refused:?}");
        }
    }
}

/// A refill where the ledger asks for none, as the second run's would be with a set that lasts.
#[test]
fn a_refill_that_is_not_due_is_misbehaviour() {
    let plan = network::small(3);
    let (near, far) = memory::pair();
    let served = thread::scope(|scope| {
        let server = scope.spawn(|| serve(&plan, far));
        let late = LateRefill { inner: near, requests: 0 };
        let mut session = connect(late, OtConfig::silent(SilentSet::Small)).unwrap();
        session.prepare(1).unwrap();
        assert!(session.prepare(1).is_err());
        drop(session);
        server.join().unwrap()
    });
    assert!(matches!(served, Err(Error::PeerMisbehaved { .. })), "{served:?}");
}

/// Sends a refill before the last upload of its second request.
struct LateRefill<T> {
    inner: T,
    requests: usize,
}

impl<T: Transport> Transport for LateRefill<T> {
    fn send(&mut self, kind: Kind, payload: &[u8]) -> Result<()> {
        self.requests += usize::from(kind == Kind::OfflineRequest);
        if kind == Kind::ClientCorrections && self.requests == 2 {
            self.requests += 1;
            self.inner.send(Kind::Refill, &vec![0; SilentSet::Small.message_bytes()])?;
        }
        self.inner.send(kind, payload)
    }
    fn recv(&mut self, kind: Kind, len: usize) -> Result<Vec<u8>> {
        self.inner.recv(kind, len)
    }
    fn recv_any(&mut self, kinds: &[Kind], max: usize) -> Result<(Kind, Vec<u8>)> {
        self.inner.recv_any(kinds, max)
    }
    fn meter(&self) -> &Meter {
        self.inner.meter()
    }
}

/// As with SoftSpoken: whoever dies or lies, the other one ends with an error or a wrong result.
#[test]
fn a_fault_at_any_message_never_crashes_the_other_party() {
    let plan = network::small(3);
    let image = ring(&network::image(&plan, &mut SecretRng::from_test_seed(5)));
    let run = |fault, at_client: Option<usize>, at_server: Option<usize>| {
        let (near, far) = memory::pair();
        let chosen = |at: Option<usize>| at.map_or((Fault::None, 0), |at| (fault, at));
        thread::scope(|scope| {
            let server = scope.spawn(|| {
                let (fault, at) = chosen(at_server);
                let mut tap = Tap::new(far, fault, at);
                let served = serve(&plan, &mut tap);
                (served, tap.messages())
            });
            let (fault, at) = chosen(at_client);
            let mut tap = Tap::new(near, fault, at);
            let result = connect(&mut tap, OtConfig::silent(SilentSet::Tiny)).and_then(|mut s| {
                let relus = mixed::alternating(s.plan());
                use_one(&mut s, (1, &relus), &image)?;
                s.close().map(drop)
            });
            let messages = tap.messages();
            drop(tap);
            let (served, server_messages) = server.join().expect("the server must not panic");
            (result, served, [messages, server_messages])
        })
    };
    let (ok, served, messages) = run(Fault::None, None, None);
    ok.unwrap();
    served.unwrap();
    for at in 0..messages[0] {
        let (_, served, _) = run(Fault::Die, Some(at), None);
        assert!(matches!(served, Err(Error::Network { .. })), "message {at}: {served:?}");
        let _ = run(Fault::Garbage, Some(at), None);
    }
    for at in 0..messages[1] {
        let _ = run(Fault::Garbage, None, Some(at));
    }
}
