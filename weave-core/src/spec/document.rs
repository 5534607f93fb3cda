//! One document that says what a host should be.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use super::run::{AttachWhen, Command, OnChange, Presence, Pull, RunState, Settings};
use super::{
    Attach, Cidr, ContainerRef, Exposure, Firewall, IfName, Ips, List, Mac, Mtu, Named, Options, Peer, Publication,
    Route, Router,
};

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
    /// All ports of the host that lead to containers of the network, on this host or another.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub publish: Option<List<Publication>>,
    /// Who looks after the packet filter.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub firewall: Option<Firewall>,
    /// Containers and their addresses, by name, id, `netns:PATH` or `pid:N`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub containers: Option<Named<Attached>>,
    /// Whether containers that weave once made from a document and that are no longer named are removed (false).
    #[serde(skip_serializing_if = "is_no")]
    pub purge_containers: bool,
    /// What a fleet that this was cut out of says of containers that move.
    #[serde(skip)]
    pub moves: super::fleet::Moves,
}

/// A container's part of a document: its addresses, and, with an `image`, how it is run. One that has no `image` is
/// somebody else's, and weave only looks after its addresses.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(transform = super::schema::ip_for_ips)]
pub struct Attached {
    /// Whether the container should be there at all (`present`), and from the newest image (`latest`).
    #[serde(default, skip_serializing_if = "Presence::is_default")]
    pub ensure: Presence,
    /// All addresses, or requests such as `net:default`; an empty list detaches. Also written `ip`. They may be left
    /// out of a container that is run.
    #[serde(alias = "ip", default, skip_serializing_if = "Option::is_none")]
    pub ips: Option<Ips>,
    /// The interface in the container (`ethwe`).
    #[serde(default = "IfName::interface", skip_serializing_if = "is_default_interface")]
    pub interface: IfName,
    /// MTU of the interface in bytes (the network's).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mtu: Option<Mtu>,
    /// Hardware address (made from the first address).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mac: Option<Mac>,
    /// Next hop of the container's default route (none).
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "super::input::option_ip")]
    #[schemars(schema_with = "super::schema::option_ip")]
    pub gateway: Option<IpAddr>,
    /// All further routes through the interface.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub routes: Option<List<Route>>,
    /// Whether IPv4 multicast goes to the network (true).
    #[serde(default = "yes", skip_serializing_if = "is_yes")]
    pub multicast: bool,
    /// Whether the network is asked first if somebody has the addresses already (true).
    #[serde(default = "yes", skip_serializing_if = "is_yes")]
    pub probe: bool,
    /// The image it is run from, as the engine takes it: `nginx:1.27`, `registry.example.com/app@sha256:…`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image: Option<String>,
    /// The command, where it is not the image's: a line, or a list of words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub command: Option<Command>,
    /// Options of `docker run`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub options: Option<Box<Options>>,
    /// What it should be doing (`running`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<RunState>,
    /// What happens if it was made with other settings (`recreate`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on_change: Option<OnChange>,
    /// When its image is fetched (`missing`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pull: Option<Pull>,
    /// When it gets its interface (`after_start`).
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
    /// The addresses that are given, if any; without requests.
    pub fn addresses(&self) -> &[Cidr] {
        self.ips.as_ref().map_or(&[], |ips| ips.as_slice())
    }

    /// How `container` is run; `None` where it is not weave that runs it.
    pub fn run(&self, container: &ContainerRef) -> Option<Settings> {
        let ContainerRef::Container(name) = container else { return None };
        let image = self.image.clone().filter(|_| self.ensure.is_there())?;
        let options = self.options.as_deref().cloned().unwrap_or_default();
        Some(Settings {
            name: name.to_string(),
            image,
            command: self.command.clone(),
            pull: match self.ensure {
                Presence::Latest => Pull::Always,
                _ => self.pull.or(options.pull).unwrap_or_default(),
            },
            // What has a field of its own is said there only.
            options: Options { name: None, pull: None, ..options },
            state: self.state.unwrap_or_default(),
            on_change: self.on_change.unwrap_or_default(),
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
