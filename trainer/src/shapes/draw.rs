//! Pictures of shapes.

use crate::rng::Rng;

/// Rows and columns.
pub const SIDE: usize = 64;
/// Standard deviation of the noise, of pixels in 0..1: least and most.
const NOISE: (f64, f64) = (0.04, 0.14);
/// How much brighter or darker than the ground a shape is: least and most.
const CONTRAST: (f64, f64) = (0.22, 0.5);

/// A picture and what it shows, row by row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Drawn {
    /// Grey pixels.
    pub pixels: Vec<u8>,
    /// Which of them belong to a shape.
    pub mask: Vec<bool>,
}

/// A filled shape.
enum Form {
    Ellipse,
    Box,
    Triangle,
}

/// Where a shape lies and how it is turned.
struct Placed {
    form: Form,
    centre: [f64; 2],
    radii: [f64; 2],
    turn: f64,
}

impl Placed {
    fn draw(rng: &mut Rng) -> Self {
        let form = match rng.below(3) {
            0 => Form::Ellipse,
            1 => Form::Box,
            _ => Form::Triangle,
        };
        let side = SIDE as f64;
        let centre = [(); 2].map(|()| side * (0.12 + 0.76 * rng.unit()));
        let radii = [(); 2].map(|()| side * (0.07 + 0.15 * rng.unit()));
        Self { form, centre, radii, turn: rng.unit() * std::f64::consts::TAU }
    }

    fn holds(&self, x: f64, y: f64) -> bool {
        let (dx, dy) = (x - self.centre[0], y - self.centre[1]);
        let (sin, cos) = self.turn.sin_cos();
        let (u, v) = ((cos * dx + sin * dy) / self.radii[0], (cos * dy - sin * dx) / self.radii[1]);
        match self.form {
            Form::Ellipse => u * u + v * v <= 1.0,
            Form::Box => u.abs() <= 0.9 && v.abs() <= 0.9,
            Form::Triangle => (-0.7..=1.0).contains(&v) && u.abs() <= 0.65 * (1.0 - v),
        }
    }
}

/// Draws one picture: one to three shapes, two thin lines that are none, uneven ground, noise.
pub fn draw(rng: &mut Rng) -> Drawn {
    let between = |rng: &mut Rng, (low, high): (f64, f64)| low + (high - low) * rng.unit();
    let ground = 0.3 + 0.4 * rng.unit();
    let slope = [(); 2].map(|()| 0.3 * (rng.unit() - 0.5));
    let noise = between(rng, NOISE);
    let contrast = |rng: &mut Rng| {
        let by = between(rng, CONTRAST);
        if ground > 0.5 { -by } else { by }
    };
    let count = 1 + rng.below(3);
    let shapes: Vec<(Placed, f64)> =
        (0..count).map(|_| (Placed::draw(rng), contrast(rng))).collect();
    let lines: Vec<([f64; 3], f64)> = (0..2).map(|_| (line(rng), contrast(rng))).collect();
    let mut drawn = Drawn { pixels: Vec::new(), mask: Vec::new() };
    for (row, column) in (0..SIDE).flat_map(|y| (0..SIDE).map(move |x| (y, x))) {
        let (x, y) = (column as f64 + 0.5, row as f64 + 0.5);
        let side = SIDE as f64;
        let mut value = ground + slope[0] * (x / side - 0.5) + slope[1] * (y / side - 0.5);
        let on = |([a, b, c], _): &&([f64; 3], f64)| (a * x + b * y - c).abs() < 0.6;
        let shape = shapes.iter().find(|(s, _)| s.holds(x, y));
        value += shape.map(|s| s.1).or_else(|| lines.iter().find(on).map(|l| l.1)).unwrap_or(0.0);
        value += noise * rng.normal();
        drawn.pixels.push((value.clamp(0.0, 1.0) * 255.0).round() as u8);
        drawn.mask.push(shape.is_some());
    }
    drawn
}

/// A line `a x + b y = c` through the picture, of direction `(a, b)` of length 1.
fn line(rng: &mut Rng) -> [f64; 3] {
    let (b, a) = (rng.unit() * std::f64::consts::TAU).sin_cos();
    let side = SIDE as f64;
    let (x, y) = (side * rng.unit(), side * rng.unit());
    [a, b, a * x + b * y]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pictures_follow_the_seed_and_show_something() {
        let of = |seed| draw(&mut Rng::new(seed, "test"));
        assert_eq!(of(1), of(1));
        assert_ne!(of(1), of(2));
        let mut rng = Rng::new(3, "test");
        let mut total = 0.0;
        for _ in 0..50 {
            let drawn = draw(&mut rng);
            assert_eq!((drawn.pixels.len(), drawn.mask.len()), (SIDE * SIDE, SIDE * SIDE));
            let set = drawn.mask.iter().filter(|m| **m).count();
            assert!(set > 0 && set < SIDE * SIDE, "{set}");
            total += set as f64 / (SIDE * SIDE) as f64;
        }
        assert!((0.03..0.4).contains(&(total / 50.0)), "{total}");
    }
}
