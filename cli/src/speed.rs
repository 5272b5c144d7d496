//! Where machine profiles come from: a file that `tacita-bench profile` wrote, or the built-in one.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use tacita_protocol::cost::KernelProfile;
use tacita_protocol::cost::profile::check_version;
use tacita_protocol::{Error, Result};

/// The profile of the machine that Tacita was developed on.
const REFERENCE: &str = include_str!("reference_profile.json");
/// No profile is longer: what is beyond is not read.
const MAX_BYTES: u64 = 1 << 20;

/// Where a profile is kept: `tacita/profile.json` in `$XDG_CONFIG_HOME` or `~/.config`.
///
/// # Errors
/// `Error::Input` if neither that variable nor `$HOME` is set.
pub fn default_path() -> Result<PathBuf> {
    let folder = |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|p| p.is_absolute());
    folder("XDG_CONFIG_HOME")
        .or_else(|| folder("HOME").map(|home| home.join(".config")))
        .map(|config| config.join("tacita").join("profile.json"))
        .ok_or_else(|| Error::input("neither XDG_CONFIG_HOME nor HOME is set: name the file"))
}

/// Reads a profile.
///
/// # Errors
/// `Error::Input` if it is missing, damaged or of another version.
pub fn load(path: &Path) -> Result<KernelProfile> {
    let failed = |e| Error::input(format!("cannot read `{}`: {e}", path.display()));
    let (mut bytes, file) = (Vec::new(), File::open(path).map_err(failed)?);
    file.take(MAX_BYTES).read_to_end(&mut bytes).map_err(failed)?;
    parse(&bytes).map_err(|e| Error::input(format!("{}: {e}", path.display())))
}

/// The profile of the development machine, for where none was measured.
///
/// # Errors
/// None, as a test makes sure.
pub fn reference() -> Result<KernelProfile> {
    parse(REFERENCE.as_bytes())
}

/// What profiles of all versions have.
#[derive(Deserialize)]
struct Versioned {
    version: u32,
}

fn parse(bytes: &[u8]) -> Result<KernelProfile> {
    let damaged = |e| Error::input(format!("no machine profile: {e}"));
    let Versioned { version } = serde_json::from_slice(bytes).map_err(damaged)?;
    // Another version may lack fields: say that, and not which.
    check_version(version)?;
    let profile: KernelProfile = serde_json::from_slice(bytes).map_err(damaged)?;
    profile.check()?;
    Ok(profile)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_built_in_profile_is_usable_and_round_trips() {
        let profile = reference().unwrap();
        let text = serde_json::to_string(&profile).unwrap();
        assert_eq!(parse(text.as_bytes()).unwrap(), profile);
    }

    #[test]
    fn other_versions_and_impossible_values_are_refused() {
        let mut profile = reference().unwrap();
        profile.version += 1;
        let refused = parse(serde_json::to_string(&profile).unwrap().as_bytes()).unwrap_err();
        assert!(refused.to_string().contains("tacita-bench profile"), "{refused}");
        let old = parse(br#"{"version": 1, "cpu": "older", "relu": {"ot_send": 2e-8}}"#);
        let refused = old.unwrap_err().to_string();
        assert!(refused.contains("version 1,") && refused.contains("tacita-bench profile"));
        let mut profile = reference().unwrap();
        profile.lattice.product = -1.0;
        assert!(parse(serde_json::to_string(&profile).unwrap().as_bytes()).is_err());
        assert!(parse(b"{}").is_err());
    }
}
