//! Which machine this is, and which command runs.

use std::fs;

use super::record::Machine;

/// The processor, its threads, and the extensions that the kernels look for.
pub fn machine() -> Machine {
    Machine {
        cpu: cpu(),
        cores: std::thread::available_parallelism().map_or(1, usize::from),
        features: features(),
    }
}

/// The processor's name, as far as the system tells.
fn cpu() -> String {
    let info = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let name = info.lines().find_map(|l| l.strip_prefix("model name")?.split_once(':'));
    name.map_or_else(|| std::env::consts::ARCH.into(), |(_, name)| name.trim().into())
}

#[cfg(target_arch = "x86_64")]
fn features() -> Vec<String> {
    let known = [
        ("aes", std::arch::is_x86_feature_detected!("aes")),
        ("vaes", std::arch::is_x86_feature_detected!("vaes")),
        ("avx2", std::arch::is_x86_feature_detected!("avx2")),
        ("avx512f", std::arch::is_x86_feature_detected!("avx512f")),
        ("avx512ifma", std::arch::is_x86_feature_detected!("avx512ifma")),
    ];
    known.iter().filter(|f| f.1).map(|f| f.0.into()).collect()
}

#[cfg(not(target_arch = "x86_64"))]
fn features() -> Vec<String> {
    Vec::new()
}

/// This process's command line, without the program's folder.
pub fn command() -> String {
    let arguments = std::env::args().skip(1);
    std::iter::once("tacet-bench".to_owned()).chain(arguments).collect::<Vec<_>>().join(" ")
}
