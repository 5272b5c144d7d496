//! Operators that change what the model sees of a value, not the value.

use tacita_onnx::NodeProto;
use tacita_protocol::plan::{ConvShape, CopyShape, Shape};

use super::attributes::{Attributes, axis_of};
use super::constant::Reason;
use super::dimensions::{resolve, shape, squeezed, unsqueezed};
use super::graph::Op;
use super::interpret::{Fault, Interpreter, Operand, Step, Value};
use super::view::View;
use crate::error::Location;

/// Most copies that reorder a tensor.
const MAX_COPIES: usize = 1 << 10;
/// Most elements of a vector that a matrix lays out.
const MAX_VECTOR: usize = 1 << 10;

impl<'m> Interpreter<'m> {
    fn viewed(x: Operand, view: Option<View>, to: &[usize]) -> Step {
        let from = x.dims();
        let view = view.ok_or_else(|| format!("it cannot make a {to:?} of a {from:?}"))?;
        Ok(Value::Node(Operand { view, ..x }))
    }

    pub(super) fn flatten(&mut self, node: &NodeProto, at: &Location) -> Step {
        let x = self.operand(node, 0)?;
        let dims = x.dims();
        let axis = match Attributes(node).int("axis", 1) {
            a if a == dims.len() as i64 => dims.len(),
            a => axis_of(a, dims.len())?,
        };
        let (front, back) = dims.split_at_checked(axis).unwrap_or_default();
        self.reshaped(x, &[front.iter().product(), back.iter().product()], at)
    }

    pub(super) fn reshape(&mut self, node: &NodeProto, at: &Location) -> Step {
        let x = self.operand(node, 0)?;
        let zero_copies = Attributes(node).int("allowzero", 0) == 0;
        let to = resolve(&x.dims(), self.constant(node, 1)?.ints()?, zero_copies)?;
        self.reshaped(x, &to, at)
    }

    /// Other dimensions of the same elements, which are laid out anew if they cannot be walked so as
    /// they lie.
    fn reshaped(&mut self, x: Operand, to: &[usize], at: &Location) -> Step {
        let view = x.view.reshaped(to);
        let as_many = to.iter().product::<usize>() == x.shape.len();
        if view.is_none() && as_many {
            let y = self.laid_out(x.clone(), at).unwrap_or(x);
            let view = y.view.reshaped(to);
            return Self::viewed(y, view, to);
        }
        Self::viewed(x, view, to)
    }

    pub(super) fn transpose(&self, node: &NodeProto) -> Step {
        let x = self.operand(node, 0)?;
        let rank = x.view.rank();
        let order = match Attributes(node).ints("perm") {
            Some(p) => p.iter().map(|&k| axis_of(k, rank)).collect::<Reason<Vec<_>>>()?,
            None => (0..rank).rev().collect(),
        };
        let view = x.view.transposed(&order);
        Self::viewed(x, view, &order)
    }

    /// Axes from the second input or (before operator set 13) the attribute.
    pub(super) fn axes(&self, node: &NodeProto) -> Reason<Option<Vec<i64>>> {
        match self.optional_constant(node, 1)? {
            Some(c) => Ok(Some(c.ints()?.to_vec())),
            None => Ok(Attributes(node).ints("axes").map(<[i64]>::to_vec)),
        }
    }

    pub(super) fn squeeze(&self, node: &NodeProto) -> Step {
        let x = self.operand(node, 0)?;
        let to = squeezed(&x.dims(), self.axes(node)?.as_deref())?;
        let view = x.view.reshaped(&to);
        Self::viewed(x, view, &to)
    }

    pub(super) fn unsqueeze(&self, node: &NodeProto) -> Step {
        let x = self.operand(node, 0)?;
        let to = unsqueezed(&x.dims(), &self.axes(node)?.unwrap_or_default())?;
        let view = x.view.reshaped(&to);
        Self::viewed(x, view, &to)
    }

    /// Only an expansion that changes nothing.
    pub(super) fn expand(&self, node: &NodeProto) -> Step {
        let x = self.operand(node, 0)?;
        let to = self.constant(node, 1)?.sizes()?;
        let dims = x.dims();
        let lead = dims.len().checked_sub(to.len());
        let same = lead
            .and_then(|l| dims.get(l..))
            .is_some_and(|tail| tail.iter().zip(&to).all(|(d, t)| d == t || *t == 1));
        if same { Ok(Value::Node(x)) } else { Err("it repeats a value of the image".into()) }
    }

    pub(super) fn shape_of(&mut self, node: &NodeProto) -> Step {
        let x = self.operand(node, 0)?;
        self.folded(shape(&x.dims(), Attributes(node))?)
    }

    pub(super) fn dropout(&self, node: &NodeProto) -> Step {
        if let Some(training) = self.optional_constant(node, 2)?
            && training.floats().iter().any(|x| *x != 0.0)
        {
            return Err("it is in training mode: export the model in evaluation mode".into());
        }
        Ok(self.value(node, 0)?)
    }

    /// The value as a stored image: as it is, or its channels and pixels copied into place.
    pub(super) fn as_image(&mut self, x: Operand, at: &Location) -> Step<Operand> {
        // A signal is an image of one row.
        let view = if x.view.rank() == 3 { x.view.clone().with_row() } else { x.view.clone() };
        let x = Operand { view, ..x };
        let dims = x.dims();
        let &[1, channels, height, width] = dims.as_slice() else {
            return Err(Fault::Because(format!(
                "its input is a {dims:?}, an image [1, channels, rows, columns] or a signal [1, \
                 channels, length] is needed"
            )));
        };
        if x.view == View::image(x.shape) {
            return Ok(x);
        }
        let to = Shape::new(channels, height, width);
        let copies = rearranged(&x, to).ok_or_else(|| {
            format!(
                "its input, a {:?} seen as a {dims:?}, lies in memory in an order that would have \
                 to be rearranged",
                x.shape
            )
        })?;
        self.push_image(Op::Copies(copies), &x, to, at)
    }

    /// The value with each dimension an axis of what is stored: an image, its channels first or
    /// last, or a vector.
    pub(super) fn laid_out(&mut self, x: Operand, at: &Location) -> Step<Operand> {
        if x.view.rank() < 4 {
            return self.as_vector(x, at);
        }
        let turned = x.view.transposed(&[0, 3, 1, 2]).map(|view| Operand { view, ..x.clone() });
        match (self.as_image(x, at), turned) {
            (Err(first), Some(turned)) => {
                let image = self.as_image(turned, at).map_err(|_| first)?;
                let view = View::channels_last(image.shape);
                Ok(Operand { view, ..image })
            }
            (image, _) => image,
        }
    }

    /// A flattened value as a vector of one pixel: a matrix that lays its elements out in the
    /// model's order, which the matrix behind it takes in.
    pub(super) fn as_vector(&mut self, x: Operand, at: &Location) -> Step<Operand> {
        let (n, dims) = (x.shape.len(), x.dims());
        let out = Shape::new(n, 1, 1);
        if dims.iter().filter(|d| **d != 1).count() > 1 || n > MAX_VECTOR {
            return Err(Fault::Because(format!(
                "its input, a {:?} seen as a {dims:?}, would have to be rearranged",
                x.shape
            )));
        }
        if x.shape == out && x.view.indices().is_sorted() {
            return Ok(x);
        }
        let mut weights = vec![0.0; n * n];
        for (row, from) in weights.chunks_mut(n).zip(x.view.indices()) {
            row.iter_mut().skip(from).take(1).for_each(|w| *w = 1.0);
        }
        let (kernel_h, kernel_w) = (x.shape.height, x.shape.width);
        let shape = ConvShape { kernel_h, kernel_w, ..ConvShape::same(x.shape, n, 1, 1) };
        let view = View::vector(out).reshaped(&dims).ok_or("it has too many dimensions")?;
        let op = Op::Conv { shape, weights, bias: vec![0.0; n] };
        self.push(op, vec![x.id], out, view, at)
    }
}

/// Copies of runs of channels that store `x` as the image it is seen as.
fn rearranged(x: &Operand, to: Shape) -> Option<Vec<(usize, CopyShape)>> {
    let Shape { height, width, .. } = x.shape;
    let plane = height * width;
    // Rows must go down the stored rows, columns along the stored columns.
    let (down, along) = (x.view.step(2)?, x.view.step(3)?);
    let stride = [(down / width).max(1), along.max(1)];
    let rows_fit = down % width == 0 && (stride[0] < height.max(2) || down == 0);
    let columns_fit = stride[1] < width.max(2);
    if !rows_fit || !columns_fit {
        return None;
    }
    let mut copies: Vec<(usize, CopyShape)> = Vec::new();
    for (c, base) in x.view.offsets(1).into_iter().enumerate() {
        let (from, y, column) = (base / plane, base % plane / width, base % width);
        if y + (to.height - 1) * down / width >= height || column + (to.width - 1) * along >= width
        {
            return None;
        }
        let offset = [isize::try_from(y).ok()?, isize::try_from(column).ok()?];
        match copies.last_mut() {
            Some((_, last)) if last.offset == offset && last.from + last.channels == from => {
                last.channels += 1;
            }
            _ => copies
                .push((0, CopyShape { from, to: c, stride, offset, ..CopyShape::whole(1, 0) })),
        }
    }
    (copies.len() <= MAX_COPIES).then_some(copies)
}
