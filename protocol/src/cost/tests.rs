//! Predictions against each other and against their own laws.

mod choose;
mod choose_ots;

use super::CostModel;
use super::link::Link;
use super::profile::{
    FIELD_BITS, KernelProfile, LatticeKernels, LinearKernels, LookupKernels, OtKernels,
    PROFILE_VERSION, PerGate, PerHash, PerWord, ReluKernels, SilentKernels, WireKernels,
};
use super::time::LayerTime;
use crate::gadget::ReluChoice;
use crate::ot::{FieldBits, OtConfig, SilentSet};
use crate::plan::{PublicPlan, ReluChoices};
use crate::session::offline_request_bytes;
use crate::session::tests::{choice, network};

fn garbled() -> ReluChoice {
    choice("gc")
}

fn lookup() -> ReluChoice {
    choice("ot")
}

/// A machine with round figures.
fn profile() -> KernelProfile {
    let gate = PerGate { and: 3e-8, value: 2e-7 };
    KernelProfile {
        version: PROFILE_VERSION,
        cpu: "test".into(),
        threads: 2,
        lattice: LatticeKernels {
            layout: 3e-4,
            cells: 1e-5,
            encrypt: 6e-4,
            read: 4e-4,
            weight: 2e-4,
            product: 2e-5,
            finish: 1e-3,
            decrypt: 3e-4,
        },
        relu: ReluKernels {
            ot: FIELD_BITS.map(|bits| OtKernels {
                receive: 1e-8 * f64::from(bits),
                send: 2e-8 * f64::from(bits),
            }),
            silent: [SilentKernels { order: 2e-9, send: 6e-9, receive: 9e-9 }; 3],
            pads_receive: 1e-8,
            pads_send: 2e-8,
            request: gate,
            garble: gate,
            labels: gate,
            evaluate: gate,
            lookup: LookupKernels {
                pads_send: PerHash { hash: 1e-8, value: 5e-8 },
                pads_receive: PerHash { hash: 6e-9, value: 3e-8 },
                request: 5e-8,
                accept: 6e-8,
                digits: 7e-9,
                tables: PerWord { word: 2e-9, value: 1e-8 },
                rows: PerWord { word: 1e-9, value: 9e-9 },
                answer: 8e-9,
                finish: 4e-9,
            },
        },
        linear: LinearKernels {
            mac: 1e-10,
            mac_narrow: 5e-10,
            column: 5e-10,
            element: 5e-10,
            random: 5e-9,
            fresh: 1e-9,
        },
        wire: WireKernels { byte: 5e-10, message: 2e-5, connect: 4e-4, session: 2e-2 },
    }
}

fn link(text: &str) -> Link {
    text.parse().unwrap()
}

fn plans() -> [PublicPlan; 2] {
    [network::small(7).public, network::varied(8).public]
}

/// A model of these ReLUs.
fn model(plan: &PublicPlan, batch: usize, relus: ReluChoice) -> CostModel<'_> {
    CostModel::new(plan, batch).unwrap().with_relus(&ReluChoices::uniform(plan, relus))
}

/// The simulated messages are the predicted ones, byte by byte, in every phase.
#[test]
fn time_and_traffic_agree_on_every_byte() {
    for (plan, relus) in plans().iter().flat_map(|p| [(p, garbled()), (p, lookup())]) {
        for batch in [1, 3] {
            for (ots, run) in [OtConfig::default(), OtConfig::silent(SilentSet::Tiny)]
                .into_iter()
                .flat_map(|ots| [(ots, 0), (ots, 3)])
            {
                let model = model(plan, batch, relus).with_ots(ots).in_run(run);
                let time = model.time(&profile(), &link("wan"), 2).unwrap();
                let traffic = model.traffic().unwrap();
                assert_eq!(time.session.traffic, traffic.session);
                assert_eq!(time.offline.traffic, traffic.offline);
                assert_eq!(time.first_offline.traffic, traffic.offline);
                assert_eq!(time.online.traffic, traffic.online);
                let products: u64 = traffic.tensors.iter().map(|t| t.products).sum();
                assert_eq!(time.layers.iter().map(|l| l.products).sum::<u64>(), products);
            }
        }
    }
}

/// Payload of all layers, requests and frame headers are all there is.
#[test]
fn layers_add_up_to_the_phases() {
    for (plan, relus) in plans().iter().flat_map(|p| [(p, garbled()), (p, lookup())]) {
        let model = model(plan, 2, relus);
        let p = model.traffic().unwrap();
        let offline: u64 = p.tensors.iter().map(|t| t.lattice_up + t.offline_up + t.ot_up).sum();
        let online: u64 = p.tensors.iter().map(|t| t.online_up).sum();
        let asked = offline_request_bytes(plan.relu_tensors().count()) as u64;
        for (total, layers, request) in [(p.offline.up, offline, asked), (p.online.up, online, 8)] {
            let framing = total - layers - request;
            assert!(framing > 0 && framing.is_multiple_of(5), "{framing} bytes of framing");
        }
        let time = model.time(&profile(), &link("wan"), 2).unwrap();
        let layers: f64 = time.layers.iter().map(|l| l.online.server).sum();
        assert!((layers - time.online.server).abs() < 1e-12);
        let lines: f64 = time.layers.iter().map(|l| l.offline.down).sum();
        assert!((lines - time.offline.down).abs() < 1e-9);
        let counts = |of: fn(&LayerTime) -> u64| time.layers.iter().map(of).sum::<u64>();
        assert_eq!(counts(|l| l.ands) > 0, relus == garbled());
        assert_eq!(counts(|l| l.hashes) > 0, relus == lookup());
    }
}

/// Seconds of the three phases.
fn seconds(text: &str, cores: usize) -> [f64; 3] {
    seconds_of(garbled(), text, cores)
}

fn seconds_of(relus: ReluChoice, text: &str, cores: usize) -> [f64; 3] {
    let plan = network::small(7).public;
    let t = model(&plan, 2, relus).time(&profile(), &link(text), cores).unwrap();
    [t.session.seconds, t.offline.seconds, t.online.seconds]
}

#[test]
fn slower_links_and_fewer_cores_take_longer() {
    let longer = |slow: [f64; 3], fast: [f64; 3]| {
        slow.iter().zip(fast).for_each(|(slow, fast)| assert!(*slow > fast, "{slow} {fast}"));
    };
    longer(seconds("20ms,10Mbit", 2), seconds("20ms,20Mbit", 2));
    longer(seconds("20ms,10Mbit,20Mbit", 2), seconds("20ms,20Mbit,20Mbit", 2));
    longer(seconds("20ms,20Mbit,10Mbit", 2), seconds("20ms,20Mbit,20Mbit", 2));
    longer(seconds("40ms,10Mbit", 2), seconds("20ms,10Mbit", 2));
    let (few, many) = (seconds("loopback", 1), seconds("loopback", 4));
    assert!(few[1] > many[1] && few[2] > many[2]);
}

#[test]
fn every_round_trip_costs_its_latency() {
    let plan = network::small(7).public;
    for relus in [garbled(), lookup()] {
        let of = |text| seconds_of(relus, text, 2);
        let (near, far) = (of("10ms,1Gbit"), of("110ms,1Gbit"));
        let p = model(&plan, 2, relus).traffic().unwrap();
        // TCP and TLS have a round trip each before the session's.
        let rounds = [p.session.rounds + 2, p.offline.rounds, p.online.rounds];
        for ((near, far), rounds) in near.iter().zip(far).zip(rounds) {
            let waited = far - near;
            // A phase may begin with half a round trip that overlaps the client's computing, and
            // end with half a round trip that nobody waits for.
            let off = (waited - 0.1 * rounds as f64).abs();
            assert!(off < 0.051, "{waited} s of {rounds} rounds, {relus:?}");
        }
    }
}

/// Seconds that each party computes: client offline, server offline, client online, server online.
fn computing(profile: &KernelProfile, relus: ReluChoice) -> [f64; 4] {
    let plan = network::small(7).public;
    let t = model(&plan, 2, relus).time(profile, &link("wan"), 2).unwrap();
    [t.offline.client, t.offline.server, t.online.client, t.online.server]
}

/// Makes a kernel slower.
type Slow = fn(&mut LookupKernels);

/// Which party computes longer in which phase if a kernel of lookups is slower.
#[test]
fn every_kernel_of_lookups_counts_where_it_runs() {
    let slower: [(usize, Slow); 13] = [
        (0, |k| k.pads_send.hash += 1e-6),
        (0, |k| k.pads_send.value += 1e-6),
        (1, |k| k.pads_receive.hash += 1e-6),
        (1, |k| k.pads_receive.value += 1e-6),
        (0, |k| k.request += 1e-6),
        (1, |k| k.accept += 1e-6),
        (3, |k| k.digits += 1e-6),
        (2, |k| k.tables.word += 1e-6),
        (2, |k| k.tables.value += 1e-6),
        (3, |k| k.rows.word += 1e-6),
        (3, |k| k.rows.value += 1e-6),
        (2, |k| k.answer += 1e-6),
        (3, |k| k.finish += 1e-6),
    ];
    for (i, (expected, slow)) in slower.into_iter().enumerate() {
        let mut slowed = profile();
        slow(&mut slowed.relu.lookup);
        assert_eq!(computing(&profile(), garbled()), computing(&slowed, garbled()));
        let (before, after) = (computing(&profile(), lookup()), computing(&slowed, lookup()));
        let longer: Vec<usize> = (0..4).filter(|at| after[*at] > before[*at] + 1e-9).collect();
        assert_eq!(longer, [expected], "kernel {i}");
    }
}

/// Nothing answers a request for lookups: what the server makes of it delays no client.
#[test]
fn the_client_does_not_wait_for_a_server_that_takes_its_requests() {
    let plan = network::small(7).public;
    let offline = |accept| {
        let mut profile = profile();
        profile.relu.lookup.accept = accept;
        model(&plan, 2, lookup()).time(&profile, &link("wan"), 2).unwrap().offline
    };
    let (fast, slow) = (offline(1e-8), offline(1e-3));
    assert!(slow.server > fast.server + 0.1);
    assert_eq!(slow.seconds, fast.seconds);
}

#[test]
fn field_bits_have_times_of_their_own() {
    let of = |bits| profile().relu.ot(FieldBits::new(bits).unwrap());
    for bits in FIELD_BITS {
        assert_eq!(of(bits).receive, 1e-8 * f64::from(bits));
        assert_eq!(of(bits).send, 2e-8 * f64::from(bits));
    }
}

#[test]
fn one_machine_overlaps_nothing() {
    let plan = network::small(7).public;
    let t = super::time::estimate(&plan, 2, &profile(), &Link::loopback(), 2).unwrap();
    let busy = t.offline.client + t.offline.server + t.offline.up + t.offline.down;
    assert!(t.offline.seconds >= busy * 0.999);
    assert!(t.first_offline.seconds > t.offline.seconds);
}

#[test]
fn a_link_says_how_slow_a_connection_has_to_be() {
    assert_eq!(Link::loopback().line(), None);
    let line = link("mobile").line().unwrap();
    assert_eq!(line.one_way.as_micros(), 30_000);
    // A full Ethernet frame of 1538 bytes carries 1448.
    let frame = [line.up, line.down].map(|byte| 1448.0 * byte);
    assert!((frame[0] - 1538.0 * 8.0 / 10e6).abs() < 1e-12, "{frame:?}");
    assert!((frame[1] - 1538.0 * 8.0 / 30e6).abs() < 1e-12, "{frame:?}");
}

#[test]
fn links_are_named_or_given_in_numbers() {
    assert_eq!(link("20ms,200Mbit"), link("0.02s, 200 mbit/s, 200Mbit"));
    assert_eq!(link("500us,1Gbit").rtt, 0.0005);
    assert_eq!(link("60ms,10Mbit,30Mbit").rate_down, 30e6);
    assert_eq!(link("mobile").rate_up, link("60ms,10Mbit,30Mbit").rate_up);
    assert!(link("loopback").one_machine && !link("lan").one_machine);
    for bad in [
        "",
        "dsl",
        "20ms",
        "20,200Mbit",
        "20ms,200",
        "20ms,0Mbit",
        "-1ms,1Mbit",
        "20ms,1Mbit,",
        "NaNms,1Mbit",
        "infs,1Mbit",
        "1ms,1Mbit,1Mbit,1Mbit",
        "1ms,1Mbyte",
        "1e9s,1Mbit",
    ] {
        assert!(bad.parse::<Link>().is_err(), "`{bad}` was taken for a link");
    }
}

#[test]
fn profiles_are_checked() {
    assert!(profile().check().is_ok());
    assert!(KernelProfile { version: PROFILE_VERSION + 1, ..profile() }.check().is_err());
    assert!(KernelProfile { threads: 0, ..profile() }.check().is_err());
    let mut bad = profile();
    bad.relu.labels.and = f64::NAN;
    assert!(bad.check().is_err());
    let mut bad = profile();
    bad.relu.lookup.rows.word = -1.0;
    assert!(bad.check().is_err());
    let mut bad = profile();
    bad.relu.ot[6].send = f64::INFINITY;
    assert!(bad.check().is_err());
}

#[test]
fn memory_grows_with_the_batch_and_weights_stay_in_their_budget() {
    let plan = network::small(7).public;
    let of = |batch, cache| super::memory::estimate(&plan, batch, cache, 2).unwrap();
    let (one, four) = (of(1, 1 << 30), of(4, 1 << 30));
    assert_eq!(one.client.ticket, four.client.ticket);
    assert_eq!(one.server.ticket, four.server.ticket);
    assert!(four.client.batch > one.client.batch && four.server.batch > one.server.batch);
    assert!(one.server.weights > 0);
    let half = one.server.weights / 2;
    assert!(of(1, half as usize).server.weights <= half);
    assert_eq!(of(1, 0).server.weights, 0);
}
