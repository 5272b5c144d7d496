//! One table for the terminal and the page: ours, then others'.

use super::record::{Relus, Row};
use crate::compare::peers::Peer;

const NONE: &str = "-";

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
    let rows = relus.rows.iter().map(ours).chain(theirs(&relus.peers)).collect();
    (head, rows)
}

fn ours(r: &Row) -> Vec<String> {
    let bytes = [r.offline_up, r.offline_down, r.online_up, r.online_down];
    let mut cells = vec![r.name(), r.bits.to_string(), r.round_trips.to_string()];
    cells.push(r.ots.to_string());
    let all = [bytes.iter().sum(), r.all_silent];
    cells.extend(bytes.iter().chain(&all).map(|b| format!("{b:.1}")));
    cells.extend([r.offline_us, r.online_us].map(|us| format!("{us:.3}")));
    cells
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compare::peers::all;

    #[test]
    fn rows_are_as_wide_as_the_head_and_name_both_of_cheetah_s() {
        let row = Row {
            backend: "lookup".into(),
            digits: Some([6, 7]),
            offline_up: 1.5,
            online_down: 2.25,
            ..Row::default()
        };
        let relus = Relus { rows: vec![row], peers: all(), ..Relus::default() };
        let (head, rows) = cells(&relus);
        assert!(rows.iter().all(|r| r.len() == head.len()));
        assert_eq!((rows[0][0].as_str(), rows[0][8].as_str()), ("lookup, digits 6 + 7", "3.8"));
        let theirs: Vec<[&str; 2]> = rows[1..].iter().map(|r| [&*r[8], &*r[11]]).collect();
        assert_eq!(theirs, [["60.0", "22.000"], ["42.0", "11.000"]]);
    }
}
