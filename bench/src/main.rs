//! Placeholder.
mod networks;
use std::time::Instant;
use tacet_protocol::{
    cost,
    session::*,
    wire::{Phase, Transport, memory},
};
fn main() {
    for (net, keep, batches) in
        [(networks::RESNET20, 0.12, vec![1, 2, 4, 8, 16]), (networks::RESNET18, 0.1, vec![1, 8])]
    {
        let plan = net.plan(keep).unwrap();
        for b in batches {
            let t = Instant::now();
            let p = cost::predict(&plan.public, b).unwrap();
            let he: u64 = p.tensors.iter().map(|t| t.lattice_up + t.lattice_down).sum();
            let products: u64 = p.tensors.iter().map(|t| t.products).sum();
            println!(
                "{} B={b} predict {:?} he/ticket {:.2} MB products/ticket {} offline/ticket up {:.2} down {:.2} MB online up {:.2} down {:.2}",
                net.name,
                t.elapsed(),
                he as f64 / 1e6 / b as f64,
                products / b as u64,
                p.offline.up as f64 / 1e6 / b as f64,
                p.offline.down as f64 / 1e6 / b as f64,
                p.online.up as f64 / 1e6,
                p.online.down as f64 / 1e6
            );
            if net.name == "ResNet18" && b > 1 {
                continue;
            }
            let ctx = ServerContext::new(plan.clone(), SessionLimits { max_tickets: 64 }).unwrap();
            let (near, mut far) = memory::pair();
            std::thread::scope(|s| {
                s.spawn(move || ctx.serve(&mut far, &|| false).unwrap());
                let mut c = ClientSession::connect(near, &ClientOptions::default()).unwrap();
                let t = Instant::now();
                let mut tickets = c.prepare(b).unwrap();
                let off = t.elapsed();
                let x = vec![5u64; 3072];
                let t = Instant::now();
                c.infer(tickets.pop().unwrap(), &x).unwrap();
                println!(
                    "   offline {:?} per ticket {:?} online {:?} {:?}",
                    off,
                    off / b as u32,
                    t.elapsed(),
                    c.transport().meter().phase(Phase::Online).rounds
                );
                c.close().unwrap();
            });
        }
    }
}
