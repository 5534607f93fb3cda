//! What a container shall have, whether it was said in addition or exactly.

use std::collections::BTreeSet;
use std::net::IpAddr;

use crate::observed::{InterfaceRoute, TargetNet};
use crate::spec::{Attach, Cidr, ContainerRef, IfName, Mac, Mtu, Route, everything};
use crate::{Error, ErrorKind, Result, names};

/// What a container shall have.
pub(super) struct Wish<'a> {
    pub(super) container: &'a ContainerRef,
    pub(super) interface: &'a IfName,
    /// All addresses it shall have, those that were named first.
    pub(super) ips: Vec<Cidr>,
    /// As it was said.
    pub(super) mtu: Option<Mtu>,
    pub(super) mac: Option<Mac>,
    pub(super) gateway: Option<IpAddr>,
    pub(super) routes: Vec<Route>,
    pub(super) multicast: bool,
    /// Whether routes that are not named go.
    pub(super) only_these_routes: bool,
    /// Whether multicast and MTU are as the network's where nothing is said.
    pub(super) exact: bool,
    pub(super) probe: bool,
}

impl<'a> Wish<'a> {
    /// A document's: these addresses and no others.
    pub(super) fn exactly(spec: &'a Attach) -> Self {
        Self {
            container: &spec.container,
            interface: &spec.interface,
            ips: spec.ips.0.clone(),
            mtu: spec.mtu,
            mac: spec.mac,
            gateway: spec.gateway,
            routes: spec.routes.clone().unwrap_or_default().0,
            multicast: spec.multicast,
            only_these_routes: spec.routes.is_some(),
            exact: true,
            probe: spec.probe,
        }
    }

    /// A verb's: these addresses besides those there are.
    pub(super) fn adding(spec: &'a Attach, net: &TargetNet) -> Result<Self> {
        let mut wish = Self { only_these_routes: false, exact: false, ..Self::exactly(spec) };
        let Some(link) = net.link(wish.interface.as_str()) else { return Ok(wish) };
        let mut named: BTreeSet<Cidr> = wish.ips.iter().copied().collect();
        for ip in net.addresses_of(link.index) {
            if let Some(index) = spec.ips.iter().position(|new| new.ip() == ip.ip() && *new != ip) {
                let message = format!("{} has {ip} already; allowed: the same prefix length", wish.container);
                return Err(Error::new(ErrorKind::Conflict, format!("ips[{index}]"), message)
                    .hint(format!("take it away first: `weave detach {ip} {}`", wish.container)));
            }
            if named.insert(ip) {
                wish.ips.push(ip);
            }
        }
        Ok(wish)
    }

    /// The MTU of its own that it shall have; `None` follows the network's.
    pub(super) fn own_mtu(&self, now: Option<u32>) -> Option<u32> {
        match self.mtu {
            Some(Mtu::Bytes(bytes)) => Some(bytes),
            Some(Mtu::Auto) => None,
            None => now.filter(|_| !self.exact),
        }
    }

    pub(super) fn has_ipv6(&self) -> bool {
        self.ips.iter().any(|ip| !ip.is_ipv4())
    }

    /// The hardware address of a new interface.
    pub(super) fn new_mac(&self) -> Option<Mac> {
        self.mac.or_else(|| self.ips.first().map(|ip| names::interface_mac(ip.ip())))
    }

    /// The routes it shall have through its interface: those named, the default route, multicast.
    pub(super) fn all_routes(&self) -> Vec<Route> {
        let mut routes = self.routes.clone();
        routes.extend(self.gateway.map(Route::default_via));
        if self.multicast && self.ips.iter().any(Cidr::is_ipv4) {
            routes.extend(multicast());
        }
        routes
    }
}

/// All IPv4 multicast on the link.
pub(super) fn multicast() -> Option<Route> {
    names::MULTICAST.parse().ok()
}

/// Whether `route` is the one that the field `multicast` is about.
pub(super) fn is_multicast(route: &Route) -> bool {
    multicast().is_some_and(|multicast| multicast == *route)
}

/// Whether `route` is the multicast or a default route, which have fields of their own.
pub(super) fn has_own_field(route: &InterfaceRoute) -> bool {
    route.to.prefix() == 0 || multicast().is_some_and(|multicast| multicast.to == route.to)
}

/// Whether `to` is the default route.
pub(super) fn is_default(route: &Route) -> bool {
    route.via.is_some_and(|via| route.to == everything(via))
}

/// Routes through an interface, by the fields that name them.
#[derive(Default)]
pub(crate) struct Routes {
    pub(crate) multicast: bool,
    pub(crate) gateway: Option<IpAddr>,
    pub(crate) others: Vec<Route>,
}

/// Sorts routes by the fields that name them.
pub(in crate::plan) fn sort_routes<'a>(routes: impl Iterator<Item = &'a InterfaceRoute>) -> Routes {
    let mut sorted = Routes::default();
    for route in routes {
        let here = Route { to: route.to, via: route.via };
        if is_multicast(&here) {
            sorted.multicast = true;
        } else if is_default(&here) {
            sorted.gateway = route.via;
        } else if route.to.prefix() > 0 {
            sorted.others.push(here);
        }
    }
    sorted
}
