//! Image paths on stdin.

use std::ffi::OsString;
use std::io::{self, BufRead, Read};
use std::os::unix::ffi::OsStringExt;
use std::path::PathBuf;

/// Longest line, in bytes; systems have shorter paths.
const MAX_LINE: u64 = 1 << 16;

/// A line of stdin.
#[derive(Debug, PartialEq, Eq)]
pub enum Line {
    /// A path, of any bytes that the system allows.
    Path(PathBuf),
    /// None, and why.
    Bad(&'static str),
}

/// The next line; `None` after the last.
///
/// # Errors
/// If it cannot be read.
pub fn next(input: &mut impl BufRead) -> io::Result<Option<Line>> {
    let mut line = Vec::new();
    if input.by_ref().take(MAX_LINE).read_until(b'\n', &mut line)? == 0 {
        return Ok(None);
    }
    if line.len() as u64 == MAX_LINE && !line.ends_with(b"\n") {
        input.skip_until(b'\n')?;
        return Ok(Some(Line::Bad("it is too long for a path")));
    }
    let text = line.trim_ascii();
    Ok(Some(match text {
        b"" => Line::Bad("it is empty: one image path a line is expected"),
        _ if text.contains(&0) => Line::Bad("there is a NUL byte in it, which no path has"),
        _ => Line::Path(PathBuf::from(OsString::from_vec(text.to_vec()))),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(mut input: &[u8]) -> Vec<Line> {
        std::iter::from_fn(|| next(&mut input).unwrap()).collect()
    }

    #[test]
    fn lines_are_paths() {
        let path = |text: &str| Line::Path(text.into());
        assert_eq!(all(b""), []);
        assert_eq!(
            all(b"a.png\r\n b c.png \nlast"),
            [path("a.png"), path("b c.png"), path("last")]
        );
    }

    #[test]
    fn a_bad_line_does_not_touch_the_next() {
        let long = vec![b'x'; MAX_LINE as usize + 5];
        for (bad, words) in
            [(&b""[..], "empty"), (b"  \t", "empty"), (b"a\0b", "NUL"), (&long, "too long")]
        {
            let lines = all(&[bad, b"\nnext\n"].concat());
            let [Line::Bad(why), Line::Path(next)] = &lines[..] else { panic!("{words}") };
            assert!(why.contains(words) && next.as_os_str() == "next", "{why}");
        }
    }

    #[test]
    fn a_path_need_not_be_utf_8() {
        let [Line::Path(path)] = &all(b"\xff.png\n")[..] else { panic!() };
        assert_eq!(path.as_os_str().as_encoded_bytes(), b"\xff.png");
    }
}
