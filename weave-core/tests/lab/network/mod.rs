//! The network itself: packets are the witnesses.

mod announce;
mod announcement;
mod calls;
pub(crate) mod common;
mod concurrency;
mod exposure;
mod forwarding;
mod forwarding_docker;
mod guard;
mod kill;
mod masquerade;
mod memory;
mod mesh;
mod mtu;
mod names;
mod overlay;
mod preflight;
mod probe;
mod publish;
mod publish_rules;
mod refused;
mod reset;
mod trace;
mod underlay;
