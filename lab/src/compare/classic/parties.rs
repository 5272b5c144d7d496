//! Both parties at a gate: the protocol's half gates, a window of tweaks and a table each.

use tacita_protocol::garble::{Evaluator, Garbler};
use tacita_protocol::ot::Block;

use super::circuit::Party;

/// The garbler: wires are zero labels.
pub struct Garbling<'a, 'b, T> {
    /// Working memory.
    pub garbler: &'a mut Garbler<'b>,
    /// The offset.
    pub delta: Block,
    /// Window of the next gate.
    pub window: u64,
    /// Tables of the gates to come.
    pub tables: T,
}

impl<'t, T: Iterator<Item = &'t mut [u8]>> Party for Garbling<'_, '_, T> {
    fn and(&mut self, a: &[Block], b: &[Block], out: &mut [Block]) {
        if let Some(table) = self.tables.next() {
            self.garbler.and(self.window, a, b, table, out);
            self.window += 1;
        }
    }

    fn not(&self, wire: &mut [Block]) {
        wire.iter_mut().for_each(|label| *label ^= self.delta);
    }
}

/// The evaluator: wires are active labels, which a NOT leaves alone.
pub struct Evaluating<'a, 'b, T> {
    /// Working memory.
    pub evaluator: &'a mut Evaluator<'b>,
    /// Window of the next gate.
    pub window: u64,
    /// Tables of the gates to come.
    pub tables: T,
}

impl<'t, T: Iterator<Item = &'t [u8]>> Party for Evaluating<'_, '_, T> {
    fn and(&mut self, a: &[Block], b: &[Block], out: &mut [Block]) {
        if let Some(table) = self.tables.next() {
            self.evaluator.and(self.window, a, b, table, out);
            self.window += 1;
        }
    }

    fn not(&self, _: &mut [Block]) {}
}
