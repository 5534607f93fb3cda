//! WANTED: what a caller says should be. Plain data with checks; nothing here looks at a host.
//!
//! `None` always means "not managed": it never turns into a value that then shows up as a difference.

mod address;
mod attachment;
mod container;
mod document;
mod exposure;
mod input;
mod list;
mod mac;
pub mod options;
mod peer;
mod router;

pub(crate) use address::everything;
pub use address::{Cidr, Route};
pub use attachment::{Attach, Detach};
pub use container::ContainerRef;
pub use document::{Attached, Ensure, HostDocument, Named};
pub use exposure::{Expose, Exposure, Hide};
pub(crate) use input::nearest;
pub use input::{from_value, from_yaml};
pub use list::List;
pub use mac::Mac;
pub use options::Options;
pub use peer::{Connect, Forget, Peer, PeerHost};
pub use router::{Firewall, IfName, Launch, Mtu, Router, RouterKind, Underlay};
