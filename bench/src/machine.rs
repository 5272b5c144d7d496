//! Which machine this is, and which command runs: what every file of results says of its figures.

use std::path::Path;

use serde::{Deserialize, Serialize};

/// Where figures were measured.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub struct Machine {
    /// The processor's name.
    #[serde(default)]
    pub cpu: String,
    /// Hardware threads, for both parties together.
    #[serde(default)]
    pub cores: usize,
    /// Instruction sets that the kernels may use.
    #[serde(default)]
    pub features: Vec<String>,
}

impl Machine {
    /// This one.
    pub fn here() -> Self {
        Self {
            cpu: cpu(),
            cores: std::thread::available_parallelism().map_or(1, usize::from),
            features: features(),
        }
    }
}

/// The processor's name, as far as the system tells.
pub fn cpu() -> String {
    let info = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let name = info.lines().find_map(|l| l.strip_prefix("model name")?.split_once(':'));
    name.map_or_else(|| std::env::consts::ARCH.into(), |(_, name)| name.trim().into())
}

#[cfg(target_arch = "x86_64")]
fn features() -> Vec<String> {
    macro_rules! found {
        ($($name:tt),+) => {
            [$(is_x86_feature_detected!($name).then(|| $name.to_owned())),+]
                .into_iter()
                .flatten()
                .collect()
        };
    }
    found!("aes", "bmi2", "adx", "avx2", "avx512f", "avx512dq", "avx512ifma", "vaes", "vpclmulqdq")
}

#[cfg(not(target_arch = "x86_64"))]
fn features() -> Vec<String> {
    Vec::new()
}

/// This process's command line, without the program's folder.
pub fn command() -> String {
    let mut words: Vec<String> = std::env::args().collect();
    if let Some(program) = words.first_mut() {
        let name = Path::new(program).file_name().map(|n| n.to_string_lossy().into_owned());
        *program = name.unwrap_or_default();
    }
    words.join(" ")
}
