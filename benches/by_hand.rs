//! What is compared with: the same work by hand-made netlink messages, and by `ip -batch`.

use std::fs::File;
use std::net::Ipv4Addr;
use std::os::fd::AsRawFd as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use nix::net::if_::if_nametoindex;

use crate::measure::time;
use crate::raw::{self, Result, Socket, Veth};
use crate::sandbox::{enter, on_a_thread, run, timed, within};

/// The bridge that attachments by hand are ports of.
pub(crate) const BRIDGE: &str = "byhand";

/// The interface in the targets, named as weave names its own.
pub(crate) const INTERFACE: &str = "ethwe";

/// The group of all host ends made by hand.
const GROUP: u32 = 77;

/// The number of the interface in each target; chosen, so that nobody has to ask for it. The kernel takes it only when
/// that of the host end is chosen, too.
const INDEX: u32 = 1000;

/// The numbers of the host ends begin here.
const HOST_INDEX: u32 = 1 << 20;

const MTU: u32 = 1450;

/// All of multicast.
const MULTICAST: (Ipv4Addr, u8) = (Ipv4Addr::new(224, 0, 0, 0), 4);

/// Messages in one send; the answer to each of them has to fit into the socket's buffer.
const BATCH: usize = 500;

/// The address of target number `index`.
pub(crate) fn address(index: usize) -> Ipv4Addr {
    Ipv4Addr::from(0x0a20_0001 + u32::try_from(index).unwrap_or(0))
}

/// The length of the prefix of all of them.
pub(crate) const PREFIX: u8 = 16;

fn mac(index: usize) -> [u8; 6] {
    let [a, b, c, d] = address(index).octets();
    [0x0a, 0x57, a, b, c, d]
}

/// Makes the bridge.
pub(crate) fn make_bridge() -> Result<()> {
    run("ip", &["link", "add", BRIDGE, "address", "12:00:00:00:00:01", "type", "bridge", "mcast_snooping", "0"])?;
    run("ip", &["link", "set", BRIDGE, "up"]).map(drop)
}

/// What is compared with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    /// Interfaces with addresses, and nothing else.
    Bare,
    /// What weave leaves: marked with an alias, multicast routed and, where they are few, announced. Of many, weave
    /// tells each port once; here nobody is told, so that the limit is rather too low.
    Same,
    /// The same, over pairs with one queue, as weave makes them: the kernel takes a third less time for each.
    OneQueue,
}

/// Targets that are few: for more, weave announces another way.
const FEW: usize = 16;

/// Attaches all targets: for each of them one send on the host, and one inside.
pub(crate) fn attach(targets: &[PathBuf], end: End) -> Result<Duration> {
    let master = if_nametoindex(BRIDGE)?;
    let same = end != End::Bare;
    let all = || {
        let mut host = Socket::open()?;
        for (number, target) in targets.iter().enumerate() {
            let netns = File::open(target)?;
            let (name, mac) = (format!("byhand{number}"), mac(number));
            let index = HOST_INDEX + u32::try_from(number)?;
            let veth = Veth {
                name: &name,
                index,
                peer: INTERFACE,
                peer_index: INDEX,
                mac,
                mtu: MTU,
                master,
                group: GROUP,
                netns: netns.as_raw_fd(),
                up: !same,
                one_queue: end == End::OneQueue,
            };
            let mut messages = vec![raw::new_veth(&veth)];
            if same {
                let inode = netns.metadata()?.ino();
                let alias = format!("weave:attachment netns={inode} pid=0 interface={INTERFACE}");
                // The kernel takes longer for the alias of a link that is up.
                messages.extend([raw::set_alias(index, &alias), raw::set_up(index)]);
            }
            let count = messages.len();
            host.send(messages, count)?;
            let mut inside = enter(target)?;
            let mut messages = vec![raw::new_address(INDEX, address(number), PREFIX), raw::set_up(INDEX)];
            if same {
                messages.push(raw::new_route(INDEX, MULTICAST.0, MULTICAST.1));
            }
            let count = messages.len();
            inside.send(messages, count)?;
            if same && targets.len() < FEW {
                // Whoever looks at a link has the kernel finish with it; before that, what it sends is lost.
                inside.ask(raw::get_link(INDEX))?;
                host.ask(raw::get_link(index))?;
                inside.send(raw::announce(INDEX, mac), 2)?;
            }
        }
        Ok(())
    };
    Ok(time(|| on_a_thread(all))?.0)
}

/// Detaches all of them in one message.
pub(crate) fn detach() -> Result<Duration> {
    Ok(time(|| Socket::open()?.send([raw::delete_group(GROUP)], 1))?.0)
}

/// Attaches all targets by `ip -batch`: one run on the host, and one inside each.
pub(crate) fn attach_by_ip(targets: &[PathBuf]) -> Result<Duration> {
    let mut script = String::new();
    for (index, target) in targets.iter().enumerate() {
        let [a, b, c, d, e, f] = mac(index);
        script += &format!(
            "link add byhand{index} mtu {MTU} master {BRIDGE} group {GROUP} up type veth peer name {INTERFACE} \
             address {a:02x}:{b:02x}:{c:02x}:{d:02x}:{e:02x}:{f:02x} mtu {MTU} netns {}\n",
            target.display()
        );
    }
    let mut spent = timed("ip", &["-batch", "-"], &script)?;
    for (index, target) in targets.iter().enumerate() {
        let script = format!("address add {}/{PREFIX} dev {INTERFACE}\nlink set {INTERFACE} up\n", address(index));
        spent += timed("nsenter", &[&format!("--net={}", target.display()), "ip", "-batch", "-"], &script)?;
    }
    Ok(spent)
}

/// Looks at everything once: all links of the host, and the addresses in each target.
pub(crate) fn look(targets: &[PathBuf]) -> Result<Duration> {
    let (spent, (links, addresses)) = time(|| Ok((links()?, addresses(targets)?)))?;
    if links < targets.len() || addresses != targets.len() {
        return Err(format!("{links} links and {addresses} addresses were found of {}", targets.len()).into());
    }
    Ok(spent)
}

/// How many links the host has.
pub(crate) fn links() -> Result<usize> {
    Socket::open()?.count(raw::dump_links())
}

/// How many IPv4 addresses all targets have together.
pub(crate) fn addresses(targets: &[PathBuf]) -> Result<usize> {
    on_a_thread(|| targets.iter().map(|target| enter(target)?.count(raw::dump_addresses())).sum())
}

/// How many forwarding entries a link has.
pub(crate) fn forwarding_entries(link: &str) -> Result<usize> {
    Socket::open()?.count(raw::dump_forwarding(if_nametoindex(link)?))
}

/// Adds peers to the flood list of a link.
pub(crate) fn connect(link: &str, peers: &[Ipv4Addr]) -> Result<Duration> {
    let index = if_nametoindex(link)?;
    let all = || {
        let mut host = Socket::open()?;
        for chunk in peers.chunks(BATCH) {
            let last = chunk.len() - 1;
            host.send(chunk.iter().enumerate().map(|(n, peer)| raw::append_flood(index, *peer, n == last)), 1)?;
        }
        Ok(())
    };
    Ok(time(all)?.0)
}

/// Sends one packet through each of two namespaces: whether `to` answers `from`.
pub(crate) fn reaches(from: &Path, to: Ipv4Addr) -> Result<bool> {
    let to = to.to_string();
    within(from, |_| Ok(run("ping", &["-n", "-q", "-c3", "-i0.2", "-W2", &to]).is_ok()))
}
