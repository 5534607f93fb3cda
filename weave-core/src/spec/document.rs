//! One document that says what a host should be.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use super::run::{AttachWhen, Command, OnChange, Options, Presence, Pull, RunState};
use super::{Attach, Cidr, ContainerRef, Exposure, Firewall, IfName, List, Mac, Mtu, Named, Peer, Route, Router, Run};

/// Whether weave should be on the host.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Ensure {
    /// As the document says.
    #[default]
    Present,
    /// Everything that weave made is removed, and nothing else.
    Absent,
    /// The same as `absent`, as the 2014 module's users wrote it.
    Purged,
}

/// A host's part of the network. It is exact for what it names and silent about what it does not name: peers listed
/// are all there are, the addresses of a container are all it has; a container that is not named is left alone.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct HostDocument {
    /// Whether weave should be there (`present`).
    pub ensure: Ensure,
    /// The router.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub router: Option<Router>,
    /// All peers. The host's own addresses are left out by themselves, so every host can have the same list.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub peers: Option<List<Peer>>,
    /// All addresses of the host itself on the network.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expose: Option<List<Exposure>>,
    /// Who looks after the packet filter.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub firewall: Option<Firewall>,
    /// Containers and their addresses, by name, id, `netns:PATH` or `pid:N`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub containers: Option<Named<Attached>>,
    /// Whether containers that weave once made from a document and that are no longer named are removed (false).
    #[serde(skip_serializing_if = "is_no")]
    pub purge_containers: bool,
}

/// A container's part of a document: its addresses as [`Attach`] without the name, and, with an `image`, how it is
/// run. One that has no `image` is somebody else's, and weave only looks after its addresses.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(transform = super::schema::ip_for_ips)]
pub struct Attached {
    /// Whether the container should be there at all (`present`).
    #[serde(default, skip_serializing_if = "Presence::is_present")]
    pub ensure: Presence,
    /// All addresses; an empty list detaches. Also written `ip`. They may be left out of a container that is run.
    #[serde(alias = "ip", default, skip_serializing_if = "Option::is_none")]
    pub ips: Option<List<Cidr>>,
    /// As [`Attach::interface`].
    #[serde(default = "IfName::interface", skip_serializing_if = "is_default_interface")]
    pub interface: IfName,
    /// As [`Attach::mtu`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mtu: Option<Mtu>,
    /// As [`Attach::mac`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mac: Option<Mac>,
    /// As [`Attach::gateway`].
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "super::input::option_ip")]
    #[schemars(schema_with = "super::schema::option_ip")]
    pub gateway: Option<IpAddr>,
    /// As [`Attach::routes`], and all there are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub routes: Option<List<Route>>,
    /// As [`Attach::multicast`].
    #[serde(default = "yes", skip_serializing_if = "is_yes")]
    pub multicast: bool,
    /// As [`Attach::probe`].
    #[serde(default = "yes", skip_serializing_if = "is_yes")]
    pub probe: bool,
    /// As [`Run::image`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image: Option<String>,
    /// As [`Run::command`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub command: Option<Command>,
    /// As [`Run::options`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub options: Option<Options>,
    /// As [`Run::state`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<RunState>,
    /// As [`Run::on_change`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on_change: Option<OnChange>,
    /// As [`Run::pull`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pull: Option<Pull>,
    /// As [`Run::attach`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attach: Option<AttachWhen>,
}

impl Default for Attached {
    fn default() -> Self {
        Self {
            ensure: Presence::Present,
            ips: None,
            interface: IfName::interface(),
            mtu: None,
            mac: None,
            gateway: None,
            routes: None,
            multicast: true,
            probe: true,
            image: None,
            command: None,
            options: None,
            state: None,
            on_change: None,
            pull: None,
            attach: None,
        }
    }
}

impl Attached {
    /// The addresses that are given, if any.
    pub fn addresses(&self) -> &[Cidr] {
        self.ips.as_ref().map_or(&[], |ips| ips.as_slice())
    }

    /// How `container` is run; `None` where it is not weave that runs it.
    pub fn run(&self, container: &ContainerRef) -> Option<Run> {
        let ContainerRef::Container(name) = container else { return None };
        let image = self.image.clone().filter(|_| self.ensure == Presence::Present)?;
        Some(Run {
            name: name.clone(),
            image,
            command: self.command.clone(),
            options: self.options.clone().unwrap_or_default(),
            state: self.state.unwrap_or_default(),
            on_change: self.on_change.unwrap_or_default(),
            pull: self.pull.unwrap_or_default(),
            attach: self.attach.unwrap_or_default(),
        })
    }

    /// The attachment of `container`.
    pub fn attach(&self, container: ContainerRef) -> Attach {
        Attach {
            container,
            ips: self.ips.clone().unwrap_or_default(),
            interface: self.interface.clone(),
            mtu: self.mtu,
            mac: self.mac,
            gateway: self.gateway,
            routes: self.routes.clone(),
            multicast: self.multicast,
            probe: self.probe,
        }
    }
}

fn yes() -> bool {
    true
}

// serde hands `skip_serializing_if` a reference.
#[allow(clippy::trivially_copy_pass_by_ref)]
fn is_yes(value: &bool) -> bool {
    *value
}

#[allow(clippy::trivially_copy_pass_by_ref)]
fn is_no(value: &bool) -> bool {
    !*value
}

fn is_default_interface(name: &IfName) -> bool {
    *name == IfName::interface()
}
