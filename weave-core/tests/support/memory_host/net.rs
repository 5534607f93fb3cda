//! One network namespace, with the kernel's rules for links, addresses and routes (tried on Linux 6.18).

use std::net::IpAddr;

use weave_core::names::MTU_MIN_V6;
use weave_core::observed::{InterfaceAddress, InterfaceRoute, Link, LinkKind};
use weave_core::spec::{Cidr, Mac, Route};

use super::errno::{EACCES, EEXIST, EINVAL, ENETDOWN, ENETUNREACH, ENODEV, ENOENT, EOPNOTSUPP};

/// What the kernel answers: nothing, or an error number.
pub(crate) type Answer<T = ()> = Result<T, i32>;

/// The inside of a namespace.
#[derive(Debug, Clone, Default)]
pub(crate) struct Net {
    pub(crate) links: Vec<Link>,
    pub(crate) addresses: Vec<InterfaceAddress>,
    pub(crate) routes: Vec<InterfaceRoute>,
    last_index: u32,
}

impl Net {
    /// A namespace with its loopback, which is down or up with its addresses left out.
    pub(crate) fn new() -> Self {
        let mut net = Self::default();
        let lo = net.add_link("lo", LinkKind::Other(String::new()), None, 65536).unwrap();
        net.set_up(lo, true).unwrap();
        net
    }

    pub(crate) fn index(&self, name: &str) -> Answer<u32> {
        self.links.iter().find(|link| link.name == name).map(|link| link.index).ok_or(ENODEV)
    }

    pub(crate) fn name(&self, index: u32) -> &str {
        self.links.iter().find(|link| link.index == index).map_or("?", |link| &link.name)
    }

    pub(crate) fn link(&mut self, index: u32) -> &mut Link {
        self.links.iter_mut().find(|link| link.index == index).expect("a link of this namespace")
    }

    /// A new link, down. The kernel gives it IPv6 as the namespace's defaults say.
    pub(crate) fn add_link(&mut self, name: &str, kind: LinkKind, mac: Option<Mac>, mtu: u32) -> Answer<u32> {
        if self.index(name).is_ok() {
            return Err(EEXIST);
        }
        self.last_index += 1;
        let index = self.last_index;
        let [.., c, d] = index.to_be_bytes();
        let tx_checksum = (kind == LinkKind::Veth).then_some(true);
        self.links.push(Link {
            index,
            name: name.to_owned(),
            kind,
            mac: mac.or(Some(Mac([0x02, 0, 0, 0, c, d]))),
            mtu,
            up: false,
            master: None,
            alias: None,
            group: 0,
            peer_index: None,
            peer_netnsid: None,
            ipv6_disabled: (mtu >= MTU_MIN_V6).then_some(false),
            accept_ra: (mtu >= MTU_MIN_V6).then_some(1),
            route_localnet: Some(false),
            hairpin: None,
            tx_checksum,
        });
        Ok(index)
    }

    /// A link goes with its addresses and routes; ports of a bridge are freed.
    pub(crate) fn remove(&mut self, index: u32) {
        self.links.retain(|link| link.index != index);
        self.addresses.retain(|address| address.ifindex != index);
        self.routes.retain(|route| route.ifindex != index);
        for link in self.links.iter_mut().filter(|link| link.master == Some(index)) {
            link.master = None;
        }
    }

    /// Below 1280 bytes the kernel takes IPv6 from the link, with its addresses and settings; above, it starts anew.
    pub(crate) fn set_mtu(&mut self, index: u32, mtu: u32) -> Answer {
        if !(68..=65535).contains(&mtu) {
            return Err(EINVAL);
        }
        let before = std::mem::replace(&mut self.link(index).mtu, mtu);
        if mtu < MTU_MIN_V6 {
            self.drop_ipv6(index);
            (self.link(index).ipv6_disabled, self.link(index).accept_ra) = (None, None);
        } else if before < MTU_MIN_V6 {
            (self.link(index).ipv6_disabled, self.link(index).accept_ra) = (Some(false), Some(1));
        }
        Ok(())
    }

    /// The address stays in its family.
    pub(crate) fn set_tunnel(&mut self, index: u32, local: IpAddr, learning: bool) -> Answer {
        let LinkKind::Vxlan(info) = &mut self.link(index).kind else { return Err(EINVAL) };
        if info.local.is_some_and(|old| old.is_ipv4() != local.is_ipv4()) {
            return Err(EOPNOTSUPP);
        }
        (info.local, info.learning) = (Some(local), learning);
        Ok(())
    }

    /// Only veth devices of those that are made here have it.
    pub(crate) fn set_offload(&mut self, index: u32, on: bool) -> Answer {
        let flag = self.link(index).tx_checksum.as_mut().ok_or(EOPNOTSUPP)?;
        *flag = on;
        Ok(())
    }

    fn drop_ipv6(&mut self, index: u32) {
        self.addresses.retain(|address| address.ifindex != index || address.address.is_ipv4());
        self.routes.retain(|route| route.ifindex != index || route.to.is_ipv4());
    }

    pub(crate) fn set_ipv6(&mut self, index: u32, key: &str, value: i32) -> Answer {
        let link = self.link(index);
        let conf = link.ipv6_disabled.is_some();
        match key {
            _ if !conf => Err(ENOENT),
            "disable_ipv6" => {
                link.ipv6_disabled = Some(value != 0);
                if value != 0 {
                    self.drop_ipv6(index);
                }
                Ok(())
            }
            "accept_ra" => {
                link.accept_ra = Some(value);
                Ok(())
            }
            _ => Err(ENOENT),
        }
    }

    /// Down, a link loses all routes and its IPv6 addresses; up, the routes of its addresses come back.
    pub(crate) fn set_up(&mut self, index: u32, up: bool) -> Answer {
        if std::mem::replace(&mut self.link(index).up, up) == up {
            return Ok(());
        }
        if up {
            let own: Vec<Cidr> = self.addresses_of(index).collect();
            own.iter().for_each(|address| self.connect(index, *address));
        } else {
            self.drop_ipv6(index);
            self.routes.retain(|route| route.ifindex != index);
        }
        Ok(())
    }

    pub(crate) fn addresses_of(&self, index: u32) -> impl Iterator<Item = Cidr> {
        self.addresses.iter().filter(move |address| address.ifindex == index).map(|address| address.address)
    }

    /// The route of an address; there is none for an IPv4 address that is alone in its network.
    fn connect(&mut self, index: u32, address: Cidr) {
        let to = address.network();
        let there = self.routes.iter().any(|route| route.ifindex == index && route.by_kernel && route.to == to);
        if there || address.is_ipv4() && address.prefix() == 32 {
            return;
        }
        let (source, metric) = if address.is_ipv4() { (Some(address.ip()), 0) } else { (None, 256) };
        self.routes.push(InterfaceRoute { ifindex: index, to, via: None, source, by_kernel: true, metric });
    }

    pub(crate) fn add_address(&mut self, index: u32, address: Cidr) -> Answer {
        let same = |other: &Cidr| {
            if address.is_ipv4() { *other == address } else { other.ip() == address.ip() }
        };
        match self.link(index).ipv6_disabled {
            Some(true) if !address.is_ipv4() => return Err(EACCES),
            None if !address.is_ipv4() => return Err(EINVAL),
            _ => {}
        }
        if self.addresses_of(index).any(|other| same(&other)) {
            return Err(EEXIST);
        }
        self.addresses.push(InterfaceAddress { ifindex: index, address });
        if self.link(index).up {
            self.connect(index, address);
        }
        Ok(())
    }

    /// Other addresses stay. With the last IPv4 address go all IPv4 routes through the link; else only the route of
    /// the address goes, and routes over a neighbour in its network stay.
    pub(crate) fn delete_address(&mut self, index: u32, address: Cidr) {
        self.addresses.retain(|other| other.ifindex != index || other.address != address);
        let rest: Vec<Cidr> = self.addresses_of(index).collect();
        if address.is_ipv4() && !rest.iter().any(Cidr::is_ipv4) {
            self.routes.retain(|route| route.ifindex != index || !route.to.is_ipv4());
        } else if !rest.iter().any(|other| other.network() == address.network()) {
            self.routes.retain(|route| route.ifindex != index || !route.by_kernel || route.to != address.network());
        }
    }

    fn metric(route: &Route) -> u32 {
        if route.to.is_ipv4() { 0 } else { 1024 }
    }

    pub(crate) fn add_route(&mut self, index: u32, route: Route) -> Answer {
        if !self.link(index).up {
            return Err(ENETDOWN);
        }
        let near = |via: IpAddr| {
            self.routes.iter().any(|other| other.ifindex == index && other.via.is_none() && other.to.contains(via))
        };
        if route.via.is_some_and(|via| !near(via)) {
            return Err(ENETUNREACH);
        }
        let metric = Self::metric(&route);
        let same = |other: &InterfaceRoute| other.to == route.to && other.metric == metric;
        if self.routes.iter().any(same) {
            return Err(EEXIST);
        }
        let route =
            InterfaceRoute { ifindex: index, to: route.to, via: route.via, source: None, by_kernel: false, metric };
        self.routes.push(route);
        Ok(())
    }

    pub(crate) fn delete_route(&mut self, index: u32, route: Route) {
        let metric = Self::metric(&route);
        self.routes
            .retain(|other| (other.ifindex, other.to, other.via, other.metric) != (index, route.to, route.via, metric));
    }
}
