//! A container goes from one host to another, each with an engine of its own.

mod clients;
mod fleet;
mod halted;
mod kept;
mod kills;
mod kinds;
mod lives;
mod meanwhile;
mod moves;
mod places;
mod refused;
mod scene;
mod ways;
