//! What goes to stdout.

use std::fmt::Write as _;
use std::io::{ErrorKind, Write};
use std::sync::atomic::{AtomicBool, Ordering};

use serde::Serialize;
use serde_json::{Value, json};
use tacita_protocol::wire::PhaseTraffic;
use tacita_protocol::{Error, Result};

use crate::lossy;

/// Whether a write to stdout found nobody at the other end.
static STDOUT_CLOSED: AtomicBool = AtomicBool::new(false);

/// Writes one line to stdout at once, so that a reader at the other end of a pipe sees it.
///
/// # Errors
/// `Local` if stdout is closed or full; none where it is lossy
/// ([`init_lossy_log`](crate::init_lossy_log)).
pub fn line(text: &str) -> Result<()> {
    // In one piece: a program that is ended leaves whole lines.
    let Err(line) = lossy::to_stdout(format!("{text}\n")) else { return Ok(()) };
    let mut out = std::io::stdout().lock();
    out.write_all(line.as_bytes()).and_then(|()| out.flush()).map_err(|e| {
        if e.kind() == ErrorKind::BrokenPipe {
            STDOUT_CLOSED.store(true, Ordering::Relaxed);
        }
        Error::local(format!("cannot write to stdout: {e}"))
    })
}

/// Whether stdout was found closed by its reader.
pub(crate) fn stdout_closed() -> bool {
    STDOUT_CLOSED.load(Ordering::Relaxed)
}

/// Does something last: afterwards no other thread writes to stdout any more.
pub(crate) fn seal_stdout(last: impl FnOnce()) {
    let out = std::io::stdout().lock();
    last();
    std::mem::forget(out);
}

/// Writes one line to stderr; one that cannot be written is dropped.
pub fn tell(text: &str) {
    let _ = std::io::stderr().lock().write_all(format!("{text}\n").as_bytes());
}

/// Writes one JSON object on a line of stdout.
///
/// # Errors
/// As [`line()`].
pub fn json_line(value: &impl Serialize) -> Result<()> {
    let text = serde_json::to_string(value)
        .map_err(|e| Error::local(format!("cannot encode JSON: {e}")))?;
    line(&text)
}

/// Text from elsewhere (a plan's labels, a peer's words) made harmless to a terminal.
pub fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { char::REPLACEMENT_CHARACTER } else { c }).collect()
}

/// Lower-case hexadecimal.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut s, b| {
        // Writing to a string cannot fail.
        let _ = write!(s, "{b:02x}");
        s
    })
}

/// A count and its noun: `1 ticket`, `2 tickets`.
pub fn count(n: usize, noun: &str) -> String {
    format!("{n} {noun}{}", if n == 1 { "" } else { "s" })
}

/// A phase's counters as JSON.
pub fn traffic(t: PhaseTraffic) -> Value {
    json!({"sent": t.sent, "received": t.received, "rounds": t.rounds})
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_are_replaced() {
        assert_eq!(printable("cat\x1b[31m\n"), "cat\u{fffd}[31m\u{fffd}");
        assert_eq!(printable("Hündin"), "Hündin");
    }

    #[test]
    fn hex_is_two_digits_a_byte() {
        assert_eq!(hex(&[0, 15, 255]), "000fff");
    }
}
