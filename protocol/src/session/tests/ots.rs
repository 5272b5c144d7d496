//! Sessions with other OT extensions than the default, and configurations that there are not.

use std::thread;

use super::{mixed, network, ring};
use crate::cost::CostModel;
use crate::error::{Error, Result};
use crate::ot::{FieldBits, OtConfig};
use crate::plan::{Plan, clear};
use crate::rng::SecretRng;
use crate::session::{ClientOptions, ClientSession, ServerContext, SessionLimits, SessionReport};
use crate::wire::{Kind, Meter, Phase, Traffic, Transport, memory};

/// A session over `transport`: a ticket with mixed ReLUs spent on the image. The logits and the
/// final counts.
fn client<T: Transport>(transport: T, ots: OtConfig, image: &[u64]) -> Result<(Vec<i64>, Meter)> {
    let options = ClientOptions { ots, ..ClientOptions::default() };
    let rng = SecretRng::from_test_seed(1);
    let mut session = ClientSession::connect_with(transport, &options, rng)?;
    let relus = mixed::alternating(session.plan());
    let ticket = session.prepare_with(2, &relus)?.remove(0);
    let logits = session.infer(ticket, image)?;
    let meter = session.transport().meter().clone();
    session.close()?;
    Ok((logits, meter))
}

fn serve<T: Transport>(plan: &Plan, mut transport: T) -> Result<SessionReport> {
    let context = ServerContext::new(plan.clone(), SessionLimits::default()).unwrap();
    context.serve_with(&mut transport, &|| false, SecretRng::from_test_seed(2))
}

fn config(labels: u8, selection: u8) -> OtConfig {
    let [labels, selection] = [labels, selection].map(|k| FieldBits::new(k).unwrap());
    OtConfig::soft_spoken(labels, selection)
}

#[test]
fn every_field_gives_the_clear_logits_in_the_predicted_bytes() {
    let plan = network::small(7);
    let image = network::image(&plan, &mut SecretRng::from_test_seed(1));
    let clear = clear::evaluate(&plan, &image).pop().unwrap();
    let mut sent = Vec::new();
    for (labels, selection) in [(2, 8), (3, 7), (4, 4), (5, 6), (8, 3)] {
        let ots = config(labels, selection);
        let (near, far) = memory::pair();
        let (logits, meter) = thread::scope(|scope| {
            scope.spawn(|| serve(&plan, far));
            client(near, ots, &ring(&image)).unwrap()
        });
        for (p, c) in logits.iter().zip(&clear) {
            assert!((p - c).abs() <= 8, "{ots:?}: private {logits:?} clear {clear:?}");
        }
        let relus = mixed::alternating(&plan.public);
        let model = CostModel::new(&plan.public, 2).unwrap().with_relus(&relus).with_ots(ots);
        let predicted = model.traffic().unwrap();
        let measured = |phase| Traffic::from(meter.phase(phase));
        assert_eq!(measured(Phase::Session), predicted.session, "{ots:?}");
        assert_eq!(measured(Phase::Offline), predicted.offline, "{ots:?}");
        assert_eq!(measured(Phase::Online), predicted.online, "{ots:?}");
        sent.push(predicted.offline.up);
    }
    // A larger field sends less.
    assert!(sent.is_sorted_by(|a, b| a > b), "{sent:?}");
}

/// Replaces the first bytes of the client's keys.
struct Keys<T> {
    inner: T,
    ots: [u8; OtConfig::BYTES],
}

impl<T: Transport> Transport for Keys<T> {
    fn send(&mut self, kind: Kind, payload: &[u8]) -> Result<()> {
        if kind != Kind::ClientKeys {
            return self.inner.send(kind, payload);
        }
        self.inner.send(kind, &[&self.ots[..], &payload[OtConfig::BYTES..]].concat())
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
fn a_configuration_that_there_is_not_is_misbehaviour() {
    let plan = network::small(7);
    for (ots, why) in [
        ([0, 1, 0, 4], "OT field bits are 1"),
        ([0, 4, 0, 9], "OT field bits are 9"),
        ([0, 0, 0, 4], "allowed are 2 to 8"),
        ([0, 4, 0, 255], "allowed are 2 to 8"),
        ([1, 3, 0, 4], "silent OT of unknown set 3"),
        ([0, 4, 1, 254], "silent OT of unknown set 254"),
        ([2, 4, 0, 4], "unknown kind 2"),
        ([0, 4, 255, 4], "unknown kind 255"),
    ] {
        let (near, far) = memory::pair();
        let served = thread::scope(|scope| {
            let server = scope.spawn(|| serve(&plan, far));
            let lied = client(Keys { inner: near, ots }, OtConfig::default(), &[]);
            assert!(lied.is_err());
            server.join().unwrap()
        });
        let error = served.unwrap_err();
        assert!(matches!(error, Error::PeerMisbehaved { .. }), "{ots:?}: {error}");
        assert!(error.to_string().contains(why), "{ots:?}: {error}");
    }
}

#[test]
fn configurations_round_trip() {
    for (labels, selection) in [(2, 8), (8, 2), (4, 4), (5, 7)] {
        let ots = config(labels, selection);
        assert_eq!(ots.to_bytes(), [0, labels, 0, selection]);
        assert_eq!(OtConfig::from_bytes(ots.to_bytes()).unwrap(), ots);
    }
    assert_eq!(OtConfig::default(), config(4, 4));
}
