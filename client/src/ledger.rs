//! What has become of tickets, for whoever has to report the end of a session: the user has paid for
//! them.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde_json::{Map, Value, json};
use tacita_cli::{Failure, count};

/// The books of one program run. Shared with the thread that waits for signals.
#[derive(Default)]
pub struct Ledger(Mutex<Books>);

#[derive(Default)]
struct Books {
    /// Tickets in stock.
    unspent: usize,
    /// The image at hand, and whether any byte of it may have left with its ticket.
    at_hand: Option<(PathBuf, bool)>,
    /// Whether another session could not make up for the loss of this one.
    committed: bool,
}

impl Ledger {
    /// No panic happens while the books are open; if one did, they would still be the best there is.
    fn books(&self) -> MutexGuard<'_, Books> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A new session: it has no tickets.
    pub fn open(&self) {
        let mut books = self.books();
        (books.unspent, books.at_hand) = (0, None);
    }

    /// Tickets were made.
    pub fn made(&self, tickets: usize) {
        self.books().unspent += tickets;
    }

    /// From here on a new session would not do.
    pub fn commit(&self) {
        self.books().committed = true;
    }

    /// A ticket is about to be spent on this image.
    pub fn spend(&self, image: &Path) {
        let mut books = self.books();
        books.unspent = books.unspent.saturating_sub(1);
        books.at_hand = Some((image.to_owned(), true));
    }

    /// Nothing of the image at hand has left: its ticket is only as lost as all others.
    pub fn unsent(&self) {
        let mut books = self.books();
        if let Some((_, spent)) = &mut books.at_hand {
            *spent = false;
            books.unspent += 1;
        }
    }

    /// The image at hand has its answer.
    pub fn answered(&self) {
        self.books().at_hand = None;
    }

    /// The session ended as it should: no ticket is missed.
    pub fn close(&self) {
        self.open();
    }

    /// Whether a new session would make up for the loss of this one without an image being sent
    /// twice.
    pub fn may_retry(&self) -> bool {
        let books = self.books();
        !books.committed && !books.at_hand.as_ref().is_some_and(|(_, spent)| *spent)
    }

    /// Adds to a failure what it does to tickets.
    pub fn describe(&self, failure: Failure) -> Failure {
        let books = self.books();
        failure.with(&books.note(), books.fields())
    }
}

impl Books {
    fn note(&self) -> String {
        let lost = match self.unspent {
            0 => None,
            1 => Some("1 unspent ticket of this session is lost with the connection".to_owned()),
            n => Some(format!(
                "{} of this session are lost with the connection",
                count(n, "unspent ticket")
            )),
        };
        let spent = match &self.at_hand {
            Some((image, true)) => Some(format!("the ticket of `{}` was spent", image.display())),
            _ => None,
        };
        [spent, lost].into_iter().flatten().collect::<Vec<_>>().join("; ")
    }

    fn fields(&self) -> Map<String, Value> {
        let mut fields = Map::new();
        if let Some((image, _)) = &self.at_hand {
            fields.insert("image".into(), json!(image.display().to_string()));
        }
        let spent = self.at_hand.as_ref().is_some_and(|(_, spent)| *spent);
        fields.insert("ticket_spent".into(), spent.into());
        fields.insert("tickets_lost".into(), self.unspent.into());
        fields
    }
}

#[cfg(test)]
mod tests {
    use tacita_protocol::Error;

    use super::*;

    fn told(ledger: &Ledger) -> (String, bool, u64) {
        let failure = ledger.describe(Error::network("gone").into());
        let event = failure.event();
        let spent = event["ticket_spent"].as_bool().unwrap();
        (failure.to_string(), spent, event["tickets_lost"].as_u64().unwrap())
    }

    #[test]
    fn a_failure_says_what_became_of_tickets() {
        let ledger = Ledger::default();
        assert_eq!(told(&ledger), ("network: gone".into(), false, 0));
        ledger.made(3);
        let (text, spent, lost) = told(&ledger);
        assert!(text.contains("3 unspent tickets of this session are lost"), "{text}");
        assert_eq!((spent, lost), (false, 3));
        ledger.spend(Path::new("cat.png"));
        let (text, spent, lost) = told(&ledger);
        assert!(text.contains("the ticket of `cat.png` was spent; 2 unspent tickets"), "{text}");
        assert_eq!((spent, lost), (true, 2));
        ledger.unsent();
        assert_eq!((told(&ledger).1, told(&ledger).2), (false, 3));
        ledger.answered();
        ledger.close();
        assert_eq!(told(&ledger), ("network: gone".into(), false, 0));
    }

    #[test]
    fn a_spent_ticket_and_a_commitment_rule_out_another_try() {
        let ledger = Ledger::default();
        ledger.made(1);
        assert!(ledger.may_retry());
        ledger.spend(Path::new("cat.png"));
        assert!(!ledger.may_retry());
        ledger.unsent();
        assert!(ledger.may_retry());
        ledger.commit();
        ledger.open();
        assert!(!ledger.may_retry());
    }
}
