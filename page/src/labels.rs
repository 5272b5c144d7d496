//! Puts labels beside curves where they cover least.

use crate::svg::Xy;

/// Width of a character of a label, on average, in user units.
const CHAR: f64 = 6.3;
/// Height of a label.
const HEIGHT: f64 = 13.0;
/// Distance from the point it belongs to.
const GAP: f64 = 8.0;
/// Room a marker takes around its point.
const MARK: f64 = 6.0;
/// Samples along a segment when looking for what a label covers.
const SAMPLES: usize = 48;

/// A rectangle: smallest and largest corner.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Area {
    /// Smallest x and y.
    pub min: Xy,
    /// Largest x and y.
    pub max: Xy,
}

impl Area {
    fn holds(&self, (x, y): Xy) -> bool {
        (self.min.0..=self.max.0).contains(&x) && (self.min.1..=self.max.1).contains(&y)
    }

    fn meets(&self, other: &Self) -> bool {
        self.min.0 < other.max.0
            && other.min.0 < self.max.0
            && self.min.1 < other.max.1
            && other.min.1 < self.max.1
    }

    fn within(&self, outer: &Self) -> bool {
        outer.holds(self.min) && outer.holds(self.max)
    }

    fn grown(&self, by: f64) -> Self {
        let (min, max) = (self.min, self.max);
        Self { min: (min.0 - by, min.1 - by), max: (max.0 + by, max.1 + by) }
    }

    /// Length of a segment inside, as a share of the segment's samples.
    fn covers(&self, (a, b): (Xy, Xy)) -> f64 {
        let at = |i: usize| {
            let t = i as f64 / SAMPLES as f64;
            (a.0 + t * (b.0 - a.0), a.1 + t * (b.1 - a.1))
        };
        let length = (b.0 - a.0).hypot(b.1 - a.1);
        let inside = (0..=SAMPLES).filter(|&i| self.holds(at(i))).count();
        length * inside as f64 / SAMPLES as f64
    }
}

/// Room a label needs, in user units.
pub fn width(text: &str) -> f64 {
    text.chars().count() as f64 * CHAR
}

/// Places one label for each curve, given as (its points, its text): the middle left end of
/// each text. `bounds` is where labels may be.
pub fn place(curves: &[(Vec<Xy>, String)], bounds: Area) -> Vec<Xy> {
    let segments: Vec<(Xy, Xy)> =
        curves.iter().flat_map(|(points, _)| points.windows(2).map(|w| (w[0], w[1]))).collect();
    let points: Vec<Xy> = curves.iter().flat_map(|(points, _)| points.iter().copied()).collect();
    let mut placed: Vec<Area> = Vec::new();
    for (own, text) in curves {
        let cost = |area: &Area| {
            let out = if area.within(&bounds) { 0.0 } else { 1e6 };
            let labels = placed.iter().filter(|p| p.meets(area)).count() as f64;
            let near = area.grown(MARK);
            let marks = points.iter().filter(|&&p| near.holds(p)).count() as f64;
            let lines: f64 = segments.iter().map(|&s| area.covers(s)).sum();
            out + 1e4 * labels + 40.0 * marks + lines
        };
        // Strictly smaller: among equals the first, which is the preferred place, wins.
        let mut best: Option<(f64, Area)> = None;
        for (rank, area) in candidates(own, text).into_iter().enumerate() {
            let cost = cost(&area) + rank as f64;
            if best.is_none_or(|(least, _)| cost < least) {
                best = Some((cost, area));
            }
        }
        placed.push(best.map_or(Area { min: bounds.min, max: bounds.min }, |b| b.1));
    }
    placed.iter().map(|a| (a.min.0, (a.min.1 + a.max.1) / 2.0)).collect()
}

/// Places for a label, best first: around the last point, the first, then the others.
fn candidates(points: &[Xy], text: &str) -> Vec<Area> {
    let w = width(text);
    let ends = points.last().into_iter().chain(points.first());
    let inner = points.iter().skip(1).take(8);
    let around = |&(x, y): &Xy| {
        [
            (x + GAP, y),
            // Beside the ends of curves that run close together.
            (x + GAP, y - HEIGHT / 2.0),
            (x + GAP, y + HEIGHT / 2.0),
            (x + GAP, y - HEIGHT),
            (x + GAP, y + HEIGHT),
            (x - w / 2.0, y - GAP - HEIGHT / 2.0),
            (x - w / 2.0, y + GAP + HEIGHT / 2.0),
            (x - GAP - w, y),
            (x + GAP / 2.0, y - GAP - HEIGHT / 4.0),
            (x + GAP / 2.0, y + GAP + HEIGHT / 4.0),
            (x - GAP / 2.0 - w, y - GAP - HEIGHT / 4.0),
            (x - GAP / 2.0 - w, y + GAP + HEIGHT / 4.0),
        ]
    };
    let area = |(x, y): Xy| Area { min: (x, y - HEIGHT / 2.0), max: (x + w, y + HEIGHT / 2.0) };
    ends.chain(inner).flat_map(around).map(area).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_stay_inside_and_apart() {
        let bounds = Area { min: (0.0, 0.0), max: (300.0, 200.0) };
        let curve =
            |y: f64| (vec![(10.0, y), (150.0, y - 30.0), (290.0, y - 60.0)], "curve".into());
        let curves: Vec<_> = [100.0, 104.0, 108.0, 112.0].map(curve).into();
        let places = place(&curves, bounds);
        let area = |&(x, y): &Xy| Area {
            min: (x, y - HEIGHT / 2.0),
            max: (x + width("curve"), y + HEIGHT / 2.0),
        };
        let areas: Vec<Area> = places.iter().map(area).collect();
        for (i, a) in areas.iter().enumerate() {
            assert!(a.within(&bounds), "{a:?}");
            assert!(areas[..i].iter().all(|b| !a.meets(b)), "{areas:?}");
        }
    }
}
