//! A transport whose party is gone as soon as a message of a certain kind is due.

use tacita_protocol::wire::{Kind, Meter, Transport};
use tacita_protocol::{Error, Result};

use super::tap::KILLED;

/// The transport. A message that is received is taken in first.
pub struct DieAt<T> {
    inner: T,
    kind: Kind,
}

impl<T> DieAt<T> {
    pub fn new(inner: T, kind: Kind) -> Self {
        Self { inner, kind }
    }

    fn check(&self, kind: Kind) -> Result<()> {
        if kind == self.kind { Err(Error::network(KILLED)) } else { Ok(()) }
    }
}

impl<T: Transport> Transport for DieAt<T> {
    fn send(&mut self, kind: Kind, payload: &[u8]) -> Result<()> {
        self.check(kind)?;
        self.inner.send(kind, payload)
    }

    fn recv(&mut self, kind: Kind, len: usize) -> Result<Vec<u8>> {
        let message = self.inner.recv(kind, len)?;
        self.check(kind).map(|()| message)
    }

    fn recv_any(&mut self, kinds: &[Kind], max: usize) -> Result<(Kind, Vec<u8>)> {
        let (kind, message) = self.inner.recv_any(kinds, max)?;
        self.check(kind).map(|()| (kind, message))
    }

    fn meter(&self) -> &Meter {
        self.inner.meter()
    }
}
