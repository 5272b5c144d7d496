//! The order in which pieces begin, and that online work keeps them from beginning.

use std::sync::mpsc;
use std::thread;

use super::*;

/// One thread for offline work.
fn compute() -> Compute {
    Compute::new(ThreadPoolBuilder::new().num_threads(1).build().unwrap())
}

#[test]
fn results_come_in_the_order_of_the_items() {
    let compute = Compute::with_usual_threads().unwrap();
    let squares = compute.pieces(0..1000u32, |i| i * i);
    assert!(squares.into_iter().eq((0..1000u32).map(|i| i * i)));
    assert_eq!(compute.piece(|| 5), 5);
    assert!(compute.pieces(0..0, |i: i32| i).is_empty());
}

/// Two sessions with many pieces: the second one's first pieces come before the first one's rest.
#[test]
fn sessions_take_turns() {
    let compute = compute();
    let began = Mutex::new(Vec::new());
    let (running, runs) = mpsc::channel();
    let (go, wait) = mpsc::channel::<()>();
    let wait = Mutex::new(wait);
    thread::scope(|scope| {
        let (compute, began) = (&compute, &began);
        let note = |session: char, i: i32| began.lock().unwrap().push((session, i));
        scope.spawn(move || {
            compute.pieces(0..20, |i| {
                note('a', i);
                if i == 0 {
                    running.send(()).unwrap();
                    wait.lock().unwrap().recv().unwrap();
                }
            })
        });
        runs.recv().unwrap();
        // The second session's third piece is looked at when two of its pieces wait.
        let items = (0..20).inspect(|i| {
            if *i == 2 {
                go.send(()).unwrap();
            }
        });
        compute.pieces(items, |i| note('b', i));
    });
    let began = began.into_inner().unwrap();
    assert_eq!(began.len(), 40);
    let of = |session| began.iter().filter(move |b| b.0 == session).map(|b| b.1);
    assert!(of('a').eq(0..20) && of('b').eq(0..20), "{began:?}");
    let at = |session, i| began.iter().position(|b| *b == (session, i)).unwrap();
    // At most the window of the first session goes before.
    // Afterwards the system decides who hands out its next piece first.
    assert!(at('b', 0) <= WINDOW && at('b', 1) <= WINDOW + 2, "{began:?}");
}

#[test]
fn a_piece_that_panics_leaves_the_rest_usable() {
    let compute = compute();
    let broken = || compute.pieces(0..9, |i| assert_ne!(i, 4));
    let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(broken));
    assert!(panicked.is_err());
    assert_eq!(compute.pieces(0..9, |i| i).len(), 9);
}

/// Under permanent online work a piece begins when its patience is at its end, and not before.
#[test]
fn online_work_delays_pieces_but_does_not_starve_them() {
    let compute = compute();
    compute.gate.close();
    let start = Instant::now();
    compute.piece(|| ());
    assert!(start.elapsed() >= PATIENCE);
    compute.gate.open();
    // And a moment longer than the online work, in case there is more of it.
    compute.gate.close();
    compute.gate.open();
    let stopped = Instant::now();
    compute.piece(|| ());
    assert!(stopped.elapsed() + Duration::from_millis(1) >= LINGER);
}

/// A connection that notes whether the gate is open while it is used.
struct Noted<'a> {
    gate: &'a Gate,
    online: Vec<usize>,
    meter: Meter,
}

impl Noted<'_> {
    fn note(&mut self) {
        self.online.push(self.gate.lock().online);
    }
}

impl Transport for Noted<'_> {
    fn send(&mut self, _: Kind, _: &[u8]) -> Result<()> {
        self.note();
        Ok(())
    }
    fn recv(&mut self, _: Kind, len: usize) -> Result<Vec<u8>> {
        self.note();
        Ok(vec![0; len])
    }
    fn recv_any(&mut self, _: &[Kind], _: usize) -> Result<(Kind, Vec<u8>)> {
        self.note();
        Err(Error::network("gone"))
    }
    fn meter(&self) -> &Meter {
        &self.meter
    }
}

#[test]
fn an_inference_closes_the_gate_except_while_it_waits() {
    let compute = compute();
    let mut transport = Noted { gate: &compute.gate, online: Vec::new(), meter: Meter::default() };
    let mut online = compute.online(&mut transport);
    let closed = || compute.gate.lock().online;
    assert_eq!(closed(), 1);
    online.recv(Kind::MaskedInput, 8).unwrap();
    assert_eq!(closed(), 1);
    online.send(Kind::Labels, &[0; 8]).unwrap();
    assert!(online.recv_any(&[Kind::Activations], 8).is_err());
    assert_eq!(closed(), 1);
    drop(online);
    assert_eq!(closed(), 0);
    assert_eq!(transport.online, [0, 0, 0]);
}
