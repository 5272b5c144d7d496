//! One table for the terminal and the page.

use super::record::{Relus, Row};

/// Columns; those of numbers begin with `#`.
pub type Head = [&'static str; 12];

/// What the table shows.
pub fn caption(relus: &Relus) -> String {
    format!(
        "One masked ReLU over 64-bit shares: bytes without framing, processor time of both parties \
         together on one core, OT extension of {} field bits included",
        relus.ot_field_bits
    )
}

/// Headings and rows.
pub fn cells(relus: &Relus) -> (Head, Vec<Vec<String>>) {
    let head = [
        "backend",
        "#bits",
        "#round trips",
        "#OTs",
        "#offline up B",
        "#offline down B",
        "#online up B",
        "#online down B",
        "#all B",
        "#all B, silent OT",
        "#offline \u{b5}s",
        "#online \u{b5}s",
    ];
    let rows = relus.rows.iter().map(row).collect();
    (head, rows)
}

fn row(r: &Row) -> Vec<String> {
    let bytes = [r.offline_up, r.offline_down, r.online_up, r.online_down];
    let mut cells = vec![r.name(), r.bits.to_string(), r.round_trips.to_string()];
    cells.push(r.ots.to_string());
    let all = [bytes.iter().sum(), r.all_silent];
    cells.extend(bytes.iter().chain(&all).map(|b| format!("{b:.1}")));
    cells.extend([r.offline_us, r.online_us].map(|us| format!("{us:.3}")));
    cells
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_as_wide_as_the_head() {
        let row = Row {
            backend: "lookup".into(),
            digits: Some([6, 7]),
            offline_up: 1.5,
            online_down: 2.25,
            ..Row::default()
        };
        let (head, rows) = cells(&Relus { rows: vec![row], ..Relus::default() });
        assert!(rows.iter().all(|r| r.len() == head.len()));
        assert_eq!((rows[0][0].as_str(), rows[0][8].as_str()), ("lookup, digits 6 + 7", "3.8"));
    }
}
