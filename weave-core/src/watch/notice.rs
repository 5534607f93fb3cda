//! What the kernel's announcements say that concerns weave. Pure; links are remembered, since most of what is announced
//! of one says nothing new.

use std::collections::HashMap;

use super::decide::Noticed;
use crate::names;
use crate::netlink::decode::{self, Attributes, messages, string};
use crate::observed::{AttachmentMark, Link, LinkKind};
use crate::spec::Mac;

/// Groups of announcements of links, addresses, routes and forwarding entries (`RTNLGRP_…`).
pub(super) const ROUTE_GROUPS: [u32; 6] = [1, 3, 5, 7, 9, 11];

/// The group of announcements of nftables (`NFNLGRP_NFTABLES`).
pub(super) const NFTABLES_GROUP: u32 = 7;

const RTM_NEWLINK: u16 = 16;
const RTM_DELLINK: u16 = 17;
const RTM_NEWADDR: u16 = 20;
const RTM_DELADDR: u16 = 21;
const RTM_NEWROUTE: u16 = 24;
const RTM_DELROUTE: u16 = 25;
const RTM_NEWNEIGH: u16 = 28;
const RTM_DELNEIGH: u16 = 29;

const AF_BRIDGE: u8 = 7;

/// Of nftables (`NFT_MSG_…`): what may take away an accept of weave's from a chain of others, or make one that drops.
const CONCERNS_ALL: [u8; 5] = [NFT_DELTABLE, NFT_NEWCHAIN, NFT_DELCHAIN, NFT_DELRULE, NFT_DESTROYRULE];
const NFT_DELTABLE: u8 = 2;
const NFT_NEWCHAIN: u8 = 3;
const NFT_DELCHAIN: u8 = 5;
const NFT_DELRULE: u8 = 8;
const NFT_DESTROYRULE: u8 = 28;
const NFT_NEWGEN: u8 = 15;

/// `struct nfgenmsg`.
const NF_HEADER: usize = 4;

/// A link as it was announced last.
#[derive(Debug)]
enum Known {
    /// One of weave's, whole: each of its settings counts.
    Ours(Box<Link>),
    /// One of others, of which only what limits the paths counts.
    Other { mtu: u32, is_veth: bool },
}

impl Known {
    fn of(link: Link) -> Self {
        if link.mark().is_some() {
            Self::Ours(Box::new(link))
        } else {
            Self::Other { mtu: link.mtu, is_veth: link.kind == LinkKind::Veth }
        }
    }
}

/// Reads announcements.
#[derive(Debug, Default)]
pub(super) struct Notice {
    links: HashMap<u32, Known>,
    /// Whether new attachments count: they are weave's own doing, and only who has no document learns from them.
    learns: bool,
}

/// Something that was noticed, or will be if it turns out so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Said {
    /// It was noticed.
    Noticed(Noticed),
    /// The host end of an attachment is gone: with its container, which is nothing to do about, or by itself.
    EndGone(AttachmentMark),
}

impl Notice {
    /// For a watch that `learns` what there is, or has a document.
    pub(super) fn new(learns: bool) -> Self {
        Self { links: HashMap::new(), learns }
    }

    /// Forgets what was announced, and takes these for the links that there are.
    pub(super) fn begin(&mut self, links: Vec<Link>) {
        self.links = links.into_iter().map(|link| (link.index, Known::of(link))).collect();
    }

    /// What the announcements in one datagram of links, addresses, routes and forwarding entries say.
    pub(super) fn route(&mut self, datagram: &[u8], said: &mut Vec<Said>) {
        for (kind, payload) in messages(datagram) {
            let noticed = match kind {
                RTM_DELLINK => {
                    said.extend(self.gone(payload));
                    None
                }
                RTM_NEWLINK => self.link(payload),
                RTM_NEWADDR | RTM_DELADDR => self.address(payload),
                RTM_NEWROUTE | RTM_DELROUTE => route(payload),
                RTM_NEWNEIGH | RTM_DELNEIGH => flood(payload),
                _ => None,
            };
            said.extend(noticed.map(Said::Noticed));
        }
        said.dedup();
    }

    fn gone(&mut self, payload: &[u8]) -> Option<Said> {
        let link = whole(payload)?;
        // The message has all of it, also of one that was never heard of.
        let Known::Ours(before) = self.links.remove(&link.index).unwrap_or_else(|| Known::of(link)) else {
            return None;
        };
        Some(before.attachment().map_or(Said::Noticed(Noticed::Network), Said::EndGone))
    }

    fn link(&mut self, payload: &[u8]) -> Option<Noticed> {
        let link = whole(payload)?;
        let before = self.links.insert(link.index, Known::of(link.clone()));
        let counts = match before {
            Some(Known::Ours(before)) => *before != link,
            _ if link.mark().is_some() => self.learns || link.attachment().is_none(),
            // It may be one of those that lead to the peers.
            Some(Known::Other { mtu, is_veth }) => !is_veth && mtu != link.mtu,
            None => false,
        };
        counts.then_some(Noticed::Network)
    }

    /// An address of the host: on the bridge an exposure, elsewhere perhaps where the tunnel ends.
    fn address(&self, payload: &[u8]) -> Option<Noticed> {
        let address = decode::address(payload)?;
        let concerns = match self.links.get(&address.ifindex) {
            Some(Known::Ours(_)) => true,
            Some(Known::Other { is_veth, .. }) => !is_veth,
            None => false,
        };
        concerns.then_some(Noticed::Network)
    }

    /// What the announcements in one datagram of nftables say.
    pub(super) fn nftables(datagram: &[u8], noticed: &mut Vec<Noticed>) {
        let concerns = messages(datagram).any(|(kind, payload)| {
            let what = kind.to_le_bytes()[0];
            // Of everything but a transaction's number, the first attribute is the table.
            let mut attributes = Attributes(payload.get(NF_HEADER..).unwrap_or_default());
            let mut ours = || attributes.any(|(kind, name)| kind == 1 && string(name) == names::TABLE);
            what != NFT_NEWGEN && (CONCERNS_ALL.contains(&what) || ours())
        });
        noticed.extend(concerns.then_some(Noticed::Network));
    }
}

/// Reads a link; nothing where it is only about a port of a bridge, or about IPv6, which have families.
fn whole(payload: &[u8]) -> Option<Link> {
    decode::link(payload).filter(|_| payload.first() == Some(&0))
}

/// A route of the main table, to somewhere else than the link itself.
fn route(payload: &[u8]) -> Option<Noticed> {
    let mut found = Vec::new();
    decode::routes(payload, &mut found);
    found.iter().any(|route| !route.by_kernel).then_some(Noticed::Routes)
}

/// An entry of a flood list, which is a peer; what a bridge or tunnel learns concerns nobody.
fn flood(payload: &[u8]) -> Option<Noticed> {
    let entry = decode::fdb_entry(payload).filter(|_| payload.first() == Some(&AF_BRIDGE))?;
    (entry.own && entry.mac == Mac([0; 6])).then_some(Noticed::Network)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn message(kind: u16, payload: &[u8]) -> Vec<u8> {
        let length = u32::try_from(16 + payload.len()).expect("short");
        [&length.to_ne_bytes()[..], &kind.to_ne_bytes(), &[0; 10], payload].concat()
    }

    fn attribute(kind: u16, value: &[u8]) -> Vec<u8> {
        let length = u16::try_from(4 + value.len()).expect("short");
        let mut bytes = [&length.to_ne_bytes()[..], &kind.to_ne_bytes(), value].concat();
        bytes.resize(bytes.len().next_multiple_of(4), 0);
        bytes
    }

    fn link(index: u32, mtu: u32, alias: &str) -> Vec<u8> {
        let mut bytes = [&[0; 4], &index.to_ne_bytes()[..], &[1, 0, 0, 0], &[0; 4]].concat();
        bytes.extend(attribute(3, format!("l{index}\0").as_bytes()));
        bytes.extend(attribute(4, &mtu.to_ne_bytes()));
        if !alias.is_empty() {
            bytes.extend(attribute(20, alias.as_bytes()));
        }
        bytes
    }

    fn told(notice: &mut Notice, kind: u16, payload: &[u8]) -> Vec<Noticed> {
        let mut said = Vec::new();
        notice.route(&message(kind, payload), &mut said);
        let noticed = |said| match said {
            Said::Noticed(noticed) => noticed,
            Said::EndGone(mark) => panic!("{mark:?}"),
        };
        said.into_iter().map(noticed).collect()
    }

    #[test]
    fn ends_of_attachments_come_by_weave_and_go_with_their_containers() {
        let mark = "weave:attachment netns=7 pid=8 interface=ethwe id=0f00d name=web";
        let mut bytes = link(5, 1450, mark);
        bytes.extend(attribute(18, &attribute(1, b"veth\0")));
        for learns in [false, true] {
            let mut notice = Notice::new(learns);
            assert_eq!(told(&mut notice, RTM_NEWLINK, &bytes).is_empty(), !learns);
            let mut said = Vec::new();
            notice.route(&message(RTM_DELLINK, &bytes), &mut said);
            assert!(matches!(&said[..], [Said::EndGone(mark)] if mark.pid == 8 && mark.name == "web"), "{said:?}");
        }
    }

    #[test]
    fn links_count_where_they_are_weaves_and_say_something_new() {
        let mut notice = Notice::default();
        let ours = link(3, 1450, "weave:router");
        let network = [Noticed::Network];
        assert_eq!(told(&mut notice, RTM_NEWLINK, &ours), network);
        assert_eq!(told(&mut notice, RTM_NEWLINK, &ours), []);
        assert_eq!(told(&mut notice, RTM_NEWLINK, &link(3, 1400, "weave:router")), network);
        let port = [&[AF_BRIDGE], &ours[1..]].concat();
        assert_eq!(told(&mut notice, RTM_DELLINK, &port), []);
        assert_eq!(told(&mut notice, RTM_NEWLINK, &link(3, 1400, "")), network);
        assert_eq!(told(&mut notice, RTM_DELLINK, &link(3, 1400, "")), []);
        assert_eq!(told(&mut notice, RTM_NEWLINK, &ours), network);
        assert_eq!(told(&mut notice, RTM_DELLINK, &ours), network);
        // One that nobody has told of says what it was when it goes.
        assert_eq!(told(&mut notice, RTM_DELLINK, &link(4, 1450, "weave:router")), network);
        assert_eq!(told(&mut notice, RTM_DELLINK, &link(5, 1450, "")), []);
    }

    #[test]
    fn of_other_links_only_the_mtu_counts() {
        let mut notice = Notice::default();
        assert_eq!(told(&mut notice, RTM_NEWLINK, &link(2, 1500, "")), []);
        assert_eq!(told(&mut notice, RTM_NEWLINK, &link(2, 1500, "uplink")), []);
        assert_eq!(told(&mut notice, RTM_NEWLINK, &link(2, 1400, "")), [Noticed::Network]);
        assert_eq!(told(&mut notice, RTM_DELLINK, &link(2, 1400, "")), []);
    }

    #[test]
    fn addresses_count_where_the_link_is_known() {
        let mut notice = Notice::default();
        let address = |index: u32| [&[2, 24, 0, 0], &index.to_ne_bytes()[..], &attribute(2, &[192, 0, 2, 1])].concat();
        told(&mut notice, RTM_NEWLINK, &link(2, 1500, ""));
        assert_eq!(told(&mut notice, RTM_DELADDR, &address(2)), [Noticed::Network]);
        assert_eq!(told(&mut notice, RTM_NEWADDR, &address(9)), []);
    }

    #[test]
    fn only_the_flood_list_counts_among_forwarding_entries() {
        let mut notice = Notice::default();
        let entry = |mac: [u8; 6], family: u8| {
            [&[family, 0, 0, 0, 4, 0, 0, 0, 0xc0, 0, 2, 0][..], &attribute(2, &mac), &attribute(1, &[192, 0, 2, 2])]
                .concat()
        };
        assert_eq!(told(&mut notice, RTM_DELNEIGH, &entry([0; 6], AF_BRIDGE)), [Noticed::Network]);
        assert_eq!(told(&mut notice, RTM_NEWNEIGH, &entry([0; 6], AF_BRIDGE)), [Noticed::Network]);
        assert_eq!(told(&mut notice, RTM_NEWNEIGH, &entry([2, 0, 0, 0, 0, 1], AF_BRIDGE)), []);
        assert_eq!(told(&mut notice, RTM_NEWNEIGH, &entry([0; 6], 2)), []);
    }

    #[test]
    fn of_nftables_own_things_count_and_what_goes_elsewhere() {
        let told = |kind: u8, table: &str| {
            let payload = [&[1, 0, 0, 0], &attribute(1, format!("{table}\0").as_bytes())[..]].concat();
            let mut noticed = Vec::new();
            Notice::nftables(&message(10 << 8 | u16::from(kind), &payload), &mut noticed);
            !noticed.is_empty()
        };
        const NEWRULE: u8 = 6;
        for (kind, table, concerns) in [
            (NEWRULE, "weave", true),
            (NFT_DELTABLE, "weave", true),
            (NEWRULE, "filter", false),
            (NFT_DELRULE, "filter", true),
            (NFT_NEWCHAIN, "filter", true),
            (NFT_NEWGEN, "weave", false),
        ] {
            assert_eq!(told(kind, table), concerns, "{kind} {table}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_survived(bytes in proptest::collection::vec(any::<u8>(), 0..200), kind in 16u16..30) {
            let (mut notice, mut said, mut noticed) = (Notice::default(), Vec::new(), Vec::new());
            notice.route(&bytes, &mut said);
            notice.route(&message(kind, &bytes), &mut said);
            Notice::nftables(&bytes, &mut noticed);
            Notice::nftables(&message(kind, &bytes), &mut noticed);
        }
    }
}
