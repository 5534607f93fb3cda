//! A container goes from one host to another, each with an engine of its own.

mod clients;
mod fleet;
mod kills;
mod kinds;
mod lives;
mod moves;
mod places;
mod refused;
mod scene;
mod ways;
