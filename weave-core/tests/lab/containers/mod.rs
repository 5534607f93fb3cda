//! Containers that a real engine makes of options, compared with what is asked of them.

mod alike;
mod asking;
#[path = "../../../src/docker/create/tests/lines.rs"]
mod lines;
mod refused;
mod updated;
mod volumes;
