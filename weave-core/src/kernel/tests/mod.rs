//! Against a real kernel, each test in network namespaces of its own that end with it; `ip` and `bridge` are the
//! witnesses. They need root, and fail without it.

mod announce;
mod lab;
mod observing;
mod partial;
mod paths;
mod steps;
mod targets;
mod threads;
