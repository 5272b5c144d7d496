//! Convolutions that share one upload: same input tensor, same window geometry.
//!
//! A grouped convolution stays alone, and is split into dense ones as its packing likes.
//! A tensor's mask is encrypted once per group. A projection shortcut (1x1, stride 2) reads
//! the same cells as the 3x3 stride-2 convolution beside it: embedded in the larger kernel (its
//! weights padded with zeros) it becomes further output channels of one packed product.

use std::ops::Range;

use super::graph::{Linear, PublicPlan};
use super::limits::MAX_WEIGHTS;
use super::secret::SecretPlan;
use super::shape::{ConvShape, Shape};

/// Convolutions evaluated as one, their output channels concatenated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeGroup {
    /// The tensor they read.
    pub input: usize,
    /// First of its channels that they read.
    pub first_channel: usize,
    /// Channels of that tensor.
    pub tensor_channels: usize,
    /// The joint convolution of the channels read.
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
    /// The first of them within its own output: 0 unless a grouped convolution was split.
    pub first_channel: usize,
}

impl HeGroup {
    /// Elements `channels` of the joint output that belong to `member`, for one ticket.
    pub fn output_range(&self, member: &Member) -> Range<usize> {
        let out = self.shape.output();
        let plane = out.height * out.width;
        member.channels.start * plane..member.channels.end * plane
    }

    /// Elements of `member`'s own output that the joint convolution gives, for one ticket.
    pub fn target_range(&self, member: &Member) -> Range<usize> {
        let out = self.shape.output();
        let first = member.first_channel * out.height * out.width;
        first..first + self.output_range(member).len()
    }

    /// The joint OIHW weights: members' kernels embedded in the joint kernel.
    pub fn weights(&self, secret: &SecretPlan) -> Vec<i32> {
        let mut joint = vec![0; self.shape.weights()];
        for m in &self.members {
            let own = secret.tensors.get(m.tensor).and_then(|t| t.weights.get(m.term));
            for (o, channel) in m.channels.clone().enumerate() {
                for i in 0..self.shape.group_inputs() {
                    let Some(plane) = self.member_plane(m, o, channel, i) else { continue };
                    let area = m.shape.kernel_h * m.shape.kernel_w;
                    let taps = own.and_then(|w| w.get(plane * area..(plane + 1) * area));
                    self.embed(m, taps.unwrap_or_default(), channel, i, &mut joint);
                }
            }
        }
        joint
    }

    /// Which of the member's kernels leads from input `i` of the joint convolution's group to its
    /// own `o`th output here; `None` where its own groups keep them apart.
    fn member_plane(&self, m: &Member, o: usize, channel: usize, i: usize) -> Option<usize> {
        let joint_group = channel / self.shape.group_outputs();
        let input = self.first_channel + joint_group * self.shape.group_inputs() + i;
        let own = m.first_channel + o;
        let per_group = m.shape.group_inputs();
        let first = own / m.shape.group_outputs() * per_group;
        let at = input.checked_sub(first).filter(|at| *at < per_group)?;
        Some(own * per_group + at)
    }

    fn embed(&self, m: &Member, taps: &[i32], o: usize, i: usize, joint: &mut [i32]) {
        let s = &self.shape;
        let (dy, dx) = (s.pad.top - m.shape.pad.top, s.pad.left - m.shape.pad.left);
        let plane = o * s.group_inputs() + i;
        for (ky, row) in taps.chunks_exact(m.shape.kernel_w).enumerate() {
            let at = (plane * s.kernel_h + ky + dy) * s.kernel_w + dx;
            if let Some(place) = joint.get_mut(at..at + row.len()) {
                place.copy_from_slice(row);
            }
        }
    }

    /// A grouped convolution as dense ones of `groups` groups each (the last may have fewer),
    /// weights between different groups being zero: a polynomial product of `c` channels with the
    /// filters of `m` has room for all `c * m` pairs anyway.
    pub fn split(&self, groups: usize) -> Vec<Self> {
        let s = &self.shape;
        let parts = (0..s.groups).step_by(groups.max(1));
        parts.map(|first| self.part(first..(first + groups).min(s.groups))).collect()
    }

    /// Some groups of a grouped convolution as a dense one.
    pub fn part(&self, groups: Range<usize>) -> Self {
        let s = &self.shape;
        let outputs = groups.start * s.group_outputs()..groups.end * s.group_outputs();
        let channels = groups.len() * s.group_inputs();
        let shape = ConvShape {
            input: Shape { channels, ..s.input },
            out_channels: outputs.len(),
            groups: 1,
            ..*s
        };
        let within = |m: &Member| {
            let start = m.channels.start.max(outputs.start);
            let end = m.channels.end.min(outputs.end);
            (start < end).then(|| Member {
                channels: start - outputs.start..end - outputs.start,
                first_channel: m.first_channel + start - m.channels.start,
                ..m.clone()
            })
        };
        Self {
            first_channel: self.first_channel + groups.start * s.group_inputs(),
            shape,
            members: self.members.iter().filter_map(within).collect(),
            ..*self
        }
    }
}

/// True if `inner` can be written as `outer`'s geometry with some zero weights, which leaves the
/// joint convolution within the bounds of one.
fn embeds(inner: &ConvShape, outer: &ConvShape) -> bool {
    let joint = ConvShape { out_channels: outer.out_channels + inner.out_channels, ..*outer };
    let (io, oo) = (inner.output(), outer.output());
    let fits = |pad: usize, kernel: usize, outer_pad: usize, outer_kernel: usize| {
        pad <= outer_pad && outer_pad - pad + kernel <= outer_kernel
    };
    inner.input == outer.input
        && inner.groups == 1
        && outer.groups == 1
        && joint.weights() <= MAX_WEIGHTS
        && inner.stride == outer.stride
        && (io.height, io.width) == (oo.height, oo.width)
        && fits(inner.pad.top, inner.kernel_h, outer.pad.top, outer.kernel_h)
        && fits(inner.pad.left, inner.kernel_w, outer.pad.left, outer.kernel_w)
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
                let channels = start..start + n;
                g.members.push(Member { tensor, term, shape, channels, first_channel: 0 });
            }
            None => groups.push(HeGroup {
                input,
                first_channel: 0,
                tensor_channels: shape.input.channels,
                shape,
                members: vec![Member { tensor, term, shape, channels: 0..n, first_channel: 0 }],
            }),
        }
    }
    groups
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::{Padding, TensorSecrets};

    /// A grouped convolution of 6 inputs and 4 outputs in 2 groups, weights numbered from 1.
    fn grouped() -> (HeGroup, SecretPlan) {
        let input = Shape::new(6, 3, 3);
        let shape = ConvShape { groups: 2, pad: Padding::NONE, ..ConvShape::same(input, 4, 1, 1) };
        let weights = (1..=shape.weights() as i32).collect();
        let secret = TensorSecrets { weights: vec![weights], bias: vec![] };
        let member = Member { tensor: 0, term: 0, shape, channels: 0..4, first_channel: 0 };
        let members = vec![member];
        let group = HeGroup { input: 0, first_channel: 0, tensor_channels: 6, shape, members };
        (group, SecretPlan { tensors: vec![secret] })
    }

    #[test]
    fn a_split_convolution_keeps_its_weights_in_place() {
        let (group, secret) = grouped();
        assert_eq!(group.weights(&secret), (1..=12).collect::<Vec<_>>());
        let [first, second] = &group.split(1)[..] else { panic!("two parts") };
        assert_eq!((first.first_channel, second.first_channel), (0, 3));
        assert_eq!(first.weights(&secret), [1, 2, 3, 4, 5, 6]);
        assert_eq!(second.weights(&secret), [7, 8, 9, 10, 11, 12]);
        let member = &second.members[0];
        assert_eq!((second.output_range(member), second.target_range(member)), (0..18, 18..36));
    }

    #[test]
    fn groups_in_one_part_stay_apart_by_zeros() {
        let (group, secret) = grouped();
        let [whole] = &group.split(2)[..] else { panic!("one part") };
        let rows =
            [[1, 2, 3, 0, 0, 0], [4, 5, 6, 0, 0, 0], [0, 0, 0, 7, 8, 9], [0, 0, 0, 10, 11, 12]];
        assert_eq!(whole.weights(&secret), rows.concat());
    }
}
