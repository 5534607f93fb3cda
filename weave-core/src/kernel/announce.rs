//! Telling the network where addresses are.
//!
//! The bridge passes an announcement on to all of its ports. Where many containers come at once, that is the work of
//! each with each, and for nothing: a new interface remembers nobody. So many are announced only to the ports that were
//! there before, the tunnel among them, and the bridge is told by a message of its own.

use std::collections::HashSet;
use std::net::IpAddr;
use std::sync::Arc;

use super::execute::Worker;
use super::refused::Failure;
use super::{look, notify, probe};
use crate::netlink::{Refusal, Socket, decode, encode};
use crate::observed::LinkKind;
use crate::packet::{self, Crier};
use crate::plan::{NewVeth, Place, Step};
use crate::spec::Mac;
use crate::{Error, ErrorKind};

/// Containers that are many: below, the kernel's own announcement is the quicker one.
const MANY: usize = 16;

/// The interface of a container that was made last.
pub(super) struct Pair {
    place: Place,
    interface: Arc<str>,
    mac: Mac,
    bridge: u32,
    pub(super) host_end: u32,
    pub(super) inner: u32,
}

impl Pair {
    pub(super) fn new(new: &NewVeth, bridge: u32, (host_end, inner): (u32, u32)) -> Self {
        let (place, interface) = (Place::Target(new.target.clone()), new.interface.clone());
        Self { place, interface, mac: new.mac, bridge, host_end, inner }
    }

    pub(super) fn is(&self, place: &Place, link: &str) -> bool {
        self.place == *place && *self.interface == *link
    }
}

/// Whom new containers are announced to, as it was before the first of them.
pub(super) struct Hearers {
    bridge: u32,
    ports: Vec<u32>,
    /// Addresses whose place the host itself remembers. No frame that is sent from here reaches it.
    remembered: HashSet<IpAddr>,
    crier: Crier,
}

impl Hearers {
    /// Looks, on a thread in the host's namespace. `None` when `steps` make few containers, or those are on no bridge.
    pub(super) fn of(steps: &[Step], socket: &mut Socket) -> Option<Self> {
        let mut bridges = steps.iter().filter_map(|step| match step {
            Step::CreateVeth(new) => Some(&new.bridge),
            _ => None,
        });
        let bridge = bridges.next()?;
        bridges.nth(MANY - 2)?;
        Self::look(bridge, socket).inspect_err(|error| tracing::debug!(%error, "each is announced to all")).ok()
    }

    fn look(bridge: &str, socket: &mut Socket) -> crate::Result<Self> {
        let refused = |refusal: Refusal| refusal.error(bridge, "look at its ports");
        let links = look::links(socket).map_err(refused)?;
        let bridge = links.iter().find(|link| link.name == bridge).map(|link| link.index);
        let bridge = bridge.ok_or_else(|| refused(Refusal::new(nix::libc::ENODEV)))?;
        let ports = links.iter().filter(|link| link.master == Some(bridge)).map(|link| link.index).collect();
        let neighbours = socket.dump(encode::dump_neighbours(), |payload, found| {
            found.extend(decode::fdb_entry(payload).filter(|entry| entry.ifindex == bridge));
        });
        let remembered = neighbours.map_err(refused)?.iter().filter_map(|entry: &decode::FdbEntry| entry.to).collect();
        Ok(Self { bridge, ports, remembered, crier: Crier::open()? })
    }

    fn reach_all(&self, pair: &Pair, addresses: &[IpAddr]) -> bool {
        pair.bridge == self.bridge && !addresses.iter().any(|address| self.remembered.contains(address))
    }
}

impl Worker {
    pub(super) fn announce(&mut self, place: &Place, name: &str, addresses: &[IpAddr]) -> Result<(), Failure> {
        match self.announce_to_hearers(place, name, addresses) {
            Ok(true) => return Ok(()),
            Ok(false) => {}
            Err(error) => tracing::debug!(%place, %error, "announced by the kernel instead"),
        }
        let made = self.pair.as_ref().filter(|pair| pair.is(place, name)).map(|pair| (pair.inner, pair.mac));
        let (index, mac) = match made {
            Some(made) => made,
            None => {
                let link = probe::by_name(self.socket(place)?, name)?;
                let mac = link.mac.filter(|_| link.up);
                (link.index, mac.ok_or_else(|| Error::new(ErrorKind::Unsupported, name, "is down, or no Ethernet"))?)
            }
        };
        if addresses.iter().any(IpAddr::is_ipv6) {
            self.enter(place)?;
        }
        match notify::announce(self.socket(place)?, name, (index, mac), addresses) {
            Ok(()) => return Ok(()),
            Err(error) => tracing::debug!(%place, %error, "announced by frames instead"),
        }
        self.enter(place)?;
        Ok(packet::announce(index, mac, addresses)?)
    }

    /// `false`: somebody may not hear it.
    fn announce_to_hearers(&mut self, place: &Place, name: &str, addresses: &[IpAddr]) -> crate::Result<bool> {
        let pair = self.pair.as_ref().filter(|pair| pair.is(place, name));
        let (Some(hearers), Some(pair)) = (&self.hearers, pair) else { return Ok(false) };
        if !hearers.reach_all(pair, addresses) {
            return Ok(false);
        }
        let learned = self.socket.send_one(encode::learn(pair.host_end, pair.mac));
        learned.map_err(|refusal| refusal.error(name, "tell the bridge where it is"))?;
        hearers.crier.announce(&hearers.ports, pair.mac, addresses).map(|()| true)
    }

    /// Makes the kernel finish what it still has to do for a link that was just set up.
    ///
    /// A link carries, and a port of a bridge forwards, up to a second later; what is sent before is lost. The kernel
    /// does that work at once for a link that somebody looks at (since Linux 6.8), and its other end has some, too.
    pub(super) fn settle(&mut self, place: &Place, name: &str) -> Result<(), Failure> {
        let made = self.pair.as_ref().filter(|pair| pair.is(place, name)).map(|pair| (pair.inner, pair.host_end));
        let host_end = match made {
            Some((inner, host_end)) => {
                self.socket(place)?.ask(vec![encode::link_at(inner)], |_| Some(()));
                Some(host_end)
            }
            None => {
                let link = probe::by_name(self.socket(place)?, name)?;
                let beside = link.kind == LinkKind::Veth && link.peer_netnsid.is_none();
                link.peer_index.filter(|_| beside || *place != Place::Host)
            }
        };
        if let Some(host_end) = host_end {
            self.socket.ask(vec![encode::link_at(host_end)], |_| Some(()));
        }
        Ok(())
    }
}
