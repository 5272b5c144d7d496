//! Images made larger (or smaller): `Resize`, `Upsample`, `DepthToSpace`, `SpaceToDepth`.
//!
//! The nearest element is a copy. Linear interpolation between elements `s` apart is the mean over
//! `s` of the nearest ones, and for even `s`, whose outputs lie half a step aside, of two of those
//! means: copies and average pools, which need no encryption.

use tacita_onnx::NodeProto;
use tacita_protocol::plan::{CopyShape, Padding, Shape};

use super::attributes::{Attributes, axis_of};
use super::constant::Reason;
use super::interpret::{Interpreter, Operand, Step, Value};
use super::view::View;
use super::walks::{Walk, walks};
use crate::error::Location;
use crate::network::Window;

/// Largest factor.
const MAX_FACTOR: usize = 64;

/// What an operator asks for.
struct Wanted {
    mode: String,
    /// How outputs' places become inputs' places.
    places: String,
    /// Which input is nearest.
    nearest: String,
    /// Rows and columns.
    sizes: [usize; 2],
    scales: [f64; 2],
}

impl<'m> Interpreter<'m> {
    pub(super) fn resize(&mut self, node: &NodeProto, at: &Location) -> Step {
        let rank = self.operand(node, 0)?.view.rank();
        let x = self.image(node, at)?;
        let wanted = self.wanted(node, rank, x.shape)?;
        match wanted.mode.as_str() {
            "" | "nearest" => self.nearest(&x, &wanted, at).map(Value::Node),
            "linear" => self.linear(&x, &wanted, at).map(Value::Node),
            mode => Err(format!("it resizes by `{mode}`: use nearest or linear").into()),
        }
    }

    fn wanted(&self, node: &NodeProto, rank: usize, image: Shape) -> Step<Wanted> {
        let a = Attributes(node);
        // Before operator set 11, and in Upsample, an output's place over the scale is its input's.
        let old = node.op_type == "Upsample" || self.opset < 11;
        for (name, plain) in [("antialias", 0), ("exclude_outside", 0)] {
            a.require(name, plain, "only plain interpolation is supported")?;
        }
        let (scales, sizes) = if old {
            let given = self.optional_constant(node, 1)?;
            let scales = given.map_or_else(|| a.floats("scales"), |c| c.floats());
            (Some(scales), None)
        } else {
            let scales = self.optional_constant(node, 2)?.map(|c| c.floats());
            let sizes = self.optional_constant(node, 3)?.map(|c| c.sizes()).transpose()?;
            (scales.filter(|s| !s.is_empty()), sizes.filter(|s| !s.is_empty()))
        };
        let policy = a.string("keep_aspect_ratio_policy");
        if sizes.is_some() && !(policy.is_empty() || policy == "stretch") {
            return Err(format!("it keeps the aspect ratio by `{policy}`: give its sizes").into());
        }
        let scales = each_axis(a, rank, scales)?;
        let sizes = each_axis(a, rank, sizes)?;
        let (sizes, scales) = geometry(image, sizes, scales)?;
        let or = |name: &str, old_default: &str, default: &str| {
            let given = a.string(name);
            match (old, given.is_empty()) {
                (true, _) => old_default.to_owned(),
                (_, true) => default.to_owned(),
                _ => given,
            }
        };
        Ok(Wanted {
            mode: a.string("mode"),
            places: or("coordinate_transformation_mode", "asymmetric", "half_pixel"),
            nearest: or("nearest_mode", "floor", "round_prefer_floor"),
            sizes,
            scales,
        })
    }

    fn nearest(&mut self, x: &Operand, w: &Wanted, at: &Location) -> Step<Operand> {
        let picks = |axis: usize, n: usize| {
            (0..w.sizes[axis]).map(|o| nearest_to(w, axis, o, n)).collect::<Reason<Vec<_>>>()
        };
        let (rows, columns) = (picks(0, x.shape.height)?, picks(1, x.shape.width)?);
        self.enlarged(x, [&rows, &columns], at)
    }

    /// The image of the rows and columns picked.
    fn enlarged(&mut self, x: &Operand, picks: [&[usize]; 2], at: &Location) -> Step<Operand> {
        let [rows, columns] = picks;
        let tall = Shape { height: rows.len(), ..x.shape };
        let x = self.along(x, 0, &walks(rows, x.shape.height)?, tall, at)?;
        let wide = Shape { width: columns.len(), ..tall };
        self.along(&x, 1, &walks(columns, x.shape.width)?, wide, at)
    }

    fn along(
        &mut self,
        x: &Operand,
        axis: usize,
        walks: &[Walk],
        to: Shape,
        at: &Location,
    ) -> Step<Operand> {
        if *walks == [Walk::WHOLE] && to == x.shape {
            return Ok(x.clone());
        }
        let copy = |w: &Walk| (0, w.of(CopyShape::whole(x.shape.channels, 0), axis));
        let copies = walks.iter().map(copy).collect();
        self.copies(copies, vec![x.id], to, View::image(to), at)
    }

    fn linear(&mut self, x: &Operand, w: &Wanted, at: &Location) -> Step<Operand> {
        let rows = interpolation(w, 0, x.shape.height)?;
        let columns = interpolation(w, 1, x.shape.width)?;
        let y = self.enlarged(x, [&rows.picks, &columns.picks], at)?;
        let mut pool = |y: Operand, [kernel_h, kernel_w]: [usize; 2]| {
            let window = Window { kernel_h, kernel_w, stride: 1, pad: Padding::NONE };
            self.average(&y, window, at)
        };
        let y = pool(y, [rows.mean, columns.mean])?;
        let centred = |mean: usize, half: bool| if half && mean.is_multiple_of(2) { 2 } else { 1 };
        pool(y, [centred(rows.mean, rows.centred), centred(columns.mean, columns.centred)])
    }

    /// Channels become rows and columns of blocks.
    pub(super) fn depth_to_space(&mut self, node: &NodeProto, at: &Location) -> Step {
        let x = self.image(node, at)?;
        let a = Attributes(node);
        let block = block_size(a)?;
        let Shape { channels, height, width } = x.shape;
        let parts = block * block;
        if channels % parts != 0 {
            return Err(format!("{channels} channels for blocks of {block}x{block}").into());
        }
        let own = channels / parts;
        let place = |part: usize| {
            let (from, step) =
                if a.string("mode") == "CRD" { (part, parts) } else { (part * own, 1) };
            let (spread, at) = ([block; 2], [part / block, part % block]);
            (0, CopyShape { from, step, spread, at, ..CopyShape::whole(own, 0) })
        };
        let to = Shape::new(own, height * block, width * block);
        let copies = (0..parts).map(place).collect();
        self.copies(copies, vec![x.id], to, View::image(to), at).map(Value::Node)
    }

    /// Rows and columns of blocks become channels.
    pub(super) fn space_to_depth(&mut self, node: &NodeProto, at: &Location) -> Step {
        let x = self.image(node, at)?;
        let block = block_size(Attributes(node))?;
        let Shape { channels, height, width } = x.shape;
        if height % block != 0 || width % block != 0 {
            return Err(format!("{height}x{width} is not made of blocks of {block}x{block}").into());
        }
        let parts = block * block;
        let place = |part: usize| {
            let offset = [part / block, part % block].map(|o| o as isize);
            let (stride, to) = ([block; 2], part * channels);
            (0, CopyShape { to, stride, offset, ..CopyShape::whole(channels, 0) })
        };
        let to = Shape::new(channels * parts, height / block, width / block);
        let copies = (0..parts).map(place).collect();
        self.copies(copies, vec![x.id], to, View::image(to), at).map(Value::Node)
    }
}

fn block_size(a: Attributes<'_>) -> Reason<usize> {
    let block = usize::try_from(a.int("blocksize", 0)).ok();
    block.filter(|b| (1..=MAX_FACTOR).contains(b)).ok_or_else(|| "its blocksize is no size".into())
}

/// One entry for rows, one for columns, of a list of one entry a dimension (or an axis named); rows
/// of a signal stay as they are.
fn each_axis<T: Copy>(
    a: Attributes<'_>,
    rank: usize,
    given: Option<Vec<T>>,
) -> Reason<Option<[Option<T>; 4]>> {
    let Some(given) = given else { return Ok(None) };
    let axes = match a.ints("axes") {
        Some(axes) => axes.iter().map(|k| axis_of(*k, rank)).collect::<Reason<Vec<_>>>()?,
        None => (0..rank).collect(),
    };
    if axes.len() != given.len() {
        return Err(format!("{} scales or sizes for {} dimensions", given.len(), axes.len()));
    }
    let mut all = [None; 4];
    for (axis, value) in axes.into_iter().zip(given) {
        // A signal is an image of one row.
        let axis = if rank == 3 && axis == 2 { 3 } else { axis };
        if let Some(slot) = all.get_mut(axis) {
            *slot = Some(value);
        }
    }
    Ok(Some(all))
}

/// Rows and columns of the output, and how much larger than the input it is.
fn geometry(
    image: Shape,
    sizes: Option<[Option<usize>; 4]>,
    scales: Option<[Option<f32>; 4]>,
) -> Reason<([usize; 2], [f64; 2])> {
    let from = [1, image.channels, image.height, image.width];
    let mut to = from;
    let mut ratio = [1.0; 4];
    for (axis, (to, ratio)) in to.iter_mut().zip(&mut ratio).enumerate() {
        let n = *to as f64;
        match (sizes.and_then(|s| s[axis]), scales.and_then(|s| s[axis])) {
            (Some(size), _) => (*to, *ratio) = (size, size as f64 / n),
            (None, Some(s)) => (*to, *ratio) = ((n * f64::from(s)).floor() as usize, f64::from(s)),
            (None, None) => {}
        }
    }
    let [batch, channels, height, width] = to;
    if sizes.is_none() && scales.is_none() {
        return Err("it has neither scales nor sizes".into());
    }
    if batch != 1 || channels != image.channels {
        return Err("it resizes the batch or the channels".into());
    }
    let possible = |n: usize| (1..=1 << 12).contains(&n);
    if !possible(height) || !possible(width) {
        return Err(format!("it makes an image of {height}x{width}"));
    }
    Ok(([height, width], [ratio[2], ratio[3]]))
}

/// Which of `n` elements is the nearest to output `o`.
fn nearest_to(w: &Wanted, axis: usize, o: usize, n: usize) -> Reason<usize> {
    let (scale, m, out) = (w.scales[axis], w.sizes[axis], o as f64);
    let x = match w.places.as_str() {
        "half_pixel" | "half_pixel_symmetric" => (out + 0.5) / scale - 0.5,
        "pytorch_half_pixel" if m > 1 => (out + 0.5) / scale - 0.5,
        "pytorch_half_pixel" => 0.0,
        "asymmetric" => out / scale,
        "tf_half_pixel_for_nn" => (out + 0.5) / scale,
        "align_corners" if m > 1 => out * (n as f64 - 1.0) / (m as f64 - 1.0),
        "align_corners" => 0.0,
        other => return Err(format!("it places pixels by `{other}`")),
    };
    let x = match w.nearest.as_str() {
        "floor" => x.floor(),
        "ceil" => x.ceil(),
        "round_prefer_ceil" => (x + 0.5).floor(),
        "round_prefer_floor" => (x - 0.5).ceil(),
        other => return Err(format!("it rounds places by `{other}`")),
    };
    Ok((x.max(0.0) as usize).min(n - 1))
}

/// Linear interpolation along one axis: elements repeated, then means over `mean` of them.
struct Interpolation {
    picks: Vec<usize>,
    mean: usize,
    /// Outputs lie in the middle of their share of an element.
    centred: bool,
}

fn interpolation(w: &Wanted, axis: usize, n: usize) -> Reason<Interpolation> {
    let m = w.sizes[axis];
    if m == n || n == 1 {
        let picks = (0..m).map(|o| o.min(n - 1)).collect();
        return Ok(Interpolation { picks, mean: 1, centred: false });
    }
    let (steps, count) = match w.places.as_str() {
        "align_corners" => (m - 1, n - 1),
        _ => (m, n),
    };
    let factor = steps / count;
    if factor * count != steps || !(2..=MAX_FACTOR).contains(&factor) {
        return Err(format!(
            "it interpolates {n} rows or columns to {m} by `{}`: only whole factors are supported; \
             use align_corners=False with a whole scale_factor, or nearest",
            w.places
        ));
    }
    let (before, behind) = match w.places.as_str() {
        "half_pixel" | "pytorch_half_pixel" | "half_pixel_symmetric" => (factor / 2, factor / 2),
        "asymmetric" | "align_corners" => (0, factor - 1),
        other => return Err(format!("it places pixels by `{other}`")),
    };
    let pick = |o: usize| (o.saturating_sub(before) / factor).min(n - 1);
    let picks = (0..before + m + behind).map(pick).collect();
    Ok(Interpolation { picks, mean: factor, centred: before > 0 })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted(places: &str, n: usize, m: usize) -> Wanted {
        let scale = m as f64 / n as f64;
        Wanted {
            mode: "linear".into(),
            places: places.into(),
            nearest: "floor".into(),
            sizes: [m, m],
            scales: [scale, scale],
        }
    }

    /// ONNX's definition.
    fn interpolated(places: &str, values: &[f64], m: usize) -> Vec<f64> {
        let n = values.len();
        let scale = m as f64 / n as f64;
        let one = |o: usize| {
            let o = o as f64;
            let x = match places {
                "asymmetric" => o / scale,
                "align_corners" => o * (n as f64 - 1.0) / (m as f64 - 1.0),
                _ => (o + 0.5) / scale - 0.5,
            };
            let x = x.clamp(0.0, n as f64 - 1.0);
            let left = x.floor() as usize;
            let right = (left + 1).min(n - 1);
            values[left] + (x - left as f64) * (values[right] - values[left])
        };
        (0..m).map(one).collect()
    }

    #[test]
    fn means_of_repeated_elements_interpolate() {
        for (n, factor) in (1..7).flat_map(|n| (1..7).map(move |f| (n, f))) {
            for places in ["half_pixel", "pytorch_half_pixel", "asymmetric", "align_corners"] {
                let m = if places == "align_corners" { (n - 1) * factor + 1 } else { n * factor };
                let values: Vec<f64> = (0..n).map(|i| ((i * i * 7) % 5) as f64).collect();
                let way = interpolation(&wanted(places, n, m), 0, n).unwrap();
                let mut z: Vec<f64> = way.picks.iter().map(|p| values[*p]).collect();
                let even = way.centred && way.mean.is_multiple_of(2);
                for k in [way.mean, if even { 2 } else { 1 }] {
                    z = z.windows(k).map(|w| w.iter().sum::<f64>() / k as f64).collect();
                }
                let expected = interpolated(places, &values, m);
                assert_eq!(z.len(), m);
                let off = z.iter().zip(&expected).map(|(a, b)| (a - b).abs());
                assert!(
                    off.fold(0.0, f64::max) < 1e-9,
                    "{places} {n} {factor}: {z:?} {expected:?}"
                );
            }
        }
    }
}
