//! A transport that changes the contents of one message on its way out, never its length: what
//! the peer's length checks let through.

use tacita_protocol::Result;
use tacita_protocol::wire::{Kind, Meter, Transport};

/// No party of the sessions here sends more messages.
pub const MESSAGES: usize = 24;

/// The transport. Sent messages are numbered from 0.
pub struct Mutant<'a, T> {
    inner: T,
    at: usize,
    change: &'a [u8],
    offset: usize,
    sent: usize,
}

impl<'a, T> Mutant<'a, T> {
    /// The input's first byte chooses the message, the next two where in it the rest is XORed in.
    pub fn new(inner: T, input: &'a [u8]) -> Self {
        let (head, change) = input.split_at(input.len().min(3));
        let byte = |i: usize| head.get(i).copied().map_or(0, usize::from);
        Self { inner, at: byte(0) % MESSAGES, change, offset: (byte(1) << 8) | byte(2), sent: 0 }
    }

    fn changed(&self, payload: &[u8]) -> Vec<u8> {
        let mut payload = payload.to_vec();
        // Scaled, so that two bytes reach every place of a long message.
        let start = (self.offset * payload.len()) >> 16;
        payload.iter_mut().skip(start).zip(self.change).for_each(|(p, c)| *p ^= c);
        payload
    }
}

impl<T: Transport> Transport for Mutant<'_, T> {
    fn send(&mut self, kind: Kind, payload: &[u8]) -> Result<()> {
        let now = self.sent == self.at;
        self.sent += 1;
        if now {
            self.inner.send(kind, &self.changed(payload))
        } else {
            self.inner.send(kind, payload)
        }
    }

    fn recv(&mut self, kind: Kind, len: usize) -> Result<Vec<u8>> {
        self.inner.recv(kind, len)
    }

    fn recv_any(&mut self, kinds: &[Kind], max: usize) -> Result<(Kind, Vec<u8>)> {
        self.inner.recv_any(kinds, max)
    }

    fn meter(&self) -> &Meter {
        self.inner.meter()
    }
}
