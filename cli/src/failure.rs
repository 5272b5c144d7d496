//! Why a program ends early.

use std::fmt;

use serde_json::{Map, Value};
use tacita_protocol::Error;
use tacita_protocol::wire::AbortReason;

/// Why a program ends early, and what its user should know besides.
#[derive(Debug)]
pub struct Failure {
    cause: Cause,
    note: String,
    fields: Map<String, Value>,
}

#[derive(Debug)]
enum Cause {
    Error(Error),
    Partly(String),
    Bug(String),
    Signal(Signal),
}

/// A signal that ends a program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    /// Ctrl-C.
    Interrupt,
    /// A polite kill.
    Terminate,
}

impl Signal {
    /// What a shell reports of a program that it ended.
    pub const fn code(self) -> u8 {
        match self {
            Self::Interrupt => 130,
            Self::Terminate => 143,
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Interrupt => "SIGINT",
            Self::Terminate => "SIGTERM",
        }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::new(Cause::Error(error))
    }
}

impl Failure {
    fn new(cause: Cause) -> Self {
        Self { cause, note: String::new(), fields: Map::new() }
    }

    /// Some inputs were answered; of those that were not, each was reported when it came up.
    pub fn partly(what: impl Into<String>) -> Self {
        Self::new(Cause::Partly(what.into()))
    }

    /// A panic, at this place of the source.
    pub fn bug(place: impl Into<String>) -> Self {
        Self::new(Cause::Bug(place.into()))
    }

    /// A signal came.
    pub fn signal(signal: Signal) -> Self {
        Self::new(Cause::Signal(signal))
    }

    /// Says more about it: to people by `note`, which may be empty, to programs by `fields` of the
    /// error event.
    #[must_use]
    pub fn with(mut self, note: &str, fields: Map<String, Value>) -> Self {
        note.clone_into(&mut self.note);
        self.fields.extend(fields);
        self
    }

    /// The error at the bottom of it, if it is one.
    pub fn error(&self) -> Option<&Error> {
        match &self.cause {
            Cause::Error(error) => Some(error),
            _ => None,
        }
    }

    /// The exit code.
    pub fn code(&self) -> u8 {
        match &self.cause {
            Cause::Error(error) => exit_code(error),
            Cause::Bug(_) => 7,
            Cause::Partly(_) => 8,
            Cause::Signal(signal) => signal.code(),
        }
    }

    /// The error event, for programs.
    pub fn event(&self) -> Value {
        let mut event = Map::new();
        event.insert("event".into(), "error".into());
        event.insert("message".into(), self.to_string().into());
        event.insert("code".into(), self.code().into());
        event.extend(self.fields.clone());
        Value::Object(event)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.cause {
            Cause::Error(error) => error.fmt(f)?,
            Cause::Partly(what) => f.write_str(what)?,
            Cause::Bug(place) => {
                write!(
                    f,
                    "local failure: the program ran into a bug of its own at {place}: please"
                )?;
                f.write_str(" report it")?;
            }
            Cause::Signal(signal) => write!(f, "ended by {}", signal.name())?,
        }
        match self.note.as_str() {
            "" => Ok(()),
            note => write!(f, " ({note})"),
        }
    }
}

/// The exit code for an error.
pub fn exit_code(error: &Error) -> u8 {
    match error {
        Error::Input { .. } => 3,
        Error::PeerIncompatible { .. } => 4,
        Error::PeerMisbehaved { .. } => 5,
        Error::PeerAborted { reason } => match AbortReason::from_text(reason) {
            Some(
                AbortReason::Busy
                | AbortReason::ShuttingDown
                | AbortReason::Idle
                | AbortReason::Connection,
            ) => 6,
            Some(AbortReason::Incompatible) => 4,
            _ => 5,
        },
        Error::Network { .. } | Error::Refused { .. } => 6,
        _ => 7,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_class_has_its_code() {
        let aborted = |reason: &str| Error::PeerAborted { reason: reason.into() };
        for (error, code) in [
            (Error::input(""), 3),
            (Error::incompatible(""), 4),
            (Error::misbehaved(""), 5),
            (Error::network(""), 6),
            (Error::Refused { what: String::new() }, 6),
            (Error::local(""), 7),
            (aborted(AbortReason::Busy.text()), 6),
            (aborted(AbortReason::ShuttingDown.text()), 6),
            (aborted(AbortReason::Incompatible.text()), 4),
            (aborted(AbortReason::ProtocolError.text()), 5),
            (aborted("words of another implementation"), 5),
        ] {
            assert_eq!(exit_code(&error), code, "{error}");
        }
    }

    #[test]
    fn what_is_known_besides_is_told_to_people_and_to_programs() {
        let mut fields = Map::new();
        fields.insert("ticket_spent".into(), true.into());
        let failure = Failure::from(Error::network("gone")).with("its ticket was spent", fields);
        assert_eq!(failure.to_string(), "network: gone (its ticket was spent)");
        let event = failure.event();
        assert_eq!((&event["code"], &event["ticket_spent"]), (&6.into(), &true.into()));
        assert_eq!(Failure::partly("two").with("", Map::new()).to_string(), "two");
    }
}
