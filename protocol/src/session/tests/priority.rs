//! An inference is served while another session's tickets keep all threads for offline work busy.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, mpsc};
use std::thread;

use rayon::ThreadPoolBuilder;

use super::{network, ring};
use crate::compute::Compute;
use crate::rng::SecretRng;
use crate::session::{ClientOptions, ClientSession, ServerContext, SessionLimits};
use crate::wire::{MemoryTransport, memory};

fn connect(near: MemoryTransport, seed: u64) -> ClientSession<MemoryTransport> {
    let rng = SecretRng::from_test_seed(seed);
    ClientSession::connect_with(near, &ClientOptions::default(), rng).unwrap()
}

#[test]
fn an_inference_does_not_wait_for_tickets() {
    let plan = network::small(3);
    let image = ring(&network::image(&plan, &mut SecretRng::from_test_seed(5)));
    let mut compute = Compute::new(ThreadPoolBuilder::new().num_threads(1).build().unwrap());
    // Once armed, the first piece of offline work stays on the only thread until it is let go.
    let armed = std::sync::Arc::new(AtomicBool::new(false));
    let (stuck, is_stuck) = mpsc::channel();
    let (go, wait) = mpsc::channel::<()>();
    let (arm, wait) = (armed.clone(), Mutex::new(wait));
    compute.on_piece = Some(Box::new(move || {
        if arm.swap(false, Ordering::SeqCst) {
            stuck.send(()).unwrap();
            wait.lock().unwrap().recv().unwrap();
        }
    }));
    let context = ServerContext::with_compute(plan, SessionLimits::default(), compute).unwrap();
    let serve = |mut far, seed| {
        context.serve_with(&mut far, &|| false, SecretRng::from_test_seed(seed)).unwrap()
    };
    let ((near_a, far_a), (near_b, far_b)) = (memory::pair(), memory::pair());
    thread::scope(|scope| {
        scope.spawn(|| serve(far_a, 1));
        scope.spawn(|| serve(far_b, 2));
        let mut quick = connect(near_a, 3);
        let ticket = quick.prepare(1).unwrap().remove(0);
        armed.store(true, Ordering::SeqCst);
        let slow = scope.spawn(move || {
            let mut slow = connect(near_b, 4);
            let tickets = slow.prepare(2).unwrap().len();
            slow.close().unwrap();
            tickets
        });
        is_stuck.recv().unwrap();
        // Meanwhile no piece can begin. The answer is there all the same.
        assert!(!quick.infer(ticket, &image).unwrap().is_empty());
        assert!(!slow.is_finished());
        go.send(()).unwrap();
        assert_eq!(slow.join().unwrap(), 2);
        quick.close().unwrap();
    });
}
