//! Loss and validation accuracy over the epochs.

use super::budgets::{PANEL, none, share_text};
use crate::results::{Budgets, Criticality, EpochRow, StageCell};
use tacita_page::axis::Axis;
use tacita_page::chart::{Chart, Hue, Look, Point, Series};
use tacita_page::html::{Figure, Table};
use tacita_page::text::{duration, percent, short};

/// Groups that are drawn at most, with two charts each.
const MAX_GROUPS: usize = 6;
/// Curves in a chart at most.
const MAX_CURVES: usize = 24;

/// Runs that share a chart.
struct Group<'a> {
    title: String,
    runs: Vec<Run<'a>>,
}

/// The training of one network.
struct Run<'a> {
    name: String,
    hue: usize,
    seed: u64,
    rows: &'a [EpochRow],
}

/// Training of a budget study: one group for each budget; none if nothing was logged.
pub fn budgets(study: &Budgets) -> Option<Figure> {
    let arms = study.arms();
    let group = |share: f64| {
        let arm = |(hue, arm): (usize, &&'_ str)| {
            let name = (*arm).to_owned();
            let runs = study.runs.iter().filter(|r| r.arm == name && r.share == share);
            let run = |r| run_of(&name, hue, r);
            runs.map(|r| run((r.seed, r.history.as_slice()))).collect::<Vec<_>>()
        };
        let runs = arms.iter().enumerate().flat_map(arm).collect();
        Group { title: format!("Budget {}", share_text(share)), runs }
    };
    let groups: Vec<Group> = study.shares().into_iter().map(group).collect();
    figure(&groups, &study.head.command)
}

/// Training of a criticality study, all stages in one group; none if nothing was logged.
pub fn criticality(study: &Criticality, cells: &[StageCell]) -> Option<Figure> {
    let stage = |(hue, cell): (usize, &StageCell)| {
        let runs = study.runs.iter().filter(|r| r.stage == cell.stage);
        let run = |r: &'_ crate::results::StageRun| r.seed;
        runs.map(|r| run_of(&cell.stage, hue, (run(r), r.history.as_slice()))).collect::<Vec<_>>()
    };
    let runs = cells.iter().enumerate().flat_map(stage).collect();
    figure(&[Group { title: "All stages".to_owned(), runs }], &study.head.command)
}

fn run_of<'a>(name: &str, hue: usize, (seed, rows): (u64, &'a [EpochRow])) -> Run<'a> {
    Run { name: name.to_owned(), hue, seed, rows }
}

fn figure(groups: &[Group], command: &str) -> Option<Figure> {
    let logged = |g: &&Group| g.runs.iter().any(|r| !r.rows.is_empty());
    let groups: Vec<&Group> = groups.iter().filter(logged).collect();
    let first = groups.first()?;
    let charts = groups.iter().take(MAX_GROUPS).flat_map(|g| g.charts()).map(Into::into).collect();
    let mut caption = "One curve for each run; epochs are counted through all phases, and a \
                       vertical line marks where a phase starts."
        .to_owned();
    let left_out = groups.len().saturating_sub(MAX_GROUPS);
    if left_out > 0 {
        caption.push_str(&format!(" {left_out} groups are in the table alone."));
    }
    let mut legend: Vec<(String, Hue, Look)> = Vec::new();
    for run in groups.iter().flat_map(|g| &g.runs) {
        let entry = (run.name.clone(), Hue::Ours(run.hue), Look::Line);
        if !legend.contains(&entry) {
            legend.push(entry);
        }
    }
    // A single run needs no key.
    let legend = if first.runs.len() == 1 && groups.len() == 1 { Vec::new() } else { legend };
    Some(Figure {
        heading: "Training".to_owned(),
        caption,
        command: command.to_owned(),
        charts,
        legend,
        tables: vec![table(&groups)],
    })
}

impl Group<'_> {
    fn charts(&self) -> [Chart; 2] {
        let validation = self.chart("validation accuracy", |r| r.validation.map(|v| 100.0 * v));
        let loss = self.chart("loss", |r| r.loss.is_finite().then_some(r.loss));
        let values = |c: &Chart| -> Vec<f64> {
            c.series.iter().flat_map(|s| &s.points).map(|p| p.y).collect()
        };
        let accuracy = Axis::linear("validation accuracy, %", values(&validation));
        // Phases have losses of different sizes.
        let scale = Axis::log("loss (log scale)", values(&loss));
        [Chart { y: accuracy, ..validation }, Chart { y: scale, ..loss }]
    }

    /// A chart of one value over the epochs; its y axis is still to be set.
    fn chart(&self, what: &str, value: impl Fn(&EpochRow) -> Option<f64>) -> Chart {
        let one = |run: &Run| {
            let point = |(i, row): (usize, &EpochRow)| {
                let y = value(row)?;
                let Run { name, seed, .. } = run;
                let note = format!(
                    "{name}, seed {seed}, {} epoch {}: {}",
                    row.phase,
                    row.epoch,
                    short((y * 1e4).round() / 1e4)
                );
                Some(Point { x: (i + 1) as f64, y, range: None, note })
            };
            let points = run.rows.iter().enumerate().filter_map(point).collect();
            let (name, hue) = (run.name.clone(), Hue::Ours(run.hue));
            Series { name, hue, look: Look::Line, named: false, points }
        };
        let epochs = self.runs.iter().map(|r| r.rows.len()).max().unwrap_or(0) as f64;
        Chart {
            title: format!("{}: {what}", self.title),
            description: format!("{what} over {epochs} epochs of {} runs.", self.runs.len()),
            size: PANEL,
            x: Axis::from_zero("epoch", [epochs]),
            second: None,
            y: Axis::linear("", []),
            rules: Vec::new(),
            parts: self.phases(),
            series: self.runs.iter().take(MAX_CURVES).map(one).collect(),
        }
    }

    /// Where phases start, if all runs of the group agree and there are several.
    fn phases(&self) -> Vec<(f64, String)> {
        let mut all = self.runs.iter().map(|r| starts(r.rows));
        let first = all.next().unwrap_or_default();
        if first.len() > 1 && all.all(|other| other == first) { first } else { Vec::new() }
    }
}

fn starts(rows: &[EpochRow]) -> Vec<(f64, String)> {
    let starts = |&i: &usize| i == 0 || rows[i - 1].phase != rows[i].phase;
    (0..rows.len()).filter(starts).map(|i| (i as f64 + 0.5, rows[i].phase.clone())).collect()
}

fn table(groups: &[&Group]) -> Table {
    let headings = [
        "Group",
        "Run",
        "#Seed",
        "Phase",
        "#Epochs",
        "#First loss",
        "#Last loss",
        "#Best validation %",
        "#Last rate",
        "#Last mask distance",
        "#Time",
    ];
    let mut table = Table::new("Training by run and phase", &headings);
    for (group, run) in groups.iter().flat_map(|g| g.runs.iter().map(move |r| (g, r))) {
        for phase in run.rows.chunk_by(|a, b| a.phase == b.phase) {
            let fixed = [group.title.clone(), run.name.clone(), run.seed.to_string()];
            table.rows.push(fixed.into_iter().chain(phase_cells(phase)).collect());
        }
    }
    table
}

fn phase_cells(rows: &[EpochRow]) -> Vec<String> {
    let (Some(first), Some(last)) = (rows.first(), rows.last()) else { return Vec::new() };
    let loss = |row: &EpochRow| {
        if row.loss.is_finite() { format!("{:.4}", row.loss) } else { "diverged".to_owned() }
    };
    let best = rows.iter().filter_map(|r| r.validation).reduce(f64::max);
    vec![
        first.phase.clone(),
        rows.len().to_string(),
        loss(first),
        loss(last),
        best.map_or_else(none, percent),
        short(last.rate),
        last.distance.map_or_else(none, |d| format!("{d:.4}")),
        duration(rows.iter().map(|r| r.seconds).sum()),
    ]
}
