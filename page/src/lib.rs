//! HTML pages that need nothing else: inline SVG, no script, no file or address from outside. The
//! same contents give the same bytes. Light and dark follow the reader's system.
//!
//! Every figure has a title and a description for those who cannot see it, the table of its
//! numbers, and the command that makes it. All texts are escaped here: callers pass plain text.

pub mod axis;
pub mod chart;
pub mod html;
mod labels;
mod rows;
mod svg;
pub mod text;

pub use axis::Axis;
pub use chart::{Chart, Hue, Look, Point, Series};
pub use html::{Drawing, Figure, Section, Table, page};
pub use rows::{Marks, Row, Rows};
