//! Checks on a plan: at compile time, and again whenever one is loaded or received.

use super::graph::{CopyShape, Linear, PoolShape, PublicPlan, TensorSpec, Term};
use super::groups::groups_of;
use super::limits::{
    MAX_ACCUMULATOR_FRAC, MAX_BATCH, MAX_ELEMENTS, MAX_GROUPS, MAX_NAME, MAX_TENSORS, MAX_TERMS,
    MAX_WEIGHTS, MAX_WINDOW,
};
use super::secret::SecretPlan;
use super::shape::{ConvShape, Padding, Shape};
use crate::error::{Error, Result};
use crate::rlwe;

/// A plan may fail by a gross truncation error at most once in 2^12 inferences.
pub const MAX_LOG2_FAILURE: f64 = -12.0;

fn check(ok: bool, what: impl FnOnce() -> String) -> Result<()> {
    if ok { Ok(()) } else { Err(Error::input(format!("unusable plan: {}", what()))) }
}

/// log2 of the probability that any local truncation of one inference makes a gross error:
/// each value of a truncated tensor fails with probability `|z| / 2^63` (docs/protocol.md,
/// section 2).
pub fn log2_truncation_failure(plan: &PublicPlan) -> f64 {
    let sum: f64 = plan
        .tensors
        .iter()
        .filter(|t| t.truncate > 0)
        .map(|t| t.shape.len() as f64 * (f64::from(t.magnitude + t.truncate) - 63.0).exp2())
        .sum();
    sum.log2()
}

impl PublicPlan {
    /// Checks everything the protocol relies on.
    ///
    /// # Errors
    /// [`Error::Input`] naming the tensor and the cause.
    pub fn validate(&self) -> Result<()> {
        check((2..=MAX_TENSORS).contains(&self.tensors.len()), || {
            format!("{} activation tensors, 2 to {MAX_TENSORS} are possible", self.tensors.len())
        })?;
        check((1..=MAX_BATCH).contains(&self.batch), || {
            format!("a batch of {} tickets, 1 to {MAX_BATCH} are possible", self.batch)
        })?;
        check(self.name.len() <= MAX_NAME, || "its name is too long".into())?;
        for (j, t) in self.tensors.iter().enumerate() {
            self.validate_tensor(j, t)?;
        }
        self.validate_input()?;
        self.validate_output()?;
        let choices = self.relu_choices.check(self);
        choices.map_err(|e| Error::input(format!("unusable plan: {e}")))?;
        let failure = log2_truncation_failure(self);
        check(failure <= MAX_LOG2_FAILURE, || {
            format!(
                "a truncation fails once in 2^{:.1} inferences, 2^12 is required: lower the \
                 fractional bits",
                -failure
            )
        })
    }

    fn validate_input(&self) -> Result<()> {
        let shape = self.tensors.first().map_or(Shape::new(0, 0, 0), |t| t.shape);
        normalisation_ok(&self.input.mean, &self.input.std, shape.channels)?;
        check(self.input.pictures || self.input.arrays.is_some(), || {
            "it takes neither pictures nor arrays".into()
        })?;
        let Some(arrays) = &self.input.arrays else { return Ok(()) };
        normalisation_ok(&arrays.mean, &arrays.std, shape.channels)?;
        let total = arrays.dims.iter().try_fold(1usize, |p, d| p.checked_mul(*d));
        let last = !arrays.channels_last || arrays.dims.last() == Some(&shape.channels);
        check((1..=4).contains(&arrays.dims.len()) && total == Some(shape.len()) && last, || {
            format!("arrays of {:?} for an input of {shape:?}", arrays.dims)
        })
    }

    fn validate_output(&self) -> Result<()> {
        self.validate_reveals()?;
        let classes = self.classes();
        check(self.labels.is_empty() || self.labels.len() == classes, || {
            format!("{} labels for {classes} classes", self.labels.len())
        })?;
        check(self.labels.iter().all(|l| l.len() <= MAX_NAME), || "a label is too long".into())?;
        let logits = self.tensors.get(self.logits_at());
        check(logits.is_some_and(|t| t.mask.ones() == 0), || {
            "a ReLU on the logits: drop it, it does not change the label".into()
        })
    }

    fn validate_tensor(&self, j: usize, t: &TensorSpec) -> Result<()> {
        let at = || format!("tensor {j} (`{}`)", t.name);
        check(t.name.len() <= MAX_NAME, || format!("the name of tensor {j} is too long"))?;
        check(shape_ok(t.shape), || format!("{}: its shape is out of range", at()))?;
        check(t.mask.len() == t.shape.len() && t.mask.is_well_formed(), || {
            format!("{}: its mask does not match its shape", at())
        })?;
        check((j == 0) == t.terms.is_empty() && t.terms.len() <= MAX_TERMS, || {
            format!("{}: it has {} terms", at(), t.terms.len())
        })?;
        check(j > 0 || (t.mask.ones() == 0 && t.truncate == 0), || {
            "the input tensor has a ReLU or a truncation".into()
        })?;
        let accumulator = t.frac.saturating_add(t.truncate);
        check(accumulator <= MAX_ACCUMULATOR_FRAC, || {
            format!("{}: {accumulator} fractional bits before truncation", at())
        })?;
        check((1..=48).contains(&t.magnitude), || {
            format!("{}: values of {} bits", at(), t.magnitude)
        })?;
        check(t.unmasked_relus == 0 || t.unmasked_relus == t.shape.len(), || {
            format!("{}: {} ReLUs unmasked", at(), t.unmasked_relus)
        })?;
        check(t.mask.ones() <= t.unmasked_relus, || {
            format!("{}: its mask keeps more ReLUs than the network has", at())
        })?;
        if t.mask.ones() > 0 {
            t.compare().map_err(|e| Error::input(format!("unusable plan: {}: {e}", at())))?;
        }
        t.terms.iter().try_for_each(|term| self.validate_term(j, t, term, accumulator))
    }

    fn validate_term(&self, j: usize, t: &TensorSpec, term: &Term, frac: u32) -> Result<()> {
        let at = || format!("tensor {j} (`{}`), operator on tensor {}", t.name, term.input);
        let from = self.tensors.get(term.input).filter(|_| term.input < j);
        let Some(from) = from else {
            return check(false, || format!("{}: not an earlier tensor", at()));
        };
        let (output, gained) = match &term.op {
            Linear::Conv(c) => {
                check(c.input == from.shape && conv_ok(c), || {
                    format!("{}: the convolution does not fit its input", at())
                })?;
                // The weights' fractional bits are whatever is missing to the accumulator's.
                (c.output(), frac.checked_sub(from.frac))
            }
            Linear::Copy(c) => {
                check(copy_ok(c, from.shape, t.shape), || {
                    format!("{}: the copied channels do not fit", at())
                })?;
                (t.shape, Some(c.shift))
            }
            Linear::AvgPool(p) => {
                check(pool_ok(p, from.shape), || {
                    format!("{}: the pooling window does not fit", at())
                })?;
                (p.output(from.shape), Some(p.added_frac))
            }
        };
        check(output == t.shape, || format!("{}: it makes a {output:?}", at()))?;
        check(gained.is_some_and(|g| from.frac.checked_add(g) == Some(frac)), || {
            format!("{}: its fractional bits do not match the sum's", at())
        })
    }
}

fn normalisation_ok(mean: &[f32], std: &[f32], channels: usize) -> Result<()> {
    let normal = |v: &[f32]| v.len() == channels && v.iter().all(|x| x.is_finite());
    check(normal(mean) && normal(std), || {
        "mean and std need one finite value per input channel".into()
    })?;
    check(std.iter().all(|s| *s > 0.0), || "std must be positive".into())
}

fn shape_ok(s: Shape) -> bool {
    let product = s.channels.checked_mul(s.height).and_then(|p| p.checked_mul(s.width));
    product.is_some_and(|p| (1..=MAX_ELEMENTS).contains(&p))
}

/// True if windows of this size and stride fit the padded image, and none lies in padding alone.
fn window_ok([height, width]: [usize; 2], stride: usize, pad: &Padding, image: Shape) -> bool {
    let within = |x: usize| (1..=MAX_WINDOW).contains(&x);
    within(height)
        && within(width)
        && within(stride)
        && pad.top.max(pad.bottom) < height
        && pad.left.max(pad.right) < width
        && pad.around(image).0 >= height
        && pad.around(image).1 >= width
}

fn conv_ok(c: &ConvShape) -> bool {
    let divides = |n: usize| (1..=MAX_GROUPS).contains(&c.groups) && n.is_multiple_of(c.groups);
    (1..=MAX_ELEMENTS).contains(&c.out_channels)
        && divides(c.input.channels)
        && divides(c.out_channels)
        && window_ok([c.kernel_h, c.kernel_w], c.stride, &c.pad, c.input)
        && shape_ok(c.output())
        && c.out_channels
            .checked_mul(c.group_inputs())
            .and_then(|p| p.checked_mul(c.kernel_h * c.kernel_w))
            .is_some_and(|p| p <= MAX_WEIGHTS)
}

fn pool_ok(p: &PoolShape, input: Shape) -> bool {
    window_ok([p.kernel_h, p.kernel_w], p.stride, &p.pad, input)
        && (1..=1 << 24).contains(&p.multiplier)
}

fn copy_ok(c: &CopyShape, input: Shape, output: Shape) -> bool {
    let holds = |first: usize, step: usize, s: Shape| {
        let last = c.channels.checked_sub(1).and_then(|n| n.checked_mul(step));
        last.and_then(|n| n.checked_add(first)).is_some_and(|last| last < s.channels)
    };
    let steps = c.stride.iter().chain(&c.spread).all(|s| (1..=MAX_WINDOW).contains(s));
    let starts = c.offset.iter().map(|o| o.unsigned_abs()).chain(c.at);
    c.step >= 1
        && holds(c.from, c.step, input)
        && holds(c.to, 1, output)
        && steps
        && starts.into_iter().all(|s| s <= MAX_WINDOW)
}

impl SecretPlan {
    /// Checks that the weights fit the public half and leave enough flooding noise.
    ///
    /// # Errors
    /// [`Error::Input`] naming the tensor and the cause.
    pub fn validate(&self, public: &PublicPlan) -> Result<()> {
        check(self.tensors.len() == public.tensors.len(), || {
            "its secret half is for another number of tensors".into()
        })?;
        for (j, (secret, spec)) in self.tensors.iter().zip(&public.tensors).enumerate() {
            let bias_ok = secret.bias.is_empty() || secret.bias.len() == spec.shape.channels;
            check(bias_ok && secret.weights.len() == spec.terms.len(), || {
                format!("tensor {j}: its biases or weights are not as many as its shape asks")
            })?;
            for (w, term) in secret.weights.iter().zip(&spec.terms) {
                let expected = match &term.op {
                    Linear::Conv(c) => c.weights(),
                    Linear::Copy(_) | Linear::AvgPool(_) => 0,
                };
                check(w.len() == expected, || format!("tensor {j}: {} weights", w.len()))?;
            }
        }
        self.validate_reveals(public)?;
        for group in groups_of(public) {
            let bound = rlwe::noise_bound(&group.weights(self), &group.shape);
            rlwe::check_flooding(bound).map_err(|e| {
                let layer = public.tensors.get(group.input).map_or("", |t| t.name.as_str());
                Error::input(format!("convolution on `{layer}`: {e}"))
            })?;
        }
        Ok(())
    }
}
