//! `tacita-compile`: ONNX to plan, and a look into plans.

mod cli;

fn main() -> std::process::ExitCode {
    cli::main()
}
