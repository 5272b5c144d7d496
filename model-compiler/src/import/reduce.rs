//! Means, sums and maxima over dimensions.

use tacita_onnx::NodeProto;
use tacita_protocol::plan::{Padding, Shape};

use super::attributes::{Attributes, axis_of};
use super::constant::Reason;
use super::interpret::{Interpreter, Operand, Step, Value};
use super::view::View;
use crate::error::Location;
use crate::network::Window;

/// What to make of the elements of a window.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Reduce {
    Mean,
    Sum,
    Max,
}

impl<'m> Interpreter<'m> {
    pub(super) fn reduce_mean(&mut self, node: &NodeProto, at: &Location) -> Step {
        self.reduce(Reduce::Mean, node, at)
    }

    pub(super) fn reduce_sum(&mut self, node: &NodeProto, at: &Location) -> Step {
        self.reduce(Reduce::Sum, node, at)
    }

    pub(super) fn reduce_max(&mut self, node: &NodeProto, at: &Location) -> Step {
        self.reduce(Reduce::Max, node, at)
    }

    fn reduce(&mut self, how: Reduce, node: &NodeProto, at: &Location) -> Step {
        let x = self.operand(node, 0)?;
        let (a, rank) = (Attributes(node), x.view.rank());
        let axes = self.axes(node)?.unwrap_or_default();
        if axes.is_empty() && a.int("noop_with_empty_axes", 0) != 0 {
            return Ok(Value::Node(x));
        }
        let axes = axes.iter().map(|&k| axis_of(k, rank)).collect::<Reason<Vec<_>>>()?;
        let reduced = |k: usize| axes.is_empty() || axes.contains(&k);
        let mut x = x;
        if rank == 4 && x.view.covers(reduced, x.shape).is_none() {
            x = self.laid_out(x, at)?;
        }
        let over = x.view.covers(reduced, x.shape);
        let [rows, columns] = over.ok_or_else(|| {
            format!("it reduces dimensions {axes:?} of a {:?}: only rows and columns", x.dims())
        })?;
        let Shape { channels, height, width } = x.shape;
        let kernel_h = if rows { height } else { 1 };
        let kernel_w = if columns { width } else { 1 };
        let w = Window { kernel_h, kernel_w, stride: 1, pad: Padding::NONE };
        let to = Shape::new(channels, height - kernel_h + 1, width - kernel_w + 1);
        let keep = a.int("keepdims", 1) != 0;
        let view = reduced_view(&x, to, reduced, keep)?;
        let image = Operand { view: View::image(x.shape), ..x };
        let y = match how {
            Reduce::Max => self.maximum(&image, w, at)?,
            _ => self.average(&image, w, at)?,
        };
        let y = match how {
            Reduce::Sum => self.uniform(&y, w.area() as f64, 0.0, at)?,
            _ => y,
        };
        Ok(Value::Node(Operand { view, ..y }))
    }
}

fn reduced_view(
    x: &Operand,
    to: Shape,
    reduced: impl Fn(usize) -> bool,
    keep: bool,
) -> Reason<View> {
    let entangled = "its input's dimensions are too entangled";
    // What is reduced becomes ones before the rest is laid out anew.
    let dims: Vec<usize> =
        x.view.dims().iter().enumerate().map(|(k, &d)| if reduced(k) { 1 } else { d }).collect();
    let view = x.view.resized(x.shape, to, None).filter(|v| v.dims() == dims).ok_or(entangled)?;
    if keep { Ok(view) } else { view.without(reduced).ok_or_else(|| entangled.into()) }
}
