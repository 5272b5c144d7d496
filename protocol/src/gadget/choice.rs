//! The ways to compute ReLUs that there are, and the choice of one.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::CompareBits;
use super::garbled::Garbled;
use super::lookup::Lookup;
use super::seam::{Backend, Gadget};
use crate::error::{Error, Result};

/// All backends. The first one has a gadget for every width, and is what others fall back to. Plans
/// and requests have a backend's place in this list: new ones come last.
const ALL: [&dyn Backend; 2] = [&Garbled, &Lookup];
/// What the tests have besides, from this number on; nobody chooses them unasked.
#[cfg(test)]
const TOYS: (u8, [&dyn Backend; 1]) = (200, [&super::toy::Toy]);

/// What the ReLUs of a tensor are made of, as the client asks for it.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ReluChoice(u8);

/// The backend of a number.
fn listed(code: u8) -> Option<&'static dyn Backend> {
    #[cfg(test)]
    if let Some(place) = code.checked_sub(TOYS.0) {
        return TOYS.1.get(usize::from(place)).copied();
    }
    ALL.get(usize::from(code)).copied()
}

impl ReluChoice {
    /// The toy of the tests.
    #[cfg(test)]
    pub(crate) const TOY: Self = Self(TOYS.0);

    /// Every choice that there is.
    pub fn all() -> impl ExactSizeIterator<Item = Self> + Clone {
        (0..ALL.len() as u8).map(Self)
    }

    /// The choice of this name.
    ///
    /// # Errors
    /// [`Error::Input`] if there is none.
    pub fn named(name: &str) -> Result<Self> {
        Self::all().find(|choice| choice.name() == name).ok_or_else(|| {
            let names: Vec<&str> = Self::all().map(Self::name).collect();
            Error::input(format!("no ReLUs are made of `{name}`, but of {}", names.join(" or ")))
        })
    }

    /// The choice in place `code` of the list.
    pub(crate) fn of(code: u8) -> Option<Self> {
        listed(code).map(|_| Self(code))
    }

    /// Its place in the list.
    pub(crate) fn code(self) -> u8 {
        self.0
    }

    /// As command lines have it: gc or ot.
    pub fn name(self) -> &'static str {
        self.backend().name()
    }

    /// What happens to a layer's ReLUs, for people: "garbled".
    pub fn does(self) -> &'static str {
        self.backend().does()
    }

    /// What a user should know of it.
    pub fn about(self) -> &'static str {
        self.backend().about()
    }

    fn backend(self) -> &'static dyn Backend {
        // Only places of the lists are made.
        listed(self.0).unwrap_or(&Garbled)
    }

    /// Whether comparisons of this width can be made so.
    ///
    /// # Errors
    /// [`Error::Input`] if not, and why.
    pub fn check(self, compare: CompareBits) -> Result<()> {
        self.backend().gadget(compare).map(drop)
    }

    /// This choice if it can be made for comparisons of this width, else the first.
    #[must_use]
    pub fn if_possible(self, compare: CompareBits) -> Self {
        if self.check(compare).is_ok() { self } else { Self::default() }
    }

    /// The gadget for comparisons of this width; the first backend's if this one has none.
    pub fn gadget(self, compare: CompareBits) -> Box<dyn Gadget> {
        self.backend().gadget(compare).unwrap_or_else(|_| Garbled::circuit(compare))
    }
}

impl fmt::Display for ReluChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl fmt::Debug for ReluChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl Serialize for ReluChoice {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for ReluChoice {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        let code = u8::deserialize(deserializer)?;
        let unknown = || serde::de::Error::custom(format!("no ReLU backend has the number {code}"));
        Self::of(code).ok_or_else(unknown)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_backend_takes_every_width() {
        for width in 2..=63 {
            ReluChoice::default().check(CompareBits::new(width, 0).unwrap()).unwrap();
        }
    }

    #[test]
    fn choices_have_names_and_places() {
        for choice in ReluChoice::all() {
            assert_eq!(ReluChoice::named(choice.name()).unwrap(), choice);
            assert_eq!(ReluChoice::of(choice.code()), Some(choice));
        }
        assert_eq!(ReluChoice::of(2), None);
        let message = ReluChoice::named("magic").unwrap_err().to_string();
        assert!(message.contains("magic") && message.contains("gc or ot"), "{message}");
    }
}
