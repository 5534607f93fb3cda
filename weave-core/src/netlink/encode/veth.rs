//! Veth pairs.

use std::os::fd::RawFd;

use netlink_packet_route::link::{InfoData, InfoVeth, LinkAttribute};
use rtnetlink::{LinkMessageBuilder, LinkUnspec, LinkVeth};

use super::{created, set};
use crate::names;
use crate::netlink::Message;
use crate::plan::{NewRouterPair, NewVeth};

/// `ip link add … numtxqueues 1 numrxqueues 1 master BRIDGE group … type veth peer name … netns …`, its alias, and up; as
/// [`create_bridge`](super::create_bridge).
///
/// The peer is born in the container's namespace `netns`: to make it here and move it costs an RCU grace period. The
/// host end goes up last: an alias for a link that is up has the kernel go through the whole IPv6 routing table. The
/// numbers are those of the host end and of the peer. Both have one queue: see [`one_queue`].
pub(crate) fn create_veth(new: &NewVeth, (index, peer): (u32, u32), bridge: u32, netns: RawFd) -> Vec<Message> {
    let peer = one_queue(LinkMessageBuilder::<LinkUnspec>::new())
        .name(&*new.interface)
        .index(peer)
        .address(new.mac.0.to_vec())
        .mtu(new.mtu)
        .setns_by_fd(netns)
        .build();
    let link = one_queue(LinkMessageBuilder::<LinkVeth>::new(&new.name, &new.interface))
        .set_info_data(InfoData::Veth(InfoVeth::Peer(peer)))
        .index(index)
        .mtu(new.mtu)
        .controller(bridge)
        .append_extra_attribute(LinkAttribute::Group(names::GROUP))
        .build();
    let mut messages = created(link, index, &new.mark);
    messages.push(set(LinkUnspec::new_with_index(index).up()));
    messages
}

/// `ip link add … master BRIDGE type veth peer name …`, and its alias; as [`create_bridge`](super::create_bridge).
///
/// Both ends are in the same namespace. The numbers are those of the end at the bridge and of the router's.
pub(crate) fn create_router_pair(new: &NewRouterPair, (index, peer): (u32, u32), bridge: u32) -> Vec<Message> {
    let peer = LinkMessageBuilder::<LinkUnspec>::new().name(&*new.router_end).index(peer).mtu(new.mtu).build();
    let link = LinkMessageBuilder::<LinkVeth>::new(&new.bridge_end, &new.router_end)
        .set_info_data(InfoData::Veth(InfoVeth::Peer(peer)))
        .index(index)
        .mtu(new.mtu)
        .controller(bridge)
        .build();
    created(link, index, &new.mark)
}

/// `numtxqueues 1 numrxqueues 1`
///
/// Since 5.13 a pair that does not ask has as many queues as the machine may have processors, of which all but one are
/// taken out of service again while it is made (`veth_init_queues`): that is two RCU grace periods, and a directory in
/// `/sys` for each queue, a third of the time that a pair takes on two processors. What is left is the same one queue in
/// use; but `ethtool -L` has no others to add, for a program with XDP.
fn one_queue<T>(link: LinkMessageBuilder<T>) -> LinkMessageBuilder<T> {
    [LinkAttribute::NumTxQueues(1), LinkAttribute::NumRxQueues(1)]
        .into_iter()
        .fold(link, LinkMessageBuilder::append_extra_attribute)
}
