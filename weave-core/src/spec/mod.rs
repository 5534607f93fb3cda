//! WANTED: what a caller says should be. Plain data with checks; nothing here looks at a host.
//!
//! `None` always means "not managed": it never turns into a value that then shows up as a difference.

mod address;
mod announcement;
mod attachment;
mod before;
mod build;
mod command;
mod container;
mod document;
mod every;
mod exposure;
mod finding;
pub mod fleet;
mod input;
mod ips;
mod list;
mod mac;
mod marked;
mod migration;
mod named;
pub mod options;
mod part;
mod peer;
pub(crate) mod publication;
mod published;
mod router;
mod rules;
pub mod run;
pub mod schema;
mod subnet;
mod units;
mod word;
mod written;

pub use address::{Cidr, Route};
pub(crate) use address::{everything, network_of};
pub use announcement::Announce;
pub use attachment::{Attach, Detach};
pub use build::Build;
pub use container::ContainerRef;
pub use document::{Attached, Ensure, HostDocument};
pub use exposure::{Expose, Exposure, Hide};
pub use finding::{Finding, Level, Reading};
pub(crate) use input::nearest;
#[cfg(feature = "cli")]
pub(crate) use input::unknown_word;
pub use input::{from_value, from_yaml};
#[cfg(feature = "cli")]
pub(crate) use ips::Item;
pub use ips::{IpRequest, Ips};
pub use list::List;
pub use mac::Mac;
pub use migration::Migrate;
pub use named::Named;
pub use options::Options;
pub use part::Part;
pub use peer::{Connect, Forget, Peer, PeerHost};
pub use publication::{Destination, Publication, Unpublish};
pub use router::{Firewall, IfName, Launch, Mtu, Router, RouterKind, Underlay};
pub use run::{Presence, Remove, Run, Settings};
pub use subnet::Subnet;
pub use units::{InstallUnits, UnitsState};
