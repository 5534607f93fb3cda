//! weave joins the containers of many plain Docker hosts to one private network.

pub mod error;
pub mod host;
pub mod names;
pub mod observed;
pub mod plan;
pub mod spec;

pub mod apply;
pub mod blocking;
#[cfg(feature = "cli")]
pub mod cli;
mod docker;
mod firewall;
pub mod kernel;
mod netlink;
mod netns;
pub mod ops;
mod packet;
mod sysctl;

pub use error::{Error, ErrorKind, Result};
