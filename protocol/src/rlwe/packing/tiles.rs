//! Row tiles: the tall stack of a batch cut into pieces that fit a polynomial.

use std::ops::Range;

use super::frame::{Frame, Phase};

/// Output rows of one ticket inside a tile.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Segment {
    pub(super) ticket: usize,
    /// Output rows of the ticket's image.
    pub(super) rows: Range<usize>,
    /// Tile-relative stack row of frame row 0 of the ticket's image; negative if it lies before.
    base: isize,
}

/// A piece of the stack: the outputs of some stack rows, and the cells that they read.
#[derive(Clone)]
pub(super) struct Tile {
    pub(super) segments: Vec<Segment>,
}

/// Cells of one image row that a tile holds, side by side.
pub(super) struct DataRow {
    pub(super) ticket: usize,
    /// Row of the image.
    pub(super) y: usize,
    /// Column of the image under the first cell; the stride separates the columns.
    pub(super) x: usize,
    pub(super) count: usize,
    /// Offset of the first cell.
    pub(super) at: usize,
}

/// Cuts the stack into tiles of `rows` rows; tiles without outputs are left out.
pub(super) fn cut(frame: &Frame, batch: usize, rows: usize) -> Vec<Tile> {
    (0..frame.stack_rows(batch))
        .step_by(rows)
        .map(|start| Tile { segments: segments(frame, batch, start..start + rows) })
        .filter(|tile| !tile.segments.is_empty())
        .collect()
}

fn segments(frame: &Frame, batch: usize, stack: Range<usize>) -> Vec<Segment> {
    let (stride, height) = (frame.image_stride, frame.output.height);
    let first = (stack.start + 1).saturating_sub(height).div_ceil(stride);
    let end = stack.end.div_ceil(stride).min(batch);
    (first..end)
        .map(|ticket| {
            let top = ticket * stride;
            let rows = stack.start.saturating_sub(top)..(stack.end - top).min(height);
            Segment { ticket, rows, base: top as isize - stack.start as isize }
        })
        .filter(|s| !s.rows.is_empty())
        .collect()
}

impl Segment {
    /// Position of the first output of the ticket's output row `i`, which is in the segment.
    pub(super) fn output_at(&self, frame: &Frame, i: usize) -> usize {
        (self.base + i as isize) as usize * frame.row_stride
    }

    /// Frame rows of `phase` with image data that this segment's outputs read.
    pub(super) fn data_rows(&self, phase: &Phase) -> Range<usize> {
        let start = self.rows.start.max(phase.rows.start);
        let end = (self.rows.end + phase.taps.0 - 1).min(phase.rows.end);
        start..end.max(start)
    }
}

impl Tile {
    /// Output rows: the ticket, the output row, and the position of its first output.
    pub(super) fn output_rows<'a>(
        &'a self,
        frame: &'a Frame,
    ) -> impl Iterator<Item = (usize, usize, usize)> + 'a {
        self.segments
            .iter()
            .flat_map(|s| s.rows.clone().map(|i| (s.ticket, i, s.output_at(frame, i))))
    }

    /// Image data of `phase` that the tile's outputs read.
    pub(super) fn data<'a>(
        &'a self,
        frame: &'a Frame,
        phase: &'a Phase,
    ) -> impl Iterator<Item = DataRow> + 'a {
        let shape = &frame.shape;
        self.segments.iter().flat_map(move |s| {
            s.data_rows(phase).map(move |row| DataRow {
                ticket: s.ticket,
                y: shape.stride * row + phase.origin.0 - shape.pad.top,
                x: shape.stride * phase.cols.start + phase.origin.1 - shape.pad.left,
                count: phase.cols.len(),
                at: s.output_at(frame, row) + phase.cols.start,
            })
        })
    }

    /// Outputs per channel.
    pub(super) fn outputs(&self, frame: &Frame) -> usize {
        self.segments.iter().map(|s| s.rows.len()).sum::<usize>() * frame.output.width
    }

    /// Data cells over all phases, per input channel.
    pub(super) fn cells(&self, frame: &Frame) -> usize {
        let of = |p: &Phase| {
            self.segments.iter().map(|s| s.data_rows(p).len()).sum::<usize>() * p.cols.len()
        };
        frame.phases.iter().map(of).sum()
    }

    /// The least offset of a data cell, the last offset of one, and the last offset of an output.
    pub(super) fn extent(&self, frame: &Frame) -> Extent {
        let mut extent = Extent { first_cell: usize::MAX, last_cell: 0, last_output: 0 };
        for s in &self.segments {
            let last_row = s.output_at(frame, s.rows.end - 1);
            extent.last_output = extent.last_output.max(last_row + frame.output.width - 1);
            for p in &frame.phases {
                let rows = s.data_rows(p);
                if !rows.is_empty() {
                    let first = s.output_at(frame, rows.start) + p.cols.start;
                    let last = s.output_at(frame, rows.end - 1) + p.cols.end - 1;
                    extent.first_cell = extent.first_cell.min(first);
                    extent.last_cell = extent.last_cell.max(last);
                }
            }
        }
        extent
    }
}

/// See [`Tile::extent`].
pub(super) struct Extent {
    first_cell: usize,
    last_cell: usize,
    last_output: usize,
}

impl Extent {
    /// The least block stride at which neither data nor outputs of two blocks meet.
    ///
    /// Data `p` of block `i` and tap `-d` meet the output `v` of a block `k` away iff
    /// `p - d = v + k*T`: impossible for `k > 0` if `T > last_cell`, and for `k < 0` if
    /// `T > last_output + D - first_cell`.
    pub(super) fn block(&self, frame: &Frame) -> usize {
        let outputs = self.last_output + 1;
        if self.first_cell == usize::MAX {
            return outputs;
        }
        let aliased = (outputs + frame.largest_tap()).saturating_sub(self.first_cell);
        aliased.max(self.last_cell + 1).max(outputs)
    }
}
