//! End to end beside OpenCheetah and Delphi, line by line.
//!
//! Their runs are of whole networks on other machines; neither takes a mask. So a run with fewer
//! ReLUs stands beside the same figure of theirs.

use tacita_page::text::count;
use tacita_page::{Section, Table};

use crate::compare::peers::{CHEETAH, DELPHI, ELSEWHERE, PUBLISHED, figure, value};
use crate::report::format::{commands, ratio, size, time};
use crate::report::inputs::{E2E, Inputs, Run};

const TITLE: &str = "End to end beside other systems";
/// Networks that both have figures of, in order.
const NETS: [&str; 3] = ["resnet20", "resnet32", "resnet18"];
/// The link of their runs.
const LINK: &str = "loopback";

/// One figure of both.
struct Line {
    figure: &'static str,
    ours: fn(&Run) -> f64,
    system: &'static str,
    /// Their figures, which are summed; the first must be known.
    theirs: &'static [&'static str],
    show: fn(f64) -> String,
}

const LINES: [Line; 8] = [
    cheetah(
        "seconds, offline + online; their exact ReLU",
        Run::seconds,
        &[figure::SECONDS_EXACT],
        time,
    ),
    cheetah("seconds, offline + online; their default", Run::seconds, &[figure::SECONDS], time),
    cheetah("bytes, offline + online; their exact ReLU", Run::bytes, &[figure::BYTES_EXACT], size),
    cheetah("bytes, offline + online; their default", Run::bytes, &[figure::BYTES], size),
    Line {
        figure: "seconds offline",
        ours: Run::ticket_seconds,
        system: DELPHI,
        theirs: &[figure::HE_SECONDS, figure::GARBLING_SECONDS],
        show: time,
    },
    Line {
        figure: "bytes offline",
        ours: Run::ticket_bytes,
        system: DELPHI,
        theirs: &[figure::GC_BYTES, figure::OT_BYTES, figure::HE_BYTES],
        show: size,
    },
    Line {
        figure: "seconds online",
        ours: |r| r.online.seconds,
        system: DELPHI,
        theirs: &[figure::ONLINE_SECONDS],
        show: time,
    },
    Line {
        figure: "bytes online",
        ours: Run::image_bytes,
        system: DELPHI,
        theirs: &[figure::ONLINE_BYTES],
        show: size,
    },
];

const fn cheetah(
    figure: &'static str,
    ours: fn(&Run) -> f64,
    theirs: &'static [&'static str],
    show: fn(f64) -> String,
) -> Line {
    Line { figure, ours, system: CHEETAH, theirs, show }
}

/// The section.
pub fn section(inputs: &Inputs) -> Section {
    let Some(table) = table(inputs) else { return super::missing(TITLE, E2E) };
    let text = "Ours was measured on the machine under Conditions, one image with its ticket. \
                Theirs was not: the last column says where it comes from, and the table of all \
                such figures under which conditions. A ratio above 1 says that ours takes less. \
                Their networks keep all ReLUs, also beside our runs with a mask.";
    super::tables(TITLE, "ours measured, theirs quoted", text, &command(inputs), vec![table])
}

/// What made our figures.
pub fn command(inputs: &Inputs) -> String {
    commands(runs(inputs).iter().map(|r| r.command.as_str()))
}

/// Of each network the run with all ReLUs and the one nearest to a tenth of them, over loopback
/// where there is one.
fn runs(inputs: &Inputs) -> Vec<&Run> {
    let of = |net: &'static str| {
        let runs = || inputs.e2e.iter().filter(move |r| r.net == net);
        let link = |r: &&Run| r.network != LINK;
        let whole = runs().filter(|r| r.whole()).min_by_key(link);
        let near = runs().filter(|r| r.share() > 0.05 && r.share() < 0.2);
        let near = near.min_by_key(|r| ((10 * r.relus).abs_diff(r.unmasked_relus), link(r)));
        whole.into_iter().chain(near)
    };
    NETS.into_iter().flat_map(of).collect()
}

/// The same in short: a row a run, `ours (theirs, ratio)` in a cell.
pub fn summary(inputs: &Inputs) -> Option<Table> {
    let shown: Vec<&Line> = LINES.iter().filter(|l| !l.figure.ends_with("default")).collect();
    let headings = shown.iter().map(|l| {
        let figure = l.figure.split(';').next().unwrap_or_default();
        format!("#{figure} ({})", l.system)
    });
    let first = ["network", "#ReLUs kept"].map(str::to_owned);
    let headings: Vec<String> = first.into_iter().chain(headings).collect();
    let headings: Vec<&str> = headings.iter().map(String::as_str).collect();
    let caption = "Ours with the faster ReLU for each layer (theirs, theirs / ours): OpenCheetah \
                   with its exact ReLU, run by us on other hardware; Delphi as published; both \
                   with all ReLUs";
    let mut table = Table::new(caption, &headings);
    let row = |r: &&Run| {
        let cells = shown.iter().map(|line| line.cell(r));
        [r.net.clone(), kept(r)].into_iter().chain(cells).collect()
    };
    table.rows = runs(inputs).iter().map(row).collect();
    Some(table).filter(|t| !t.rows.is_empty())
}

fn kept(r: &Run) -> String {
    if r.whole() { "all".into() } else { count(r.relus) }
}

/// The table, if there is a run.
pub fn table(inputs: &Inputs) -> Option<Table> {
    let runs = runs(inputs);
    if runs.is_empty() {
        return None;
    }
    let caption = "Beside other systems: theirs on other machines, with all ReLUs";
    let headings = [
        "network",
        "#ReLUs kept",
        "link",
        "figure",
        "#Tacita",
        "system",
        "#theirs",
        "#theirs / ours",
        "theirs is",
    ];
    let mut table = Table::new(caption, &headings).opened();
    table.rows = runs.iter().flat_map(|r| LINES.iter().filter_map(|line| line.row(r))).collect();
    Some(table)
}

impl Line {
    /// What the short table says: marked where a part of theirs is not known.
    fn cell(&self, r: &Run) -> String {
        let ours = (self.ours)(r);
        let known = self.theirs.iter().filter_map(|f| value(self.system, &r.net, f));
        let known: Vec<f64> = known.collect();
        if known.is_empty() {
            return (self.show)(ours);
        }
        let theirs = known.iter().sum();
        let least = if known.len() < self.theirs.len() { "at least " } else { "" };
        format!("{} ({least}{}, {})", (self.show)(ours), (self.show)(theirs), ratio(theirs, ours))
    }

    fn row(&self, r: &Run) -> Option<Vec<String>> {
        let known = |figure: &&str| value(self.system, &r.net, figure);
        self.theirs.first().and_then(known)?;
        let theirs: f64 = self.theirs.iter().filter_map(known).sum();
        let missing: Vec<&str> =
            self.theirs.iter().filter(|f| known(f).is_none()).copied().collect();
        let ours = (self.ours)(r);
        let figure = match missing.as_slice() {
            [] => self.figure.to_owned(),
            some => format!("{}; theirs without {}", self.figure, some.join(", ")),
        };
        Some(vec![
            r.net.clone(),
            kept(r),
            r.network.clone(),
            figure,
            (self.show)(ours),
            self.system.into(),
            (self.show)(theirs),
            ratio(theirs, ours),
            if self.system == DELPHI { PUBLISHED } else { ELSEWHERE }.into(),
        ])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(net: &str, relus: u64) -> Run {
        let mut run = Run {
            net: net.into(),
            relus,
            unmasked_relus: 303_104,
            network: LINK.into(),
            batch: 2,
            ..Run::default()
        };
        run.offline.seconds = 8.2;
        run.online.seconds = 0.5;
        run
    }

    #[test]
    fn a_line_has_the_ratio_of_what_stands_in_it() {
        let inputs = Inputs { e2e: vec![run("resnet32", 303_104)], ..Inputs::default() };
        let rows = table(&inputs).unwrap().rows;
        let offline =
            rows.iter().find(|r| r[5] == DELPHI && r[3].starts_with("seconds off")).unwrap();
        // 41 s of encryption beside 8.2 s for two tickets; garbling is not known.
        assert_eq!(offline[4..8], ["4.10 s", "Delphi", "41.0 s", "10.0x"]);
        assert!(offline[3].ends_with("theirs without offline, garbling"), "{offline:?}");
        assert_eq!(offline[1], "all");
    }

    #[test]
    fn loopback_is_preferred_and_other_networks_are_left_out() {
        let mut lan = run("resnet18", 303_104);
        lan.network = "lan".into();
        let link = |e2e: Vec<Run>| {
            table(&Inputs { e2e, ..Inputs::default() }).map(|t| t.rows[0][2].clone())
        };
        assert_eq!(link(vec![lan.clone(), run("resnet18", 303_104)]).unwrap(), LINK);
        assert_eq!(link(vec![lan]).unwrap(), "lan");
        let inputs = Inputs { e2e: vec![run("vgg16", 5)], ..Inputs::default() };
        assert!(table(&inputs).is_none());
        let all = vec![run("resnet20", 29_000), run("resnet20", 303_104), run("resnet20", 30_000)];
        let inputs = Inputs { e2e: all, ..Inputs::default() };
        let rows = table(&inputs).unwrap().rows;
        assert_eq!((rows.len(), rows[0][1].as_str(), rows[7][1].as_str()), (8, "all", "30,000"));
    }

    #[test]
    fn the_summary_says_where_a_part_of_theirs_is_not_known() {
        let inputs = Inputs { e2e: vec![run("resnet32", 303_104)], ..Inputs::default() };
        let row = &summary(&inputs).unwrap().rows[0];
        assert_eq!(row[1..3], ["all", "4.60 s (9.10 s, 1.98x)"]);
        assert!(row.contains(&"4.10 s (at least 41.0 s, 10.0x)".into()), "{row:?}");
    }
}
