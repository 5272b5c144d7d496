//! A transport that listens in, dies, or lies at a chosen message.

use crate::error::{Error, Result};
use crate::wire::{Kind, Meter, Transport};

/// What happens at message number `at` (sent or received, counted from 0).
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    None,
    /// The party is gone.
    Die,
    /// It sends one byte too few.
    Short,
    /// It sends one byte too many.
    Long,
    /// It sends something else first.
    Reorder,
    /// It sends the right length with other contents.
    Garbage,
}

pub(crate) struct Tap<T> {
    inner: T,
    at: usize,
    fault: Fault,
    messages: usize,
    /// What was received, in order.
    pub(crate) received: Vec<(Kind, Vec<u8>)>,
}

impl<T: Transport> Tap<T> {
    pub(crate) fn new(inner: T, fault: Fault, at: usize) -> Self {
        Self { inner, at, fault, messages: 0, received: Vec::new() }
    }

    pub(crate) fn messages(&self) -> usize {
        self.messages
    }

    fn now(&mut self) -> Result<bool> {
        let now = self.messages == self.at;
        self.messages += 1;
        if now && self.fault == Fault::Die {
            return Err(Error::network("killed by the test"));
        }
        Ok(now)
    }
}

impl<T: Transport> Transport for Tap<T> {
    fn send(&mut self, kind: Kind, payload: &[u8]) -> Result<()> {
        if !self.now()? {
            return self.inner.send(kind, payload);
        }
        match self.fault {
            Fault::Short => self.inner.send(kind, &payload[..payload.len().saturating_sub(1)]),
            Fault::Long => self.inner.send(kind, &[payload, &[0]].concat()),
            Fault::Reorder => {
                self.inner.send(Kind::Logits, payload)?;
                self.inner.send(kind, payload)
            }
            Fault::Garbage => {
                let garbage: Vec<u8> = payload.iter().map(|b| b ^ 0xa5).collect();
                self.inner.send(kind, &garbage)
            }
            Fault::None | Fault::Die => self.inner.send(kind, payload),
        }
    }

    fn recv(&mut self, kind: Kind, len: usize) -> Result<Vec<u8>> {
        self.now()?;
        let payload = self.inner.recv(kind, len)?;
        self.received.push((kind, payload.clone()));
        Ok(payload)
    }

    fn recv_any(&mut self, kinds: &[Kind], max: usize) -> Result<(Kind, Vec<u8>)> {
        self.now()?;
        self.inner.recv_any(kinds, max)
    }

    fn meter(&self) -> &Meter {
        self.inner.meter()
    }
}
