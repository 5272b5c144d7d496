//! Where channels, rows and tickets lie in polynomials (after Cheetah, Huang et al. 2022, section
//! 3.2: convolutions as polynomial products, no rotations).
//!
//! An input ciphertext holds `c` phase channels, channel `ch` at `X^(ch*T + cell)`. A weight
//! polynomial holds the taps of `m` output channels: tap `d` of `(o, ch)` at exponent
//! `(o*c + c-1-ch)*T - d`. Output channel `o` then appears in block `o*c + c-1` of the product.
//! With `c*m*T <= DEGREE` and `T` as in `tiles::Extent::block` nothing else lands on a
//! wanted output:
//! a product of channel `ch'` with a tap of `(o', ch)` lies `k = (o'-o)*c + ch'-ch` blocks from
//! the output `o`; `k = 0` only if `ch' = ch` and `o' = o`; the block stride excludes every other
//! `k`, and since blocks end before `DEGREE`, a wrap around the ring is such a `k` as well.
//!
//! Everything here is a public function of the shape and the batch size: both parties compute it.

mod bits;
mod cells;
mod choose;
mod frame;
mod tiles;
mod visible;

use std::ops::Range;

pub(super) use cells::Cell;
pub use cells::{CellMap, Defined, Source};

use crate::error::Result;
use crate::plan::ConvShape;
use crate::rlwe::params::DEGREE;
use frame::Frame;
use tiles::Tile;

/// More elements than this have no place in a cell's code.
const MAX_ELEMENTS: usize = 1 << 30;

/// The layout of one convolution for a batch of tickets.
#[derive(Clone)]
pub struct Packing {
    frame: Frame,
    batch: usize,
    rows: usize,
    tiles: Vec<Tile>,
    /// Phase channels per input ciphertext.
    c: usize,
    /// Output channels per response.
    m: usize,
    /// Block stride.
    block: usize,
}

/// One weight tap: its place in the weight polynomial, and which weight it is.
pub(super) struct Tap {
    /// Position, reduced modulo the degree.
    pub(super) at: usize,
    /// The exponent was negative: the sign flips.
    pub(super) negative: bool,
    /// Index into the weights.
    pub(super) weight: usize,
}

impl Packing {
    /// The cheapest layout, by bytes and then by products: a deterministic function of its
    /// arguments.
    ///
    /// # Errors
    /// [`crate::Error::Input`] if the convolution has no output, or if a single output row needs
    /// more than one polynomial.
    pub fn choose(shape: &ConvShape, batch: usize) -> Result<Self> {
        choose::choose(shape, batch)
    }

    /// The convolution.
    pub fn shape(&self) -> &ConvShape {
        &self.frame.shape
    }
    /// Tickets.
    pub fn batch(&self) -> usize {
        self.batch
    }
    /// Rows of the tall stack's outputs in each tile.
    pub fn tile_rows(&self) -> usize {
        self.rows
    }
    /// Row tiles.
    pub fn tiles(&self) -> usize {
        self.tiles.len()
    }
    /// Phase channels per upload ciphertext.
    pub fn channels_per_input(&self) -> usize {
        self.c
    }
    /// Output channels per response.
    pub fn channels_per_response(&self) -> usize {
        self.m
    }
    /// Positions from one channel's block to the next.
    pub fn block(&self) -> usize {
        self.block
    }
    /// Positions from one image row to the next.
    pub fn row_stride(&self) -> usize {
        self.frame.row_stride
    }

    /// Upload ciphertexts of one tile.
    pub fn input_groups(&self) -> usize {
        self.frame.phase_channels().div_ceil(self.c)
    }
    /// Responses of one tile.
    pub fn output_groups(&self) -> usize {
        self.shape().out_channels.div_ceil(self.m)
    }
    /// Upload ciphertexts, of all tiles.
    pub fn uploads(&self) -> usize {
        self.tiles.len() * self.input_groups()
    }
    /// Response ciphertexts, of all tiles.
    pub fn responses(&self) -> usize {
        self.tiles.len() * self.output_groups()
    }
    /// Ciphertext-plaintext products of an evaluation.
    pub fn products(&self) -> usize {
        self.uploads() * self.output_groups()
    }
    /// Weight polynomials.
    pub fn weight_polys(&self) -> usize {
        self.input_groups() * self.output_groups()
    }

    /// Bytes of the upload if the elements in `defined` (see [`Defined`]) have their mask already.
    ///
    /// # Errors
    /// [`crate::Error::Input`] if `defined` is not for this tensor and batch.
    pub fn upload_bytes(&self, defined: &Defined) -> Result<usize> {
        Ok(CellMap::new(self, &mut defined.clone())?.bytes())
    }
    /// Bytes of all responses: 8 a position of `a`, 8 an output.
    pub fn response_bytes(&self) -> usize {
        8 * (DEGREE * self.responses() + self.batch * self.frame.output.len())
    }

    /// Output channels in the response group `group`.
    pub(super) fn group_outputs(&self, group: usize) -> Range<usize> {
        group * self.m..((group + 1) * self.m).min(self.shape().out_channels)
    }

    /// Phase channels in the input group `group`.
    fn group_inputs(&self, group: usize) -> Range<usize> {
        group * self.c..((group + 1) * self.c).min(self.frame.phase_channels())
    }

    /// Block of output channel number `o` of a group.
    fn output_block(&self, o: usize) -> usize {
        (o * self.c + self.c - 1) * self.block
    }

    /// Wanted coefficients of one response, as (position, index in `[ticket][output CHW]`).
    pub(super) fn wanted(
        &self,
        tile: usize,
        group: usize,
    ) -> impl Iterator<Item = (usize, usize)> + '_ {
        let (out, tile) = (self.frame.output, &self.tiles[tile]);
        self.group_outputs(group).enumerate().flat_map(move |(o, channel)| {
            tile.output_rows(&self.frame).flat_map(move |(ticket, i, at)| {
                let element = ((ticket * out.channels + channel) * out.height + i) * out.width;
                let at = self.output_block(o) + at;
                (0..out.width).map(move |j| (at + j, element + j))
            })
        })
    }

    /// Number of wanted coefficients of one response.
    pub(super) fn wanted_count(&self, tile: usize, group: usize) -> usize {
        self.tiles[tile].outputs(&self.frame) * self.group_outputs(group).len()
    }

    /// Taps of the weight polynomial for the input group `input` and the response group `output`.
    pub(super) fn taps(&self, output: usize, input: usize) -> impl Iterator<Item = Tap> + '_ {
        let outputs = self.group_outputs(output).enumerate();
        outputs.flat_map(move |(o, out_channel)| {
            self.group_inputs(input).enumerate().flat_map(move |(ch, channel)| {
                let block = self.output_block(o) - ch * self.block;
                self.channel_taps(out_channel, channel, block)
            })
        })
    }

    fn channel_taps(
        &self,
        out_channel: usize,
        phase_channel: usize,
        block: usize,
    ) -> impl Iterator<Item = Tap> + '_ {
        let (shape, phases) = (self.shape(), &self.frame.phases);
        let (channel, phase) =
            (phase_channel / phases.len(), &phases[phase_channel % phases.len()]);
        let first = (out_channel * shape.input.channels + channel) * shape.kernel_h;
        let (rows, cols) = phase.taps;
        (0..rows * cols).map(move |q| {
            let (qy, qx) = (q / cols, q % cols);
            let back = qy * self.frame.row_stride + qx;
            let (ky, kx) = (shape.stride * qy + phase.origin.0, shape.stride * qx + phase.origin.1);
            Tap {
                at: (block + DEGREE - back) % DEGREE,
                negative: back > block,
                weight: (first + ky) * shape.kernel_w + kx,
            }
        })
    }
}
