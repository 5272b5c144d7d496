//! Predicted memory against what is allocated. Alone in its program: it counts every allocation.

#![allow(clippy::unwrap_used, reason = "helpers of a test, outside the test function")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc;
use std::thread;

use tacita_protocol::cost::{CostModel, MemoryEstimate};
use tacita_protocol::gadget::ReluChoice;
use tacita_protocol::plan::{
    ConvShape, Head, InputSpec, Linear, Mask, Plan, PublicPlan, ReluChoices, Reveals, SecretPlan,
    Shape, TensorSecrets, TensorSpec, Term,
};
use tacita_protocol::session::{
    BatchSizes, ClientOptions, ClientSession, ServerContext, SessionLimits,
};
use tacita_protocol::wire;

/// Bytes that are allocated now, and the most there were since the last reset.
static LIVE: AtomicU64 = AtomicU64::new(0);
static PEAK: AtomicU64 = AtomicU64::new(0);

struct Counting;

// SAFETY: every call is passed on to the system's allocator unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let live = LIVE.fetch_add(layout.size() as u64, Ordering::Relaxed) + layout.size() as u64;
        PEAK.fetch_max(live, Ordering::Relaxed);
        // SAFETY: the caller keeps to the allocator's contract.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        LIVE.fetch_sub(layout.size() as u64, Ordering::Relaxed);
        // SAFETY: as above.
        unsafe { System.dealloc(at, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn live() -> u64 {
    LIVE.load(Ordering::Relaxed)
}

/// 3x16x16 -> conv 32 (ReLU) -> conv 16 (two of three ReLUs) -> 10 logits.
fn plan() -> Plan {
    let (input, wide, narrow) =
        (Shape::new(3, 16, 16), Shape::new(32, 16, 16), Shape::new(16, 8, 8));
    let logits = Shape::new(10, 1, 1);
    let spec = |name: &str, shape: Shape, conv: Option<(usize, ConvShape)>, mask| TensorSpec {
        name: name.into(),
        shape,
        frac: 10,
        truncate: if conv.is_some() { 8 } else { 0 },
        magnitude: 13,
        dropped: 0,
        terms: conv.into_iter().map(|(input, c)| Term { input, op: Linear::Conv(c) }).collect(),
        mask,
        unmasked_relus: if matches!(name, "wide" | "narrow") { shape.len() } else { 0 },
    };
    let none = |shape: Shape| Mask::uniform(shape.len(), false);
    let some = Mask::from_bits((0..narrow.len()).map(|i| i % 3 > 0));
    let last = ConvShape {
        kernel_h: 8,
        kernel_w: 8,
        pad: tacita_protocol::plan::Padding::NONE,
        ..ConvShape::same(narrow, 10, 1, 1)
    };
    let tensors = vec![
        spec("image", input, None, none(input)),
        spec(
            "wide",
            wide,
            Some((0, ConvShape::same(input, 32, 3, 1))),
            Mask::uniform(wide.len(), true),
        ),
        spec("narrow", narrow, Some((1, ConvShape::same(wide, 16, 3, 2))), some),
        spec("logits", logits, Some((2, last)), none(logits)),
    ];
    let weights = tensors.iter().map(|t| TensorSecrets {
        weights: t
            .terms
            .iter()
            .map(|t| match &t.op {
                Linear::Conv(c) => (0..c.weights()).map(|i| (i % 7) as i32 - 3).collect(),
                _ => Vec::new(),
            })
            .collect(),
        bias: Vec::new(),
    });
    let secret = SecretPlan { tensors: weights.collect() };
    let public = PublicPlan {
        name: "memory".into(),
        relu_choices: ReluChoices::usual(&tensors),
        input: InputSpec::new(vec![0.5; 3], vec![0.25; 3]),
        tensors,
        labels: Vec::new(),
        batch: 2,
        reveals: Reveals::Logits,
        head: Head::Softmax,
    };
    Plan::new(public, secret).unwrap()
}

/// What making tickets and spending one allocates.
struct Measured {
    /// A batch of tickets at the client.
    client: u64,
    /// The same at the server.
    server: u64,
    /// Most at both while they are made, beyond what was there before.
    peak: u64,
    /// Most at both during an inference, beyond what was there before the tickets.
    inference: u64,
}

fn measure(plan: &Plan, batch: usize, relus: &ReluChoices) -> Measured {
    let batches = Some(BatchSizes::new(&[1, batch]).unwrap());
    let limits = SessionLimits { batches, ..SessionLimits::default() };
    let context = ServerContext::new(plan.clone(), limits).unwrap();
    let pixels = plan.public.tensors[0].shape.len();
    let (near, mut far) = wire::memory::pair();
    // The server asks whether to stop before every request: the one before is then forgotten.
    let (asks, idle) = mpsc::channel();
    let stop = move || asks.send(()).is_err();
    thread::scope(|scope| {
        scope.spawn(move || context.serve(&mut far, &stop).unwrap());
        let mut session = ClientSession::connect(near, &ClientOptions::default()).unwrap();
        idle.recv().unwrap();
        // Prepares the weights, and all that threads keep for themselves.
        drop(session.prepare_with(batch, relus).unwrap());
        idle.recv().unwrap();
        let before = live();
        PEAK.store(before, Ordering::Relaxed);
        let tickets = session.prepare_with(batch, relus).unwrap();
        idle.recv().unwrap();
        let (peak, with) = (PEAK.load(Ordering::Relaxed) - before, live());
        drop(tickets);
        let without = live();
        let mut tickets = session.prepare_with(batch, relus).unwrap();
        idle.recv().unwrap();
        PEAK.store(live(), Ordering::Relaxed);
        session.infer(tickets.pop().unwrap(), &vec![0; pixels]).unwrap();
        let inference = PEAK.load(Ordering::Relaxed) - without;
        session.close().unwrap();
        Measured { client: with - without, server: without - before, peak, inference }
    })
}

#[test]
fn tickets_take_what_is_predicted_and_runs_no_more() {
    const BATCH: usize = 4;
    let plan = plan();
    let uniform = |choice| ReluChoices::uniform(&plan.public, choice);
    let [garbled, lookup] = ["gc", "ot"].map(|name| ReluChoice::named(name).unwrap());
    let mixed = ReluChoices::new(&plan.public, vec![lookup, garbled]).unwrap();
    for relus in &[uniform(garbled), uniform(lookup), mixed] {
        let model = CostModel::new(&plan.public, BATCH).unwrap().with_relus(relus);
        let MemoryEstimate { client, server, .. } = model.memory(1 << 30, 2).unwrap();
        let measured = measure(&plan, BATCH, relus);
        // To the byte at the client; the server's store is a tree of tickets, which adds a little.
        assert_eq!(measured.client, BATCH as u64 * client.ticket, "{relus:?}");
        let tickets = BATCH as u64 * server.ticket;
        let off = measured.server.abs_diff(tickets);
        assert!(off * 100 <= tickets, "{} of {tickets}, {relus:?}", measured.server);
        // Both parties are in this process, but not at their peaks at the same time.
        let peaks = [
            (measured.peak, client.batch, server.batch),
            (measured.inference, client.inference, server.inference),
        ];
        for (measured, client, server) in peaks {
            assert!(measured <= client + server, "{measured} of {client}, {server}, {relus:?}");
            let least = client.max(server) / 2;
            assert!(measured >= least, "{measured} of {client}, {server}, {relus:?}");
        }
    }
}
