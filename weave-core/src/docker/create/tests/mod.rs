//! The request, compared with what the docker client sends.

mod client;
mod lines;
mod newer;
mod recorder;
