//! How the dimensions that the model sees lie in a stored (channels, rows, columns) tensor.
//!
//! Transposing, reshaping and squeezing change the view only; nothing is computed until an
//! operator needs another order than the stored one.

use tacita_protocol::plan::Shape;

/// Most dimensions of a view.
const MAX_RANK: usize = 8;

/// `size` elements, `stride` apart in storage; `size` is over 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Atom {
    size: usize,
    stride: usize,
}

/// An axis of a stored tensor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Axis {
    Channels,
    Rows,
    Columns,
}

/// Dimensions, outermost first, each a walk over storage. Dimensions of size 1 have no atoms, and
/// atoms that continue each other are one: equal views compare equal.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct View(Vec<Vec<Atom>>);

impl Axis {
    /// Size of this axis.
    pub const fn of(self, s: Shape) -> usize {
        match self {
            Self::Channels => s.channels,
            Self::Rows => s.height,
            Self::Columns => s.width,
        }
    }

    /// The shape with another size here.
    pub const fn resized(self, s: Shape, size: usize) -> Shape {
        match self {
            Self::Channels => Shape { channels: size, ..s },
            Self::Rows => Shape { height: size, ..s },
            Self::Columns => Shape { width: size, ..s },
        }
    }

    const fn stride(self, s: Shape) -> usize {
        match self {
            Self::Channels => s.height * s.width,
            Self::Rows => s.width,
            Self::Columns => 1,
        }
    }

    /// The dimension of size [`Self::of`] that is this axis.
    fn dim(self, s: Shape) -> Vec<Atom> {
        joined([Atom { size: self.of(s), stride: self.stride(s) }])
    }
}

/// Atoms without ones, neighbours merged.
fn joined(atoms: impl IntoIterator<Item = Atom>) -> Vec<Atom> {
    let mut out: Vec<Atom> = Vec::new();
    for atom in atoms.into_iter().filter(|a| a.size != 1) {
        match out.last_mut() {
            Some(last) if last.stride == atom.size * atom.stride => {
                *last = Atom { size: last.size * atom.size, stride: atom.stride };
            }
            _ => out.push(atom),
        }
    }
    out
}

impl View {
    const NCHW: [Axis; 3] = [Axis::Channels, Axis::Rows, Axis::Columns];
    const NHWC: [Axis; 3] = [Axis::Rows, Axis::Columns, Axis::Channels];

    fn batch_of(axes: [Axis; 3], s: Shape) -> Self {
        Self(std::iter::once(vec![]).chain(axes.map(|a| a.dim(s))).collect())
    }

    /// `[1, channels, rows, columns]`, as stored.
    pub fn image(s: Shape) -> Self {
        Self::batch_of(Self::NCHW, s)
    }

    /// `[1, rows, columns, channels]`.
    pub fn channels_last(s: Shape) -> Self {
        Self::batch_of(Self::NHWC, s)
    }

    /// `[1, channels, columns]` of a tensor of one row.
    pub fn signal(s: Shape) -> Self {
        Self(vec![vec![], Axis::Channels.dim(s), Axis::Columns.dim(s)])
    }

    /// True if rows and columns are dimensions of their own: of an image, with channels first or last,
    /// or of a signal.
    pub fn is_map(&self, s: Shape) -> bool {
        let one =
            s.channels == 1 && *self == Self::image(s).without(|k| k == 1).unwrap_or_default();
        one || [Self::image(s), Self::channels_last(s), Self::signal(s)].contains(self)
    }

    /// `[1, channels]` of a tensor of one pixel.
    pub fn vector(s: Shape) -> Self {
        Self(vec![vec![], joined([Atom { size: s.len(), stride: 1 }])])
    }

    /// Dimensions as the model sees them.
    pub fn dims(&self) -> Vec<usize> {
        self.0.iter().map(|d| d.iter().map(|a| a.size).product()).collect()
    }

    pub fn rank(&self) -> usize {
        self.0.len()
    }

    /// Storage index of every element, in the model's order.
    pub fn indices(&self) -> Vec<usize> {
        Self::walk(self.0.iter().flatten())
    }

    /// Storage offsets of the elements of dimension `k`.
    pub fn offsets(&self, k: usize) -> Vec<usize> {
        Self::walk(self.0.get(k).into_iter().flatten())
    }

    fn walk<'a>(atoms: impl Iterator<Item = &'a Atom>) -> Vec<usize> {
        let mut index = vec![0usize];
        for a in atoms {
            let steps = |base: usize| (0..a.size).map(move |i| base + i * a.stride);
            index = index.into_iter().flat_map(steps).collect();
        }
        index
    }

    /// The step of dimension `k` through storage: `None` if it takes several, 0 if its size is 1.
    pub fn step(&self, k: usize) -> Option<usize> {
        match self.0.get(k).map(Vec::as_slice)? {
            [] => Some(0),
            [a] => Some(a.stride),
            _ => None,
        }
    }

    /// Dimensions in another order; `None` if `order` is no permutation.
    pub fn transposed(&self, order: &[usize]) -> Option<Self> {
        let mut seen = vec![false; self.rank()];
        for &k in order {
            *seen.get_mut(k).filter(|s| !**s)? = true;
        }
        let dims: Vec<_> = order.iter().filter_map(|&k| self.0.get(k).cloned()).collect();
        (dims.len() == self.rank()).then_some(Self(dims))
    }

    /// The same elements in the same order under other dimensions; `None` if they cannot be walked
    /// that way, or are not as many.
    pub fn reshaped(&self, dims: &[usize]) -> Option<Self> {
        if dims.len() > MAX_RANK {
            return None;
        }
        let mut rest = joined(self.0.iter().flatten().copied());
        rest.reverse();
        let mut out = Vec::with_capacity(dims.len());
        for &size in dims {
            let (mut atoms, mut left) = (Vec::new(), size);
            while left != 1 {
                let a = rest.pop()?;
                let taken = if left >= a.size { a.size } else { left };
                if taken == 0 || left % taken != 0 || a.size % taken != 0 {
                    return None;
                }
                let inner = a.size / taken;
                if inner > 1 {
                    rest.push(Atom { size: inner, stride: a.stride });
                }
                atoms.push(Atom { size: taken, stride: a.stride * inner });
                left /= taken;
            }
            out.push(joined(atoms));
        }
        rest.is_empty().then_some(Self(out))
    }

    /// Without the dimensions that `drop` names, which must have size 1.
    pub fn without(&self, drop: impl Fn(usize) -> bool) -> Option<Self> {
        let gone = |k: &usize| drop(*k);
        let ones = (0..self.rank()).filter(gone).all(|k| self.0.get(k).is_some_and(Vec::is_empty));
        let kept = self.0.iter().enumerate().filter(|(k, _)| !drop(*k)).map(|(_, d)| d.clone());
        ones.then(|| Self(kept.collect()))
    }

    /// With a dimension of size 1 inserted in front.
    pub fn wrapped(mut self) -> Self {
        self.0.insert(0, vec![]);
        self
    }

    /// A signal's `[1, channels, length]` as `[1, channels, 1, length]`.
    pub fn with_row(mut self) -> Self {
        self.0.insert(2.min(self.0.len()), vec![]);
        self
    }

    /// The stored axis that dimension `k` walks over from end to end.
    pub fn axis(&self, k: usize, s: Shape) -> Option<Axis> {
        if self.rank() == 3 && self.clone().with_row() == Self::image(s) {
            return [Axis::Channels, Axis::Columns].get(k.checked_sub(1)?).copied();
        }
        for (axes, view) in [(Self::NCHW, Self::image(s)), (Self::NHWC, Self::channels_last(s))] {
            if *self == view {
                return axes.get(k.checked_sub(1)?).copied();
            }
        }
        let dim = self.0.get(k)?;
        if dim.is_empty() {
            let vector = self.rank() == 2 && k == 1 && s.len() == 1;
            return vector.then_some(Axis::Channels);
        }
        Self::NCHW.into_iter().find(|a| a.of(s) > 1 && *dim == a.dim(s))
    }

    /// The view of a tensor of shape `new` that was made of one of shape `old` by resizing axes;
    /// `grown` names a dimension and its axis even if it had size 1.
    pub fn resized(&self, old: Shape, new: Shape, grown: Option<(usize, Axis)>) -> Option<Self> {
        let mut dims = Vec::with_capacity(self.rank());
        for (k, dim) in self.0.iter().enumerate() {
            dims.push(match grown {
                Some((g, axis)) if g == k => axis.dim(new),
                _ => {
                    let mut atoms = Vec::new();
                    for a in dim {
                        atoms.extend(restrided(*a, old, new)?);
                    }
                    joined(atoms)
                }
            });
        }
        Some(Self(dims))
    }

    /// The stored channels in the model's order, those of dimension `k` cut down to `picks`, and the
    /// view of the tensor that holds them in that order; `None` if `k` is no dimension of channels,
    /// or a dimension mixes channels with rows or columns.
    pub fn ordered(&self, s: Shape, k: usize, picks: &[usize]) -> Option<(Vec<usize>, Self)> {
        let plane = (s.height * s.width).max(1);
        let of_channels = |a: &Atom| a.stride.is_multiple_of(plane);
        let spatial = |a: &Atom| a.stride < plane && a.size * a.stride <= plane;
        let mut sources = vec![0usize];
        let mut sizes = vec![None; self.rank()];
        for (i, dim) in self.0.iter().enumerate() {
            if i != k && (dim.is_empty() || dim.iter().all(spatial)) {
                continue;
            }
            let all = self.offsets(i);
            let own: Vec<usize> = match i == k {
                true => picks.iter().map(|p| all.get(*p).copied()).collect::<Option<_>>()?,
                false => all,
            };
            if !dim.iter().all(of_channels) {
                return None;
            }
            *sizes.get_mut(i)? = Some(own.len());
            let each = |base: usize| own.iter().map(move |o| base + o / plane);
            sources = sources.into_iter().flat_map(each).collect();
        }
        let mut stride = plane;
        let mut dims = self.0.clone();
        for (dim, size) in dims.iter_mut().zip(&sizes).rev() {
            if let Some(size) = *size {
                *dim = joined([Atom { size, stride }]);
                stride *= size;
            }
        }
        Some((sources, Self(dims)))
    }

    /// The axes that dimensions `which` walk over, if they are rows, columns or both entirely (or
    /// nothing).
    pub fn covers(&self, which: impl Fn(usize) -> bool, s: Shape) -> Option<[bool; 2]> {
        let reduced = self.0.iter().enumerate().filter(|(k, _)| which(*k));
        let mut atoms: Vec<Atom> = reduced.flat_map(|(_, d)| d.iter().copied()).collect();
        atoms.sort_by_key(|a| std::cmp::Reverse(a.stride));
        let atoms = joined(atoms);
        [[false, false], [true, false], [false, true], [true, true]].into_iter().find(|axes| {
            let each = [Axis::Rows, Axis::Columns].into_iter().zip(axes).filter(|(_, on)| **on);
            joined(each.flat_map(|(a, _)| a.dim(s))) == atoms
        })
    }
}

/// An atom of a tensor of shape `old`, cut at the axes, in one of shape `new`.
fn restrided(a: Atom, old: Shape, new: Shape) -> Option<Vec<Atom>> {
    let (mut out, mut left) = (Vec::new(), a);
    // Outermost axis first: what lies beyond an axis' stride walks that axis.
    for axis in View::NCHW {
        let step = axis.stride(old);
        let inner = if left.stride >= step { 1 } else { step / left.stride };
        if left.size <= inner && inner > 1 {
            continue;
        }
        if left.size % inner != 0 {
            return None;
        }
        let outer = Atom { size: left.size / inner, stride: left.stride * inner };
        if outer.size > 1 {
            let whole = outer.size == axis.of(old) && outer.stride == step;
            if !whole && axis.of(old) != axis.of(new) || !outer.stride.is_multiple_of(step) {
                return None;
            }
            let size = if whole { axis.of(new) } else { outer.size };
            out.push(Atom { size, stride: outer.stride / step * axis.stride(new) });
        }
        if inner == 1 {
            return Some(out);
        }
        left.size = inner;
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    const S: Shape = Shape::new(6, 4, 5);

    #[test]
    fn transposing_there_and_back_is_the_image() {
        let image = View::image(S);
        let last = image.transposed(&[0, 2, 3, 1]).unwrap();
        assert_eq!(last, View::channels_last(S));
        assert_eq!(last.dims(), [1, 4, 5, 6]);
        assert_eq!(last.transposed(&[0, 3, 1, 2]).unwrap(), image);
        assert_eq!(image.transposed(&[0, 0, 1, 2]), None);
        assert_eq!(last.axis(1, S), Some(Axis::Rows));
    }

    #[test]
    fn reshaping_splits_and_joins_axes() {
        let image = View::image(S);
        let flat = image.reshaped(&[1, 120]).unwrap();
        assert_eq!(flat.indices(), (0..120).collect::<Vec<_>>());
        assert_eq!(flat.reshaped(&[1, 6, 4, 5]).unwrap(), image);
        let last = View::channels_last(S).reshaped(&[120]).unwrap();
        assert_eq!(&last.indices()[..3], &[0, 20, 40]);
        let groups = image.reshaped(&[1, 2, 3, 4, 5]).unwrap();
        let shuffled = groups.transposed(&[0, 2, 1, 3, 4]).unwrap().reshaped(&[1, 6, 4, 5]);
        assert_eq!(shuffled.unwrap().offsets(1), [0, 60, 20, 80, 40, 100]);
        assert_eq!(image.reshaped(&[1, 7]), None);
        // No element at all.
        assert_eq!(image.reshaped(&[1, 0]), None);
        assert_eq!(image.reshaped(&[0, 120]), None);
        assert_eq!(View::channels_last(S).reshaped(&[1, 7, 20]), None);
    }

    #[test]
    fn permuted_channels_are_picked_in_order() {
        let groups = View::image(S).reshaped(&[1, 2, 3, 4, 5]).unwrap();
        let shuffled = groups.transposed(&[0, 2, 1, 3, 4]).unwrap();
        let flat = shuffled.reshaped(&[1, 6, 4, 5]).unwrap();
        let (sources, view) = flat.ordered(S, 1, &[1, 2, 5]).unwrap();
        assert_eq!(sources, [3, 1, 5]);
        assert_eq!(view, View::image(Shape::new(3, 4, 5)));
        // The second of the three groups of two.
        let (sources, view) = shuffled.ordered(S, 1, &[1]).unwrap();
        assert_eq!(
            (sources.as_slice(), view.dims().as_slice()),
            (&[1, 4][..], &[1, 1, 2, 4, 5][..])
        );
        assert_eq!(flat.ordered(S, 2, &[0]), None);
        assert_eq!(View::image(S).reshaped(&[1, 120]).unwrap().ordered(S, 1, &[0]), None);
    }

    #[test]
    fn resizing_follows_the_axes() {
        let new = Shape::new(6, 2, 5);
        let view = View::channels_last(S).resized(S, new, None).unwrap();
        assert_eq!(view, View::channels_last(new));
        let groups = View::image(S).reshaped(&[1, 2, 3, 20]).unwrap();
        assert_eq!(groups.resized(S, new, None).unwrap().dims(), [1, 2, 3, 10]);
        let one = Shape::new(6, 1, 1);
        let flat = View::image(S).reshaped(&[1, 6, 20]).unwrap();
        assert_eq!(flat.covers(|k| k == 2, S), Some([true, true]));
        assert_eq!(flat.covers(|k| k == 1, S), None);
        assert_eq!(flat.resized(S, one, None).unwrap().dims(), [1, 6, 1]);
    }
}
