//! Typed access to a node's attributes.

use tacita_onnx::{AttributeProto, NodeProto, TensorProto};

use super::constant::Reason;

/// The attributes of one node.
#[derive(Clone, Copy)]
pub(super) struct Attributes<'a>(pub &'a NodeProto);

impl<'a> Attributes<'a> {
    fn get(self, name: &str) -> Option<&'a AttributeProto> {
        self.0.attribute.iter().find(|a| a.name == name)
    }

    pub fn int(self, name: &str, default: i64) -> i64 {
        self.get(name).map_or(default, |a| a.i)
    }

    pub fn float(self, name: &str, default: f32) -> f32 {
        self.get(name).map_or(default, |a| a.f)
    }

    pub fn string(self, name: &str) -> String {
        self.get(name).map(|a| String::from_utf8_lossy(&a.s).into_owned()).unwrap_or_default()
    }

    pub fn ints(self, name: &str) -> Option<&'a [i64]> {
        self.get(name).map(|a| a.ints.as_slice())
    }

    pub fn floats(self, name: &str) -> Vec<f32> {
        self.get(name).map(|a| a.floats.clone()).unwrap_or_default()
    }

    pub fn tensor(self, name: &str) -> Option<&'a TensorProto> {
        self.get(name).and_then(|a| a.t.as_ref())
    }

    pub fn attribute(self, name: &str) -> Option<&'a AttributeProto> {
        self.get(name)
    }

    /// Non-negative integers, exactly `N` of them.
    pub fn sizes<const N: usize>(self, name: &str, default: [usize; N]) -> Reason<[usize; N]> {
        let Some(ints) = self.ints(name) else { return Ok(default) };
        let sizes = ints.iter().map(|&i| usize::try_from(i).ok()).collect::<Option<Vec<_>>>();
        sizes
            .and_then(|v| <[usize; N]>::try_from(v).ok())
            .filter(|v| v.iter().all(|&x| x <= 1 << 12))
            .ok_or_else(|| format!("its attribute `{name}` {ints:?} is not {N} sizes"))
    }

    /// Refuses any value of an integer attribute but `only`.
    pub fn require(self, name: &str, only: i64, why: &str) -> Reason<()> {
        match self.int(name, only) {
            i if i == only => Ok(()),
            i => Err(format!("`{name}` = {i}: {why}")),
        }
    }

    /// Strides of rows and columns.
    pub fn strides(self) -> Reason<[usize; 2]> {
        let strides = self.sizes("strides", [1, 1])?;
        if strides.contains(&0) { Err("a stride of 0".into()) } else { Ok(strides) }
    }
}

/// An axis, counted from the end if negative.
pub(super) fn axis_of(axis: i64, rank: usize) -> Reason<usize> {
    let at = if axis < 0 { axis.saturating_add(rank as i64) } else { axis };
    usize::try_from(at)
        .ok()
        .filter(|a| *a < rank)
        .ok_or_else(|| format!("axis {axis} of a value of {rank} dimensions"))
}
