//! Finds the product's binaries, which are built into the folder above this test's.

use std::process::Command;

/// A command that runs one of the product's binaries.
pub fn binary(name: &str) -> Command {
    let here = std::env::current_exe().expect("this test has a path");
    let folder = here.parent().and_then(|deps| deps.parent()).expect("target/<profile>/deps");
    let path = folder.join(name);
    assert!(
        path.is_file(),
        "{} is not built: run `make test`, or `cargo build -p tacita-server -p tacita-client \
         -p tacita-compile` first",
        path.display()
    );
    let mut command = Command::new(path);
    // A developer's own log filter must not hide the lines that tests wait for.
    command.env_remove("TACITA_LOG");
    command
}
