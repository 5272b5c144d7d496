//! A whole session in memory: a two-layer network, two tickets, two private inferences.
//!
//! Run with `cargo run --release -p tacita-protocol --example 2_private_inference`.

#![allow(clippy::print_stdout, reason = "an example talks to its reader")]

use std::thread;

use tacita_protocol::plan::{
    ConvShape, Head, InputSpec, Linear, Mask, Padding, Plan, PublicPlan, ReluChoices, Reveals,
    SecretPlan, Shape, TensorSecrets, TensorSpec, Term, clear,
};
use tacita_protocol::session::{ClientOptions, ClientSession, ServerContext, SessionLimits};
use tacita_protocol::wire::{Phase, Transport, memory};
use tacita_protocol::{Error, Result, cost};

/// A 3x3 convolution with ReLUs at every second position, then a fully connected layer.
fn plan() -> Result<Plan> {
    let (image, hidden, logits) = (Shape::new(1, 8, 8), Shape::new(2, 8, 8), Shape::new(3, 1, 1));
    let same = ConvShape::same(image, 2, 3, 1);
    let full = ConvShape {
        input: hidden,
        out_channels: 3,
        kernel_h: 8,
        kernel_w: 8,
        stride: 1,
        pad: Padding::NONE,
        groups: 1,
    };
    let tensor = |name: &str, shape: Shape, terms: Vec<Term>, mask: Mask| TensorSpec {
        name: name.into(),
        shape,
        frac: 8,
        truncate: if terms.is_empty() { 0 } else { 8 },
        magnitude: 14,
        dropped: 0,
        unmasked_relus: if mask.ones() > 0 { shape.len() } else { 0 },
        terms,
        mask,
    };
    let conv = |input, shape| vec![Term { input, op: Linear::Conv(shape) }];
    let tensors = vec![
        tensor("image", image, vec![], Mask::uniform(image.len(), false)),
        tensor("conv", hidden, conv(0, same), Mask::from_bits((0..128).map(|i| i % 2 == 0))),
        tensor("logits", logits, conv(1, full), Mask::uniform(3, false)),
    ];
    let public = PublicPlan {
        name: "example".into(),
        input: InputSpec::new(vec![0.0], vec![1.0]),
        relu_choices: ReluChoices::usual(&tensors),
        tensors,
        labels: vec![],
        batch: 2,
        reveals: Reveals::Logits,
        head: Head::Softmax,
    };
    // Any weights do: a fixed pattern of small integers with 8 fractional bits.
    let pattern = |n: usize| (0..n).map(|i| (i * 37 % 101) as i32 - 50).collect::<Vec<_>>();
    let secrets = |n: usize| TensorSecrets { weights: vec![pattern(n)], bias: vec![] };
    let secret = SecretPlan {
        tensors: vec![TensorSecrets::default(), secrets(same.weights()), secrets(full.weights())],
    };
    Plan::new(public, secret)
}

fn main() -> Result<()> {
    let plan = plan()?;
    let predicted = cost::predict(&plan.public, 2)?;
    let image: Vec<i64> = (0..64).map(|i| (i * 11 % 512) - 256).collect();
    let expected = clear::evaluate(&plan, &image).pop().unwrap_or_default();

    let context = ServerContext::new(plan, SessionLimits::default())?;
    let (near, mut far) = memory::pair();
    thread::scope(|scope| {
        let server = scope.spawn(move || context.serve(&mut far, &|| false));
        let mut session = ClientSession::connect(near, &ClientOptions::default())?;
        let input: Vec<u64> = image.iter().map(|x| *x as u64).collect();
        for ticket in session.prepare(2)? {
            // The ticket moves into the run: it cannot be used again.
            println!("private {:?}, clear {expected:?}", session.infer(ticket, &input)?);
        }
        let offline = session.transport().meter().phase(Phase::Offline);
        println!(
            "offline: {} bytes up, {} down, {} round trips; predicted {:?}",
            offline.sent, offline.received, offline.rounds, predicted.offline
        );
        session.close()?;
        server.join().map_err(|_| Error::local("the server panicked"))??;
        Ok(())
    })
}
