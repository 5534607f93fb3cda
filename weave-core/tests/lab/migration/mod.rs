//! A container goes from one host to another, each with an engine of its own.

mod moves;
mod scene;
