//! Bytes predicted from shapes and masks alone: encrypted convolutions, whole networks, and how cost
//! follows the mask.

use clap::Args;
use serde_json::json;
use tacita_bench::networks::{Keep, Network};
use tacita_bench::table::{bytes, markdown};
use tacita_cli::{Ot, Relu, json_line, line, session_choices};
use tacita_protocol::cost::CostModel;
use tacita_protocol::plan::{ConvShape, Shape};
use tacita_protocol::rlwe::{Defined, Packing};
use tacita_protocol::session::SessionLimits;
use tacita_protocol::{Result, cost};

/// Options of `predict`.
#[derive(Args)]
pub struct Options {
    /// What computes the ReLUs
    #[arg(long, value_enum, default_value_t)]
    pub relu: Relu,
    /// How correlated OTs are made, in a session of 64 tickets
    #[arg(long, value_enum, default_value_t)]
    pub ot: Ot,
    /// Results as JSON
    #[arg(long)]
    pub json: bool,
}

/// Bytes of a ticket for one convolution: (up, down).
fn conv_bytes(shape: &ConvShape, batch: usize) -> Result<(f64, f64)> {
    let packing = Packing::choose(shape, batch)?;
    let defined = Defined::none(batch, shape.input.len());
    let per_ticket = |n: usize| n as f64 / batch as f64;
    Ok((per_ticket(packing.upload_bytes(&defined)?), per_ticket(packing.response_bytes())))
}

/// The byte model that the design started from (docs/protocol.md, section 4), for whole ResNet18
/// tickets, in MB.
const MODEL: [(usize, f64); 3] = [(1, 110.0), (8, 42.0), (32, 31.0)];

/// Prints the tables.
///
/// # Errors
/// `Local` if stdout is closed.
pub fn run(options: &Options) -> Result<()> {
    let json = options.json;
    let convs = [
        ("64->64 3x3 on 32x32", ConvShape::same(Shape::new(64, 32, 32), 64, 3, 1)),
        ("512->512 3x3 on 4x4", ConvShape::same(Shape::new(512, 4, 4), 512, 3, 1)),
    ];
    let mut rows = Vec::new();
    for (name, shape) in &convs {
        for batch in [1, 8] {
            let (up, down) = conv_bytes(shape, batch)?;
            if json {
                json_line(&json!({"convolution": name, "batch": batch, "up": up, "down": down}))?;
            }
            rows.push(vec![
                (*name).into(),
                batch.to_string(),
                bytes(up),
                bytes(down),
                bytes(up + down),
            ]);
        }
    }
    if !json {
        line("Lattice bytes a ticket, one convolution:\n")?;
        markdown(&["convolution", "B", "up", "down", "both"], &rows)?;
        line("\nLattice bytes a ticket, whole networks:\n")?;
    }
    networks(json)?;
    by_mask(options)
}

fn networks(json: bool) -> Result<()> {
    let mut rows = Vec::new();
    for (name, model) in [("resnet20", None), ("resnet18", Some(MODEL))] {
        let plan = Network::named(name)?.plan(Keep::All)?;
        for batch in [1, 8, 32] {
            let tensors = cost::predict(&plan.public, batch)?.tensors;
            let sum = |of: fn(&cost::TensorCost) -> u64| {
                tensors.iter().map(of).sum::<u64>() as f64 / batch as f64
            };
            let (up, down) = (sum(|t| t.lattice_up), sum(|t| t.lattice_down));
            let products = sum(|t| t.products);
            let model = model.iter().flatten().find(|(b, _)| *b == batch);
            let model = model.map_or(String::from("-"), |(_, mb)| format!("{mb:.0} MB"));
            if json {
                json_line(&json!({
                    "network": name, "batch": batch, "up": up, "down": down,
                    "products": products, "model": model,
                }))?;
            }
            rows.push(vec![
                name.into(),
                batch.to_string(),
                bytes(up + down),
                model,
                format!("{products:.0}"),
            ]);
        }
    }
    if json {
        return Ok(());
    }
    markdown(&["network", "B", "both ways", "docs/protocol.md", "products"], &rows)
}

/// How traffic follows the mask.
fn by_mask(options: &Options) -> Result<()> {
    const BATCH: usize = 8;
    // A session's: silent OT pays in the long run.
    const TICKETS: usize = 64;
    let mut rows = Vec::new();
    let network = Network::named("resnet18")?;
    for keep in [1.0, 0.5, 0.25, 0.1, 0.0] {
        let plan = network.plan(Keep::Share(keep))?;
        let stock = SessionLimits::default().ot_stock as u64;
        let asked = (Some(options.relu), options.ot);
        let (relus, ots) = session_choices(&plan.public, BATCH, asked, (TICKETS, stock), None)?;
        let model = CostModel::new(&plan.public, BATCH)?.with_relus(&relus).with_ots(ots);
        let (p, all) = (model.traffic()?, model.offline_of_runs(TICKETS / BATCH)?);
        let offline = (all.up + all.down) as f64 / TICKETS as f64;
        let online = (p.online.up + p.online.down) as f64;
        if options.json {
            json_line(&json!({
                "network": network.name(), "relu": options.relu, "ot": ots.to_string(), "relus": plan.public.relus(), "offline": offline,
                "online": online, "online_rounds": p.online.rounds,
            }))?;
        }
        rows.push(vec![
            plan.public.relus().to_string(),
            bytes(offline),
            bytes(online),
            p.online.rounds.to_string(),
        ]);
    }
    if options.json {
        return Ok(());
    }
    line(&format!(
        "\nResNet18 at 32x32 by the share of ReLUs kept, bytes a ticket at B = 8 and an image, \
         --relu {}:\n",
        options.relu
    ))?;
    markdown(&["ReLUs", "offline", "online", "online rounds"], &rows)
}
