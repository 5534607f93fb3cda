//! What carries frames between hosts.

mod arguments;
mod classic;
mod firewall;
mod interface;
mod kind;
mod mtu;
mod settings;
mod underlay;

pub(super) use classic::check_allocatable;
pub use firewall::Firewall;
pub use interface::IfName;
pub use kind::RouterKind;
pub use mtu::Mtu;
pub(super) use mtu::check_mtu;
pub use settings::{Launch, Router};
pub use underlay::Underlay;
