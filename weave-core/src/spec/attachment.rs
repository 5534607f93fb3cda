//! Interfaces of containers on the network.

use std::net::IpAddr;

use ipnetwork::IpNetwork;
use serde::{Deserialize, Deserializer, Serialize};

use super::{Cidr, ContainerRef, IfName, Ips, List, Mac, Mtu, Route};
use crate::{Error, Result, names};

/// Attaches a container: gives it the interface, and adds addresses to it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Attach {
    /// Name or id of the container, `netns:PATH`, or `pid:N`.
    pub container: ContainerRef,
    /// Addresses to add, or requests such as `net:default` for ones that the router allocates.
    pub ips: Ips,
    /// The interface in the container (`ethwe`).
    #[serde(default = "IfName::interface")]
    pub interface: IfName,
    /// MTU of the interface in bytes (the network's).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mtu: Option<Mtu>,
    /// Hardware address (made from the first address).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mac: Option<Mac>,
    /// Next hop of the container's default route (none).
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "super::input::option_ip")]
    pub gateway: Option<IpAddr>,
    /// Further routes through the interface.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub routes: Option<List<Route>>,
    /// Whether IPv4 multicast goes to the network (true); `false` takes the route away that weave gave.
    #[serde(default = "yes")]
    pub multicast: bool,
    /// Whether the network is asked first if somebody has the addresses already (true).
    #[serde(default = "yes")]
    pub probe: bool,
}

impl Attach {
    /// An attachment with every default.
    pub fn new(container: ContainerRef, ips: impl IntoIterator<Item = Cidr>) -> Self {
        Self {
            container,
            ips: ips.into_iter().collect(),
            interface: IfName::interface(),
            mtu: None,
            mac: None,
            gateway: None,
            routes: None,
            multicast: true,
            probe: true,
        }
    }

    /// Checks what can be checked without a host.
    ///
    /// # Errors
    /// `InvalidSpec`, naming the field and its value.
    pub fn validate(&self) -> Result<()> {
        if self.ips.is_empty() {
            return Err(Error::invalid(
                "ips",
                "no address is given; allowed: one or more such as 10.2.1.4/24, or net:default",
            ));
        }
        self.ips.check()?;
        super::router::check_mtu(self.mtu)?;
        let has_v6 = self.ips.iter().any(|ip| !ip.is_ipv4());
        if let Some(Mtu::Bytes(bytes)) = self.mtu
            && has_v6
            && bytes < names::MTU_MIN_V6
        {
            return Err(Error::invalid(
                "mtu",
                format!("{bytes} is too small for IPv6; allowed: {} and more (RFC 8200)", names::MTU_MIN_V6),
            ));
        }
        if self.interface.as_str() == "lo" {
            return Err(Error::invalid("interface", "`lo` is the loopback; allowed: another name"));
        }
        if let Some(gateway) = self.gateway {
            self.check_next_hop(gateway).map_err(|error| error.within("gateway"))?;
        }
        for (index, route) in self.routes.iter().flatten().enumerate() {
            self.check_destination(index, route).map_err(|error| error.within(&format!("routes[{index}]")))?;
            if let Some(via) = route.via {
                self.check_next_hop(via).map_err(|error| error.within(&format!("routes[{index}]")))?;
            } else if !self.has_family(route.to.is_ipv4()) {
                let message =
                    format!("{} is of another family than all of `ips`; allowed: one that they have", route.to);
                return Err(Error::invalid(format!("routes[{index}]"), message));
            }
        }
        Ok(())
    }

    /// Whether it will have an address of the family. The router allocates none but IPv4.
    fn has_family(&self, ipv4: bool) -> bool {
        ipv4 && !self.ips.requests.is_empty() || self.ips.iter().any(|ip| ip.is_ipv4() == ipv4)
    }

    /// The kernel takes one route to each destination, and makes those to the networks of `ips` itself.
    fn check_destination(&self, index: usize, route: &Route) -> Result<()> {
        let refused = |why: String| Err(Error::invalid("", format!("{route} {why}")));
        if let Some(other) = self.routes.iter().flatten().take(index).find(|other| other.to == route.to) {
            return refused(format!("goes where {other} goes; allowed: each destination once"));
        }
        if let Some(ip) = self.ips.iter().find(|ip| ip.network() == route.to) {
            return refused(format!("is the network of {ip}, which needs no route; allowed: other networks"));
        }
        if route.to.to_string() == names::MULTICAST {
            return refused("is what `multicast` is for; allowed: other networks".to_owned());
        }
        Ok(())
    }

    fn check_next_hop(&self, via: IpAddr) -> Result<()> {
        // What the router will answer for `net:default` is known to nobody yet.
        let foreign = |networks: Vec<IpNetwork>| !networks.iter().any(|network| network.contains(via));
        if !via.is_ipv4() && !self.has_family(false) || self.ips.networks().is_some_and(foreign) {
            let message = format!("{via} is in no network of `ips`; allowed: an address next to one of them");
            return Err(Error::invalid("", message));
        }
        if self.ips.iter().any(|ip| ip.ip() == via) {
            return Err(Error::invalid("", format!("{via} is the container's own address; allowed: a neighbour's")));
        }
        Ok(())
    }
}

fn yes() -> bool {
    true
}

/// Refuses the same address twice.
pub(super) fn check_ips(ips: &[Cidr]) -> Result<()> {
    for (index, ip) in ips.iter().enumerate() {
        if let Some(other) = ips.iter().take(index).find(|other| other.ip() == ip.ip()) {
            return Err(Error::invalid(
                format!("ips[{index}]"),
                format!("{ip} has the same address as {other}; allowed: each address once"),
            ));
        }
    }
    Ok(())
}

/// Reads addresses to take away. Left out they are all; a list that came out empty must not mean the same.
pub(super) fn some_or_left_out<'de, D: Deserializer<'de>>(deserializer: D) -> Result<List<Cidr>, D::Error> {
    match Option::<List<Cidr>>::deserialize(deserializer)? {
        None => Ok(List::default()),
        Some(ips) if ips.is_empty() => Err(serde::de::Error::custom(
            "is empty; leave it out to take all away; allowed: one or more addresses such as 10.2.1.4/24",
        )),
        Some(ips) => Ok(ips),
    }
}

/// Takes addresses from a container, and the interface with the last one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Detach {
    /// Name or id of the container, `netns:PATH`, or `pid:N`.
    pub container: ContainerRef,
    /// Addresses to remove; all of them where none is given. Who writes an empty list has computed it: it is refused.
    #[serde(default, skip_serializing_if = "Vec::is_empty", deserialize_with = "some_or_left_out")]
    pub ips: List<Cidr>,
    /// The interface in the container (`ethwe`).
    #[serde(default = "IfName::interface")]
    pub interface: IfName,
}

impl Detach {
    /// A detachment of everything.
    pub fn new(container: ContainerRef) -> Self {
        Self { container, ips: List::default(), interface: IfName::interface() }
    }
}
