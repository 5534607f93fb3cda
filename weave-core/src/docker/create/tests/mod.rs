//! The request, compared with what the docker client sends.

mod client;
pub(crate) mod lines;
mod newer;
mod recorder;
