//! Connections that wait to be let in, in a bounded room that always takes one more.

use std::collections::BTreeMap;

use super::Client;

/// Waiting connections by their number, so the oldest first. `H` is a hold on a connection.
pub struct Room<H> {
    entries: BTreeMap<u64, (Client, H)>,
    most: usize,
    most_per_client: usize,
}

impl<H> Room<H> {
    /// An empty room for so many.
    pub fn new(most: usize, most_per_client: usize) -> Self {
        Self { entries: BTreeMap::new(), most, most_per_client }
    }

    /// Takes a connection in. Who has to go for it: the client's own oldest if it has too many,
    /// otherwise the oldest of all if the room is full. Whoever holds places without going on is
    /// the oldest sooner or later; whoever goes on is gone by then.
    pub fn enter(&mut self, id: u64, client: Client, hold: H) -> Option<(Client, H)> {
        let own = self.entries.iter().filter(|(_, (c, _))| *c == client);
        let own_oldest = own.clone().next().map(|(id, _)| *id);
        let victim = match own.count() >= self.most_per_client {
            true => own_oldest,
            false => self.oldest().filter(|_| self.entries.len() >= self.most),
        };
        let evicted = victim.and_then(|id| self.leave(id));
        self.entries.insert(id, (client, hold));
        evicted
    }

    fn oldest(&self) -> Option<u64> {
        self.entries.keys().next().copied()
    }

    /// Takes a connection out, if it still is here.
    pub fn leave(&mut self, id: u64) -> Option<(Client, H)> {
        self.entries.remove(&id)
    }

    /// Takes the oldest connection out.
    pub fn evict(&mut self) -> Option<(Client, H)> {
        self.oldest().and_then(|id| self.leave(id))
    }

    /// A connection that is here.
    pub fn get(&self, id: u64) -> Option<&(Client, H)> {
        self.entries.get(&id)
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.entries.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(n: u8) -> Client {
        Client::at([192, 0, 2, n].into())
    }

    #[test]
    fn the_oldest_goes_when_the_room_is_full() {
        let mut room = Room::new(2, 2);
        assert_eq!(room.enter(1, client(1), 'a'), None);
        assert_eq!(room.enter(2, client(2), 'b'), None);
        assert_eq!(room.enter(3, client(3), 'c'), Some((client(1), 'a')));
        room.leave(2);
        assert_eq!(room.enter(4, client(4), 'd'), None);
        assert_eq!(room.evict(), Some((client(3), 'c')));
        assert_eq!(room.len(), 1);
    }

    #[test]
    fn a_client_with_too_many_loses_its_own_oldest() {
        let mut room = Room::new(3, 2);
        room.enter(1, client(1), 'a');
        room.enter(2, client(2), 'b');
        room.enter(3, client(2), 'c');
        // The room is full, too: yet the oldest of all stays.
        assert_eq!(room.enter(4, client(2), 'd'), Some((client(2), 'b')));
        assert!(room.get(1).is_some());
    }
}
