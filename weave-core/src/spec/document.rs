//! One document that says what a host should be.

use std::collections::BTreeMap;
use std::fmt;
use std::net::IpAddr;

use serde::de::{Error as _, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

use super::{Attach, Cidr, ContainerRef, Exposure, Firewall, IfName, List, Mac, Mtu, Peer, Route, Router};
use crate::{Error, Result};

/// Whether weave should be on the host.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
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
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
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
}

/// A container's part of a document: [`Attach`] without the name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Attached {
    /// All addresses; an empty list detaches. Also written `ip`.
    #[serde(alias = "ip")]
    pub ips: List<Cidr>,
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
}

impl Attached {
    /// The attachment of `container`.
    pub fn attach(&self, container: ContainerRef) -> Attach {
        Attach {
            container,
            ips: self.ips.clone(),
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

fn is_default_interface(name: &IfName) -> bool {
    *name == IfName::interface()
}

impl HostDocument {
    /// Checks what can be checked without a host.
    ///
    /// # Errors
    /// `InvalidSpec`, naming the field and its value.
    pub fn validate(&self) -> Result<()> {
        if self.ensure != Ensure::Present {
            return Ok(());
        }
        if let Some(router) = &self.router {
            router.validate().map_err(|error| error.within("router"))?;
        }
        let mut taken: BTreeMap<IpAddr, String> = BTreeMap::new();
        for (index, exposure) in self.expose.iter().flatten().enumerate() {
            claim(&mut taken, exposure.ip, format!("expose[{index}]"))?;
        }
        for (container, attached) in self.containers.iter().flat_map(|named| &named.0) {
            let field = format!("containers.{container}");
            if !attached.ips.is_empty() {
                attached.attach(container.clone()).validate().map_err(|error| error.within(&field))?;
            }
            for (index, ip) in attached.ips.iter().enumerate() {
                claim(&mut taken, *ip, format!("{field}.ips[{index}]"))?;
            }
        }
        Ok(())
    }
}

fn claim(taken: &mut BTreeMap<IpAddr, String>, ip: Cidr, field: String) -> Result<()> {
    if let Some(other) = taken.get(&ip.ip()) {
        return Err(Error::invalid(field, format!("{ip} is given to {other} too; allowed: each address once")));
    }
    taken.insert(ip.ip(), field);
    Ok(())
}

/// A map from containers to what is said of them, in the order of their names; a name twice is an error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named<T>(pub BTreeMap<ContainerRef, T>);

impl<T: Serialize> Serialize for Named<T> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(&self.0)
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Named<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Entries<T>(std::marker::PhantomData<T>);

        impl<'de, T: Deserialize<'de>> Visitor<'de> for Entries<T> {
            type Value = Named<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a map from containers to their settings")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Named<T>, A::Error> {
                let mut entries = BTreeMap::new();
                while let Some((name, value)) = map.next_entry::<String, T>()? {
                    let container: ContainerRef =
                        name.parse().map_err(|error: Error| A::Error::custom(error.message()))?;
                    if entries.insert(container, value).is_some() {
                        return Err(A::Error::custom(format!(
                            "the container `{name}` is given twice; allowed: each container once"
                        )));
                    }
                }
                Ok(Named(entries))
            }
        }
        deserializer.deserialize_map(Entries(std::marker::PhantomData))
    }
}
