//! A line an entry, from top to bottom: stacked bars or dots over one axis. For long lists, such
//! as the layers of a network, whose names would not fit under a chart.

use crate::axis::Axis;
use crate::chart::Hue;
use crate::labels::width;
use crate::svg::{Anchor, Svg, Xy};

/// Width of the drawing.
const WIDTH: f64 = 860.0;
/// Height of a line, and of the bar in it.
const LINE: f64 = 18.0;
const BAR: f64 = 12.0;
/// Room above and below the lines.
const TOP: f64 = 40.0;
const BOTTOM: f64 = 24.0;
/// Characters of a name that are shown at most.
const NAME: usize = 34;
/// Room between the columns.
const GAP: f64 = 10.0;

/// How values are drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Marks {
    /// As bars, one after the other, from the start of the axis.
    Stacked,
    /// As markers at their values; those that are not above 0 are left out.
    Dots,
}

/// One line.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Row {
    /// What stands before it.
    pub name: String,
    /// A value for each series.
    pub values: Vec<f64>,
    /// What the values are a part of, as a pale bar behind them.
    pub of: Option<f64>,
    /// What stands behind it.
    pub aside: String,
}

/// A chart of lines.
#[derive(Clone, Debug)]
pub struct Rows {
    /// What it shows.
    pub title: String,
    /// The same in a sentence or two.
    pub description: String,
    /// What the values measure.
    pub axis: Axis,
    /// How they are drawn.
    pub marks: Marks,
    /// Names and colours of the series; a legend has to say them.
    pub series: Vec<(String, Hue)>,
    /// The lines.
    pub rows: Vec<Row>,
    /// Heading of what stands behind the lines.
    pub aside: String,
}

/// Where things lie.
struct Frame<'a> {
    chart: &'a Rows,
    left: f64,
    right: f64,
    bottom: f64,
}

impl Rows {
    /// The chart as SVG; `id` is unique in the page.
    pub fn svg(&self, id: &str) -> String {
        let names = self.rows.iter().map(|r| width(&clipped(&r.name)));
        let asides = self.rows.iter().map(|r| width(&r.aside)).chain([width(&self.aside)]);
        let frame = Frame {
            chart: self,
            left: names.fold(20.0, f64::max) + GAP,
            right: WIDTH - asides.fold(0.0, f64::max) - GAP,
            bottom: TOP + LINE * self.rows.len() as f64,
        };
        let mut svg = Svg::default();
        frame.grid(&mut svg);
        for (i, row) in self.rows.iter().enumerate() {
            frame.row(&mut svg, row, TOP + LINE * i as f64);
        }
        svg.finish(id, (WIDTH, frame.bottom + BOTTOM), &self.title, &self.description)
    }
}

impl Frame<'_> {
    fn x(&self, value: f64) -> f64 {
        self.left + self.chart.axis.at(value) * (self.right - self.left)
    }

    fn grid(&self, svg: &mut Svg) {
        let axis = &self.chart.axis;
        svg.text("name", (self.left, 12.0), Anchor::Start, &axis.label);
        svg.text("name", (WIDTH - 2.0, 12.0), Anchor::End, &self.chart.aside);
        for (value, text) in &axis.ticks {
            let x = self.x(*value);
            svg.line("grid", (x, TOP - 4.0), (x, self.bottom));
            // Above and below: a long list does not fit on a screen.
            svg.text("tick", (x, TOP - 9.0), Anchor::Middle, text);
            svg.text("tick", (x, self.bottom + 14.0), Anchor::Middle, text);
        }
    }

    fn row(&self, svg: &mut Svg, row: &Row, top: f64) {
        let text = top + LINE / 2.0 + 3.8;
        svg.text("tick", (self.left - GAP, text), Anchor::End, &clipped(&row.name));
        svg.text("tick", (WIDTH - 2.0, text), Anchor::End, &row.aside);
        let bar = top + (LINE - BAR) / 2.0;
        if let Some(of) = row.of.filter(|of| *of > 0.0) {
            let note = note(row, "of", of);
            let (x, w) = (self.x(0.0), self.x(of) - self.x(0.0));
            svg.rect("bar muted", (x, bar), (w, BAR), &note);
        }
        match self.chart.marks {
            Marks::Stacked => self.stack(svg, row, bar),
            Marks::Dots => self.dots(svg, row, top + LINE / 2.0),
        }
    }

    fn stack(&self, svg: &mut Svg, row: &Row, top: f64) {
        let mut sum = 0.0;
        for ((name, hue), value) in self.chart.series.iter().zip(&row.values) {
            let (from, to): (f64, f64) = (self.x(sum), self.x(sum + value));
            sum += value;
            if to - from > 0.05 {
                let class = format!("bar {}", hue.class());
                svg.rect(&class, (from, top), (to - from, BAR), &note(row, name, *value));
            }
        }
    }

    fn dots(&self, svg: &mut Svg, row: &Row, y: f64) {
        let present = || {
            let all = self.chart.series.iter().zip(&row.values);
            all.filter(|(_, v)| v.is_finite() && **v > 0.0)
        };
        let places: Vec<Xy> = present().map(|(_, v)| (self.x(*v), y)).collect();
        if let (Some(first), Some(last)) = (places.first(), places.last()) {
            svg.line("axis", *first, *last);
        }
        for ((name, hue), value) in present() {
            let class = format!("mark {}", hue.class());
            svg.marker(&class, hue.shape(), (self.x(*value), y), &note(row, name, *value));
        }
    }
}

fn note(row: &Row, what: &str, value: f64) -> String {
    let digits = if value.fract() == 0.0 { 0 } else { 6 };
    format!("{}, {what}: {value:.digits$}", row.name)
}

/// A long name without its middle: the ends tell layers apart.
fn clipped(name: &str) -> String {
    let chars: Vec<char> = name.chars().collect();
    if chars.len() <= NAME {
        return name.to_owned();
    }
    let (head, tail) = (NAME / 2 - 1, NAME / 2);
    let start: String = chars.iter().take(head).collect();
    let end: String = chars.iter().skip(chars.len() - tail).collect();
    format!("{start}\u{2026}{end}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(marks: Marks, values: &[Vec<f64>]) -> Rows {
        let row =
            |v: &Vec<f64>| Row { name: "layer <1>".into(), values: v.clone(), ..Row::default() };
        Rows {
            title: "t".into(),
            description: "d".into(),
            axis: Axis::from_zero("bytes", values.iter().map(|v| v.iter().sum())),
            marks,
            series: vec![("up".into(), Hue::Ours(0)), ("down".into(), Hue::Ours(1))],
            rows: values.iter().map(row).collect(),
            aside: String::new(),
        }
    }

    #[test]
    fn bars_stand_one_after_the_other() {
        let svg = rows(Marks::Stacked, &[vec![30.0, 70.0], vec![0.0, 0.0]]).svg("x");
        assert_eq!(svg.matches("<rect").count(), 2);
        let value = |rect: &str, key: &str| -> f64 {
            let at = rect.split(&format!(" {key}=\"")).nth(1).unwrap();
            at.split('"').next().unwrap().parse().unwrap()
        };
        let bars: Vec<&str> = svg.split("<rect").skip(1).collect();
        let end = value(bars[0], "x") + value(bars[0], "width");
        assert!((end - value(bars[1], "x")).abs() < 0.2);
        assert!((value(bars[1], "width") / value(bars[0], "width") - 70.0 / 30.0).abs() < 0.01);
        assert!(svg.contains("layer &lt;1&gt;, down: 70"));
    }

    #[test]
    fn dots_leave_out_what_has_no_place() {
        let svg = rows(Marks::Dots, &[vec![0.0, f64::NAN], vec![1.0, 2.0]]).svg("x");
        assert_eq!(svg.matches("<path").count(), 2);
        assert!(!svg.contains("NaN"));
    }

    #[test]
    fn long_names_lose_their_middle() {
        let long = "encoder/".repeat(10) + "conv7";
        let short = clipped(&long);
        assert!(short.chars().count() <= NAME && short.ends_with("conv7"), "{short}");
        assert_eq!(clipped("conv1"), "conv1");
    }
}
