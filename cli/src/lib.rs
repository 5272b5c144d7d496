//! What Tacita's command-line programs share: exit codes, logs, machine-readable output, the
//! compute pool, the choice of backends for ReLUs and the speeds that it is predicted with.

mod exit;
mod failure;
mod log;
pub mod lossy;
mod memory;
mod ot;
mod output;
mod pool;
mod relu;
mod signals;
pub mod speed;

pub use exit::{EXIT_CODES, STOPPED_EARLY, finish, run};
pub use failure::{Failure, Signal, exit_code};
pub use log::{LogFormat, init_log, init_lossy_log};
pub use memory::return_freed_memory;
pub use ot::{Ot, session_choices};
pub use output::{count, hex, json_line, line, printable, tell, traffic};
pub use pool::{init_compute_pool, lower_priority, offline_compute};
pub use relu::{Relu, tell_choices};
pub use signals::end_on_signals;
