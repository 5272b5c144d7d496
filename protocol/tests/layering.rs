//! The direction in which modules may depend on each other, and who may do I/O.

#[cfg(test)]
mod layering {
    use std::fs;
    use std::path::{Path, PathBuf};

    /// Modules from the bottom up. A module may use those of earlier lines and of its own line.
    const LAYERS: &[&[&str]] = &[
        &["error", "bytes"],
        // Bounded reads, for certificates and for the programs.
        &["file"],
        &["wire"],
        &["rng", "ring"],
        // The plan's validation asks the cryptography for its limits; the cryptography reads shapes.
        &["plan", "rlwe", "ot", "garble", "gadget"],
        &["linear"],
        &["ticket"],
        &["compute"],
        &["offline", "online", "session"],
        &["cost", "counted"],
    ];

    /// Names that mean sockets, files or an async runtime.
    const IO: &[&str] = &["tokio", "std::net", "std::fs", "std::process", "rustls"];

    fn sources(dir: &Path) -> Vec<PathBuf> {
        let mut found = Vec::new();
        for entry in fs::read_dir(dir).expect("source folder") {
            let path = entry.expect("entry").path();
            if path.is_dir() {
                found.extend(sources(&path));
            } else if path.extension().is_some_and(|e| e == "rs") {
                found.push(path);
            }
        }
        found
    }

    fn layer(module: &str) -> usize {
        LAYERS
            .iter()
            .position(|l| l.contains(&module))
            .unwrap_or_else(|| panic!("module `{module}` has no layer: add it to LAYERS"))
    }

    /// Modules that a source file names as `crate::module`.
    fn used(text: &str) -> Vec<String> {
        let code = text.lines().filter(|l| !l.trim_start().starts_with("//"));
        let uses =
            code.flat_map(|l| l.split("crate::").skip(1).map(str::to_owned).collect::<Vec<_>>());
        uses.map(|rest| rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect())
            .filter(|m: &String| m.chars().next().is_some_and(char::is_lowercase))
            .collect()
    }

    #[test]
    fn dependencies_point_downwards_and_only_wire_and_file_do_io() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
        let mut checked = 0;
        for path in sources(&root) {
            let relative = path.strip_prefix(&root).expect("under src").to_owned();
            let module =
                relative.iter().next().expect("a name").to_string_lossy().replace(".rs", "");
            if module == "lib" || relative.iter().any(|p| p == "tests" || p == "tests.rs") {
                continue;
            }
            let text = fs::read_to_string(&path).expect("readable");
            let shipped = text.split("#[cfg(test)]").next().unwrap_or_default();
            for other in used(shipped).iter().filter(|m| *m != "Result" && *m != "Error") {
                assert!(layer(other) <= layer(&module), "{relative:?} uses `{other}` above it");
            }
            if module != "wire" && module != "file" {
                for name in IO {
                    assert!(!shipped.contains(name), "{relative:?} does I/O: `{name}`");
                }
            }
            checked += 1;
        }
        assert!(checked > 40, "only {checked} files found");
    }
}
