//! CUDA in the same program: its kernels live in a library that nothing links against.

use std::fmt;
use std::sync::OnceLock;

/// The PyTorch whose CUDA part goes with the libtorch that this program is built with.
pub const PYTORCH: &str = "2.11.0+cu130";

/// What the first [`load`] of the process found.
static STATE: OnceLock<Cuda> = OnceLock::new();

/// What became of the CUDA part of libtorch.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Cuda {
    /// Nothing has tried to load it.
    #[default]
    Untried,
    /// The library is loaded; whether a device is there is another question.
    Loaded,
    /// `TACITA_CUDA=0` says not to try.
    Off,
    /// The library could not be loaded, and why. Normal on machines without CUDA.
    Absent(String),
}

/// Says what stands in the way of CUDA, and what to do about it.
impl fmt::Display for Cuda {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Untried => write!(f, "this program does not load the CUDA part of libtorch"),
            Self::Loaded => write!(
                f,
                "the CUDA part of libtorch is loaded, so look at the driver (nvidia-smi) and at \
                 CUDA_VISIBLE_DEVICES"
            ),
            Self::Off => write!(f, "TACITA_CUDA=0 keeps CUDA off: unset it"),
            Self::Absent(why) => write!(
                f,
                "the CUDA part of libtorch is not loaded ({why}): put the folder torch/lib of \
                 PyTorch {PYTORCH} in front of what LD_LIBRARY_PATH holds, as in \
                 LD_LIBRARY_PATH=VENV/lib/python3.11/site-packages/torch/lib:$LD_LIBRARY_PATH"
            ),
        }
    }
}

/// What the first [`load`] found.
pub fn state() -> Cuda {
    STATE.get().cloned().unwrap_or_default()
}

/// Loads `libtorch_cuda.so`, whose static initialisers register kernels and device guards;
/// later calls only say what the first one found. The first must come before anything else
/// of libtorch, which looks for CUDA once and remembers.
///
/// The library is searched by the loader: put the `torch/lib` folder of a PyTorch of the same
/// version first in `LD_LIBRARY_PATH`, and keep what the variable held before (the driver's
/// `libcuda.so.1` may be found through it). All of libtorch then comes from that folder.
pub fn load() -> Cuda {
    STATE.get_or_init(open).clone()
}

fn open() -> Cuda {
    use libloading::os::unix::{Library, RTLD_GLOBAL, RTLD_NOW};
    if std::env::var_os("TACITA_CUDA").is_some_and(|v| v == "0") {
        return Cuda::Off;
    }
    // SAFETY: runs the static initialisers of libtorch_cuda, as every libtorch program does,
    // before any other thread or libtorch call.
    match unsafe { Library::open(Some("libtorch_cuda.so"), RTLD_NOW | RTLD_GLOBAL) } {
        Ok(library) => {
            // Never unloaded: the kernels it registered stay in use.
            std::mem::forget(library);
            Cuda::Loaded
        }
        // The loader's own words, which name the file, are behind the error.
        Err(error) => Cuda::Absent(
            std::error::Error::source(&error).map_or(error.to_string(), ToString::to_string),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_obstacle_comes_with_a_way_out() {
        let text = Cuda::Absent("no such file".to_owned()).to_string();
        assert!(text.contains("no such file") && text.contains("2.11.0+cu130"), "{text}");
        assert!(text.contains("torch/lib:$LD_LIBRARY_PATH"), "{text}");
        assert!(Cuda::Off.to_string().contains("unset"));
        assert!(Cuda::Loaded.to_string().contains("nvidia-smi"));
    }
}
