//! Reproducible drawing.

use tacita_image_input::Pixels;
use tacita_protocol::plan::Shape;

/// SplitMix64 (Steele, Lea, Flood 2014): reproducible drawing, nothing secret.
pub fn splitmix(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut z = *state;
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// A picture unlike those that networks are trained on: black, white, then checkerboards, stripes and
/// noise of two saturated colours by turns.
pub fn extreme(shape: Shape, seed: u64, number: u64) -> Pixels {
    let mut state = seed.wrapping_mul(1 << 32).wrapping_add(number);
    let mut next = |n: u64| splitmix(&mut state) % n.max(1);
    let colour = |bits: u64| [0, 1, 2].map(|c| if bits >> c & 1 == 1 { 255u8 } else { 0 });
    let first = next(8);
    let colours = match number {
        0 => [colour(0); 2],
        1 => [colour(7); 2],
        _ => [colour(first), colour((first + 1 + next(7)) % 8)],
    };
    let (rows, columns, share) = (1 + next(8), 1 + next(8), 1 + next(99));
    let mut rgb = Vec::with_capacity(3 * shape.height * shape.width);
    for y in 0..shape.height as u64 {
        for x in 0..shape.width as u64 {
            let second = match number % 4 {
                0 => (y / rows + x / columns) % 2 == 1,
                1 => x / columns % 2 == 1,
                2 => y / rows % 2 == 1,
                _ => next(100) < share,
            };
            rgb.extend(if second { colours[1] } else { colours[0] });
        }
    }
    Pixels { width: shape.width, height: shape.height, rgb }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn extremes_are_saturated_and_differ() {
        let shape = Shape::new(3, 12, 10);
        let images: Vec<_> = (0..40).map(|i| extreme(shape, 1, i).rgb).collect();
        assert!(images.iter().flatten().all(|x| [0, 255].contains(x)));
        assert!(images[0].iter().all(|x| *x == 0) && images[1].iter().all(|x| *x == 255));
        let different: std::collections::HashSet<_> = images.iter().collect();
        assert!(different.len() > 36, "{}", different.len());
    }
}
