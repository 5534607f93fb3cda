//! A container goes from one host to another, each with an engine of its own.

mod kills;
mod lives;
mod moves;
mod scene;
