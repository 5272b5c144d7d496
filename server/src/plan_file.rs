//! Reads the plan file.

use std::path::Path;

use tacita_protocol::file::read_regular;
use tacita_protocol::plan::{MAX_FILE_BYTES, Plan};
use tacita_protocol::{Error, Result};

/// Reads and validates a plan.
///
/// # Errors
/// `Input` naming the file and what is wrong with it.
pub fn load(path: &Path) -> Result<Plan> {
    let name = path.display();
    let bytes = read_regular(path, MAX_FILE_BYTES as u64)?;
    Plan::from_bytes(&bytes).map_err(|e| Error::input(format!("`{name}`: {e}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_plan_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("notes.txt");
        std::fs::write(&file, "buy milk, then some more milk").unwrap();
        for path in [file, dir.path().join("missing.plan")] {
            let Err(Error::Input { what }) = load(&path) else { panic!() };
            assert!(what.contains(path.file_name().unwrap().to_str().unwrap()), "{what}");
        }
    }
}
