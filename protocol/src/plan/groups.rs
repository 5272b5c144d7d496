//! Convolutions that share one upload: same input tensor, same window geometry.
//!
//! A tensor's mask is encrypted once per group. A projection shortcut (1x1, stride 2) reads
//! the same cells as the 3x3 stride-2 convolution beside it: embedded in the larger kernel (its
//! weights padded with zeros) it becomes further output channels of one packed product.

use std::ops::Range;

use super::graph::{Linear, PublicPlan};
use super::secret::SecretPlan;
use super::shape::ConvShape;

/// Convolutions evaluated as one, their output channels concatenated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeGroup {
    /// The tensor they read.
    pub input: usize,
    /// The joint convolution.
    pub shape: ConvShape,
    /// The convolutions.
    pub members: Vec<Member>,
}

/// One convolution of a group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// The tensor it adds to.
    pub tensor: usize,
    /// Which of that tensor's terms it is.
    pub term: usize,
    /// Its own shape.
    pub shape: ConvShape,
    /// Its output channels within the joint convolution.
    pub channels: Range<usize>,
}

impl HeGroup {
    /// Elements `channels` of the joint output that belong to `member`, for one ticket.
    pub fn output_range(&self, member: &Member) -> Range<usize> {
        let out = self.shape.output();
        let plane = out.height * out.width;
        member.channels.start * plane..member.channels.end * plane
    }

    /// The joint OIHW weights: members' kernels embedded in the joint kernel.
    pub fn weights(&self, secret: &SecretPlan) -> Vec<i32> {
        let s = &self.shape;
        let mut joint = vec![0; s.weights()];
        for m in &self.members {
            let own = secret.tensors.get(m.tensor).and_then(|t| t.weights.get(m.term));
            let (dy, dx) = (s.pad_h - m.shape.pad_h, s.pad_w - m.shape.pad_w);
            let row = m.shape.kernel_w;
            let rows = own.into_iter().flat_map(|w| w.chunks_exact(row)).enumerate();
            for (index, taps) in rows {
                let (plane, ky) = (index / m.shape.kernel_h, index % m.shape.kernel_h);
                let plane = m.channels.start * s.input.channels + plane;
                let at = (plane * s.kernel_h + ky + dy) * s.kernel_w + dx;
                if let Some(place) = joint.get_mut(at..at + row) {
                    place.copy_from_slice(taps);
                }
            }
        }
        joint
    }
}

/// True if `inner` can be written as `outer`'s geometry with some zero weights.
fn embeds(inner: &ConvShape, outer: &ConvShape) -> bool {
    let (io, oo) = (inner.output(), outer.output());
    let fits = |pad: usize, kernel: usize, outer_pad: usize, outer_kernel: usize| {
        pad <= outer_pad && outer_pad - pad + kernel <= outer_kernel
    };
    inner.input == outer.input
        && inner.stride == outer.stride
        && (io.height, io.width) == (oo.height, oo.width)
        && fits(inner.pad_h, inner.kernel_h, outer.pad_h, outer.kernel_h)
        && fits(inner.pad_w, inner.kernel_w, outer.pad_w, outer.kernel_w)
}

/// Groups of a validated plan, by input tensor. Both parties derive the same list.
pub fn groups_of(plan: &PublicPlan) -> Vec<HeGroup> {
    (0..plan.tensors.len()).flat_map(|input| groups_of_input(plan, input)).collect()
}

fn groups_of_input(plan: &PublicPlan, input: usize) -> Vec<HeGroup> {
    let mut convs = Vec::new();
    for (tensor, spec) in plan.tensors.iter().enumerate() {
        for (term, t) in spec.terms.iter().enumerate() {
            if let (Linear::Conv(shape), true) = (&t.op, t.input == input) {
                convs.push((tensor, term, *shape));
            }
        }
    }
    // Largest kernel first, so that smaller ones find a host; the order is otherwise kept.
    convs.sort_by_key(|(_, _, s)| std::cmp::Reverse(s.kernel_h * s.kernel_w));
    let mut groups: Vec<HeGroup> = Vec::new();
    for (tensor, term, shape) in convs {
        let n = shape.out_channels;
        match groups.iter_mut().find(|g| embeds(&shape, &g.shape)) {
            Some(g) => {
                let start = g.shape.out_channels;
                g.shape.out_channels += n;
                g.members.push(Member { tensor, term, shape, channels: start..start + n });
            }
            None => groups.push(HeGroup {
                input,
                shape,
                members: vec![Member { tensor, term, shape, channels: 0..n }],
            }),
        }
    }
    groups
}
