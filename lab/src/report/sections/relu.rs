//! One ReLU, garbled and looked up, by the bits that are compared.

use tacita_bench::relu::record::Relus;
use tacita_bench::relu::table::{caption, cells};
use tacita_page::{Section, Table};

use crate::compare::peers::{ONE_RELU, Peer, all};
use crate::report::format::NONE;
use crate::report::inputs::{Inputs, RELU};

const TITLE: &str = "One ReLU, garbled and looked up";
/// Bits that the short table shows.
const SHOWN: [usize; 3] = [8, 14, 20];

/// The section.
pub fn section(inputs: &Inputs) -> Section {
    let Some(relus) = &inputs.relu else { return super::missing(TITLE, RELU) };
    let text = "Bytes are counted by the functions that predict a session, without framing; times \
                are medians of full slices, both parties on one core. A tensor takes the round \
                trips once, however many ReLUs it has. The last rows are another system's, which \
                prepares nothing offline, on another machine.";
    let tables = vec![table(relus).opened()];
    super::tables(TITLE, "counted and measured", text, &relus.command, tables)
}

/// All widths, then others.
pub fn table(relus: &Relus) -> Table {
    let (head, rows) = cells(relus);
    let mut table = Table::new(&caption(relus), &head);
    let peers: Vec<Peer> = all().into_iter().filter(|p| p.network == ONE_RELU).collect();
    table.rows = rows.into_iter().chain(theirs(&peers)).collect();
    table
}

/// A row for each way in which a system does it whose bytes and time are known. They prepare
/// nothing: all is online.
fn theirs(peers: &[Peer]) -> impl Iterator<Item = Vec<String>> {
    let seconds = peers.iter().filter(|p| p.unit == "s");
    seconds.filter_map(|p| {
        let bytes = format!("{}, traffic", p.figure);
        let bytes = peers.iter().find(|b| b.system == p.system && b.figure == bytes)?;
        let name = format!("{} ({}), {}", p.system, p.figure, p.origin);
        let mut cells = vec![name];
        cells.extend([NONE; 7].map(str::to_owned));
        let (bytes, time) = (format!("{:.1}", bytes.value), format!("{:.3}", 1e6 * p.value));
        cells.extend([bytes, NONE.into(), NONE.into(), time]);
        Some(cells)
    })
}

/// The same in short: a few widths.
pub fn summary(relus: &Relus) -> Table {
    let rows = relus.rows.iter().filter(|r| SHOWN.contains(&r.bits)).cloned().collect();
    table(&Relus { rows, ..relus.clone() })
}

#[cfg(test)]
mod tests {
    use tacita_bench::relu::record::Row;

    use super::*;

    /// Rows of others.
    const THEIRS: usize = 2;

    #[test]
    fn the_short_table_shows_a_few_widths() {
        let rows = (8..=20).map(|bits| Row { bits, ..Row::default() }).collect();
        let relus = Relus { rows, ..Relus::default() };
        let rows = |of: fn(&Relus) -> Table| of(&relus).rows.len();
        assert_eq!((rows(table), rows(summary)), (13 + THEIRS, SHOWN.len() + THEIRS));
        let inputs = Inputs { relu: Some(relus), ..Inputs::default() };
        assert_eq!(section(&inputs).tables[0].rows.len(), 13 + THEIRS);
        assert!(section(&Inputs::default()).text.contains("tacita-bench relu"));
    }

    #[test]
    fn both_of_cheetah_s_stand_below_ours_in_the_same_columns() {
        let table = table(&Relus { rows: vec![Row::default()], ..Relus::default() });
        assert!(table.rows.iter().all(|r| r.len() == table.columns.len()));
        let theirs: Vec<[&str; 2]> = table.rows[1..].iter().map(|r| [&*r[8], &*r[11]]).collect();
        assert_eq!(theirs, [["60.0", "22.000"], ["42.0", "11.000"]]);
    }
}
