//! One document for all hosts and containers, from which each host's own document is cut.
//!
//! `DOMAIN` in the options of an image stands for the name of the container, wherever it occurs.
//!
//! ```
//! use weave_core::spec::fleet;
//!
//! # fn main() -> weave_core::Result<()> {
//! let text = "
//! hosts:
//!   dockerhost001: {address: 192.0.2.1, weave_ip: 10.0.0.1/16}
//!   dockerhost002: {address: 192.0.2.2, weave_ip: 10.0.0.2/16}
//! containers:
//!   pg.example.com: {host: dockerhost001, ip: 10.0.1.21/24, image: pg}
//! images:
//!   pg: {docker_run_opts: [--memory=2g, -h DOMAIN]}
//! ";
//! let (fleet, warnings) = fleet::read_fleet("fleet.yaml", text).accept()?;
//! assert!(warnings.is_empty());
//! let document = fleet.cut("dockerhost001")?;
//! assert_eq!(document.peers.map_or(0, |peers| peers.len()), 2);
//! # Ok(())
//! # }
//! ```

mod check;
mod choose;
mod container;
mod cut;
mod hierarchy;
mod image;
mod moves;
mod overlay;
mod publish;
mod read;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub use choose::Machine;
pub use container::FleetContainer;
pub use hierarchy::{is_hierarchy, read_hierarchy};
pub use image::Image;
pub use moves::Moves;
pub use read::{Document, read_document, read_files, read_fleet, read_host, read_value};

pub use super::Subnet;
use super::{Cidr, Ensure, Firewall, List, Named, Peer, Publication, Router};

/// All hosts of a network and their containers.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Fleet {
    /// Whether weave should be on the hosts (`present`); a host's own word goes before it.
    pub ensure: Ensure,
    /// The hosts, by the names that containers name them with: long or short host names.
    pub hosts: BTreeMap<String, FleetHost>,
    /// The containers of all hosts.
    pub containers: Named<FleetContainer>,
    /// How containers are run, by the names that containers name them with. An `image` that is not among them is the
    /// engine's own if it has a tag, a digest or a registry; a bare word that is nearly one of them is an error.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub images: Option<BTreeMap<String, Image>>,
    /// What all containers share, unless they say otherwise.
    pub defaults: FleetContainer,
    /// The networks of the overlay. Where there are any, every address has to be in one of them.
    #[serde(skip_serializing_if = "is_empty")]
    pub subnets: List<Subnet>,
    /// Peers besides the hosts of this document.
    #[serde(skip_serializing_if = "is_empty")]
    pub peers: List<Peer>,
    /// The router of all hosts; a host's own settings go before these, one by one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub router: Option<Router>,
    /// Who looks after the packet filter of the hosts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub firewall: Option<Firewall>,
    /// Ports that every host publishes; a host's own go before them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub publish: Option<List<Publication>>,
    /// How hosts take part in the network themselves.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expose: Option<ExposeDefaults>,
    /// Whether containers that weave once made from a document and that are no longer named are removed (false).
    pub purge_containers: bool,
    /// Whether containers move, with their files, when they are given another host (false): the new host fetches them,
    /// and the old one leaves them alone.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub migrate: bool,
}

/// One host of a fleet.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct FleetHost {
    /// Its underlay address, or a name that every other host can resolve. The tunnel is bound to an address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address: Option<Peer>,
    /// Where the other hosts reach its engine, such as ssh://root@192.0.2.1: they fetch containers from it that move.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub engine: Option<String>,
    /// Its addresses on the network.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub weave_ip: Option<List<Cidr>>,
    /// Whether packets between its networks and everything else take its address (true).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub masquerade: Option<bool>,
    /// Whether weave should be on it; without weave it is nobody's peer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ensure: Option<Ensure>,
    /// Its router, where it differs from the others'.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub router: Option<Router>,
    /// All ports of it that lead to containers of the network, on any host.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub publish: Option<List<Publication>>,
    /// Who looks after its packet filter.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub firewall: Option<Firewall>,
}

/// What all exposures of a fleet share.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ExposeDefaults {
    /// Whether packets between their networks and everything else take the host's address (true).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub masquerade: Option<bool>,
}

fn is_empty<T>(list: &List<T>) -> bool {
    list.0.is_empty()
}

impl FleetHost {
    /// Its addresses on the network, if any.
    pub(crate) fn weave_ips(&self) -> &[Cidr] {
        self.weave_ip.as_ref().map_or(&[], |ips| ips.as_slice())
    }
}

/// The name up to its first dot.
fn short(name: &str) -> &str {
    name.split_once('.').map_or(name, |(short, _)| short)
}

/// Whether two host names can be one host's: equal, or one is the other without its domain. Case does not matter.
fn same_host(one: &str, other: &str) -> bool {
    let long = one.contains('.') && other.contains('.');
    one.eq_ignore_ascii_case(other) || !long && short(one).eq_ignore_ascii_case(short(other))
}

impl Fleet {
    /// The host of this document that `name` means, long or short.
    pub(crate) fn host_named(&self, name: &str) -> Vec<&str> {
        match self.hosts.get_key_value(name) {
            Some((name, _)) => vec![name],
            None => self.hosts.keys().map(String::as_str).filter(|host| same_host(host, name)).collect(),
        }
    }

    /// The names of all hosts, for an error.
    fn host_names(&self) -> String {
        if self.hosts.is_empty() {
            return "none is named in `hosts`".to_owned();
        }
        let names: Vec<&str> = self.hosts.keys().map(String::as_str).collect();
        match names.split_at_checked(20) {
            Some((first, rest)) if !rest.is_empty() => format!("{} and {} more", first.join(", "), rest.len()),
            _ => names.join(", "),
        }
    }
}
