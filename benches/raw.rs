//! Netlink by hand: bytes over a plain socket, nothing parsed that is not needed. What the kernel takes for an answer
//! to this is the limit that everything else is held against.

use std::error::Error;
use std::net::Ipv4Addr;

use netlink_sys::{Socket as Plain, SocketAddr, protocols::NETLINK_ROUTE};

/// The result of whatever is measured.
pub(crate) type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

// linux/netlink.h
const NLMSG_ERROR: u16 = 2;
const NLMSG_DONE: u16 = 3;
const NLM_F_REQUEST: u16 = 0x1;
const NLM_F_ACK: u16 = 0x4;
const NLM_F_DUMP: u16 = 0x300;
const NLM_F_EXCL: u16 = 0x200;
const NLM_F_CREATE: u16 = 0x400;
const NLM_F_APPEND: u16 = 0x800;
const NLMSG_HEADER: usize = 16;

// linux/rtnetlink.h, linux/if_link.h, linux/if_addr.h, linux/neighbour.h, linux/veth.h
const RTM_NEWLINK: u16 = 16;
const RTM_DELLINK: u16 = 17;
const RTM_GETLINK: u16 = 18;
const RTM_SETLINK: u16 = 19;
const RTM_NEWADDR: u16 = 20;
const RTM_GETADDR: u16 = 22;
const RTM_NEWROUTE: u16 = 24;
const RTM_NEWNEIGH: u16 = 28;
const RTM_GETNEIGH: u16 = 30;
const IFLA_ADDRESS: u16 = 1;
const IFLA_IFNAME: u16 = 3;
const IFLA_MTU: u16 = 4;
const IFLA_MASTER: u16 = 10;
const IFLA_IFALIAS: u16 = 20;
const IFLA_AF_SPEC: u16 = 26;
const IFLA_INET_CONF: u16 = 1;
const IPV4_DEVCONF_ARP_NOTIFY: u16 = 22;
const RTA_DST: u16 = 1;
const RTA_OIF: u16 = 4;
const RT_TABLE_MAIN: u8 = 254;
const RTPROT_STATIC: u8 = 4;
const RT_SCOPE_LINK: u8 = 253;
const RTN_UNICAST: u8 = 1;
const IFLA_LINKINFO: u16 = 18;
const IFLA_GROUP: u16 = 27;
const IFLA_NET_NS_FD: u16 = 28;
const IFLA_EXT_MASK: u16 = 29;
const IFLA_NUM_TX_QUEUES: u16 = 31;
const IFLA_NUM_RX_QUEUES: u16 = 32;
const RTEXT_FILTER_SKIP_STATS: u32 = 8;
const IFLA_INFO_KIND: u16 = 1;
const IFLA_INFO_DATA: u16 = 2;
const VETH_INFO_PEER: u16 = 1;
const IFA_ADDRESS: u16 = 1;
const IFA_LOCAL: u16 = 2;
const NDA_DST: u16 = 1;
const NDA_LLADDR: u16 = 2;
const NUD_PERMANENT: u16 = 0x80;
const NTF_SELF: u8 = 0x02;
const IFF_UP: u32 = 1;
const AF_INET: u8 = 2;
const AF_BRIDGE: u8 = 7;

/// A message under construction.
pub(crate) struct Message(Vec<u8>);

impl Message {
    fn new(kind: u16, flags: u16, fixed: &[u8]) -> Self {
        let mut bytes = vec![0; 4];
        bytes.extend(kind.to_ne_bytes());
        bytes.extend((NLM_F_REQUEST | flags).to_ne_bytes());
        bytes.extend([0; 8]);
        bytes.extend(fixed);
        Self(bytes)
    }

    fn attribute(mut self, kind: u16, data: &[u8]) -> Self {
        let length = u16::try_from(4 + data.len()).unwrap_or(u16::MAX);
        self.0.extend(length.to_ne_bytes());
        self.0.extend(kind.to_ne_bytes());
        self.0.extend(data);
        self.0.resize(self.0.len().next_multiple_of(4), 0);
        self
    }

    fn nested(mut self, kind: u16, inside: impl FnOnce(Self) -> Self) -> Self {
        let start = self.0.len();
        self.0.extend([0, 0]);
        self.0.extend(kind.to_ne_bytes());
        let mut all = inside(self);
        let length = u16::try_from(all.0.len() - start).unwrap_or(u16::MAX);
        all.0[start..start + 2].copy_from_slice(&length.to_ne_bytes());
        all
    }

    fn fixed(mut self, bytes: &[u8]) -> Self {
        self.0.extend(bytes);
        self
    }

    fn text(self, kind: u16, text: &str) -> Self {
        self.attribute(kind, &[text.as_bytes(), &[0]].concat())
    }

    fn number(self, kind: u16, number: u32) -> Self {
        self.attribute(kind, &number.to_ne_bytes())
    }

    fn queues(self, one: bool) -> Self {
        if one { self.number(IFLA_NUM_TX_QUEUES, 1).number(IFLA_NUM_RX_QUEUES, 1) } else { self }
    }

    fn bytes(mut self) -> Vec<u8> {
        let length = u32::try_from(self.0.len()).unwrap_or(u32::MAX);
        self.0[..4].copy_from_slice(&length.to_ne_bytes());
        self.0
    }
}

/// `struct ifinfomsg`.
fn link(index: u32, flags: u32) -> [u8; 16] {
    let mut bytes = [0; 16];
    bytes[4..8].copy_from_slice(&index.to_ne_bytes());
    bytes[8..12].copy_from_slice(&flags.to_ne_bytes());
    bytes[12..16].copy_from_slice(&flags.to_ne_bytes());
    bytes
}

/// A veth pair to make by hand.
pub(crate) struct Veth<'a> {
    pub(crate) name: &'a str,
    pub(crate) index: u32,
    pub(crate) peer: &'a str,
    pub(crate) peer_index: u32,
    pub(crate) mac: [u8; 6],
    pub(crate) mtu: u32,
    pub(crate) master: u32,
    pub(crate) group: u32,
    /// The open namespace in which the peer is born.
    pub(crate) netns: i32,
    /// Whether the host end is up at once.
    pub(crate) up: bool,
    /// Whether both ends have one queue; the kernel decides where they need not.
    pub(crate) one_queue: bool,
}

/// The pair in one message: host end a port of the bridge, its peer in the other namespace.
pub(crate) fn new_veth(veth: &Veth<'_>) -> Message {
    Message::new(
        RTM_NEWLINK,
        NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL,
        &link(veth.index, if veth.up { IFF_UP } else { 0 }),
    )
    .text(IFLA_IFNAME, veth.name)
    .number(IFLA_MTU, veth.mtu)
    .number(IFLA_MASTER, veth.master)
    .number(IFLA_GROUP, veth.group)
    .queues(veth.one_queue)
    .nested(IFLA_LINKINFO, |info| {
        info.text(IFLA_INFO_KIND, "veth").nested(IFLA_INFO_DATA, |data| {
            data.nested(VETH_INFO_PEER, |peer| {
                peer.fixed(&link(veth.peer_index, 0))
                    .text(IFLA_IFNAME, veth.peer)
                    .attribute(IFLA_ADDRESS, &veth.mac)
                    .number(IFLA_MTU, veth.mtu)
                    .number(IFLA_NET_NS_FD, veth.netns.cast_unsigned())
                    .queues(veth.one_queue)
            })
        })
    })
}

/// An IPv4 address for a link.
pub(crate) fn new_address(index: u32, address: Ipv4Addr, prefix: u8) -> Message {
    let mut fixed = [AF_INET, prefix, 0, 0, 0, 0, 0, 0];
    fixed[4..8].copy_from_slice(&index.to_ne_bytes());
    Message::new(RTM_NEWADDR, NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL, &fixed)
        .attribute(IFA_LOCAL, &address.octets())
        .attribute(IFA_ADDRESS, &address.octets())
}

/// Sets a link up.
pub(crate) fn set_up(index: u32) -> Message {
    Message::new(RTM_NEWLINK, NLM_F_ACK, &link(index, IFF_UP))
}

/// Writes a link's alias.
pub(crate) fn set_alias(index: u32, alias: &str) -> Message {
    Message::new(RTM_SETLINK, NLM_F_ACK, &link(index, 0)).attribute(IFLA_IFALIAS, alias.as_bytes())
}

/// A route to a network through a link.
pub(crate) fn new_route(index: u32, network: Ipv4Addr, prefix: u8) -> Message {
    let route = [AF_INET, prefix, 0, 0, RT_TABLE_MAIN, RTPROT_STATIC, RT_SCOPE_LINK, RTN_UNICAST, 0, 0, 0, 0];
    Message::new(RTM_NEWROUTE, NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL, &route)
        .attribute(RTA_DST, &network.octets())
        .number(RTA_OIF, index)
}

/// Asks for one link, without its counters.
pub(crate) fn get_link(index: u32) -> Message {
    Message::new(RTM_GETLINK, 0, &link(index, 0)).number(IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS)
}

/// Has the kernel announce a link's addresses: one message to say that it shall when the hardware address is set, one
/// to set that to what it is.
pub(crate) fn announce(index: u32, mac: [u8; 6]) -> [Message; 2] {
    let notify = Message::new(RTM_SETLINK, NLM_F_ACK, &link(index, 0)).nested(IFLA_AF_SPEC, |families| {
        families.nested(u16::from(AF_INET), |inet| {
            inet.nested(IFLA_INET_CONF, |settings| settings.number(IPV4_DEVCONF_ARP_NOTIFY, 1))
        })
    });
    [notify, Message::new(RTM_SETLINK, NLM_F_ACK, &link(index, 0)).attribute(IFLA_ADDRESS, &mac)]
}

/// Deletes every link of a group at once.
pub(crate) fn delete_group(group: u32) -> Message {
    Message::new(RTM_DELLINK, NLM_F_ACK, &link(0, 0)).number(IFLA_GROUP, group)
}

/// One more destination for frames to everybody. Refusals are always told; `last` asks for a yes as well.
pub(crate) fn append_flood(index: u32, peer: Ipv4Addr, last: bool) -> Message {
    let mut fixed = [0; 12];
    fixed[0] = AF_BRIDGE;
    fixed[4..8].copy_from_slice(&index.to_ne_bytes());
    fixed[8..10].copy_from_slice(&NUD_PERMANENT.to_ne_bytes());
    fixed[10] = NTF_SELF;
    let ack = if last { NLM_F_ACK } else { 0 };
    Message::new(RTM_NEWNEIGH, ack | NLM_F_CREATE | NLM_F_APPEND, &fixed)
        .attribute(NDA_LLADDR, &[0; 6])
        .attribute(NDA_DST, &peer.octets())
}

/// Asks for all links, without their counters.
pub(crate) fn dump_links() -> Message {
    Message::new(RTM_GETLINK, NLM_F_DUMP, &link(0, 0)).number(IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS)
}

/// Asks for all IPv4 addresses.
pub(crate) fn dump_addresses() -> Message {
    Message::new(RTM_GETADDR, NLM_F_DUMP, &[AF_INET, 0, 0, 0, 0, 0, 0, 0])
}

/// Asks for the forwarding entries of a link.
pub(crate) fn dump_forwarding(index: u32) -> Message {
    // The kernel filters by `struct ifinfomsg` here, and not by `struct ndmsg`.
    let mut fixed = link(index, 0);
    fixed[0] = AF_BRIDGE;
    Message::new(RTM_GETNEIGH, NLM_F_DUMP, &fixed)
}

/// A socket in the network namespace of the thread that opened it.
pub(crate) struct Socket {
    plain: Plain,
    buffer: Vec<u8>,
}

impl Socket {
    pub(crate) fn open() -> Result<Self> {
        let mut plain = Plain::new(NETLINK_ROUTE)?;
        plain.bind_auto()?;
        plain.connect(&SocketAddr::new(0, 0))?;
        Ok(Self { plain, buffer: Vec::with_capacity(1 << 16) })
    }

    /// Sends messages together and waits for `answers` of them to be acknowledged.
    pub(crate) fn send(&mut self, messages: impl IntoIterator<Item = Message>, answers: usize) -> Result<()> {
        let bytes: Vec<u8> = messages.into_iter().flat_map(Message::bytes).collect();
        self.plain.send(&bytes, 0)?;
        let mut acknowledged = 0;
        while acknowledged < answers {
            acknowledged += self.receive()?.acknowledged;
        }
        Ok(())
    }

    /// Sends a question that has one record for an answer.
    pub(crate) fn ask(&mut self, question: Message) -> Result<()> {
        self.plain.send(&question.bytes(), 0)?;
        match self.receive()?.records {
            1 => Ok(()),
            other => Err(format!("{other} answers to one question").into()),
        }
    }

    /// Sends a question and counts the records of the answer.
    pub(crate) fn count(&mut self, question: Message) -> Result<usize> {
        self.plain.send(&question.bytes(), 0)?;
        let mut records = 0;
        loop {
            let heard = self.receive()?;
            records += heard.records;
            if heard.done {
                return Ok(records);
            }
        }
    }

    fn receive(&mut self) -> Result<Heard> {
        self.buffer.clear();
        self.plain.recv(&mut self.buffer, 0)?;
        let mut heard = Heard::default();
        let mut rest = self.buffer.as_slice();
        while let Some((header, _)) = rest.split_at_checked(NLMSG_HEADER) {
            let length = usize::try_from(u32::from_ne_bytes([header[0], header[1], header[2], header[3]]))?;
            let body = rest.get(NLMSG_HEADER..length).ok_or("a message of the kernel is cut off")?;
            match u16::from_ne_bytes([header[4], header[5]]) {
                NLMSG_ERROR => match body.first_chunk().map_or(0, |code| i32::from_ne_bytes(*code)) {
                    0 => heard.acknowledged += 1,
                    errno => return Err(std::io::Error::from_raw_os_error(-errno).into()),
                },
                NLMSG_DONE => heard.done = true,
                _ => heard.records += 1,
            }
            rest = rest.get(length.next_multiple_of(4)..).unwrap_or_default();
        }
        Ok(heard)
    }
}

/// What one read from the socket held.
#[derive(Default)]
struct Heard {
    acknowledged: usize,
    records: usize,
    done: bool,
}
