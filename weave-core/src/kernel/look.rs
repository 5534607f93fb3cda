//! Looking at one network namespace: a dump for each kind of thing.

use std::collections::BTreeMap;
use std::net::IpAddr;

use crate::ethtool::Ethtool;
use crate::netlink::{Message, Refusal, Socket, decode, encode};
use crate::observed::{Flood, InterfaceAddress, InterfaceRoute, Link, Observed, Scope, Touched};
use crate::spec::Mac;
use crate::{Error, Result};

/// Opens a socket in the namespace of the calling thread.
pub(super) fn socket(subject: &str) -> Result<Socket> {
    Socket::open().map_err(|error| Error::os(subject, "open a netlink socket", error))
}

/// `ip -d link`
pub(super) fn links(socket: &mut Socket) -> Result<Vec<Link>, Refusal> {
    dump(socket, encode::dump_links(), decode::link)
}

/// `ip address`
pub(super) fn addresses(socket: &mut Socket) -> Result<Vec<InterfaceAddress>, Refusal> {
    dump(socket, encode::dump_addresses(), decode::address)
}

/// `ip route`
pub(super) fn routes(socket: &mut Socket) -> Result<Vec<InterfaceRoute>, Refusal> {
    socket.dump(encode::dump_routes(), decode::routes)
}

/// What is sent to a peer of the tunnel.
enum Behind {
    /// What is for everybody.
    Everybody(Flood),
    /// What is for a hardware address that was learned.
    One(IpAddr),
}

/// `bridge fdb show dev …`: whom frames are flooded to, and how many hardware addresses were learned behind each peer.
fn forwarding(socket: &mut Socket, index: u32) -> Result<(Vec<Flood>, BTreeMap<IpAddr, usize>), Refusal> {
    let own = |payload: &[u8]| {
        let entry = decode::fdb_entry(payload).filter(|entry| entry.own && entry.ifindex == index)?;
        let peer = Flood { address: entry.to?, port: entry.port };
        Some(if entry.mac == Mac([0; 6]) { Behind::Everybody(peer) } else { Behind::One(peer.address) })
    };
    let entries = dump(socket, encode::dump_fdb_of(index), own)?;
    let (mut flood, mut learned) = (Vec::with_capacity(entries.len()), BTreeMap::new());
    for entry in entries {
        match entry {
            Behind::Everybody(peer) => flood.push(peer),
            Behind::One(address) => *learned.entry(address).or_default() += 1,
        }
    }
    Ok((flood, learned))
}

/// The flood list alone.
pub(super) fn flood(socket: &mut Socket, index: u32) -> Result<Vec<Flood>, Refusal> {
    forwarding(socket, index).map(|(flood, _)| flood)
}

/// `bridge fdb show br …`
pub(super) fn fdb(socket: &mut Socket, bridge: u32) -> Result<Vec<decode::FdbEntry>, Refusal> {
    dump(socket, encode::dump_fdb_of_bridge(bridge), decode::fdb_entry)
}

fn dump<T>(socket: &mut Socket, request: Message, decode: impl Fn(&[u8]) -> Option<T>) -> Result<Vec<T>, Refusal> {
    socket.dump(request, |payload, found| found.extend(decode(payload)))
}

/// `ethtool -k` for those of `links` that are `wanted`, which are in the namespace of the calling thread.
pub(super) fn offload(subject: &str, links: &mut [Link], wanted: impl Fn(&Link) -> bool) -> Result<()> {
    let tool = Ethtool::open().map_err(|error| Error::os(subject, "open a socket", error))?;
    for link in links.iter_mut().filter(|link| wanted(link)) {
        let answer = tool.tx_checksum(&link.name).inspect_err(|error| tracing::debug!(link.name, %error, "not known"));
        link.tx_checksum = answer.ok();
    }
    Ok(())
}

/// What was touched of the host's namespace, and nothing else: `ip -d link show dev …`, the flood list.
pub(super) fn touched(touched: &Touched) -> Result<Observed> {
    let socket = &mut socket("host")?;
    let answers = socket.ask(touched.links.iter().map(|name| encode::link_by_name(name)), decode::link);
    let mut observed = Observed::default();
    for (name, answer) in touched.links.iter().zip(answers) {
        match answer {
            Err(refusal) if refusal.is_gone() => {}
            answer => observed.links.extend(answer.map_err(|refusal| refusal.error(&**name, "look at it"))?),
        }
    }
    let vxlan = observed.vxlan().map(|(link, _)| link.index).filter(|_| touched.flood);
    if let Some(index) = vxlan {
        let entries = forwarding(socket, index).map_err(|refusal| refusal.error("host", "list its forwarding entries"));
        (observed.flood, observed.learned) = entries?;
    }
    Ok(observed)
}

/// The host's namespace, without paths and containers.
pub(super) fn host(scope: &Scope) -> Result<Observed> {
    let refused = |what: &'static str| move |refusal: Refusal| refusal.error("host", format!("list its {what}"));
    let socket = &mut socket("host")?;
    let mut observed = Observed {
        links: links(socket).map_err(refused("links"))?,
        addresses: addresses(socket).map_err(refused("addresses"))?,
        ..Observed::default()
    };
    if scope.routes {
        observed.routes = routes(socket).map_err(refused("routes"))?;
    }
    let vxlan = observed.vxlan().map(|(link, _)| link.index).filter(|_| scope.router);
    if let Some(index) = vxlan {
        (observed.flood, observed.learned) = forwarding(socket, index).map_err(refused("forwarding entries"))?;
    }
    if let Some((port, _)) = observed.router_port() {
        let ends = [Some(port.index), observed.other_end(port).map(|end| end.index)];
        offload("host", &mut observed.links, |link| ends.contains(&Some(link.index)))?;
    }
    Ok(observed)
}
