//! Pooling.

use tacita_onnx::NodeProto;
use tacita_protocol::plan::{CopyShape, Padding, Shape};

use super::attributes::Attributes;
use super::constant::Reason;
use super::conv::common_stride;
use super::graph::Op;
use super::interpret::{Interpreter, Operand, Step, Value};
use super::padding::padding;
use super::phases::gcd;
use crate::error::Location;
use crate::network::Window;

/// How windows treat the edge of the image.
struct Edge {
    /// Some reach over it (`ceil_mode`).
    over: bool,
    /// Padding counts as elements.
    counted: bool,
    /// Padding that the operator asks for, without what windows reach over the edge.
    own: Padding,
    /// Strides of rows and columns beyond the one that both share: of the windows, every such one
    /// is wanted.
    thin: [usize; 2],
}

impl<'m> Interpreter<'m> {
    pub(super) fn average_pool(&mut self, node: &NodeProto, at: &Location) -> Step {
        let x = self.image(node, at)?;
        let a = Attributes(node);
        let (x, window, edge) = self.window(a, x, true)?;
        let thin = edge.thin;
        if edge.over && edge.counted && edge.own != Padding::NONE {
            // Padding counts, what lies behind it does not.
            let [bottom, right] =
                [window.pad.bottom - edge.own.bottom, window.pad.right - edge.own.right];
            let x = self.padded(&x, edge.own, at)?;
            let pad = Padding { bottom, right, ..Padding::NONE };
            let y = self.partial_average(&x, Window { pad, ..window }, at)?;
            return self.thinned(y, thin, at).map(Value::Node);
        }
        if window.pad != Padding::NONE && (!edge.counted || edge.over) {
            let y = self.partial_average(&x, window, at)?;
            return self.thinned(y, thin, at).map(Value::Node);
        }
        let y = self.average(&x, window, at)?;
        self.thinned(y, thin, at).map(Value::Node)
    }

    /// Every `by`-th row and column.
    fn thinned(&mut self, x: Operand, by: [usize; 2], at: &Location) -> Step<Operand> {
        if by == [1, 1] {
            return Ok(x);
        }
        let copy = CopyShape { stride: by, ..CopyShape::whole(x.shape.channels, 0) };
        let (height, width) = (x.shape.height.div_ceil(by[0]), x.shape.width.div_ceil(by[1]));
        let to = Shape { height, width, ..x.shape };
        self.copies(vec![(0, copy)], vec![x.id], to, super::view::View::image(to), at)
    }

    pub(super) fn global_average_pool(&mut self, node: &NodeProto, at: &Location) -> Step {
        let x = self.image(node, at)?;
        let window = whole(x.shape);
        self.average(&x, window, at).map(Value::Node)
    }

    pub(super) fn average(&mut self, x: &Operand, w: Window, at: &Location) -> Step<Operand> {
        if w.area() == 1 && w.stride == 1 && w.pad == Padding::NONE {
            return Ok(x.clone());
        }
        self.push_image(Op::AvgPool(w), x, w.output(x.shape), at)
    }

    pub(super) fn max_pool(&mut self, node: &NodeProto, at: &Location) -> Step {
        let x = self.image(node, at)?;
        if node.output.get(1).is_some_and(|o| !o.is_empty()) {
            return Err("its indices cannot be used".into());
        }
        let (x, window, edge) = self.window(Attributes(node), x, false)?;
        let y = self.maximum(&x, window, at)?;
        self.thinned(y, edge.thin, at).map(Value::Node)
    }

    pub(super) fn global_max_pool(&mut self, node: &NodeProto, at: &Location) -> Step {
        let x = self.image(node, at)?;
        let window = whole(x.shape);
        self.maximum(&x, window, at).map(Value::Node)
    }

    pub(super) fn maximum(&mut self, x: &Operand, w: Window, at: &Location) -> Step<Operand> {
        if w.area() == 1 && w.stride == 1 && w.pad == Padding::NONE {
            return Ok(x.clone());
        }
        self.push_image(Op::MaxPool(w), x, w.output(x.shape), at)
    }

    /// The window of a pooling operator, and its input without the zeros that a `Pad` put around
    /// it, where `zeros` may become the window's.
    fn window(
        &self,
        a: Attributes<'_>,
        x: Operand,
        zeros: bool,
    ) -> Reason<(Operand, Window, Edge)> {
        if a.ints("dilations").is_some_and(|d| d.iter().any(|&x| x != 1)) {
            return Err("dilated pooling windows are not supported".into());
        }
        let kernel = a.sizes("kernel_shape", [0, 0])?;
        let strides = a.strides()?;
        let wide = |p: &Padding| {
            let [h, w] = kernel;
            p.top.max(p.bottom) >= h || p.left.max(p.right) >= w
        };
        let included = a.int("count_include_pad", 0) != 0;
        let own = a.ints("pads").is_some_and(|p| p.iter().any(|p| *p != 0))
            || a.string("auto_pad").starts_with("SAME");
        let (mut x, mut before) = (x, Padding::NONE);
        // Zeros of a `Pad` count in every average: they can be the window's if all its padding does.
        if zeros && a.int("ceil_mode", 0) == 0 && (included || !own) {
            let (inner, around) = self.unpadded(x.clone(), kernel);
            if !wide(&padding(a, inner.shape, kernel, strides, around)?) {
                (x, before) = (inner, around);
            }
        }
        let own = padding(a, x.shape, kernel, strides, before)?;
        let (pad, over) = overhang(a, x.shape, kernel, strides, own);
        let common = common_stride(x.shape, kernel, strides, &pad);
        let [a_stride, b_stride] = strides;
        let (stride, thin) = match common {
            Ok(stride) => (stride, [1, 1]),
            Err(_) => {
                let both = gcd(a_stride, b_stride);
                (both, [a_stride / both, b_stride / both])
            }
        };
        if wide(&pad) {
            return Err("its padding is as wide as its window".into());
        }
        let edge = Edge { over, counted: included || before != Padding::NONE, own, thin };
        Ok((x, Window { kernel_h: kernel[0], kernel_w: kernel[1], stride, pad }, edge))
    }

    /// The mean over what of each window lies in the image: windows that are cut off alike are
    /// pooled apart, without padding, and the pieces put together.
    fn partial_average(&mut self, x: &Operand, w: Window, at: &Location) -> Step<Operand> {
        let out = w.output(x.shape);
        let rows = runs(out.height, w.kernel_h, w.stride, w.pad.top, x.shape.height);
        let columns = runs(out.width, w.kernel_w, w.stride, w.pad.left, x.shape.width);
        let (mut ids, mut copies) = (Vec::new(), Vec::new());
        for r in &rows {
            for c in &columns {
                let piece = self.piece(x, [r, c], w.stride, at)?;
                let offset = [-(r.first as isize), -(c.first as isize)];
                let whole = CopyShape::whole(x.shape.channels, 0);
                copies.push((ids.len(), CopyShape { offset, ..whole }));
                ids.push(piece.id);
            }
        }
        self.push(Op::Copies(copies), ids, out, super::view::View::image(out), at)
    }

    /// The windows of one run of rows and one of columns.
    fn piece(
        &mut self,
        x: &Operand,
        [r, c]: [&Run; 2],
        stride: usize,
        at: &Location,
    ) -> Step<Operand> {
        let span = |run: &Run| (run.count - 1) * stride + run.kernel;
        let shape = Shape::new(x.shape.channels, span(r), span(c));
        let whole = CopyShape::whole(x.shape.channels, 0);
        let offset = [r.start as isize, c.start as isize];
        let part = if shape == x.shape {
            x.clone()
        } else {
            let copy = vec![(0, CopyShape { offset, ..whole })];
            self.push_image(Op::Copies(copy), x, shape, at)?
        };
        let pad = Padding::NONE;
        let w = Window { kernel_h: r.kernel, kernel_w: c.kernel, stride, pad };
        self.average(&part, w, at)
    }
}

/// Outputs side by side whose windows keep equally many rows (or columns) of the image.
struct Run {
    first: usize,
    count: usize,
    /// Where the first window starts in the image.
    start: usize,
    kernel: usize,
}

fn runs(outputs: usize, kernel: usize, stride: usize, pad: usize, size: usize) -> Vec<Run> {
    let mut runs: Vec<Run> = Vec::new();
    for i in 0..outputs {
        let start = (i * stride).saturating_sub(pad);
        let len = (i * stride + kernel).saturating_sub(pad).min(size) - start;
        match runs.last_mut() {
            Some(r) if r.kernel == len && r.start + r.count * stride == start => r.count += 1,
            _ => runs.push(Run { first: i, count: 1, start, kernel: len }),
        }
    }
    runs
}

fn whole(s: Shape) -> Window {
    Window { kernel_h: s.height, kernel_w: s.width, stride: 1, pad: Padding::NONE }
}

/// Padding with the rows and columns that windows of `ceil_mode` reach over the edge; a window
/// that would start beyond the image is none.
fn overhang(
    a: Attributes<'_>,
    image: Shape,
    [kh, kw]: [usize; 2],
    [sh, sw]: [usize; 2],
    pad: Padding,
) -> (Padding, bool) {
    if a.int("ceil_mode", 0) == 0 {
        return (pad, false);
    }
    let (height, width) = pad.around(image);
    let extra = |padded: usize, k: usize, s: usize, real: usize| {
        let windows = (padded - k).div_ceil(s);
        let windows = if windows * s >= real { windows.saturating_sub(1) } else { windows };
        (windows * s + k).saturating_sub(padded)
    };
    let (below, right) = (
        extra(height, kh, sh, image.height + pad.top),
        extra(width, kw, sw, image.width + pad.left),
    );
    let all = Padding { bottom: pad.bottom + below, right: pad.right + right, ..pad };
    (all, below + right > 0)
}
