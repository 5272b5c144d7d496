//! Curves, points and bars over two axes.

use crate::axis::Axis;
use crate::labels::{Area, place, width};
use crate::svg::{Anchor, Svg, Xy};

/// Share of a band that its bars fill.
const BAND: f64 = 0.74;
/// Distance between the points of a curve from which each has its marker.
const SPACE: f64 = 24.0;
/// Markers of a curve whose points are closer, about.
const SPARSE: usize = 5;
/// Points of a curve that are drawn at most.
const MAX_POINTS: usize = 400;
/// Bars in a chart up to which each bears its value.
const VALUED: usize = 24;
/// Least distance between the labels of the second x axis.
const SECOND_GAP: f64 = 8.0;

/// A chart.
#[derive(Clone, Debug)]
pub struct Chart {
    /// What it shows.
    pub title: String,
    /// The same in a sentence or two, with the finding where there is one.
    pub description: String,
    /// Width and height in user units (about pixels).
    pub size: Xy,
    /// Horizontal axis.
    pub x: Axis,
    /// Labels of the same axis in another unit, shown at the top, and the name of the unit.
    pub second: Option<(String, Vec<(f64, String)>)>,
    /// Vertical axis.
    pub y: Axis,
    /// Horizontal lines to compare with.
    pub rules: Vec<(f64, String)>,
    /// Vertical lines that part the chart.
    pub parts: Vec<(f64, String)>,
    /// What is drawn, the first undermost.
    pub series: Vec<Series>,
}

/// Points that belong together.
#[derive(Clone, Debug)]
pub struct Series {
    /// Its name.
    pub name: String,
    /// Colour, dashes and shape of the markers.
    pub hue: Hue,
    /// How the points are drawn.
    pub look: Look,
    /// Whether the name stands beside it; otherwise a legend has to say it.
    pub named: bool,
    /// The points, from left to right.
    pub points: Vec<Point>,
}

/// Colour and shape.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hue {
    /// One of our series.
    Ours(usize),
    /// A series from elsewhere: grey and dashed.
    Theirs(usize),
}

/// How points are drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Look {
    /// Joined by a line.
    Line,
    /// As bars from the bottom of the chart, side by side with other series of bars.
    Bars,
}

/// A point, with the range it stands for.
#[derive(Clone, Debug, PartialEq)]
pub struct Point {
    /// Horizontal value.
    pub x: f64,
    /// Vertical value.
    pub y: f64,
    /// Smallest and largest value behind it.
    pub range: Option<(f64, f64)>,
    /// What shows when it is pointed at, and over a bar its value.
    pub note: String,
}

impl Hue {
    /// Class that sets its colour.
    pub fn class(self) -> String {
        match self {
            Self::Ours(i) => format!("k{}", i % 6),
            Self::Theirs(i) => format!("muted d{}", i % 4),
        }
    }

    /// Shape of its markers.
    pub fn shape(self) -> usize {
        match self {
            Self::Ours(i) | Self::Theirs(i) => i,
        }
    }
}

/// Where the axes lie in the drawing.
struct Frame<'a> {
    chart: &'a Chart,
    area: Area,
    turned: bool,
}

impl Chart {
    /// The chart as SVG; `id` is unique in the page.
    pub fn svg(&self, id: &str) -> String {
        let frame = Frame::of(self);
        let mut svg = Svg::default();
        frame.grid(&mut svg);
        frame.rules(&mut svg);
        let bars: Vec<&Series> = self.series.iter().filter(|s| s.look == Look::Bars).collect();
        for (i, series) in bars.iter().enumerate() {
            frame.bars(&mut svg, series, (i, bars.len()));
        }
        let lines = || self.series.iter().filter(|s| s.look == Look::Line);
        lines().for_each(|series| frame.curve(&mut svg, series));
        lines().for_each(|series| frame.marks(&mut svg, series));
        frame.names(&mut svg);
        svg.finish(id, self.size, &self.title, &self.description)
    }
}

impl<'a> Frame<'a> {
    fn of(chart: &'a Chart) -> Self {
        let (w, h) = chart.size;
        let left = 14.0 + chart.y.ticks.iter().map(|t| width(&t.1)).fold(20.0, f64::max);
        let top = if chart.second.is_some() { 54.0 } else { 30.0 };
        let longest = chart.x.ticks.iter().map(|t| width(&t.1)).fold(0.0, f64::max);
        let ticks = chart.x.ticks.len().max(1) as f64;
        // Logarithmic and linear ticks are few; names of layers may have to stand upright.
        let turned = longest + 6.0 > (w - left) / ticks;
        let label = if chart.x.label.is_empty() { 8.0 } else { 24.0 };
        let bottom = label + if turned { longest.min(80.0) + 8.0 } else { 18.0 };
        let area = Area { min: (left, top), max: (w - 12.0, h - bottom) };
        Self { chart, area, turned }
    }

    fn x(&self, value: f64) -> f64 {
        self.area.min.0 + self.chart.x.at(value) * (self.area.max.0 - self.area.min.0)
    }

    fn y(&self, value: f64) -> f64 {
        self.area.max.1 - self.chart.y.at(value) * (self.area.max.1 - self.area.min.1)
    }

    fn grid(&self, svg: &mut Svg) {
        let (Area { min, max }, chart) = (self.area, self.chart);
        for (value, text) in &chart.y.ticks {
            let y = self.y(*value);
            svg.line("grid", (min.0, y), (max.0, y));
            svg.text("tick", (min.0 - 7.0, y + 3.8), Anchor::End, text);
        }
        svg.line("axis", (min.0, max.1), max);
        for (value, text) in &chart.x.ticks {
            let x = self.x(*value);
            svg.line("axis", (x, max.1), (x, max.1 + 4.0));
            if self.turned {
                svg.turned("tick", (x + 3.8, max.1 + 9.0), Anchor::End, -90.0, text);
            } else {
                svg.text("tick", (x, max.1 + 17.0), Anchor::Middle, text);
            }
        }
        svg.text("name", (2.0, 12.0), Anchor::Start, &chart.y.label);
        if !chart.x.label.is_empty() {
            let middle = (min.0 + max.0) / 2.0;
            svg.text("name", (middle, chart.size.1 - 5.0), Anchor::Middle, &chart.x.label);
        }
        self.second(svg);
    }

    fn second(&self, svg: &mut Svg) {
        let (Area { min, max }, Some((name, ticks))) = (self.area, &self.chart.second) else {
            return;
        };
        svg.text("name", (max.0, 12.0), Anchor::End, name);
        let mut free = min.0;
        for (value, text) in ticks {
            let (x, half) = (self.x(*value), width(text) / 2.0);
            svg.line("axis", (x, min.1 - 8.0), (x, min.1 - 3.0));
            if x - half >= free {
                svg.text("tick", (x, min.1 - 12.0), Anchor::Middle, text);
                free = x + half + SECOND_GAP;
            }
        }
    }

    fn rules(&self, svg: &mut Svg) {
        let Area { min, max } = self.area;
        for (i, (value, text)) in self.chart.parts.iter().enumerate() {
            let x = self.x(*value);
            let end = self.chart.parts.get(i + 1).map_or(max.0, |next| self.x(next.0));
            svg.line("part", (x, min.1), (x, max.1));
            if width(text) < end - x {
                svg.text("aside", (x + 4.0, min.1 + 1.0), Anchor::Start, text);
            }
        }
        for (value, text) in &self.chart.rules {
            let y = self.y(*value);
            svg.line("rule", (min.0, y), (max.0, y));
            svg.text("aside", (min.0 + 4.0, y - 5.0), Anchor::Start, text);
        }
    }

    fn bars(&self, svg: &mut Svg, series: &Series, (index, of): (usize, usize)) {
        let band = (self.area.max.0 - self.area.min.0) / self.chart.x.ticks.len().max(1) as f64;
        let one = band * BAND / of as f64;
        // A curve over the bars would run through their values.
        let alone = self.chart.series.iter().all(|s| s.look == Look::Bars);
        let valued = alone && series.points.len() * of <= VALUED && one >= 26.0;
        let class = format!("bar {}", series.hue.class());
        for point in &series.points {
            let left = self.x(point.x) - band * BAND / 2.0 + one * index as f64;
            let (y, floor) = (self.y(point.y), self.area.max.1);
            svg.rect(&class, (left + 0.5, y), ((one - 1.0).max(0.5), floor - y), &point.note);
            let middle = left + one / 2.0;
            // In the colour of the text: one in that of the bar would drown in it.
            self.whisker(svg, "ink", middle, point.range);
            if valued {
                let top = point.range.map_or(y, |(_, high)| self.y(high));
                let value = format!("{:.1}", point.y);
                svg.text("value", (middle, top - 5.0), Anchor::Middle, &value);
            }
        }
    }

    fn curve(&self, svg: &mut Svg, series: &Series) {
        let places = self.places(series);
        if places.len() > 1 {
            svg.polyline(&format!("curve {}", series.hue.class()), &places);
        }
    }

    fn marks(&self, svg: &mut Svg, series: &Series) {
        let (class, shape) = (series.hue.class(), series.hue.shape());
        let finite: Vec<&Point> = series.points.iter().filter(|p| p.y.is_finite()).collect();
        let close = (self.area.max.0 - self.area.min.0) < SPACE * finite.len() as f64;
        let stride = if close { (finite.len() / SPARSE).max(1) } else { 1 };
        // Curves that run together show their markers at different places.
        let start = shape * (stride / 6).max(1) % stride;
        for point in finite.into_iter().skip(start).step_by(stride) {
            let place = (self.x(point.x), self.y(point.y));
            self.whisker(svg, &class, place.0, point.range);
            svg.marker(&format!("mark {class}"), shape, place, &point.note);
        }
    }

    fn whisker(&self, svg: &mut Svg, class: &str, x: f64, range: Option<(f64, f64)>) {
        let Some((low, high)) = range.filter(|(low, high)| high > low) else { return };
        let class = format!("whisker {class}");
        let (low, high) = (self.y(low), self.y(high));
        svg.line(&class, (x, low), (x, high));
        svg.line(&class, (x - 3.5, low), (x + 3.5, low));
        svg.line(&class, (x - 3.5, high), (x + 3.5, high));
    }

    /// Positions of a curve's points, thinned out where there are too many to see.
    fn places(&self, series: &Series) -> Vec<Xy> {
        let finite: Vec<&Point> = series.points.iter().filter(|p| p.y.is_finite()).collect();
        let stride = finite.len().div_ceil(MAX_POINTS).max(1);
        finite.iter().step_by(stride).map(|p| (self.x(p.x), self.y(p.y))).collect()
    }

    fn names(&self, svg: &mut Svg) {
        let named = self.chart.series.iter().filter(|s| s.named && !s.points.is_empty());
        let named: Vec<&Series> = named.collect();
        let curves: Vec<(Vec<Xy>, String)> =
            named.iter().map(|s| (self.places(s), s.name.clone())).collect();
        for (series, (x, y)) in named.iter().zip(place(&curves, self.area)) {
            let class = format!("label {}", series.hue.class());
            svg.text(&class, (x, y + 3.8), Anchor::Start, &series.name);
        }
    }
}

/// A sample of a series, for a legend.
pub(crate) fn swatch(hue: Hue, look: Look) -> String {
    let (mut svg, class) = (Svg::default(), hue.class());
    match look {
        Look::Line => {
            svg.line(&format!("curve {class}"), (1.0, 7.0), (25.0, 7.0));
            svg.marker(&format!("mark {class}"), hue.shape(), (13.0, 7.0), "");
        }
        Look::Bars => svg.rect(&format!("bar {class}"), (7.0, 1.0), (12.0, 12.0), ""),
    }
    svg.ornament((26.0, 14.0))
}
