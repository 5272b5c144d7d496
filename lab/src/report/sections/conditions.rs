//! Where everything was measured, and by which command.

use tacita_bench::machine::Machine;
use tacita_page::text::count;
use tacita_page::{Section, Table};

use crate::report::inputs::{BACKENDS, COMPARE, E2E, Inputs, KERNELS, RELU, Run, SWEEP};

const TITLE: &str = "Conditions";

/// The section.
pub fn section(inputs: &Inputs) -> Section {
    let tables = vec![machines(inputs).opened(), runs(inputs)];
    let text = "Seconds are wall time at the client unless they are said to be processor time. \
                Bytes are those above TLS and exact. Figures of other systems are never measured \
                here and stand in columns of their own.";
    super::tables(TITLE, "machine and commands", text, "", tables)
}

/// The first machine that any file names.
pub fn machine(inputs: &Inputs) -> Option<&Machine> {
    all(inputs).into_iter().map(|m| m.1).find(|m| !m.cpu.is_empty())
}

/// File, machine and command of each file, those of its first row.
fn all(inputs: &Inputs) -> Vec<(&'static str, &Machine, &str)> {
    let e2e = inputs.e2e.first().map(|r| (E2E.name, &r.machine, r.command.as_str()));
    let sweep = inputs.sweep.first().map(|r| (SWEEP.name, &r.machine, r.command.as_str()));
    let backends = inputs.backends.first().map(|r| (BACKENDS.name, &r.machine, r.command.as_str()));
    let kernels = inputs.kernels.as_ref().map(|k| (KERNELS.name, &k.machine, k.command.as_str()));
    let compare = inputs.compare.as_ref().map(|c| (COMPARE.name, &c.machine, c.command.as_str()));
    let relu = inputs.relu.as_ref().map(|r| (RELU.name, &r.machine, r.command.as_str()));
    [e2e, sweep, kernels, relu, backends, compare].into_iter().flatten().collect()
}

fn machines(inputs: &Inputs) -> Table {
    let headings = ["file", "processor", "#threads", "extensions", "command"];
    let mut table = Table::new("Machine and command of each file", &headings);
    let row = |(file, m, command): (&str, &Machine, &str)| {
        let features = m.features.join(" ");
        vec![file.into(), m.cpu.clone(), m.cores.to_string(), features, command.into()]
    };
    table.rows = all(inputs).into_iter().map(row).collect();
    table
}

fn runs(inputs: &Inputs) -> Table {
    let headings = ["file", "network", "#ReLUs", "link", "#images", "command"];
    let mut table = Table::new("Command of each run", &headings);
    let of = |(file, r): (&str, &Run)| {
        let images = r.online.images.to_string();
        vec![file.into(), r.net.clone(), count(r.relus), r.link(), images, r.command.clone()]
    };
    let e2e = inputs.e2e.iter().map(|r| (E2E.name, r));
    let sweep = inputs.sweep.iter().map(|r| (SWEEP.name, r));
    let backends = inputs.backends.iter().map(|r| (BACKENDS.name, r));
    table.rows = e2e.chain(sweep).chain(backends).map(of).collect();
    table
}
