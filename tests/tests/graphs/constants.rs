//! Constants as files hold them: in several encodings, or left to be computed by nodes.

use tacita_compile::testing::half;
use tacita_onnx::{DataType, TensorProto};

use crate::graph::{Graph, signed};

fn raw(name: &str, kind: DataType, dims: &[usize], bytes: Vec<u8>) -> TensorProto {
    let (name, data_type) = (name.into(), kind as i32);
    TensorProto { name, data_type, dims: signed(dims), raw_data: bytes, ..TensorProto::default() }
}

impl Graph {
    /// A constant of floats.
    pub fn floats(&mut self, dims: &[usize], values: &[f32]) -> String {
        match self.draw.below(16) {
            0 => self.listed(dims, values),
            1 => self.narrow(dims, values),
            2 => self.wide(dims, values),
            3 => self.summed(dims, values),
            4 => self.scaled(dims, values),
            5 => self.reshaped(dims, values),
            6 => self.cut(dims, values),
            7 => self.negated(dims, values),
            8 if dims.len() >= 2 => self.turned(dims, values),
            9 => self.rooted(dims, values),
            _ => self.plain(dims, values),
        }
    }

    /// One number, with no dimension or with one.
    pub fn number(&mut self, value: f32) -> String {
        let dims: &[usize] = self.draw.pick::<&[usize]>(&[&[], &[1]]);
        self.floats(dims, &[value])
    }

    /// One number without dimensions, stored as it is.
    pub fn scalar(&mut self, value: f32) -> String {
        self.plain(&[], &[value])
    }

    pub fn plain(&mut self, dims: &[usize], values: &[f32]) -> String {
        let name = self.fresh("float");
        let tensor = TensorProto::from_f32(&name, &signed(dims), values);
        self.tensor(tensor)
    }

    fn listed(&mut self, dims: &[usize], values: &[f32]) -> String {
        let name = self.fresh("listed");
        let tensor = TensorProto {
            float_data: values.to_vec(),
            ..raw(&name, DataType::Float, dims, vec![])
        };
        self.tensor(tensor)
    }

    fn cast(&mut self, tensor: TensorProto) -> String {
        let name = self.tensor(tensor);
        let node = self.node("Cast", &[&name]).with_int("to", DataType::Float as i64);
        self.add(node)
    }

    /// Half precision, cast.
    fn narrow(&mut self, dims: &[usize], values: &[f32]) -> String {
        let name = self.fresh("half");
        let bytes = values.iter().flat_map(|v| half(*v).to_le_bytes()).collect();
        self.cast(raw(&name, DataType::Float16, dims, bytes))
    }

    fn wide(&mut self, dims: &[usize], values: &[f32]) -> String {
        let name = self.fresh("double");
        let bytes = values.iter().flat_map(|v| f64::from(*v).to_le_bytes()).collect();
        self.cast(raw(&name, DataType::Double, dims, bytes))
    }

    fn summed(&mut self, dims: &[usize], values: &[f32]) -> String {
        let part = self.draw.reals(values.len(), -0.5, 0.5);
        let rest: Vec<f32> = values.iter().zip(&part).map(|(v, p)| v - p).collect();
        let (a, b) = (self.plain(dims, &part), self.plain(dims, &rest));
        self.op("Add", &[&a, &b])
    }

    fn scaled(&mut self, dims: &[usize], values: &[f32]) -> String {
        let by = self.draw.real(0.5, 2.0);
        let (op, change) = if self.draw.once_in(2) { ("Mul", 1.0 / by) } else { ("Div", by) };
        let values: Vec<f32> = values.iter().map(|v| v * change).collect();
        let (a, b) = (self.plain(dims, &values), self.scalar(by));
        self.op(op, &[&a, &b])
    }

    fn reshaped(&mut self, dims: &[usize], values: &[f32]) -> String {
        let flat = self.plain(&[values.len()], values);
        let to = self.ints(&signed(dims));
        self.op("Reshape", &[&flat, &to])
    }

    /// The front of a longer one.
    fn cut(&mut self, dims: &[usize], values: &[f32]) -> String {
        let Some((&first, rest)) = dims.split_first() else { return self.plain(dims, values) };
        let inner: usize = rest.iter().product();
        let mut longer = values.to_vec();
        longer.extend(self.draw.reals(inner, -1.0, 1.0));
        let all = [&[first + 1], rest].concat();
        let x = self.plain(&all, &longer);
        let [start, end, axis] = [0, first as i64, 0].map(|i| self.ints(&[i]));
        self.op("Slice", &[&x, &start, &end, &axis])
    }

    fn negated(&mut self, dims: &[usize], values: &[f32]) -> String {
        let values: Vec<f32> = values.iter().map(|v| -v).collect();
        let x = self.plain(dims, &values);
        self.op("Neg", &[&x])
    }

    /// Stored with its first two dimensions exchanged.
    fn turned(&mut self, dims: &[usize], values: &[f32]) -> String {
        let [a, b] = [dims[0], dims[1]];
        let inner: usize = dims[2..].iter().product();
        let at = |i: usize| (i / inner % a * b + i / inner / a) * inner + i % inner;
        let values: Vec<f32> = (0..values.len()).map(|i| values[at(i)]).collect();
        let x = self.plain(&[&[b, a], &dims[2..]].concat(), &values);
        let order: Vec<i64> = [1, 0].into_iter().chain(2..dims.len() as i64).collect();
        let node = self.node("Transpose", &[&x]).with_ints("perm", &order);
        self.add(node)
    }

    /// Positive numbers as roots of their squares.
    fn rooted(&mut self, dims: &[usize], values: &[f32]) -> String {
        if values.iter().any(|v| *v < 0.01) {
            return self.plain(dims, values);
        }
        let squares: Vec<f32> = values.iter().map(|v| v * v).collect();
        let x = self.plain(dims, &squares);
        self.op("Sqrt", &[&x])
    }

    /// Weights: floats, or integers with scales.
    pub fn weights(&mut self, dims: &[usize], values: &[f32]) -> String {
        if self.draw.once_in(8) { self.quantised(dims, values) } else { self.floats(dims, values) }
    }

    /// `DequantizeLinear` of 8-bit integers, one scale for all or one along an axis.
    fn quantised(&mut self, dims: &[usize], values: &[f32]) -> String {
        let axis = self.draw.below(3).checked_sub(1).filter(|a| *a < dims.len());
        let largest = values.iter().fold(1e-3f32, |m, v| m.max(v.abs()));
        let n = axis.map_or(1, |a| dims[a]);
        let scales: Vec<f32> = (0..n).map(|_| largest / 127.0 * self.draw.real(0.7, 1.0)).collect();
        let inner: usize = axis.map_or(1, |a| dims[a + 1..].iter().product());
        let scale = |i: usize| scales[i / inner % n];
        let each = values.iter().enumerate();
        let bytes = each.map(|(i, v)| (v / scale(i)).round().clamp(-127.0, 127.0) as i8 as u8);
        let (name, bytes) = (self.fresh("int8"), bytes.collect());
        let x = self.tensor(raw(&name, DataType::Int8, dims, bytes));
        let of: &[usize] = if axis.is_some() { &[n] } else { &[] };
        let scale = self.plain(of, &scales);
        let mut node = self.node("DequantizeLinear", &[&x, &scale]);
        if self.draw.once_in(2) {
            let name = self.fresh("zero");
            let zero = raw(&name, DataType::Int8, of, vec![0; n]);
            node.input.push(self.tensor(zero));
        }
        let node = match axis {
            Some(axis) if axis != 1 || self.draw.once_in(2) => node.with_int("axis", axis as i64),
            _ => node,
        };
        self.add(node)
    }
}
