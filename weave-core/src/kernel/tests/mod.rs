//! Against a real kernel, each test in network namespaces of its own that end with it; `ip`, `bridge` and
//! `ethtool` are the witnesses. They need root, and fail without it.

mod again;
mod announce;
mod lab;
mod observing;
mod partial;
mod paths;
mod router;
mod steps;
mod targets;
mod threads;
