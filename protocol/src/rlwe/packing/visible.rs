//! Which cells of an input ciphertext any wanted output can see.
//!
//! The boolean negacyclic correlation of the tap positions with the wanted positions, computed by
//! rotating bit sets: a cell `j` is visible iff `j + tap = output (mod DEGREE)` for some tap and
//! some wanted output of any response. Cells that are visible but hold no data must be zero.

use super::Packing;
use super::bits::Positions;
use super::frame::Frame;
use super::tiles::Tile;
use crate::rlwe::params::DEGREE;

/// For each phase, the cells of block 0 that its taps carry to an output of the tile.
pub(super) struct Reach(Vec<Positions>);

impl Reach {
    pub(super) fn new(frame: &Frame, tile: &Tile) -> Self {
        let mut outputs = Positions::empty();
        for (_, _, at) in tile.output_rows(frame) {
            (at..at + frame.output.width).for_each(|v| outputs.insert(v));
        }
        let reach = |taps: (usize, usize)| {
            let mut set = Positions::empty();
            for q in 0..taps.0 * taps.1 {
                set.insert_rotated(&outputs, q / taps.1 * frame.row_stride + q % taps.1);
            }
            set
        };
        Self(frame.phases.iter().map(|p| reach(p.taps)).collect())
    }
}

impl Packing {
    /// The visible cells of an input group, which depend only on its [`Packing::group_kind`].
    ///
    /// The first response group has the most output channels, so it sees the most.
    pub(super) fn visible(&self, reach: &Reach, input: usize) -> Positions {
        let mut wanted = Positions::empty();
        let (outputs, inputs) = (self.group_outputs(0).len(), self.group_inputs(input));
        // Distances between blocks repeat: the union over outputs first, then over taps' blocks.
        let phases = reach.0.len();
        let mut by_phase = vec![Positions::empty(); phases];
        for (phase, set) in by_phase.iter_mut().enumerate() {
            (0..outputs).for_each(|o| set.insert_rotated(&reach.0[phase], self.output_block(o)));
        }
        for o in 0..outputs {
            for (ch, channel) in inputs.clone().enumerate() {
                let tap = self.output_block(o) - ch * self.block;
                wanted.insert_rotated(&by_phase[channel % phases], (DEGREE - tap) % DEGREE);
            }
        }
        wanted
    }

    /// Input groups of equal kind see the same cells: (first phase, number of channels).
    pub(super) fn group_kind(&self, input: usize) -> (usize, usize) {
        let channels = self.group_inputs(input);
        (channels.start % self.frame.phases.len(), channels.len())
    }

    /// Visible cells of every upload ciphertext, tile by tile, each kind computed once.
    pub(super) fn for_each_visible(&self, mut f: impl FnMut(usize, usize, &Positions)) {
        for (t, tile) in self.tiles.iter().enumerate() {
            let reach = Reach::new(&self.frame, tile);
            let mut kinds: Vec<((usize, usize), Positions)> = Vec::new();
            for group in 0..self.input_groups() {
                let kind = self.group_kind(group);
                if !kinds.iter().any(|(k, _)| *k == kind) {
                    kinds.push((kind, self.visible(&reach, group)));
                }
                if let Some((_, set)) = kinds.iter().find(|(k, _)| *k == kind) {
                    f(t, group, set);
                }
            }
        }
    }
}
