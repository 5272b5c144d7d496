//! The few shapes of SVG that the charts are made of.

use crate::text::escape;
use std::fmt::Write;

/// A position in the drawing, in its user units, y downwards.
pub type Xy = (f64, f64);

/// A drawing in the making.
#[derive(Debug, Default)]
pub struct Svg {
    body: String,
}

/// Which end of a text its position is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Anchor {
    /// The position is where the text starts.
    Start,
    /// The position is its middle.
    Middle,
    /// The position is where it ends.
    End,
}

// Writing to a `String` cannot fail, so the results of `write!` are dropped in this file.
impl Svg {
    /// A straight line of a class.
    pub fn line(&mut self, class: &str, (x1, y1): Xy, (x2, y2): Xy) {
        let _ = write!(
            self.body,
            r#"<line class="{class}" x1="{x1:.1}" y1="{y1:.1}" x2="{x2:.1}" y2="{y2:.1}"/>"#
        );
    }

    /// A line through points.
    pub fn polyline(&mut self, class: &str, points: &[Xy]) {
        let points: Vec<String> = points.iter().map(|(x, y)| format!("{x:.1},{y:.1}")).collect();
        let _ = write!(self.body, r#"<polyline class="{class}" points="{}"/>"#, points.join(" "));
    }

    /// A rectangle from its corner; `note` shows when pointed at.
    pub fn rect(&mut self, class: &str, (x, y): Xy, (w, h): Xy, note: &str) {
        let _ = write!(
            self.body,
            r#"<rect class="{class}" x="{x:.1}" y="{y:.1}" width="{w:.1}" height="{h:.1}">"#
        );
        let _ = write!(self.body, "<title>{}</title></rect>", escape(note));
    }

    /// A marker, one of six shapes; `note` shows when pointed at.
    pub fn marker(&mut self, class: &str, shape: usize, (x, y): Xy, note: &str) {
        let _ = write!(
            self.body,
            r#"<path class="{class}" d="M{x:.1} {y:.1}{}"><title>{}</title></path>"#,
            SHAPES[shape % SHAPES.len()],
            escape(note)
        );
    }

    /// A text of a class.
    pub fn text(&mut self, class: &str, (x, y): Xy, anchor: Anchor, text: &str) {
        self.turned(class, (x, y), anchor, 0.0, text);
    }

    /// A text turned by `angle` degrees about its position.
    pub fn turned(&mut self, class: &str, (x, y): Xy, anchor: Anchor, angle: f64, text: &str) {
        let anchor = match anchor {
            Anchor::Start => "start",
            Anchor::Middle => "middle",
            Anchor::End => "end",
        };
        let _ = write!(
            self.body,
            r#"<text class="{class}" x="{x:.1}" y="{y:.1}" text-anchor="{anchor}""#
        );
        if angle != 0.0 {
            let _ = write!(self.body, r#" transform="rotate({angle:.0} {x:.1} {y:.1})""#);
        }
        let _ = write!(self.body, ">{}</text>", escape(text));
    }

    /// The drawing, with a title and a description for those who cannot see it; `id` is
    /// unique in the page.
    pub fn finish(self, id: &str, (w, h): Xy, title: &str, description: &str) -> String {
        let (title, description) = (escape(title), escape(description));
        format!(r#"<svg viewBox="0 0 {w:.0} {h:.0}" role="img" aria-labelledby="{id}-t {id}-d">"#)
            + &format!(r#"<title id="{id}-t">{title}</title>"#)
            + &format!(r#"<desc id="{id}-d">{description}</desc>{}</svg>"#, self.body)
    }

    /// The drawing as an ornament that readers who cannot see it skip.
    pub fn ornament(self, (w, h): Xy) -> String {
        format!(
            r#"<svg viewBox="0 0 {w:.0} {h:.0}" width="{w:.0}" height="{h:.0}" aria-hidden="true">{}</svg>"#,
            self.body
        )
    }
}

/// Paths of the markers relative to their middle: circle, square, triangle, diamond, cross,
/// and triangle upside down. All of about the same area.
const SHAPES: [&str; 6] = [
    "m-4 0a4 4 0 1 0 8 0a4 4 0 1 0 -8 0z",
    "m-3.6 -3.6h7.2v7.2h-7.2z",
    "m0 -5l4.8 8.4h-9.6z",
    "m0 -5.2l5.2 5.2l-5.2 5.2l-5.2 -5.2z",
    "m-1.6 -4.8h3.2v3.2h3.2v3.2h-3.2v3.2h-3.2v-3.2h-3.2v-3.2h3.2z",
    "m0 5l4.8 -8.4h-9.6z",
];
