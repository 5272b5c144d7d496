//! Whole networks by what computes their ReLUs, on every link.

use tacita_page::text::count;
use tacita_page::{Section, Table};

use crate::report::format::{NONE, commands, ratio, size, time};
use crate::report::inputs::{BACKENDS, Inputs, Run, Task};
use crate::report::sections::cost;

const TITLE: &str = "Garbled or looked up";
/// What stands side by side: the values of `--relu`.
const SIDES: [&str; 3] = ["gc", "ot", "auto"];

/// The section.
pub fn section(inputs: &Inputs) -> Section {
    let Some(summary) = summary(inputs) else { return super::missing(TITLE, BACKENDS) };
    let text = "Seconds and bytes are those of one ticket of a later batch and of the image that \
                spends it, which is what auto makes small. gc: garbled circuits, one round trip a \
                tensor. ot: table lookup, two round trips a tensor. auto: for each tensor what the \
                estimator predicts to be faster.";
    let tables = vec![summary.opened(), every(inputs)];
    super::tables(TITLE, "end to end", text, &command(inputs), tables)
}

/// What made the tables.
pub fn command(inputs: &Inputs) -> String {
    commands(inputs.backends.iter().map(|r| r.command.as_str()))
}

/// The backends side by side, if there is a run.
pub fn summary(inputs: &Inputs) -> Option<Table> {
    let tasks = tasks(&inputs.backends);
    let caption = "A ticket and its image, by what computes the ReLUs";
    let headings = ["network", "#ReLUs", "link", "#batch", "#gc", "#ot", "#auto", "#auto / better"];
    let mut table = Table::new(caption, &headings);
    table.rows = tasks.iter().map(|task| row(inputs, task)).collect();
    (!tasks.is_empty()).then_some(table)
}

/// What was computed, in the order of the file.
fn tasks(runs: &[Run]) -> Vec<Task> {
    let mut tasks: Vec<Task> = Vec::new();
    for task in runs.iter().map(Run::task) {
        if !tasks.contains(&task) {
            tasks.push(task);
        }
    }
    tasks
}

fn row(inputs: &Inputs, task: &Task) -> Vec<String> {
    let of = |side: &str| inputs.backends.iter().find(|r| r.task() == *task && r.relu == side);
    let runs = SIDES.map(of);
    let both = |r: &Run| format!("{}, {}", time(r.seconds()), size(r.bytes()));
    let link = runs.iter().flatten().next().map_or_else(|| NONE.into(), |r| r.link());
    let (net, relus, _, batch) = task;
    let mut cells = vec![net.clone(), count(*relus), link, batch.to_string()];
    cells.extend(runs.map(|run| run.map_or_else(|| NONE.into(), both)));
    let [gc, ot, auto] = runs.map(|run| run.map(Run::seconds));
    let better = gc.zip(ot).map(|(gc, ot)| gc.min(ot));
    let held = auto.zip(better).map(|(auto, better)| ratio(auto, better));
    cells.push(held.unwrap_or_else(|| NONE.into()));
    cells
}

/// Every run, phase by phase.
fn every(inputs: &Inputs) -> Table {
    let headings = [&["network", "#ReLUs kept", "--relu"], &cost::COLUMNS[..]].concat();
    let mut table = Table::new("Each run", &headings);
    let cells = |r: &Run| {
        let run = [r.net.clone(), count(r.relus), r.relu.clone()];
        run.into_iter().chain(cost::row(r)).collect()
    };
    table.rows = inputs.backends.iter().map(cells).collect();
    table
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::inputs::Phase;

    fn run(relu: &str, seconds: f64) -> Run {
        let online = Phase { seconds, ..Phase::default() };
        Run { net: "n".into(), relu: relu.into(), relus: 5, online, ..Run::default() }
    }

    #[test]
    fn auto_is_held_against_the_better_of_both() {
        let backends = vec![run("gc", 4.0), run("ot", 2.0), run("auto", 2.1)];
        let table = summary(&Inputs { backends, ..Inputs::default() }).unwrap();
        assert_eq!(table.rows.len(), 1);
        assert_eq!(table.rows[0].last().unwrap(), "1.05x");
        let backends = vec![run("gc", 4.0), run("auto", 2.1)];
        let table = summary(&Inputs { backends, ..Inputs::default() }).unwrap();
        assert_eq!(table.rows[0].last().unwrap(), NONE);
    }
}
