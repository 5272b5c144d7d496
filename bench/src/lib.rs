//! What `tacita-bench` measures with, for its own verbs, the criterion benches and the laboratory:
//! the protocol's kernels at work, networks with drawn weights, both parties as processes of their
//! own, the clear model beside them, and files of results.

pub mod cases;
pub mod certs;
pub mod cifar;
pub mod clear;
pub mod client;
pub mod machine;
pub mod met;
pub mod meter;
pub mod networks;
pub mod process;
pub mod relu;
pub mod server;
pub mod stage;
pub mod store;
pub mod table;
