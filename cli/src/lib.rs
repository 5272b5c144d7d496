//! What Tacet's command-line programs share: exit codes, logs, machine-readable output, the
//! compute pool.

mod exit;
mod log;
mod memory;
mod output;
mod pool;
mod relu;

pub use exit::{EXIT_CODES, exit_code, finish};
pub use log::{LogFormat, init_log};
pub use output::{count, hex, json_line, line, printable, traffic};
pub use pool::init_compute_pool;
pub use relu::Relu;
