//! A world in sorted lines without the numbers that the kernel chose, so that two worlds can be compared.

use std::collections::{BTreeMap, BTreeSet};

use weave_core::observed::{Link, LinkKind, Mark};

use super::net::Net;
use super::world::{HOST, World};

/// What is, by lines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Portrait {
    /// What weave made.
    pub(crate) own: BTreeSet<String>,
    /// All the rest.
    pub(crate) foreign: BTreeSet<String>,
}

impl Portrait {
    /// What of two portraits differs, for a message.
    pub(crate) fn difference(&self, other: &Self) -> String {
        let minus = self.own.difference(&other.own).chain(self.foreign.difference(&other.foreign));
        let plus = other.own.difference(&self.own).chain(other.foreign.difference(&self.foreign));
        let lines = minus.map(|line| format!("- {line}\n")).chain(plus.map(|line| format!("+ {line}\n")));
        lines.collect()
    }
}

impl World {
    pub(crate) fn portrait(&self) -> Portrait {
        let mut portrait = Portrait { own: BTreeSet::new(), foreign: BTreeSet::new() };
        self.draw(HOST, &self.host, &mut portrait);
        for (inode, net) in &self.nets {
            self.draw(*inode, net, &mut portrait);
        }
        for (device, peers) in &self.flood {
            let lines = peers.iter().map(|peer| format!("flood {} {peer:?}", self.host.name(*device)));
            portrait.own.extend(lines);
        }
        self.draw_firewall(&mut portrait);
        for control in self.controls() {
            let Some(router) = self.router(control) else { continue };
            let peers = router.peers.iter().map(|peer| format!("router {control} peer {peer}"));
            // Books that no router reads are nobody's.
            let owned = router
                .owned
                .iter()
                .filter(|_| router.allocates())
                .map(|(id, addresses)| format!("router {control} {id} {addresses:?}"));
            portrait.own.extend(peers.chain(owned));
            let captures = router.captures.is_some() && router.captures == self.host.index("vethwe-pcap").ok();
            portrait.own.insert(format!("router {control} captures={captures}"));
        }
        portrait
    }

    fn draw_firewall(&self, portrait: &mut Portrait) {
        let mut firewall = self.firewall.clone();
        let mut accepts: BTreeMap<String, usize> = BTreeMap::new();
        for accept in firewall.forward.iter_mut().flat_map(|chain| std::mem::take(&mut chain.accepts)) {
            *accepts.entry(format!("{accept:?}")).or_default() += 1;
        }
        portrait.own.extend(accepts.iter().map(|(accept, times)| format!("{times} x {accept}")));
        portrait.own.extend(firewall.table.take().map(|table| format!("{table:?}")));
        if std::mem::take(&mut firewall.damaged) {
            let salvaged = std::mem::take(&mut firewall.salvaged);
            portrait.own.insert(format!("a damaged table with {salvaged:?}"));
        }
        portrait.foreign.insert(format!("{firewall:?}"));
    }

    fn draw(&self, inode: u64, net: &Net, portrait: &mut Portrait) {
        for link in &net.links {
            let own = self.is_own(inode, link);
            let lines = if own { &mut portrait.own } else { &mut portrait.foreign };
            lines.insert(format!("{inode} {}", self.line(inode, link, net, own)));
            for address in net.addresses_of(link.index) {
                lines.insert(format!("{inode} {} address {address}", link.name));
            }
            for route in net.routes.iter().filter(|route| route.ifindex == link.index) {
                let (to, via, by_kernel) = (route.to, route.via, route.by_kernel);
                lines.insert(format!("{inode} {} route {to} via {via:?} {by_kernel} {}", link.name, route.metric));
            }
        }
    }

    /// Marked links are weave's, and the other ends of marked veth pairs.
    fn is_own(&self, inode: u64, link: &Link) -> bool {
        let other = self.pairs.iter().find(|(_, other)| *other == (inode, link.index));
        let host_end = other.filter(|((there, _), _)| *there == HOST).map(|((_, index), _)| *index);
        let marked = |index| self.host.links.iter().any(|host| host.index == index && host.mark().is_some());
        inode == HOST && link.mark().is_some() || host_end.is_some_and(marked)
    }

    fn line(&self, inode: u64, link: &Link, net: &Net, own: bool) -> String {
        let master = net.links.iter().find(|other| Some(other.index) == link.master);
        let master = master.filter(|master| own || master.mark().is_none()).map(|master| &master.name);
        // The kernel draws these by lot, and nobody minds.
        let marked = matches!(link.mark(), Some(Mark::Router | Mark::RouterPort(_) | Mark::Attachment(_)));
        let by_lot = inode == HOST && (marked || own && link.mark().is_none());
        let mac = link.mac.filter(|_| !by_lot);
        let kind = match &link.kind {
            LinkKind::Bridge(info) => format!("{info:?}"),
            LinkKind::Vxlan(info) => format!("{info:?}"),
            other => other.name().to_owned(),
        };
        let end = (inode, link.index);
        let peer = self.pairs.iter().find_map(
            |(one, other)| {
                if *one == end { Some(other) } else { (*other == end).then_some(one) }
            },
        );
        format!(
            "{} {kind} mac={mac:?} mtu={} up={} master={master:?} alias={:?} group={} peer={:?} no_ipv6={:?} ra={:?} tx={:?} localnet={:?} hairpin={}",
            link.name,
            link.mtu,
            link.up,
            link.alias,
            link.group,
            peer.map(|(there, _)| there),
            link.ipv6_disabled,
            link.accept_ra,
            link.tx_checksum,
            link.route_localnet,
            link.hairpin == Some(true),
        )
    }
}
