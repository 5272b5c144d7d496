//! What the client learns: all logits, or the largest one alone and its class.
//!
//! **Arg-max** is a tournament of the tensors that a plan has anyway: copies and ReLUs. The logits
//! `x_i` of `C` classes, truncated, become `v_i = (x_i << b) + (C - 1 - i)` with `b` bits for a
//! class. These values are distinct, their order is that of the logits, and among equal logits the
//! smallest class comes first. In each round `max(p, q) = q + relu(p - q)` halves them (one left
//! over goes on as it is): `C - 1` comparisons in `ceil(log2 C)` tensors with ReLUs. Nothing is
//! truncated, so that the last value is one of the `v_i` to the last bit, whatever shares the
//! parties drew. It is all that is opened: the client reads off the winning logit and its class,
//! and knows about the others only that they are not larger.
//!
//! The constants are the bias of the first of these tensors, which the server adds to its share;
//! sums that no convolution reads cost no bytes.

use serde::{Deserialize, Serialize};

use super::graph::{CopyShape, Linear, Mask, PublicPlan, TensorSpec, Term};
use super::head::{class_of, classes_of};
use super::limits::MAX_ELEMENTS;
use super::secret::TensorSecrets;
use super::shape::Shape;
use super::{Plan, SecretPlan};
use crate::error::{Error, Result};
use crate::gadget::ReluChoice;

/// What an inference reveals to the client.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Reveals {
    /// Every logit.
    #[default]
    Logits,
    /// The class of the largest logit, the smallest class of equals, and that logit: one value,
    /// `(logit << b) + classes - 1 - class`, `b` being [`Self::class_bits`].
    Top1 {
        /// Logits, of which one is revealed.
        classes: usize,
    },
}

/// The class that an inference ends in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Winner {
    /// Its number, from 0.
    pub class: usize,
    /// Its logit (of one logit alone: that one), two's complement with [`PublicPlan::logit_frac`] fractional bits.
    pub logit: i64,
}

impl Reveals {
    /// Low bits of the opened value that hold the class.
    pub const fn class_bits(self) -> u32 {
        match self {
            Self::Logits => 0,
            Self::Top1 { classes } => usize::BITS - classes.saturating_sub(1).leading_zeros(),
        }
    }

    /// Tensors of the arg-max, behind the logits: the values, then differences and maxima of each
    /// round.
    const fn tail(self) -> usize {
        match self {
            Self::Logits => 0,
            // Rounds halve: as many as a class has bits.
            Self::Top1 { .. } => 1 + 2 * self.class_bits() as usize,
        }
    }

    /// Short name: `logits` or `top1`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Logits => "logits",
            Self::Top1 { .. } => "top1",
        }
    }
}

impl std::fmt::Display for Reveals {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Logits => write!(f, "all logits"),
            Self::Top1 { classes } => write!(f, "one of {classes} classes and its logit"),
        }
    }
}

impl PublicPlan {
    /// Where the logits are among the tensors: the last one, or before the arg-max.
    pub fn logits_at(&self) -> usize {
        self.tensors.len().saturating_sub(1 + self.reveals.tail())
    }

    /// Number of classes, of each pixel in a map: two if there is only one logit.
    pub fn classes(&self) -> usize {
        classes_of(self.tensors.get(self.logits_at()).map_or(0, |t| t.shape.channels))
    }

    /// Fractional bits of the logits.
    pub fn logit_frac(&self) -> u32 {
        self.tensors.get(self.logits_at()).map_or(0, |t| t.frac)
    }

    /// Reads the opened values of an inference: the class that the logits name ([`class_of`]).
    ///
    /// # Errors
    /// `PeerMisbehaved` if they are no value that the plan can end in.
    pub fn winner(&self, opened: &[i64]) -> Result<Winner> {
        let winner = match self.reveals {
            Reveals::Logits => {
                let class = class_of(opened);
                let logit = opened.get(class).or(opened.first());
                logit.map(|logit| Winner { class, logit: *logit })
            }
            // Nothing is compared; the low bits hold no class.
            Reveals::Top1 { classes: 1 } => {
                opened.first().map(|x| Winner { class: class_of(&[*x]), logit: *x })
            }
            Reveals::Top1 { classes } => opened.first().and_then(|value| {
                let bits = self.reveals.class_bits();
                let rank = (*value as u64 & ((1 << bits) - 1)) as usize;
                let class = classes.checked_sub(1)?.checked_sub(rank)?;
                Some(Winner { class, logit: value >> bits })
            }),
        };
        winner.ok_or_else(|| {
            Error::misbehaved("the value opened names none of the classes: the parties disagree")
        })
    }

    /// Checks that the tensors behind the logits are an arg-max of them, if that is revealed.
    pub(super) fn validate_reveals(&self) -> Result<()> {
        let Reveals::Top1 { classes } = self.reveals else { return Ok(()) };
        let refused = |why: &str| Error::input(format!("unusable plan: its arg-max {why}"));
        if !(1..=MAX_ELEMENTS).contains(&classes) || self.tensors.len() <= self.reveals.tail() {
            return Err(refused(&format!("is one of {classes} classes")));
        }
        let at = self.logits_at();
        let (logits, behind) = match self.tensors.get(at..) {
            Some([logits, behind @ ..]) if at > 0 => (logits, behind),
            _ => return Err(refused("is of the image")),
        };
        if logits.shape != Shape::new(classes, 1, 1) || behind != arg_max(logits, at).as_slice() {
            return Err(refused("is not made of the comparisons it needs: compile it again"));
        }
        Ok(())
    }
}

impl SecretPlan {
    /// Checks the constants of the arg-max, if there is one.
    pub(super) fn validate_reveals(&self, public: &PublicPlan) -> Result<()> {
        let Reveals::Top1 { classes } = public.reveals else { return Ok(()) };
        let values = self.tensors.get(public.logits_at() + 1);
        if values.is_none_or(|t| t.bias != ranks(classes)) {
            return Err(Error::input("unusable plan: its arg-max has wrong constants"));
        }
        Ok(())
    }
}

impl Plan {
    /// The same network with nothing revealed but the class of the largest logit, and that logit.
    ///
    /// # Errors
    /// [`Error::Input`] if the logits are no list, or too wide to be compared.
    pub fn into_top1(self) -> Result<Self> {
        let Self { mut public, mut secret, record } = self;
        append_top1(&mut public, &mut secret);
        Ok(Self { record, ..Self::new(public, secret)? })
    }
}

/// Appends the arg-max of the logits to a plan that is still to be validated; a plan that has one
/// stays as it is.
pub fn append_top1(public: &mut PublicPlan, secret: &mut SecretPlan) {
    let list = public.reveals == Reveals::Logits && public.map().is_none();
    let Some(logits) = public.output().filter(|_| list) else { return };
    let classes = logits.shape.len();
    let tail = arg_max(logits, public.tensors.len() - 1);
    for (i, spec) in tail.into_iter().enumerate() {
        if spec.mask.ones() > 0 {
            public.relu_choices.push(ReluChoice::default());
        }
        let bias = if i == 0 { ranks(classes) } else { Vec::new() };
        secret.tensors.push(TensorSecrets { weights: vec![Vec::new(); spec.terms.len()], bias });
        public.tensors.push(spec);
    }
    public.reveals = Reveals::Top1 { classes };
}

/// What is added to each class's logit: the larger, the earlier the class.
fn ranks(classes: usize) -> Vec<i64> {
    (0..classes as i64).rev().collect()
}

/// The tensors that follow the logits, which are tensor `at`.
fn arg_max(logits: &TensorSpec, at: usize) -> Vec<TensorSpec> {
    let mut left = logits.shape.len();
    let bits = Reveals::Top1 { classes: left }.class_bits();
    let first = Tail { frac: logits.frac + bits, magnitude: logits.magnitude + bits };
    let term = |input, op| Term { input, op: Linear::Copy(op) };
    let values = term(at, CopyShape::whole(left, bits));
    let mut tensors = vec![first.tensor("arg-max values".into(), left, vec![values], false)];
    // Differences are one bit wider than what they are made of.
    let wider = Tail { magnitude: first.magnitude + 1, ..first };
    let mut last = at + 1;
    for round in 1..=bits {
        let pairs = left / 2;
        left -= pairs;
        let block = |from, channels, negative| {
            term(last, CopyShape { from, negative, ..CopyShape::whole(channels, 0) })
        };
        let differences = vec![block(0, pairs, false), block(pairs, pairs, true)];
        let excess = term(last + 1, CopyShape::whole(pairs, 0));
        let maxima = vec![block(pairs, left, false), excess];
        tensors.push(wider.tensor(format!("arg-max round {round}"), pairs, differences, true));
        tensors.push(first.tensor(format!("arg-max maxima {round}"), left, maxima, false));
        last += 2;
    }
    tensors
}

/// What the tensors of an arg-max have in common.
#[derive(Clone, Copy)]
struct Tail {
    frac: u32,
    magnitude: u32,
}

impl Tail {
    fn tensor(self, name: String, len: usize, terms: Vec<Term>, relus: bool) -> TensorSpec {
        TensorSpec {
            name,
            shape: Shape::new(len, 1, 1),
            frac: self.frac,
            truncate: 0,
            magnitude: self.magnitude,
            dropped: 0,
            terms,
            mask: Mask::uniform(len, relus),
            unmasked_relus: if relus { len } else { 0 },
        }
    }
}

#[cfg(test)]
mod tests;
