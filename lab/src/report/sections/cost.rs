//! What a run takes in short: the same columns wherever runs stand one below the other.

use crate::report::format::{size, time};
use crate::report::inputs::Run;

/// Headings of [`row`].
pub const COLUMNS: [&str; 7] = [
    "link",
    "#batch",
    "#offline a ticket",
    "#online an image",
    "#offline bytes",
    "#online bytes",
    "#online round trips",
];

/// The cells of a run.
pub fn row(r: &Run) -> [String; COLUMNS.len()] {
    [
        r.link(),
        r.batch.to_string(),
        time(r.ticket_seconds()),
        time(r.online.seconds),
        size(r.ticket_bytes()),
        size(r.image_bytes()),
        r.online.rounds.to_string(),
    ]
}
