//! Everything that the server receives about an image, or about the client's shares, is uniform.

use std::thread;

use super::tap::{Fault, Tap};
use super::{looked_up, network};
use crate::plan::Plan;
use crate::rng::SecretRng;
use crate::session::{BatchSizes, ClientOptions, ClientSession, ServerContext, SessionLimits};
use crate::wire::{Kind, memory};

/// Chi-square statistic of the bytes against the uniform distribution (255 degrees of freedom).
fn chi_square(bytes: &[u8]) -> f64 {
    let mut counts = [0u32; 256];
    bytes.iter().for_each(|b| counts[usize::from(*b)] += 1);
    let expected = bytes.len() as f64 / 256.0;
    counts.iter().map(|c| (f64::from(*c) - expected).powi(2) / expected).sum()
}

/// Exceeded by a uniform source about once in 10,000; the seeds are fixed.
const LIMIT: f64 = 345.0;

/// What the server received while the client inferred the same image several times.
fn received(plan: &Plan, image: &[u64], seed: u64) -> Vec<(Kind, Vec<u8>)> {
    let batches = Some(BatchSizes::new(&[1, 16]).unwrap());
    let limits = SessionLimits { max_tickets: 32, batches, ..Default::default() };
    let context = ServerContext::new(plan.clone(), limits).unwrap();
    let (near, far) = memory::pair();
    thread::scope(|scope| {
        let server = scope.spawn(move || {
            let mut tap = Tap::new(far, Fault::None, 0);
            context.serve_with(&mut tap, &|| false, SecretRng::from_test_seed(seed + 1)).unwrap();
            tap.received
        });
        let rng = SecretRng::from_test_seed(seed);
        let mut session =
            ClientSession::connect_with(near, &ClientOptions::default(), rng).unwrap();
        let mut tickets = session.prepare(16).unwrap();
        tickets.extend(session.prepare_with(16, &looked_up(plan)).unwrap());
        for ticket in tickets {
            session.infer(ticket, image).unwrap();
        }
        session.close().unwrap();
        server.join().unwrap()
    })
}

#[test]
fn all_that_the_server_sees_is_uniform_whatever_the_image() {
    let plan = network::small(11);
    let pixels = plan.public.tensors[0].shape.len();
    let images = [vec![0u64; pixels], vec![(2 << network::FRAC) as u64; pixels]];
    for (seed, image) in images.iter().enumerate() {
        let seen = received(&plan, image, 40 + 2 * seed as u64);
        for kind in [
            Kind::MaskedInput,
            Kind::ClientCorrections,
            Kind::ClientExtension,
            Kind::Activations,
            Kind::MaskedTables,
            Kind::Answers,
        ] {
            let bytes: Vec<u8> =
                seen.iter().filter(|(k, _)| *k == kind).flat_map(|(_, b)| b.clone()).collect();
            let statistic = chi_square(&bytes);
            assert!(bytes.len() > 10_000, "{kind:?}: {} bytes", bytes.len());
            assert!(statistic < LIMIT, "{kind:?}: {statistic}");
        }
    }
}

#[test]
fn the_statistic_tells_a_bare_image_from_a_masked_one() {
    let plan = network::small(11);
    let image = network::image(&plan, &mut SecretRng::from_test_seed(9));
    let bytes: Vec<u8> = image.iter().cycle().take(2048).flat_map(|x| x.to_le_bytes()).collect();
    assert!(chi_square(&bytes) > 10.0 * LIMIT);
}
