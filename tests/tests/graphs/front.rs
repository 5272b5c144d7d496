//! The graph's input and what is done to it first.

use tacita_compile::pixels::Before;
use tacita_onnx::{DataType, DimensionValue, ValueInfoProto};

use crate::arithmetic::cast;
use crate::graph::{Graph, Value, signed};
use crate::pieces;

/// What the graph is fed with.
pub struct Front {
    pub channels: usize,
    pub height: usize,
    pub width: usize,
    /// Channels come last.
    pub last: bool,
    pub bytes: bool,
    /// What is done to pixels in 0..1 before the graph.
    pub before: Before,
    /// Said in the model's metadata, not at import.
    pub in_metadata: bool,
}

impl Front {
    pub fn draw(g: &mut Graph) -> Self {
        let d = &mut g.draw;
        let (channels, height, width) = (d.pick(&[1, 3, 3]), d.between(4, 14), d.between(4, 14));
        let (last, bytes) = (d.once_in(5), d.once_in(5));
        let before = match d.below(5) {
            _ if bytes => Before::bytes(),
            0 => Before::bytes(),
            1 => Before::range(-1.0, 1.0),
            2 => {
                let (mean, std) = (d.reals(channels, 0.3, 0.6), d.reals(channels, 0.2, 0.4));
                Before::of(&mean, &std)
            }
            _ => Before::range(0.0, 1.0),
        };
        let in_metadata = !bytes && before.mean.len() == channels && d.once_in(2);
        Self { channels, height, width, last, bytes, before, in_metadata }
    }

    pub fn dims(&self) -> [usize; 4] {
        match self.last {
            true => [1, self.height, self.width, self.channels],
            false => [1, self.channels, self.height, self.width],
        }
    }

    /// As the graph declares it; the batch is a name in some cases.
    pub fn declared(&self, g: &mut Graph) -> ValueInfoProto {
        let mut info = ValueInfoProto::float("image", &signed(&self.dims()));
        let Some(tensor) = info.r#type.as_mut().and_then(|t| t.tensor_type.as_mut()) else {
            return info;
        };
        if self.bytes {
            tensor.elem_type = DataType::Uint8 as i32;
        }
        if let Some(first) = tensor.shape.as_mut().and_then(|s| s.dim.first_mut())
            && g.draw.once_in(5)
        {
            first.value = Some(DimensionValue::Param("batch".into()));
        }
        info
    }

    /// The image, cast, turned and normalised.
    pub fn value(&self, g: &mut Graph) -> Value {
        let mut x = Value { name: "image".into(), dims: self.dims(), last: self.last };
        if g.draw.once_in(6) {
            x = moved(g, &x);
        }
        if self.bytes {
            x = cast(g, &x, DataType::Float);
        }
        let early = self.last && g.draw.once_in(2);
        if early {
            x = g.channels_first(&x);
        }
        if g.draw.once_in(8) {
            x = moved(g, &x);
        }
        x = self.normalised(g, x);
        g.channels_first(&x)
    }

    fn normalised(&self, g: &mut Graph, x: Value) -> Value {
        let (low, high) = (
            -self.before.mean[0] / self.before.std[0],
            (1.0 - self.before.mean[0]) / self.before.std[0],
        );
        let (low, span) = (low as f32, (high - low) as f32);
        // Pixels in 0..255 are normalised, as in networks that somebody could train.
        if span < 10.0 && g.draw.once_in(2) {
            return x;
        }
        match g.draw.below(5) {
            0 => {
                let n = g.number(span);
                g.map("Div", &x, &[&n])
            }
            1 => {
                let (factor, shift) = (g.number(2.0 / span), g.number(1.0 + 2.0 * low / span));
                let y = g.map("Mul", &x, &[&factor]);
                g.map("Sub", &y, &[&shift])
            }
            2 => {
                let n = g.number(span);
                let y = g.map("Div", &x, &[&n]);
                by_channel(g, &y, 0.0, 1.0)
            }
            3 => by_statistics(g, &x, low, span),
            _ => by_channel(g, &x, low, span),
        }
    }
}

/// Channels in another order, or borders cut off.
fn moved(g: &mut Graph, x: &Value) -> Value {
    if g.draw.once_in(2) { pieces::gather(g, x) } else { pieces::slice(g, x) }
}

/// `(x - mean) / deviation`, both of each channel.
fn by_channel(g: &mut Graph, x: &Value, low: f32, span: f32) -> Value {
    let (n, dims) = (x.channels(), x.per_channel());
    let mean = g.draw.reals(n, low + 0.3 * span, low + 0.6 * span);
    let std = g.draw.reals(n, 0.2 * span, 0.4 * span);
    let (op, std) = match g.draw.once_in(2) {
        true => ("Div", std),
        false => ("Mul", std.iter().map(|s| 1.0 / s).collect()),
    };
    let (mean, std) = (g.floats(&dims, &mean), g.floats(&dims, &std));
    let y = g.map("Sub", x, &[&mean]);
    g.map(op, &y, &[&std])
}

/// A batch normalisation that has seen the pixels.
fn by_statistics(g: &mut Graph, x: &Value, low: f32, span: f32) -> Value {
    let x = g.channels_first(x);
    let n = x.channels();
    let mean = g.draw.reals(n, low + 0.3 * span, low + 0.6 * span);
    let var: Vec<f32> = g.draw.reals(n, 0.2 * span, 0.4 * span).iter().map(|s| s * s).collect();
    let (gamma, beta) = (g.draw.reals(n, 0.5, 1.5), g.draw.reals(n, -0.3, 0.3));
    let mut node = g.node("BatchNormalization", &[&x.name]);
    for v in [gamma, beta, mean, var] {
        node.input.push(g.floats(&[n], &v));
    }
    g.image(node, &x, x.dims)
}
