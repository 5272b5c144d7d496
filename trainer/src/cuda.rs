//! CUDA in the same program: its kernels live in a library that nothing links against.

/// What became of the CUDA part of libtorch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cuda {
    /// The library is loaded; whether a device is there is another question.
    Loaded,
    /// `TACET_CUDA=0` says not to try.
    Off,
    /// The library could not be loaded, and why. Normal on machines without CUDA.
    Absent(String),
}

/// Loads `libtorch_cuda.so`, whose static initialisers register kernels and device guards.
/// Must run before anything else of libtorch, which looks for them once and remembers.
///
/// The library is searched by the loader: put the `torch/lib` folder of a PyTorch of the same
/// version first in `LD_LIBRARY_PATH`, and keep what the variable held before.
pub fn load() -> Cuda {
    use libloading::os::unix::{Library, RTLD_GLOBAL, RTLD_NOW};
    if std::env::var_os("TACET_CUDA").is_some_and(|v| v == "0") {
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
        Err(error) => Cuda::Absent(error.to_string()),
    }
}
