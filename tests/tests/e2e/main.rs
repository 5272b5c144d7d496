//! The product as its users run it: `tacita-server` and `tacita-client` processes over TLS on
//! loopback, with honest, confused and hostile peers.
//!
//! Nothing here depends on how fast the machine is: every wait is for an output line, a message or
//! the end of a process. Only peers that drip sleep, between their drops.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "helpers of tests, outside the test functions"
)]

mod bad_certificates;
mod bad_files;
mod bad_images;
mod bad_peers;
mod bad_servers;
mod descriptors;
mod doors;
mod endings;
mod happy;
mod killed;
mod limits;
mod logs;
mod looked_up;
mod maps;
mod shares;
mod shutdown;
mod silent;
mod slow_lines;
mod support;
mod tickets;
mod top1;
mod try_out;
mod waiting;
