//! Folds batch normalisation into convolutions and cuts the network into activation tensors.
//!
//! A value is *pending* (a sum of linear operators, not yet stored) while exactly one other
//! operator reads it and that operator can absorb it: the ReLU that ends it, a batch
//! normalisation, an addition. Everything else is cut: it becomes a tensor.

use tacet_protocol::plan::{Mask, Padding, Shape};

use super::graph::{Graph, Node, Op};
use super::ops::per_channel;
use crate::error::{Error, Location, Result};
use crate::network::{FloatOp, FloatTerm, Layer, Network, Window};

/// Most terms of one sum; longer ones are cut in between.
const MAX_TERMS: usize = 16;
/// Longest layer name, in bytes.
const MAX_NAME: usize = 200;

/// A sum of linear operators.
struct Pending {
    terms: Vec<FloatTerm>,
    /// One value a channel.
    bias: Vec<f64>,
    at: Location,
    shape: Shape,
}

enum Place {
    Unused,
    Tensor(usize),
    Pending(Pending),
}

struct Folder {
    layers: Vec<Layer>,
    places: Vec<Place>,
}

/// The folded network of everything that `output` depends on.
pub(super) fn fold(graph: Graph, output: usize) -> Result<Network> {
    let readers = graph.readers(output);
    let input = graph.nodes.first().map_or(Shape::new(0, 0, 0), |n| n.shape);
    let mut f = Folder { layers: Vec::new(), places: Vec::new() };
    for (id, node) in graph.nodes.into_iter().enumerate() {
        // The input is tensor 0 even if nothing reads it; the plan's checks then refuse it.
        let readers = readers.get(id).copied().unwrap_or(0);
        let mut place = if readers == 0 && id > 0 { Place::Unused } else { f.place(node)? };
        if let (Place::Pending(_), true) = (&place, readers != 1 || id == output) {
            place = f.cut(place, None);
        }
        f.places.push(place);
    }
    check_logits(&f.layers)?;
    Ok(Network::new(input, f.layers))
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
    if last.shape.height * last.shape.width != 1 {
        return Err(Error::input(format!(
            "the network's output is a {:?}: it must be one logit a class",
            last.shape
        )));
    }
    Ok(())
}

impl Folder {
    fn place(&mut self, node: Node) -> Result<Place> {
        let Node { op, inputs, shape, at } = node;
        match op {
            Op::Input => {
                let bias = vec![0.0; shape.channels];
                Ok(self.cut(Place::Pending(Pending { terms: vec![], bias, at, shape }), None))
            }
            Op::Conv { shape: conv, weights, bias } => {
                let op = FloatOp::Conv { shape: conv, weights };
                let terms = vec![FloatTerm { input: self.tensor(&inputs), op }];
                let bias = bias.into_iter().map(f64::from).collect();
                Ok(Place::Pending(Pending { terms, bias, at, shape }))
            }
            Op::AvgPool { kernel: [kernel_h, kernel_w], stride } => {
                let op =
                    FloatOp::AvgPool(Window { kernel_h, kernel_w, stride, pad: Padding::NONE });
                let terms = vec![FloatTerm { input: self.tensor(&inputs), op }];
                let bias = vec![0.0; shape.channels];
                Ok(self.cut(Place::Pending(Pending { terms, bias, at, shape }), None))
            }
            Op::Affine { scale, shift } => self.affine(&inputs, &scale, &shift, at),
            Op::Scale(factors) => {
                let what = "it multiplies by a constant that varies within a channel, which is \
                            only supported inside a masked ReLU m * relu(x) + (1 - m) * x";
                let scale = per_channel(&factors, shape.channels)
                    .ok_or_else(|| Error::Node { at: at.clone(), what: what.into() })?;
                let scale: Vec<f64> = scale.into_iter().map(f64::from).collect();
                self.affine(&inputs, &scale, &vec![0.0; scale.len()], at)
            }
            Op::Relu => Ok(self.activate(&inputs, Mask::uniform(shape.len(), true), at)),
            Op::MaskedRelu(mask) => Ok(self.activate(&inputs, mask, at)),
            Op::Sum => Ok(self.sum(&inputs, at)),
        }
    }

    fn affine(
        &mut self,
        inputs: &[usize],
        scale: &[f64],
        shift: &[f64],
        at: Location,
    ) -> Result<Place> {
        let mut x = self.take(inputs, 0);
        let only_convs = x.terms.iter().all(|t| matches!(t.op, FloatOp::Conv { .. }));
        if !only_convs && scale.iter().any(|s| *s != 1.0) {
            let what = format!(
                "it scales `{}`, which is not a Conv or Gemm that feeds it alone: a scale can only \
                 be folded into the weights before it",
                x.at.node
            );
            return Err(Error::Node { at, what });
        }
        for term in &mut x.terms {
            term.op.scale_channels(scale);
        }
        for ((b, s), t) in x.bias.iter_mut().zip(scale).zip(shift) {
            *b = *b * s + t;
        }
        Ok(Place::Pending(x))
    }

    fn activate(&mut self, inputs: &[usize], mask: Mask, at: Location) -> Place {
        let x = self.take(inputs, 0);
        self.cut(Place::Pending(Pending { at, ..x }), Some(mask))
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

    /// Cuts a sum and reads it back.
    fn stored(&mut self, p: Pending) -> Pending {
        match self.cut(Place::Pending(p), None) {
            Place::Tensor(t) => self.identity(t),
            _ => self.identity(0),
        }
    }

    fn identity(&self, tensor: usize) -> Pending {
        let layer = self.layers.get(tensor);
        let shape = layer.map_or(Shape::new(0, 0, 0), |l| l.shape);
        let node = layer.map_or(String::new(), |l| l.name.clone());
        Pending {
            terms: vec![FloatTerm { input: tensor, op: FloatOp::identity(shape.channels) }],
            bias: vec![0.0; shape.channels],
            at: Location { node, ..Location::default() },
            shape,
        }
    }

    /// The tensor that holds the first input, cut if it is still pending.
    fn tensor(&mut self, inputs: &[usize]) -> usize {
        let id = inputs.first().copied().unwrap_or_default();
        let Some(slot) = self.places.get_mut(id) else { return 0 };
        let place = std::mem::replace(slot, Place::Unused);
        let place = self.cut(place, None);
        let tensor = if let Place::Tensor(t) = place { t } else { 0 };
        if let Some(slot) = self.places.get_mut(id) {
            *slot = place;
        }
        tensor
    }

    /// Makes a tensor of a pending value, with a (masked) ReLU if `mask` is given.
    fn cut(&mut self, place: Place, mask: Option<Mask>) -> Place {
        let Place::Pending(p) = place else { return place };
        let len = p.shape.len();
        let unmasked_relus = if mask.is_some() { len } else { 0 };
        self.layers.push(Layer {
            name: layer_name(&p.at),
            shape: p.shape,
            terms: p.terms,
            bias: p.bias.into_iter().map(|b| b as f32).collect(),
            mask: mask.unwrap_or_else(|| Mask::uniform(len, false)),
            cap: None,
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
