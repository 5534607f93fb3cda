//! Weave on real kernels and real engines, in network namespaces. Needs root; says so when it is not.

mod containers;
#[path = "../support/lab/mod.rs"]
mod lab;
mod life;
mod migration;
mod network;
mod router;
mod verbs;
mod watch;
