//! The encrypted linear layers of one batch: groups of convolutions and how they are packed.

use zeroize::Zeroizing;

use crate::compute::Compute;
use crate::error::Result;
use crate::plan::{HeGroup, PublicPlan, SecretPlan, groups_of};
use crate::ring::add_assign;
use crate::rlwe::{
    self, CellMap, Defined, Evaluation, Packing, PreparedWeights, PublicKey, SecretKey, Source,
    WeightPart, Weights,
};
use crate::rng::{PublicSeed, SecretRng};
use crate::ticket::ServerTicket;

/// Every group of a plan, packed for a batch of tickets. Both parties derive the same.
pub(crate) struct LatticePlan {
    /// Tickets.
    pub(crate) batch: usize,
    /// Groups, by input tensor.
    pub(crate) groups: Vec<LatticeGroup>,
}

/// One group of convolutions on one tensor.
pub(crate) struct LatticeGroup {
    /// The convolutions.
    pub(crate) group: HeGroup,
    packing: Packing,
    cells: CellMap,
    /// Separates the public streams of a batch's groups.
    stream: u32,
}

impl LatticePlan {
    /// Packs every group. Fails with `Error::Input` if one cannot be packed.
    pub(crate) fn new(plan: &PublicPlan, batch: usize) -> Result<Self> {
        let mut groups: Vec<LatticeGroup> = Vec::new();
        let mut input = usize::MAX;
        let mut defined = Defined::none(0, 0);
        for group in groups_of(plan) {
            if group.input != input {
                input = group.input;
                let elements = plan.tensors.get(input).map_or(0, |t| t.shape.len());
                defined = Defined::none(batch, elements);
            }
            for (group, packing) in packed(group, batch)? {
                let source = Source { channels: group.tensor_channels, first: group.first_channel };
                let cells = CellMap::of_channels(&packing, source, &mut defined)?;
                let stream = groups.len() as u32;
                groups.push(LatticeGroup { group, packing, cells, stream });
            }
        }
        Ok(Self { batch, groups })
    }
}

/// Bytes of each group's prepared weights, packed for a batch of tickets.
pub(crate) fn prepared_bytes(plan: &PublicPlan, batch: usize) -> Result<Vec<usize>> {
    let packed = groups_of(plan).into_iter().map(|group| packed(group, batch));
    let groups = packed.collect::<Result<Vec<_>>>()?;
    Ok(groups.iter().flatten().map(|(_, packing)| PreparedWeights::bytes(packing)).collect())
}

/// A group with its packing; a grouped convolution as the dense parts that cost least.
fn packed(group: HeGroup, batch: usize) -> Result<Vec<(HeGroup, Packing)>> {
    if group.shape.groups == 1 {
        let packing = Packing::choose(&group.shape, batch)?;
        return Ok(vec![(group, packing)]);
    }
    let mut best: Option<(usize, usize)> = None;
    for size in part_sizes(group.shape.groups) {
        let first = group.part(0..size);
        let parts = group.shape.groups.div_ceil(size);
        let cost = parts * Packing::choose(&first.shape, batch)?.cost();
        match best {
            Some((least, _)) if cost >= 2 * least => break,
            Some((least, _)) if cost >= least => {}
            _ => best = Some((cost, size)),
        }
    }
    pack_parts(group.split(best.map_or(1, |(_, size)| size)), batch)
}

/// Numbers of groups in one part that are tried: 1, 2, 3, 4, 6, 8, 12, 16, ...
fn part_sizes(groups: usize) -> impl Iterator<Item = usize> {
    let powers = (0..usize::BITS - 2).map(|i| 1usize << i);
    let sizes = powers.flat_map(|p| [Some(p), (p > 1).then_some(p / 2 * 3)]);
    sizes.flatten().take_while(move |size| *size <= groups)
}

/// Parts of equal shape share one packing.
fn pack_parts(parts: Vec<HeGroup>, batch: usize) -> Result<Vec<(HeGroup, Packing)>> {
    let mut packed: Vec<(HeGroup, Packing)> = Vec::with_capacity(parts.len());
    for part in parts {
        let packing = match packed.last().filter(|(last, _)| last.shape == part.shape) {
            Some((_, packing)) => packing.clone(),
            None => Packing::choose(&part.shape, batch)?,
        };
        packed.push((part, packing));
    }
    Ok(packed)
}

impl LatticeGroup {
    /// Bytes of the upload.
    pub(crate) fn upload_bytes(&self) -> usize {
        self.cells.bytes()
    }

    /// Bytes of the response.
    pub(crate) fn response_bytes(&self) -> usize {
        self.packing.response_bytes()
    }

    /// How the convolutions are laid out.
    pub(crate) fn packing(&self) -> &Packing {
        &self.packing
    }

    /// Ciphertext-plaintext products.
    pub(crate) fn products(&self) -> usize {
        self.packing.products()
    }

    /// The packing, for people.
    pub(crate) fn describe(&self) -> String {
        let (s, p) = (&self.group.shape, &self.packing);
        format!(
            "{}->{} {}x{}/{}: {} tiles of {} rows, c={} m={}, {} up, {} down",
            s.input.channels,
            s.out_channels,
            s.kernel_h,
            s.kernel_w,
            s.stride,
            p.tiles(),
            p.tile_rows(),
            p.channels_per_input(),
            p.channels_per_response(),
            p.uploads(),
            p.responses(),
        )
    }

    /// Client: encrypts `r` (`[ticket][CHW]`), writing the masks that the ciphertexts define.
    pub(crate) fn encrypt(
        &self,
        key: &SecretKey,
        seed: &PublicSeed,
        r: &mut [u64],
        rng: &mut SecretRng,
    ) -> Result<Vec<u8>> {
        rlwe::encrypt_mask(key, &self.cells, seed, self.stream, r, rng)
    }

    /// Bytes that [`Self::prepare`] takes.
    pub(crate) fn prepared_bytes(&self) -> usize {
        PreparedWeights::bytes(&self.packing)
    }

    /// Server: the group's weights in the transform domain, computed by the ambient pool.
    pub(crate) fn prepare_now(&self, secret: &SecretPlan) -> Result<PreparedWeights> {
        PreparedWeights::new(&self.packing, &self.group.weights(secret))
    }

    /// Server: the same, as offline work.
    pub(crate) fn prepare(
        &self,
        compute: &Compute,
        secret: &SecretPlan,
    ) -> Result<PreparedWeights> {
        let (packing, weights) = (&self.packing, self.group.weights(secret));
        let parts = PreparedWeights::parts(packing).into_iter();
        let parts = compute.pieces(parts, |range| WeightPart::new(packing, &weights, range));
        Ok(PreparedWeights::of(packing, parts.into_iter().collect::<Result<_>>()?))
    }

    /// Server: `L(r) - mask`, encrypted.
    pub(crate) fn evaluate(
        &self,
        (compute, weights): (&Compute, Weights<'_>),
        (seed, upload): (&PublicSeed, &[u8]),
        key: &PublicKey,
        mask: &[u64],
        rng: &mut SecretRng,
    ) -> Result<Vec<u8>> {
        let parts = self.cells.split(upload)?.into_iter().enumerate();
        let read = |part| rlwe::receive_ciphertext(&self.cells, seed, self.stream, part);
        let input: Vec<_> = compute.pieces(parts, read).into_iter().collect::<Result<_>>()?;
        let evaluation = Evaluation { packing: &self.packing, weights, input: &input, key, mask };
        let groups = evaluation.groups(rng)?.into_iter();
        let pause = || compute.pass();
        Ok(compute.pieces(groups, |group| evaluation.respond(group, &pause)).concat())
    }

    /// Client: `L(r) - mask`, off by a small error.
    pub(crate) fn decrypt(&self, key: &SecretKey, response: &[u8]) -> Result<Vec<u64>> {
        rlwe::decrypt_response(key, &self.packing, response)
    }

    /// Adds the joint output `c` (`[ticket][CHW]`) to the accumulators of the tensors it is for
    /// (one entry a tensor, each `[ticket][CHW]`).
    pub(crate) fn add_outputs(&self, c: &[u64], accumulators: &mut [Zeroizing<Vec<u64>>]) {
        for member in &self.group.members {
            let (range, to) = (self.group.output_range(member), self.group.target_range(member));
            let Some(target) = accumulators.get_mut(member.tensor) else { continue };
            let tickets = c.chunks(self.group.shape.output().len());
            for (target, from) in target.chunks_mut(member.shape.output().len()).zip(tickets) {
                let target = target.get_mut(to.clone()).unwrap_or_default();
                add_assign(target, from.get(range.clone()).unwrap_or_default());
            }
        }
    }

    /// Adds the joint mask (`[ticket][CHW]`) to the masks of the tensors it is for.
    pub(crate) fn add_masks(&self, mask: &[u64], tickets: &mut [ServerTicket]) {
        for (ticket, mask) in tickets.iter_mut().zip(mask.chunks(self.group.shape.output().len())) {
            for member in &self.group.members {
                let own = mask.get(self.group.output_range(member)).unwrap_or_default();
                let to = self.group.target_range(member);
                let state = ticket.tensors.get_mut(member.tensor);
                if let Some(target) = state.and_then(|s| s.mask.0.get_mut(to)) {
                    add_assign(target, own);
                }
            }
        }
    }
}
