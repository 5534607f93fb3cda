//! What is written: bytes where their order matters, and else what the packet crate reads back.

use netlink_packet_core::{NetlinkMessage, NetlinkPayload};
use netlink_packet_route::RouteNetlinkMessage as Inner;
use netlink_packet_route::address::{AddressAttribute, AddressFlags};
use netlink_packet_route::link::{
    InfoBridge, InfoData, InfoVeth, InfoVxlan, LinkAttribute, LinkFlags, LinkInfo, LinkMessage,
};

use super::{Message, encode};
use crate::observed::{AttachmentMark, BridgeMark, Flood, Mark, RouterPortMark};
use crate::plan::{NewBridge, NewRouterPair, NewVeth};
use crate::spec::{ContainerRef, Mac};

fn bytes(message: &Message) -> Vec<u8> {
    let mut message = message.clone();
    message.finalize();
    let mut bytes = vec![0; message.buffer_len()];
    message.serialize(&mut bytes);
    bytes
}

/// The link in a message that makes or changes one.
fn link(message: &Message) -> LinkMessage {
    match NetlinkMessage::<Inner>::deserialize(&bytes(message)).expect("readable").payload {
        NetlinkPayload::InnerMessage(Inner::NewLink(link) | Inner::SetLink(link)) => link,
        other => panic!("{other:?}"),
    }
}

fn info(link: &LinkMessage) -> Option<&InfoData> {
    link.attributes.iter().find_map(|attribute| match attribute {
        LinkAttribute::LinkInfo(infos) => infos.iter().find_map(|info| match info {
            LinkInfo::Data(data) => Some(data),
            _ => None,
        }),
        _ => None,
    })
}

#[rustfmt::skip]
const FLOOD: [u8; 56] = [
    56, 0, 0, 0,             // length
    28, 0,                   // RTM_NEWNEIGH
    5, 12,                   // NLM_F_REQUEST | NLM_F_ACK | NLM_F_CREATE | NLM_F_APPEND
    0, 0, 0, 0, 0, 0, 0, 0,  // sequence number, port
    7, 0, 0, 0,              // AF_BRIDGE
    4, 0, 0, 0,              // index
    0xc0, 0, 2, 0,           // NUD_PERMANENT | NUD_NOARP, NTF_SELF
    10, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, // NDA_LLADDR
    8, 0, 1, 0, 192, 0, 2, 2, // NDA_DST
    6, 0, 6, 0, 0x1a, 0x80, 0, 0, // NDA_PORT, network order
];

#[test]
fn a_flood_entry_is_appended() {
    let peer = Flood { address: [192, 0, 2, 2].into(), port: Some(6784) };
    assert_eq!(bytes(&encode::add_flood(4, peer)), FLOOD);
    let gone = bytes(&encode::delete_flood(4, peer));
    assert_eq!(gone[4..8], [29, 0, 5, 0], "RTM_DELNEIGH, request and acknowledgement");
    assert_eq!(gone[16..], FLOOD[16..]);
}

#[test]
fn a_route_question_leaves_out_what_strict_kernels_refuse() {
    #[rustfmt::skip]
    let expected = [
        36, 0, 0, 0, 26, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, // RTM_GETROUTE, NLM_F_REQUEST
        2, 32, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,              // AF_INET, /32, and nothing else
        8, 0, 1, 0, 192, 0, 2, 2,                         // RTA_DST
    ];
    assert_eq!(bytes(&encode::route_to([192, 0, 2, 2].into())), expected);
}

#[test]
fn a_bridge_and_its_mark_have_the_same_number() {
    let mark = Mark::Bridge(BridgeMark::default());
    let new = NewBridge { name: "weave".into(), mac: Mac([2, 0, 0, 0, 0, 1]), mtu: 1400, mark };
    let messages = encode::create_bridge(&new, 77);
    let [create, alias, mtu] = messages.as_slice() else { panic!("three messages") };
    assert_eq!(bytes(create)[4..8], [16, 0, 5, 6], "RTM_NEWLINK, create and exclusive");
    let (create, alias, mtu) = (link(create), link(alias), link(mtu));
    assert_eq!((create.header.index, alias.header.index, mtu.header.index), (77, 77, 77));
    assert!(!create.header.flags.contains(LinkFlags::Up));
    assert!(create.attributes.contains(&LinkAttribute::Address(vec![2, 0, 0, 0, 0, 1])));
    assert!(!create.attributes.contains(&LinkAttribute::Mtu(1400)), "a change to what it is does not count");
    assert!(mtu.attributes.contains(&LinkAttribute::Mtu(1400)));
    assert!(alias.attributes.contains(&LinkAttribute::IfAlias("weave:bridge".into())));
    let Some(InfoData::Bridge(settings)) = info(&create) else { panic!("settings") };
    assert!(settings.contains(&InfoBridge::MulticastSnooping(false)));
}

#[test]
fn a_tunnel_is_changed_in_place() {
    for (local, expected) in [
        ("192.0.2.9", InfoVxlan::Local([192, 0, 2, 9].into())),
        ("2001:db8::9", InfoVxlan::Local6("2001:db8::9".parse().expect("address"))),
    ] {
        let change = encode::set_tunnel("vxlan-6783", local.parse().expect("address"), false);
        assert_eq!(bytes(&change)[4..8], [16, 0, 5, 0], "RTM_NEWLINK, neither create nor exclusive");
        let change = link(&change);
        assert!(change.attributes.contains(&LinkAttribute::IfName("vxlan-6783".into())));
        let Some(InfoData::Vxlan(settings)) = info(&change) else { panic!("settings") };
        assert_eq!(settings, &[expected, InfoVxlan::Learning(false)]);
    }
}

#[test]
fn the_peer_of_a_veth_pair_is_born_in_the_container() {
    let new = NewVeth {
        name: "vethwe1".into(),
        target: ContainerRef::Pid(1),
        interface: "ethwe".into(),
        mac: Mac([2, 0, 0, 0, 0, 2]),
        mtu: 1400,
        bridge: "weave".into(),
        mark: Mark::Attachment(AttachmentMark {
            mtu: None,
            inode: 5,
            pid: 1,
            interface: "ethwe".into(),
            id: String::new(),
            name: String::new(),
        }),
    };
    let [create, alias, up] = &encode::create_veth(&new, (77, 78), 3, 9)[..] else { panic!("three messages") };
    let (create, alias, up) = (link(create), link(alias), link(up));
    assert!(create.attributes.contains(&LinkAttribute::Controller(3)));
    // An alias is dear while the link is up.
    assert!(!create.header.flags.contains(LinkFlags::Up) && !alias.header.flags.contains(LinkFlags::Up));
    assert!(up.header.flags.contains(LinkFlags::Up) && up.header.index == 77);
    let Some(InfoData::Veth(InfoVeth::Peer(peer))) = info(&create) else { panic!("a peer") };
    assert_eq!(peer.header.index, 78);
    // The kernel refuses a pair whose peer is up before the pair is whole.
    assert!(!peer.header.flags.contains(LinkFlags::Up));
    for attribute in [
        LinkAttribute::IfName("ethwe".into()),
        LinkAttribute::Address(vec![2, 0, 0, 0, 0, 2]),
        LinkAttribute::Mtu(1400),
        LinkAttribute::NetNsFd(9),
    ] {
        assert!(peer.attributes.contains(&attribute), "{attribute:?}");
    }
}

#[test]
fn both_ends_of_the_pair_to_a_router_are_here_and_down() {
    let mark = Mark::RouterPort(RouterPortMark { container: "weave".into(), control: 6784, port: 6783 });
    let new = NewRouterPair {
        bridge_end: "vethwe-bridge".into(),
        router_end: "vethwe-pcap".into(),
        bridge: "weave".into(),
        mtu: 1438,
        mark,
    };
    let [create, alias] = &encode::create_router_pair(&new, (77, 78), 3)[..] else { panic!("two messages") };
    assert_eq!(bytes(create)[4..8], [16, 0, 5, 6], "RTM_NEWLINK, create and exclusive");
    let (create, alias) = (link(create), link(alias));
    assert_eq!((create.header.index, alias.header.index), (77, 77));
    for attribute in
        [LinkAttribute::IfName("vethwe-bridge".into()), LinkAttribute::Mtu(1438), LinkAttribute::Controller(3)]
    {
        assert!(create.attributes.contains(&attribute), "{attribute:?}");
    }
    let text = "weave:router kind=image container=weave control=6784 port=6783";
    assert!(alias.attributes.contains(&LinkAttribute::IfAlias(text.into())));
    let Some(InfoData::Veth(InfoVeth::Peer(peer))) = info(&create) else { panic!("a peer") };
    assert_eq!((peer.header.index, peer.attributes.len()), (78, 2), "{peer:?}");
    assert!(peer.attributes.contains(&LinkAttribute::IfName("vethwe-pcap".into())));
    assert!(peer.attributes.contains(&LinkAttribute::Mtu(1438)));
    assert!(!create.header.flags.contains(LinkFlags::Up) && !peer.header.flags.contains(LinkFlags::Up));
}

#[test]
fn an_ipv6_address_is_not_held_back_by_duplicate_detection() {
    let flags = |cidr: &str| match encode::add_address(7, cidr.parse().expect("cidr")).payload {
        NetlinkPayload::InnerMessage(Inner::NewAddress(message)) => {
            message.attributes.contains(&AddressAttribute::Flags(AddressFlags::Nodad))
        }
        other => panic!("{other:?}"),
    };
    assert!(flags("fd00::4/64") && !flags("10.2.1.4/24"));
}

#[test]
fn a_bridge_is_told_what_it_would_learn() {
    #[rustfmt::skip]
    let expected = [
        40, 0, 0, 0, 28, 0, 5, 5, 0, 0, 0, 0, 0, 0, 0, 0, // RTM_NEWNEIGH; acknowledge, create and replace
        7, 0, 0, 0, 77, 0, 0, 0, 2, 0, 4, 0,              // AF_BRIDGE, number 77, NUD_REACHABLE, NTF_MASTER
        10, 0, 2, 0, 2, 0, 0, 0, 0, 9, 0, 0,              // NDA_LLADDR
    ];
    assert_eq!(bytes(&encode::learn(77, Mac([2, 0, 0, 0, 0, 9]))), expected);
}
