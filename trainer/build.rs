//! Bakes the folder of libtorch into the programs' run-time search path: torch-sys passes
//! its own to the C++ compiler only.

#![allow(clippy::print_stdout, reason = "cargo reads build instructions from stdout")]

fn main() {
    println!("cargo:rerun-if-env-changed=LIBTORCH");
    if let Ok(dir) = std::env::var("LIBTORCH") {
        println!("cargo:rustc-link-arg=-Wl,-rpath,{dir}/lib");
    }
}
