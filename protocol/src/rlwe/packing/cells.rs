//! What travels for each cell of each upload ciphertext.

use std::sync::Arc;

use super::MAX_ELEMENTS;
use super::Packing;
use crate::error::{Error, Result};
use crate::rlwe::params::DEGREE;

/// What one coefficient of an upload ciphertext is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::rlwe) enum Cell {
    /// Defines the mask of this element: 8 bytes travel.
    Free(usize),
    /// Carries the mask that this element already has: 16 bytes.
    Known(usize),
    /// Must be zero: 16 bytes.
    Zero,
    /// No wanted output sees it: nothing travels.
    Skip,
}

impl Cell {
    /// Bytes that travel.
    #[cfg(test)]
    pub(in crate::rlwe) fn bytes(self) -> usize {
        match self {
            Self::Free(_) => 8,
            Self::Known(_) | Self::Zero => 16,
            Self::Skip => 0,
        }
    }
}

const SKIP: u32 = u32::MAX;
const ZERO: u32 = u32::MAX - 1;

/// Elements whose mask is defined already: `[ticket][input CHW]` of one activation tensor.
///
/// A tensor that feeds several convolutions passes one set through all of their packings, in the
/// same order at both parties. What is left undefined at the end no convolution reads.
#[derive(Clone)]
pub struct Defined {
    words: Vec<u64>,
    len: usize,
}

impl Defined {
    /// Nothing defined yet, for `batch` tickets of a tensor with `len` elements.
    pub fn none(batch: usize, len: usize) -> Self {
        let len = batch * len;
        Self { words: vec![0; len.div_ceil(64)], len }
    }

    /// Elements of all tickets.
    pub fn len(&self) -> usize {
        self.len
    }

    /// True if there are no elements.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// True if the element's mask is defined; false beyond the last element.
    pub fn contains(&self, element: usize) -> bool {
        self.words.get(element / 64).is_some_and(|word| word >> (element % 64) & 1 == 1)
    }

    /// Elements without a mask.
    pub fn missing(&self) -> impl Iterator<Item = usize> + '_ {
        (0..self.len).filter(|e| !self.contains(*e))
    }

    /// Marks an element; true if it was not defined before.
    fn define(&mut self, element: usize) -> bool {
        let fresh = !self.contains(element);
        self.words[element / 64] |= 1 << (element % 64);
        fresh
    }
}

/// Which channels of a tensor a convolution reads.
#[derive(Clone, Copy, Debug)]
pub struct Source {
    /// Channels of the tensor.
    pub channels: usize,
    /// The first one read; as many follow as the convolution has inputs.
    pub first: usize,
}

/// The cells of all upload ciphertexts of a packing, in the order in which they travel.
#[derive(Clone)]
pub struct CellMap {
    ciphertexts: Vec<Arc<[u32]>>,
    sizes: Vec<usize>,
    elements: usize,
}

impl CellMap {
    /// Lays the packing's input out, a whole tensor; marks the elements whose mask it defines.
    ///
    /// # Errors
    /// [`Error::Input`] if `defined` is not for this packing's tensor and batch.
    pub fn new(packing: &Packing, defined: &mut Defined) -> Result<Self> {
        let channels = packing.shape().input.channels;
        Self::of_channels(packing, Source { channels, first: 0 }, defined)
    }

    /// Lays the packing's input out, which is the channels from `source.first` of a tensor that has
    /// `source.channels`; marks the elements whose mask it defines.
    ///
    /// # Errors
    /// [`Error::Input`] if `defined` is not for this tensor and batch.
    pub fn of_channels(packing: &Packing, source: Source, defined: &mut Defined) -> Result<Self> {
        let input = packing.shape().input;
        let elements = packing.batch() * source.channels * input.height * input.width;
        let fits = source.first + input.channels <= source.channels && elements <= MAX_ELEMENTS;
        if defined.len() != elements || !fits {
            return Err(Error::input("a set of defined masks of another tensor or batch"));
        }
        let mut map = Self { ciphertexts: Vec::new(), sizes: Vec::new(), elements: defined.len() };
        packing.for_each_visible(|tile, group, visible| {
            let mut codes = vec![SKIP; DEGREE];
            visible.iter().for_each(|at| codes[at] = ZERO);
            let mut free = 0;
            packing.place_data(source, tile, group, |at, element| {
                let fresh = defined.define(element);
                free += usize::from(fresh);
                codes[at] = (element as u32) << 1 | u32::from(!fresh);
            });
            // Every data cell is visible: some output reads it.
            map.sizes.push(16 * visible.count() - 8 * free);
            map.ciphertexts.push(codes.into());
        });
        Ok(map)
    }

    /// Bytes of the upload.
    pub fn bytes(&self) -> usize {
        self.sizes.iter().sum()
    }

    /// Upload ciphertexts.
    pub fn ciphertexts(&self) -> usize {
        self.ciphertexts.len()
    }

    /// Bytes of one ciphertext.
    #[cfg(test)]
    pub(in crate::rlwe) fn size(&self, ciphertext: usize) -> usize {
        self.sizes[ciphertext]
    }

    /// Elements of all tickets of the tensor.
    pub(in crate::rlwe) fn elements(&self) -> usize {
        self.elements
    }

    /// The cells of one ciphertext.
    pub(in crate::rlwe) fn cells(&self, ciphertext: usize) -> impl Iterator<Item = Cell> + '_ {
        self.ciphertexts[ciphertext].iter().map(|c| decode(*c))
    }

    /// Splits an upload into its ciphertexts.
    ///
    /// # Errors
    /// [`Error::PeerMisbehaved`] for a wrong length.
    pub fn split<'a>(&self, bytes: &'a [u8]) -> Result<Vec<&'a [u8]>> {
        if bytes.len() != self.bytes() {
            return Err(Error::misbehaved(format!(
                "an upload of {} bytes instead of {}",
                bytes.len(),
                self.bytes()
            )));
        }
        let mut rest = bytes;
        let mut next = |size: &usize| {
            let (head, tail) = rest.split_at(*size);
            rest = tail;
            head
        };
        Ok(self.sizes.iter().map(&mut next).collect())
    }
}

fn decode(code: u32) -> Cell {
    match code {
        SKIP => Cell::Skip,
        ZERO => Cell::Zero,
        _ if code & 1 == 0 => Cell::Free((code >> 1) as usize),
        _ => Cell::Known((code >> 1) as usize),
    }
}

impl Packing {
    /// Calls `put(position, element)` for every data cell of an upload ciphertext.
    fn place_data(
        &self,
        source: Source,
        tile: usize,
        group: usize,
        mut put: impl FnMut(usize, usize),
    ) {
        let (input, phases) = (self.shape().input, &self.frame.phases);
        for (ch, channel) in self.group_inputs(group).enumerate() {
            let phase = &phases[channel % phases.len()];
            let channel = channel / phases.len();
            for row in self.tiles[tile].data(&self.frame, phase) {
                let plane = row.ticket * source.channels + source.first + channel;
                let first = (plane * input.height + row.y) * input.width + row.x;
                for i in 0..row.count {
                    put(ch * self.block + row.at + i, first + i * self.shape().stride);
                }
            }
        }
    }
}
