//! A transport that does something else than its session asked for, at a chosen message.

use tacita_protocol::wire::{Kind, Meter, Transport};
use tacita_protocol::{Error, Result};

/// What happens at the chosen message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Nothing out of the ordinary.
    Nothing,
    /// The party is gone: the message is neither sent nor received, and the session ends.
    Die,
    /// It sends one byte too few.
    Shorter,
    /// It sends one byte too many.
    Longer,
    /// It sends a message of another kind first.
    Reorder,
}

/// What an error of [`Action::Die`] says.
pub const KILLED: &str = "killed by the test";

/// The transport. Messages are numbered from 0, sent and received ones alike.
pub struct Tap<T> {
    inner: T,
    action: Action,
    at: usize,
    /// Messages so far; a sent one is noted as true.
    pub messages: Vec<bool>,
}

impl<T: Transport> Tap<T> {
    pub fn new(inner: T, action: Action, at: usize) -> Self {
        Self { inner, action, at, messages: Vec::new() }
    }

    /// Numbers of the messages that were sent.
    pub fn sent(&self) -> Vec<usize> {
        let sent = self.messages.iter().enumerate().filter(|(_, sent)| **sent);
        sent.map(|(number, _)| number).collect()
    }

    /// Counts a message; what is to happen at it.
    fn now(&mut self, sent: bool) -> Result<Action> {
        let now = self.messages.len() == self.at;
        self.messages.push(sent);
        match self.action {
            Action::Die if now => Err(Error::network(KILLED)),
            action if now => Ok(action),
            _ => Ok(Action::Nothing),
        }
    }
}

impl<T: Transport> Transport for Tap<T> {
    fn send(&mut self, kind: Kind, payload: &[u8]) -> Result<()> {
        match self.now(true)? {
            Action::Shorter => {
                self.inner.send(kind, payload.split_last().map_or(payload, |(_, rest)| rest))
            }
            Action::Longer => self.inner.send(kind, &[payload, &[0]].concat()),
            Action::Reorder => {
                // One that is not due: only a server sends logits, and never a hello of a client.
                let other = if kind == Kind::Logits { Kind::ClientHello } else { Kind::Logits };
                self.inner.send(other, payload)?;
                self.inner.send(kind, payload)
            }
            Action::Nothing | Action::Die => self.inner.send(kind, payload),
        }
    }

    fn recv(&mut self, kind: Kind, len: usize) -> Result<Vec<u8>> {
        self.now(false)?;
        self.inner.recv(kind, len)
    }

    fn recv_any(&mut self, kinds: &[Kind], max: usize) -> Result<(Kind, Vec<u8>)> {
        self.now(false)?;
        self.inner.recv_any(kinds, max)
    }

    fn meter(&self) -> &Meter {
        self.inner.meter()
    }
}
