//! Who on the network has an address already.

use std::net::IpAddr;
use std::time::Duration;

use super::look;
use crate::host::Owner;
use crate::netlink::{Refusal, Socket, decode, encode};
use crate::observed::{Link, LinkKind};
use crate::spec::Mac;
use crate::{Error, ErrorKind, Result, packet};

/// How long answers are waited for: many round trips of any network that a bridge spans.
const WAIT: Duration = Duration::from_millis(100);

/// Asks through `bridge`, in the namespace of the calling thread.
pub(super) fn probe(bridge: &str, addresses: &[IpAddr]) -> Result<Vec<Owner>> {
    if addresses.is_empty() {
        return Ok(Vec::new());
    }
    let refused = |refusal: Refusal| refusal.error(bridge, "look who has an address");
    let socket = &mut look::socket(bridge)?;
    let link = by_name(socket, bridge).map_err(refused)?;
    let mac = link.mac.ok_or_else(|| Error::new(ErrorKind::Unsupported, bridge, "has no Ethernet address"))?;
    let answers = packet::probe(link.index, mac, addresses, WAIT)?;
    if answers.is_empty() {
        return Ok(Vec::new());
    }
    owners(socket, link.index, &answers).map_err(refused)
}

/// Where those who answered are: their answers taught the bridge and the VXLAN device it.
pub(super) fn owners(socket: &mut Socket, bridge: u32, answers: &[(IpAddr, Mac)]) -> Result<Vec<Owner>, Refusal> {
    let (entries, links) = (look::fdb(socket, bridge)?, look::links(socket)?);
    Ok(answers.iter().map(|(address, mac)| owner(*address, *mac, &entries, &links)).collect())
}

/// The link called `name`.
pub(super) fn by_name(socket: &mut Socket, name: &str) -> Result<Link, Refusal> {
    let answer = socket.ask(vec![encode::link_by_name(name)], decode::link).pop();
    answer.unwrap_or(Ok(None))?.ok_or_else(|| Refusal::new(nix::libc::ENODEV))
}

fn owner(address: IpAddr, mac: Mac, entries: &[decode::FdbEntry], links: &[Link]) -> Owner {
    let at = |index: u32| links.iter().find(|link| link.index == index);
    let of_mac = || entries.iter().filter(|entry| entry.mac == mac);
    let peer = of_mac().find_map(|entry| entry.to);
    let port = of_mac().filter(|entry| entry.to.is_none()).find_map(|entry| at(entry.ifindex));
    let link = port.filter(|link| !matches!(link.kind, LinkKind::Vxlan(_)));
    Owner { address, mac, peer, link: link.filter(|_| peer.is_none()).map(|link| link.name.clone()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn link(index: u32, kind: LinkKind) -> Link {
        Link {
            index,
            name: format!("l{index}"),
            kind,
            mac: None,
            mtu: 1450,
            up: true,
            master: Some(1),
            alias: None,
            group: 0,
            peer_index: None,
            peer_netnsid: None,
            ipv6_disabled: None,
            accept_ra: None,
            route_localnet: None,
            hairpin: None,
            tx_checksum: None,
        }
    }

    #[test]
    fn an_owner_is_behind_a_peer_or_a_port() {
        let vxlan = crate::observed::VxlanInfo { vni: 1, port: 1, local: None, learning: true };
        let links = [link(2, LinkKind::Vxlan(vxlan)), link(3, LinkKind::Veth)];
        let address: IpAddr = [10, 2, 1, 4].into();
        let peer: IpAddr = [192, 0, 2, 2].into();
        let mac = |last| Mac([2, 0, 0, 0, 0, last]);
        let entry = |ifindex, last, to: Option<IpAddr>| decode::FdbEntry {
            ifindex,
            own: to.is_some(),
            mac: mac(last),
            to,
            port: None,
        };
        let entries = [entry(2, 7, None), entry(2, 7, Some(peer)), entry(3, 8, None)];
        let owner = |last| owner(address, mac(last), &entries, &links);
        assert_eq!((owner(7).peer, owner(7).link), (Some(peer), None));
        assert_eq!((owner(8).peer, owner(8).link), (None, Some("l3".to_owned())));
        assert_eq!((owner(9).peer, owner(9).link), (None, None));
    }
}
