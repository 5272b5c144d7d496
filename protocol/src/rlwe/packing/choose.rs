//! The choice of tile height, channels per ciphertext and channels per response.
//!
//! Many small ciphertexts waste positions that must be zero (16 bytes each); many responses cost a
//! whole `a` (64 KiB each). Every tile height and every useful pair of channel counts is
//! estimated, then the best few are computed exactly.

use super::frame::Frame;
use super::tiles::{self, Tile};
use super::{MAX_ELEMENTS, Packing};
use crate::error::{Error, Result};
use crate::plan::ConvShape;
use crate::rlwe::params::DEGREE;

/// What a ciphertext-plaintext product counts for, in bytes.
const PRODUCT: usize = 64;
/// What preparing one weight polynomial counts for, in bytes.
const WEIGHT_POLY: usize = 128;
/// Candidates that are computed exactly.
const FINALISTS: usize = 12;

pub(super) fn choose(shape: &ConvShape, batch: usize) -> Result<Packing> {
    let frame = Frame::new(shape)?;
    if batch == 0 || shape.input.len().saturating_mul(batch) > MAX_ELEMENTS {
        return Err(Error::input(format!("a batch of {batch} tickets is out of range")));
    }
    let mut best: Vec<(usize, Candidate)> = Vec::new();
    for rows in 1..=frame.stack_rows(batch) {
        // A single row of outputs spans `taps` rows of cells: taller tiles only grow.
        if (rows - 1) * frame.row_stride >= DEGREE {
            break;
        }
        for candidate in candidates(&frame, batch, rows) {
            best.push((candidate.estimate, candidate));
        }
        best.sort_by_key(|(estimate, _)| *estimate);
        best.truncate(FINALISTS);
    }
    best.into_iter()
        .map(|(_, candidate)| candidate.packing(&frame, batch))
        .min_by_key(Packing::cost)
        .ok_or_else(|| too_wide(shape))
}

fn too_wide(shape: &ConvShape) -> Error {
    Error::input(format!(
        "one output row of this convolution needs more than {DEGREE} cells; \
         make the image narrower or the kernel lower: {shape:?}"
    ))
}

/// A layout with its estimated cost.
struct Candidate {
    rows: usize,
    c: usize,
    m: usize,
    block: usize,
    estimate: usize,
}

impl Candidate {
    fn packing(self, frame: &Frame, batch: usize) -> Packing {
        Packing {
            tiles: tiles::cut(frame, batch, self.rows),
            frame: frame.clone(),
            batch,
            rows: self.rows,
            c: self.c,
            m: self.m,
            block: self.block,
        }
    }
}

/// Useful channel counts for one tile height: those that change the number of ciphertexts.
fn candidates(frame: &Frame, batch: usize, rows: usize) -> Vec<Candidate> {
    let tiles = tiles::cut(frame, batch, rows);
    let block = tiles.iter().map(|t| t.extent(frame).block(frame)).max().unwrap_or(usize::MAX);
    let (inputs, outputs) = (frame.phase_channels(), frame.shape.out_channels);
    let fits = DEGREE / block;
    (1..=fits.min(inputs))
        .filter(|c| inputs.div_ceil(inputs.div_ceil(*c)) == *c)
        .map(|c| {
            let m = (fits / c).min(outputs);
            let m = outputs.div_ceil(outputs.div_ceil(m));
            let estimate = estimate(frame, &tiles, block, c, m);
            Candidate { rows, c, m, block, estimate }
        })
        .collect()
}

/// The cost, with the visible cells that must be zero estimated from block sizes.
fn estimate(frame: &Frame, tiles: &[Tile], block: usize, c: usize, m: usize) -> usize {
    let inputs = frame.phase_channels().div_ceil(c);
    let outputs = frame.shape.out_channels.div_ceil(m);
    let cells: usize =
        tiles.iter().map(|t| t.cells(frame)).sum::<usize>() * frame.shape.input.channels;
    // With one output channel only the blocks of its own channels are visible.
    let visible = if m == 1 { c * block } else { DEGREE };
    let zeros = (tiles.len() * inputs * visible).saturating_sub(cells);
    let bytes = 16 * zeros + 16 * cells + 8 * DEGREE * tiles.len() * outputs;
    bytes + work(tiles.len(), inputs, outputs)
}

fn work(tiles: usize, inputs: usize, outputs: usize) -> usize {
    inputs * outputs * (tiles * PRODUCT + WEIGHT_POLY)
}

impl Packing {
    /// Bytes, up to a constant, with compute priced in: 16 for a visible cell, of which 8 are saved
    /// wherever a mask is defined, which happens once for each element whatever the layout.
    pub fn cost(&self) -> usize {
        let mut visible = 0;
        self.for_each_visible(|_, _, cells| visible += cells.count());
        16 * visible
            + self.response_bytes()
            + work(self.tiles.len(), self.input_groups(), self.output_groups())
    }
}

#[cfg(test)]
impl Packing {
    /// Every layout that is considered, for tests.
    pub(in crate::rlwe) fn all(shape: &ConvShape, batch: usize) -> Vec<Self> {
        let frame = Frame::new(shape).unwrap();
        (1..=frame.stack_rows(batch))
            .flat_map(|rows| candidates(&frame, batch, rows))
            .map(|candidate| candidate.packing(&frame, batch))
            .collect()
    }
}
