//! Folds affine maps into convolutions and cuts the network into activation tensors.
//!
//! A value is *pending* (a sum of linear operators, not yet stored) while exactly one other
//! operator reads it and that operator can absorb it: the ReLU that ends it, an affine map, an
//! addition. Everything else is cut: it becomes a tensor.

use tacita_protocol::plan::{ConvShape, CopyShape, Mask, Padding, Shape};

use super::affine::per_channel;
use super::commute::commute;
use super::graph::{Graph, Node, Op};
use super::pending::Pending;
use crate::error::{Error, Location, Result};
use crate::network::{FloatOp, FloatTerm, Layer, Network};

/// Most terms of one sum; longer ones are cut in between.
const MAX_TERMS: usize = 16;
/// Longest layer name, in bytes.
const MAX_NAME: usize = 200;

enum Place {
    Unused,
    Tensor(usize),
    Pending(Pending),
}

#[derive(Default)]
struct Folder {
    layers: Vec<Layer>,
    places: Vec<Place>,
    /// The tensor that holds a one.
    one: Option<usize>,
}

/// The folded network of everything that `output` depends on.
pub(super) fn fold(mut graph: Graph, output: usize) -> Result<Network> {
    gate(&mut graph);
    commute(&mut graph, output);
    let readers = graph.readers(output);
    let input = graph.nodes.first().map_or(Shape::new(0, 0, 0), |n| n.shape);
    let mut f = Folder::default();
    for (id, node) in graph.nodes.into_iter().enumerate() {
        // The input is tensor 0 even if nothing reads it; the plan's checks then refuse it.
        let readers = readers.get(id).copied().unwrap_or(0);
        let mut place = if readers == 0 && id > 0 { Place::Unused } else { f.place(node)? };
        if let (Place::Pending(_), true) = (&place, readers != 1 || id == output) {
            place = f.cut(place, None, None);
        }
        f.places.push(place);
    }
    check_logits(&f.layers)?;
    Ok(Network::new(input, f.layers))
}

/// Turns `m * relu(x)` with a mask `m`, where it is no piece of a masked ReLU, into a gate.
fn gate(graph: &mut Graph) {
    for id in 0..graph.nodes.len() {
        let Some((Op::Scale(v), relu)) = graph.op(id) else { continue };
        let Some((Op::Relu { cap: None }, x)) = graph.op(relu) else { continue };
        if v.iter().all(|m| *m == 0.0 || *m == 1.0) {
            let mask = Mask::from_bits(v.iter().map(|m| *m == 1.0));
            if let Some(node) = graph.nodes.get_mut(id) {
                (node.op, node.inputs) = (Op::Gate(mask), vec![x, x]);
            }
        }
    }
}

fn check_logits(layers: &[Layer]) -> Result<()> {
    let Some(last) = layers.last().filter(|_| layers.len() > 1) else {
        return Err(Error::input("the network computes nothing from its input"));
    };
    if last.mask.ones() > 0 {
        return Err(Error::input(format!(
            "the network ends in the ReLU `{}`: export it without, so that its output is the logits",
            last.name
        )));
    }
    Ok(())
}

impl Folder {
    fn place(&mut self, node: Node) -> Result<Place> {
        let Node { op, inputs, shape, at } = node;
        let len = shape.len();
        Ok(match op {
            Op::Input => self.cut(Place::Pending(Pending::empty(shape, at)), None, None),
            Op::Conv { shape: conv, weights, bias } => {
                let op = FloatOp::Conv { shape: conv, weights };
                Place::Pending(Pending { bias, ..Pending::of(self.tensor(&inputs), op, shape, at) })
            }
            Op::AvgPool(w) => self.pool(FloatOp::AvgPool(w), &inputs, shape, at),
            Op::MaxPool(w) => self.pool(FloatOp::MaxPool(w), &inputs, shape, at),
            Op::Affine { scale, shift } => Place::Pending(self.affine(&inputs, &scale, &shift)),
            Op::Scale(factors) => self.scale(&inputs, &factors, at)?,
            Op::Offset(values) => Place::Pending(self.offset(&inputs, &values)),
            Op::Relu { cap } => self.activate(&inputs, Mask::uniform(len, true), cap, at),
            Op::MaskedRelu { mask, cap } => self.activate(&inputs, mask, cap, at),
            Op::Gate(mask) => self.gate(&inputs, mask, at),
            Op::Sum => self.sum(&inputs, at),
            Op::Copies(copies) => Place::Pending(self.copies(&inputs, &copies, shape, at)),
        })
    }

    fn pool(&mut self, op: FloatOp, inputs: &[usize], shape: Shape, at: Location) -> Place {
        let pending = Pending::of(self.tensor(inputs), op, shape, at);
        self.cut(Place::Pending(pending), None, None)
    }

    fn affine(&mut self, inputs: &[usize], scale: &[f64], shift: &[f64]) -> Pending {
        let mut x = self.take(inputs, 0);
        let all = |v: f64| scale.iter().all(|s| *s == v);
        if !(all(1.0) || all(-1.0) && x.negate()) {
            if !x.scalable(|t| self.layers.get(t).map(|l| l.shape)) {
                x = self.stored(x);
            }
            x.scale(scale);
        }
        x.bias.iter_mut().zip(shift).for_each(|(b, t)| *b += t);
        x
    }

    fn scale(&mut self, inputs: &[usize], factors: &[f32], at: Location) -> Result<Place> {
        let channels = self.take_shape(inputs).channels;
        let Some(scale) = per_channel(factors, channels) else {
            let what = "it multiplies by a constant that varies within a channel, which is only \
                        supported inside a masked ReLU m * relu(x) + (1 - m) * x";
            return Err(Error::Node { at, what: what.into() });
        };
        let scale: Vec<f64> = scale.into_iter().map(f64::from).collect();
        Ok(Place::Pending(self.affine(inputs, &scale, &vec![0.0; scale.len()])))
    }

    /// Adds a constant of one value an element: a convolution that lays its kernel over a single
    /// pixel, which is 1.
    fn offset(&mut self, inputs: &[usize], values: &[f32]) -> Pending {
        let mut x = self.take(inputs, 0);
        if x.terms.len() == MAX_TERMS {
            x = self.stored(x);
        }
        let Shape { channels, height, width } = x.shape;
        let pad = Padding::symmetric(height.saturating_sub(1), width.saturating_sub(1));
        let one = ConvShape::same(Shape::new(1, 1, 1), channels, 1, 1);
        let shape = ConvShape { kernel_h: height, kernel_w: width, pad, ..one };
        let turned = values.chunks((height * width).max(1)).flat_map(|p| p.iter().rev().copied());
        let op = FloatOp::Conv { shape, weights: turned.collect() };
        let input = self.one();
        x.terms.push(FloatTerm { input, op });
        x
    }

    /// A tensor that holds a one: a pixel of the image, less itself, plus 1.
    fn one(&mut self) -> usize {
        if let Some(one) = self.one {
            return one;
        }
        let pixel = |negative| FloatTerm {
            input: 0,
            op: FloatOp::Copy(CopyShape { negative, ..CopyShape::whole(1, 0) }),
        };
        let terms = vec![pixel(false), pixel(true)];
        let layer = Layer::linear("constant", Shape::new(1, 1, 1), terms);
        self.layers.push(Layer { bias: vec![1.0], ..layer });
        *self.one.insert(self.layers.len() - 1)
    }

    fn activate(&mut self, inputs: &[usize], mask: Mask, cap: Option<f32>, at: Location) -> Place {
        let x = self.take(inputs, 0);
        self.cut(Place::Pending(Pending { at, ..x }), Some(mask), cap)
    }

    /// `m * relu(x)` is `x` plus the ReLU, where `m` holds, of `-x`: the rest of that is `-x`.
    fn gate(&mut self, inputs: &[usize], mask: Mask, at: Location) -> Place {
        let x = self.take(inputs, 0);
        let mut minus = self.stored(x);
        let mut sum = Pending {
            terms: minus.terms.clone(),
            at: at.clone(),
            ..Pending::empty(minus.shape, at)
        };
        minus.negate();
        minus.at = sum.at.clone();
        let relu = self.cut(Place::Pending(minus), Some(mask), None);
        if let Place::Tensor(t) = relu {
            sum.terms.extend(self.identity(t).terms);
        }
        Place::Pending(sum)
    }

    fn sum(&mut self, inputs: &[usize], at: Location) -> Place {
        let mut all = self.take(inputs, 0);
        for i in 1..inputs.len() {
            let next = self.take(inputs, i);
            if all.terms.len() + next.terms.len() > MAX_TERMS {
                all = self.stored(all);
            }
            all.bias.iter_mut().zip(&next.bias).for_each(|(a, b)| *a += b);
            all.terms.extend(next.terms);
        }
        Place::Pending(Pending { at, ..all })
    }

    fn copies(
        &mut self,
        inputs: &[usize],
        copies: &[(usize, CopyShape)],
        shape: Shape,
        at: Location,
    ) -> Pending {
        let mut all = Pending::empty(shape, at.clone());
        for (i, copy) in copies {
            if all.terms.len() == MAX_TERMS {
                all = Pending { at: at.clone(), ..self.stored(all) };
            }
            let input = self.tensor(inputs.get(*i..).unwrap_or_default());
            all.terms.push(FloatTerm { input, op: FloatOp::Copy(*copy) });
        }
        all
    }

    fn take_shape(&self, inputs: &[usize]) -> Shape {
        let place = inputs.first().and_then(|&i| self.places.get(i));
        match place {
            Some(Place::Pending(p)) => p.shape,
            Some(Place::Tensor(t)) => self.layers.get(*t).map_or(Shape::new(0, 0, 0), |l| l.shape),
            _ => Shape::new(0, 0, 0),
        }
    }

    /// The value of input `i` as a sum: absorbed if it is pending, else the stored tensor.
    fn take(&mut self, inputs: &[usize], i: usize) -> Pending {
        let id = inputs.get(i).copied().unwrap_or_default();
        if let Some(place @ Place::Pending(_)) = self.places.get_mut(id)
            && let Place::Pending(p) = std::mem::replace(place, Place::Unused)
        {
            return p;
        }
        self.identity(match self.places.get(id) {
            Some(Place::Tensor(t)) => *t,
            _ => 0,
        })
    }

    /// Cuts a sum, if it is more than a tensor itself, and reads it back.
    fn stored(&mut self, p: Pending) -> Pending {
        if let [FloatTerm { input, op: FloatOp::Copy(c) }] = p.terms.as_slice()
            && *c == CopyShape::whole(p.shape.channels, 0)
            && p.bias.iter().all(|b| *b == 0.0)
            && self.layers.get(*input).is_some_and(|l| l.shape == p.shape)
        {
            return p;
        }
        match self.cut(Place::Pending(p), None, None) {
            Place::Tensor(t) => self.identity(t),
            _ => self.identity(0),
        }
    }

    fn identity(&self, tensor: usize) -> Pending {
        let layer = self.layers.get(tensor);
        let shape = layer.map_or(Shape::new(0, 0, 0), |l| l.shape);
        let node = layer.map_or(String::new(), |l| l.name.clone());
        let at = Location { node, ..Location::default() };
        Pending::of(tensor, FloatOp::identity(shape.channels), shape, at)
    }

    /// The tensor that holds the first input, cut if it is still pending.
    fn tensor(&mut self, inputs: &[usize]) -> usize {
        let id = inputs.first().copied().unwrap_or_default();
        let Some(slot) = self.places.get_mut(id) else { return 0 };
        let place = std::mem::replace(slot, Place::Unused);
        let place = self.cut(place, None, None);
        let tensor = if let Place::Tensor(t) = place { t } else { 0 };
        if let Some(slot) = self.places.get_mut(id) {
            *slot = place;
        }
        tensor
    }

    /// Makes a tensor of a pending value, with a (masked) ReLU if `mask` is given.
    fn cut(&mut self, place: Place, mask: Option<Mask>, cap: Option<f32>) -> Place {
        let Place::Pending(p) = place else { return place };
        let len = p.shape.len();
        let unmasked_relus = if mask.is_some() { len } else { 0 };
        self.layers.push(Layer {
            name: layer_name(&p.at),
            shape: p.shape,
            terms: p.terms,
            bias: p.bias.into_iter().map(|b| b as f32).collect(),
            mask: mask.unwrap_or_else(|| Mask::uniform(len, false)),
            cap,
            unmasked_relus,
        });
        Place::Tensor(self.layers.len() - 1)
    }
}

fn layer_name(at: &Location) -> String {
    let mut name = if at.layer.is_empty() { at.node.clone() } else { at.layer.clone() };
    while name.len() > MAX_NAME {
        name.pop();
    }
    name
}
