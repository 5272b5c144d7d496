//! Who may hold what of the server: strangers must not lock anyone out.
//!
//! A connection is in one of three places: a room for TLS handshakes, a room for clients that
//! have yet to pay (to send their keys: a lattice key and base OTs), or it has a session. The
//! rooms are bounded and take everyone: the oldest connection makes room. So silent connections
//! last only until others come, and those that cannot even finish a handshake (under
//! `--client-ca`: all strangers) displace none that can. Sessions are never displaced; a client
//! has at most its share of them.

mod client;
mod room;

use std::collections::HashMap;
use std::fmt;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tacita_protocol::wire::{AbortReason, Control};
use tokio::sync::watch;

pub use client::Client;
use room::Room;

use crate::counters::{Counters, Event};

/// How many connections of which kind there may be.
#[derive(Clone, Copy, Debug)]
pub struct Places {
    /// In each of the two rooms.
    pub unpaid: usize,
    /// In each of the two rooms, of one client.
    pub unpaid_per_client: usize,
    /// Sessions.
    pub sessions: usize,
    /// Sessions of one client.
    pub sessions_per_client: usize,
}

/// Why a connection gets no session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// All sessions are taken.
    Full,
    /// The client has all the sessions that it may have.
    Share(Client),
    /// It had to make room, or the server stops.
    Cut(AbortReason),
}

impl Refusal {
    /// What the client is told.
    pub fn reason(self) -> AbortReason {
        match self {
            Self::Full | Self::Share(_) => AbortReason::Busy,
            Self::Cut(reason) => reason,
        }
    }

    /// What it counts as.
    pub fn event(self) -> Event {
        match self {
            Self::Full => Event::RefusedFull,
            Self::Share(_) => Event::RefusedShare,
            Self::Cut(AbortReason::ShuttingDown) => Event::RefusedStopping,
            Self::Cut(_) => Event::Evicted,
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Full => f.write_str("busy: all sessions are taken (--max-sessions)"),
            Self::Share(client) => {
                write!(f, "busy: {client} has its sessions (--sessions-per-client)")
            }
            Self::Cut(AbortReason::ShuttingDown) => f.write_str(AbortReason::ShuttingDown.text()),
            Self::Cut(_) => f.write_str("closed to make room for newer connections (--max-unpaid)"),
        }
    }
}

/// The places and who has them.
pub struct Doors {
    places: Places,
    book: Mutex<Book>,
    /// Connections in any place.
    open: watch::Sender<usize>,
    counters: Arc<Counters>,
}

struct Book {
    next: u64,
    handshakes: Room<Control>,
    unpaid: Room<Control>,
    sessions: HashMap<u64, (Client, Control)>,
}

/// Connections by place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Occupied {
    /// In their TLS handshake.
    pub handshakes: usize,
    /// After it.
    pub unpaid: usize,
    /// Sessions.
    pub sessions: usize,
}

impl Doors {
    /// Nobody is there yet.
    pub fn new(places: Places, counters: Arc<Counters>) -> Self {
        let room = || Room::new(places.unpaid, places.unpaid_per_client);
        let (handshakes, unpaid) = (room(), room());
        let book = Book { next: 1, handshakes, unpaid, sessions: HashMap::new() };
        Self { places, book: Mutex::new(book), open: watch::Sender::new(0), counters }
    }

    fn book(&self) -> MutexGuard<'_, Book> {
        // Nothing panics with the book half written.
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes in a connection that has yet to shake hands.
    pub fn enter(self: &Arc<Self>, address: IpAddr, control: &Control) -> Pass {
        let client = Client::at(address);
        let (id, evicted) = {
            let mut book = self.book();
            let id = book.next;
            book.next += 1;
            (id, book.handshakes.enter(id, client, control.clone()))
        };
        self.open.send_modify(|open| *open += 1);
        evict(evicted);
        Pass { doors: Arc::clone(self), control: control.clone(), id, client }
    }

    /// Closes the connection that has waited longest, handshakes first; false if none waits.
    pub fn evict_one(&self) -> bool {
        let evicted = {
            let mut book = self.book();
            book.handshakes.evict().or_else(|| book.unpaid.evict())
        };
        evict(evicted)
    }

    /// Cuts all sessions off.
    pub fn cut_sessions(&self, reason: AbortReason) {
        let controls: Vec<Control> =
            self.book().sessions.values().map(|(_, control)| control.clone()).collect();
        controls.iter().for_each(|control| control.cut(reason));
    }

    /// Resolves when no connection is left.
    pub async fn empty(&self) {
        // We hold the sender, so this ends only with the last connection.
        let _ = self.open.subscribe().wait_for(|open| *open == 0).await;
    }

    /// How many connections there are now.
    pub fn occupied(&self) -> Occupied {
        let book = self.book();
        Occupied {
            handshakes: book.handshakes.len(),
            unpaid: book.unpaid.len(),
            sessions: book.sessions.len(),
        }
    }
}

/// Tells a connection that it has to go.
fn evict(evicted: Option<(Client, Control)>) -> bool {
    evicted.map(|(_, control)| control.cut(AbortReason::Busy)).is_some()
}

/// A connection's place; free again when this is dropped.
pub struct Pass {
    doors: Arc<Doors>,
    control: Control,
    client: Client,
    /// Numbers connections in the order of their arrival.
    pub id: u64,
}

impl Pass {
    /// The TLS handshake is over; a client that showed a certificate is known by it from now on.
    ///
    /// # Errors
    /// If it had to make room meanwhile.
    pub fn greeted(&mut self, fingerprint: Option<[u8; 32]>) -> Result<(), Refusal> {
        self.client = fingerprint.map_or(self.client, Client::Certificate);
        let evicted = {
            let mut book = self.doors.book();
            let (_, control) = book.handshakes.leave(self.id).ok_or_else(|| self.cut())?;
            book.unpaid.enter(self.id, self.client, control)
        };
        evict(evicted);
        Ok(())
    }

    /// The client has paid: it gets a session if one is free.
    ///
    /// # Errors
    /// If none is, or the connection had to make room meanwhile.
    pub fn paid(&self) -> Result<(), Refusal> {
        let mut book = self.doors.book();
        book.unpaid.get(self.id).ok_or_else(|| self.cut())?;
        if book.sessions.len() >= self.doors.places.sessions {
            return Err(Refusal::Full);
        }
        let own = book.sessions.values().filter(|(client, _)| *client == self.client).count();
        if own >= self.doors.places.sessions_per_client {
            return Err(Refusal::Share(self.client));
        }
        let entry = book.unpaid.leave(self.id).ok_or_else(|| self.cut())?;
        book.sessions.insert(self.id, entry);
        drop(book);
        self.control.admit();
        self.doors.counters.count(Event::Session);
        Ok(())
    }

    /// Why it was cut off, for one that is in no place any more.
    fn cut(&self) -> Refusal {
        Refusal::Cut(self.control.cut_reason().unwrap_or(AbortReason::Busy))
    }

    /// Why it was cut off, if it was.
    pub fn cut_off(&self) -> Option<Refusal> {
        self.control.cut_reason().map(Refusal::Cut)
    }

    /// Whom it counts for.
    pub fn client(&self) -> Client {
        self.client
    }
}

impl Drop for Pass {
    fn drop(&mut self) {
        let mut book = self.doors.book();
        book.handshakes.leave(self.id);
        book.unpaid.leave(self.id);
        book.sessions.remove(&self.id);
        drop(book);
        self.doors.open.send_modify(|open| *open -= 1);
    }
}
