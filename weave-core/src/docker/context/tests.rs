//! Contexts on a real file system, and what the docker client makes of the same.

mod client;
mod directory;
