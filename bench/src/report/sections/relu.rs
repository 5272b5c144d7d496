//! One ReLU, garbled and looked up, by the bits that are compared.

use tacita_page::{Section, Table};

use crate::relu::record::Relus;
use crate::relu::table::{caption, cells};
use crate::report::inputs::{Inputs, RELU};

const TITLE: &str = "One ReLU, garbled and looked up";
/// Bits that the README shows.
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

/// All widths.
pub fn table(relus: &Relus) -> Table {
    let (head, rows) = cells(relus);
    let mut table = Table::new(&caption(relus), &head);
    table.rows = rows;
    table
}

/// The same in short for the README: a few widths.
pub fn summary(relus: &Relus) -> Table {
    let rows = relus.rows.iter().filter(|r| SHOWN.contains(&r.bits)).cloned().collect();
    table(&Relus { rows, ..relus.clone() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::relu::record::Row;

    #[test]
    fn the_readme_shows_a_few_widths() {
        let rows = (8..=20).map(|bits| Row { bits, ..Row::default() }).collect();
        let relus = Relus { rows, ..Relus::default() };
        assert_eq!((table(&relus).rows.len(), summary(&relus).rows.len()), (13, SHOWN.len()));
        let inputs = Inputs { relu: Some(relus), ..Inputs::default() };
        assert_eq!(section(&inputs).tables[0].rows.len(), 13);
        assert!(section(&Inputs::default()).text.contains("tacita-bench relu"));
    }
}
