//! DO: steps for the kernel, one after the other on one thread, which goes from namespace to namespace.
//!
//! Steps are not sent many at once: the kernel goes on behind a message that it refuses, and a step must not be done
//! when one before it failed. An answer costs microseconds, what the kernel does for a step hundreds of them.

use std::collections::HashMap;
use std::sync::Arc;

use super::announce::{Hearers, Pair};
use super::held::Held;
use super::numbers::{Links, Numbers};
use super::refused::{Failure, in_words, unless_gone};
use super::{flood, groups, look, probe};
use crate::ethtool::Ethtool;
use crate::host::{OnError, Outcome};
use crate::netlink::{Message, Refusal, Socket, encode};
use crate::netns::NetNs;
use crate::plan::{NewRouterPair, NewVeth, Place, Step};
use crate::spec::ContainerRef;
use crate::{Error, ErrorKind, Result, firewall, sysctl};

/// A namespace that the worker is in, or was last.
struct Inside {
    name: ContainerRef,
    netns: Arc<NetNs>,
    socket: Socket,
    indexes: HashMap<String, u32>,
}

pub(super) struct Worker {
    host: Arc<NetNs>,
    held: Arc<Held>,
    numbers: Numbers,
    pub(super) socket: Socket,
    indexes: HashMap<String, u32>,
    inside: Option<Inside>,
    pub(super) pair: Option<Pair>,
    pub(super) hearers: Option<Hearers>,
    /// Where the thread is.
    here: Place,
}

impl Worker {
    /// A worker on the calling thread, which is in the host's namespace.
    pub(super) fn new(host: Arc<NetNs>, held: Arc<Held>, links: Links) -> Result<Self> {
        let Links { numbers, indexes } = links;
        let (socket, here) = (look::socket("host")?, Place::Host);
        Ok(Self { host, held, numbers, socket, indexes, inside: None, pair: None, hearers: None, here })
    }

    /// Does `steps`, and tells after each how many were tried.
    pub(super) fn run(mut self, steps: &[Step], on_error: OnError, tell: impl Fn(usize)) -> (Vec<Outcome>, Links) {
        let mut outcomes = Vec::with_capacity(steps.len());
        let mut stopped = false;
        self.hearers = Hearers::of(steps, &mut self.socket);
        for step in steps {
            if stopped {
                outcomes.push(Outcome::Skipped);
                continue;
            }
            match self.step(step) {
                Ok(()) => {
                    tracing::debug!(%step, "done");
                    outcomes.push(Outcome::Done);
                }
                Err(failure) => {
                    let error = in_words(step, failure);
                    tracing::debug!(%step, %error, "failed");
                    outcomes.push(Outcome::Failed(error));
                    stopped = on_error == OnError::Stop;
                }
            }
            tell(outcomes.len());
        }
        (outcomes, Links { numbers: self.numbers, indexes: self.indexes })
    }

    fn step(&mut self, step: &Step) -> Result<(), Failure> {
        match step {
            Step::CreateBridge(new) => {
                let index = self.numbers.next();
                self.create(&new.name, index, encode::create_bridge(new, index))
            }
            Step::CreateVxlan(new) => {
                let (index, bridge) = (self.numbers.next(), self.index(&Place::Host, &new.bridge)?);
                self.create(&new.name, index, encode::create_vxlan(new, index, bridge))
            }
            Step::CreateVeth(new) => self.create_veth(new),
            Step::CreateRouterPair(new) => self.create_router_pair(new),
            Step::DeleteLink { link } => {
                self.forget(link);
                Ok(unless_gone(self.socket.send_one(encode::delete_link(link)))?)
            }
            Step::DeleteLinks { links, group } => {
                links.iter().for_each(|link| self.forget(link));
                groups::delete(&mut self.socket, links, *group)
            }
            Step::AddFlood { link, peers } => {
                let index = self.index(&Place::Host, link)?;
                flood::change(&mut self.socket, index, peers, flood::Way::Add)
            }
            Step::DeleteFlood { link, peers } => match self.index(&Place::Host, link) {
                Ok(index) => flood::change(&mut self.socket, index, peers, flood::Way::Delete),
                // The list went with the link.
                Err(Failure::Refused(refusal)) if refusal.is_gone() => Ok(()),
                Err(failure) => Err(failure),
            },
            Step::SetTable { .. } | Step::AddAccept(_) | Step::DeleteAccept(_) | Step::DropRouterRules { .. } => {
                self.packet_filter(step)
            }
            Step::Announce { place, link, addresses } => self.announce(place, link, addresses),
            Step::ForgetFlows { of } => {
                self.enter(&Place::Host)?;
                let forgotten = firewall::forget_flows(of)?;
                tracing::debug!(forgotten, "connections forgotten");
                Ok(())
            }
            _ => self.set(step),
        }
    }

    /// The steps that are one message each.
    fn set(&mut self, step: &Step) -> Result<(), Failure> {
        match step {
            Step::SetMark { link, mark, .. } => {
                let index = self.index(&Place::Host, link)?;
                self.send(&Place::Host, encode::set_alias(index, &mark.to_string()))
            }
            Step::ClearMark { link, .. } => {
                let index = self.index(&Place::Host, link)?;
                self.send(&Place::Host, encode::set_alias(index, ""))
            }
            Step::SetBridge { link, stp, multicast_snooping, .. } => {
                self.send(&Place::Host, encode::set_bridge(link, *stp, *multicast_snooping))
            }
            Step::SetTunnel { link, local, learning, .. } => {
                self.send(&Place::Host, encode::set_tunnel(link, *local, *learning))
            }
            Step::SetMaster { link, bridge, .. } => {
                let master = bridge.as_ref().map(|bridge| self.index(&Place::Host, bridge)).transpose()?;
                self.send(&Place::Host, encode::set_master(link, master.unwrap_or(0)))
            }
            Step::SetMtu { place, link, mtu, .. } => self.send(place, encode::set_mtu(link, *mtu)),
            Step::SetMac { place, link, mac, .. } => {
                self.pair = None;
                self.send(place, encode::set_mac(link, *mac))
            }
            Step::SetUp { place, link, up } => {
                self.send(place, encode::set_up(link, *up))?;
                if *up {
                    self.settle(place, link)?;
                }
                Ok(())
            }
            Step::SetOffload { place, link, on, .. } => {
                self.enter(place)?;
                Ok(Ethtool::open().and_then(|links| links.set_tx_checksum(link, *on)).map_err(refusal)?)
            }
            Step::SetIpv6 { place, link, key, value, .. } => self.set_ipv6(place, link, key, *value),
            Step::SetHairpin { link, on, .. } => {
                self.remove(&Place::Host, link, |index| encode::set_hairpin(index, *on))
            }
            Step::SetLocalnet { link, on, .. } => {
                self.enter(&Place::Host)?;
                Ok(sysctl::set_localnet(link, *on)?)
            }
            Step::AddAddress { place, link, address } => {
                let index = self.index(place, link)?;
                self.send(place, encode::add_address(index, *address))
            }
            Step::DeleteAddress { place, link, address } => {
                self.enter(place)?;
                let _kept = address.is_ipv4().then(|| sysctl::keep_secondaries(link));
                self.remove(place, link, |index| encode::delete_address(index, *address))
            }
            Step::AddRoute { place, link, route } => {
                let index = self.index(place, link)?;
                self.send(place, encode::add_route(index, route))
            }
            Step::DeleteRoute { place, link, route } => {
                self.remove(place, link, |index| encode::delete_route(index, route))
            }
            _ => Err(Error::new(ErrorKind::Unsupported, "step", format!("`{step}` is not one for the kernel")).into()),
        }
    }

    /// Makes a link, marks it, and what else belongs to it; all or nothing.
    fn create(&mut self, name: &str, index: u32, messages: Vec<Message>) -> Result<(), Failure> {
        self.forget(name);
        let answers: Result<Vec<()>, Refusal> = match self.socket.batch(messages).as_slice() {
            [Err(refusal), ..] => return Err(refusal.clone().into()),
            answers => answers.iter().cloned().collect(),
        };
        if let Err(refusal) = answers {
            let undone = unless_gone(self.socket.send_one(encode::delete_link_at(index)));
            let left = undone.err().map(|again| format!("ip link delete {name}: {again}"));
            let error = refusal.error(name, "write its alias or MTU").left(left.into_iter().collect());
            return Err(error.into());
        }
        self.indexes.insert(name.to_owned(), index);
        Ok(())
    }

    fn create_veth(&mut self, new: &NewVeth) -> Result<(), Failure> {
        let (index, bridge) = (self.numbers.next(), self.index(&Place::Host, &new.bridge)?);
        // Kept until the kernel has read its number.
        let netns = self.held.open(&new.target)?;
        let ends = (index, self.numbers.next());
        self.create(&new.name, index, encode::create_veth(new, ends, bridge, netns.as_raw_fd()))?;
        self.pair = (ends.1 != 0).then(|| Pair::new(new, bridge, ends));
        Ok(())
    }

    fn create_router_pair(&mut self, new: &NewRouterPair) -> Result<(), Failure> {
        let (index, bridge) = (self.numbers.next(), self.index(&Place::Host, &new.bridge)?);
        self.forget(&new.router_end);
        let ends = (index, self.numbers.next());
        self.create(&new.bridge_end, index, encode::create_router_pair(new, ends, bridge))
    }

    fn packet_filter(&mut self, step: &Step) -> Result<(), Failure> {
        self.enter(&Place::Host)?;
        match step {
            Step::SetTable { after, before } => firewall::set_table(before.as_deref(), after.as_deref())?,
            Step::AddAccept(rule) => firewall::add_accept(rule)?,
            Step::DeleteAccept(rule) => firewall::delete_accept(rule)?,
            Step::DropRouterRules { tool, bridge } => firewall::drop_router_rules(*tool, bridge)?,
            _ => {}
        }
        Ok(())
    }

    /// Writes only what is not so already, as in most containers: to find a file of `/proc/sys/net` takes the kernel the
    /// longer the more namespaces have one of that name.
    fn set_ipv6(&mut self, place: &Place, name: &str, key: &str, value: i32) -> Result<(), Failure> {
        if let Ok(link) = probe::by_name(self.socket(place)?, name) {
            self.remember(place, name, link.index)?;
            let so_already = match key {
                "disable_ipv6" => link.ipv6_disabled == Some(value != 0),
                "accept_ra" => link.accept_ra == Some(value),
                _ => false,
            };
            if so_already {
                return Ok(());
            }
        }
        self.enter(place)?;
        Ok(sysctl::set_ipv6(name, key, value)?)
    }

    fn send(&mut self, place: &Place, message: Message) -> Result<(), Failure> {
        Ok(self.socket(place)?.send_one(message)?)
    }

    /// Removes something of a link, which may have gone with it.
    fn remove(&mut self, place: &Place, link: &str, message: impl FnOnce(u32) -> Message) -> Result<(), Failure> {
        match self.index(place, link) {
            Ok(index) => Ok(unless_gone(self.socket(place)?.send_one(message(index)))?),
            Err(Failure::Refused(refusal)) if refusal.is_gone() => Ok(()),
            Err(failure) => Err(failure),
        }
    }

    /// The number of a link; asked for once.
    fn index(&mut self, place: &Place, link: &str) -> Result<u32, Failure> {
        if let Some(pair) = self.pair.as_ref().filter(|pair| pair.is(place, link)) {
            return Ok(pair.inner);
        }
        let known = match place {
            Place::Host => self.indexes.get(link),
            Place::Target(name) => self.inside(name)?.indexes.get(link),
        };
        if let Some(index) = known {
            return Ok(*index);
        }
        let index = probe::by_name(self.socket(place)?, link)?.index;
        self.remember(place, link, index)?;
        Ok(index)
    }

    fn remember(&mut self, place: &Place, link: &str, index: u32) -> Result<(), Failure> {
        let indexes = match place {
            Place::Host => &mut self.indexes,
            Place::Target(name) => &mut self.inside(name)?.indexes,
        };
        indexes.insert(link.to_owned(), index);
        Ok(())
    }

    /// Forgets the numbers that change when a link of the host comes or goes; the other end of a veth pair is one.
    fn forget(&mut self, link: &str) {
        self.indexes.remove(link);
        self.pair = None;
        if let Some(inside) = &mut self.inside {
            inside.indexes.clear();
        }
    }

    pub(super) fn socket(&mut self, place: &Place) -> Result<&mut Socket, Failure> {
        match place {
            Place::Host => Ok(&mut self.socket),
            Place::Target(name) => Ok(&mut self.inside(name)?.socket),
        }
    }

    /// The namespace of a container, with a socket in it. The thread need not be there for it to be used.
    fn inside(&mut self, name: &ContainerRef) -> Result<&mut Inside, Failure> {
        if self.inside.as_ref().is_none_or(|inside| inside.name != *name) {
            let netns = self.held.open(name)?;
            move_to(&netns, name)?;
            self.here = Place::Target(name.clone());
            let socket = look::socket(&name.to_string())?;
            self.inside = Some(Inside { name: name.clone(), netns, socket, indexes: HashMap::new() });
        }
        self.inside.as_mut().ok_or_else(|| Refusal::new(nix::libc::ENOENT).into())
    }

    /// Brings the thread to a place.
    pub(super) fn enter(&mut self, place: &Place) -> Result<(), Failure> {
        if self.here == *place {
            return Ok(());
        }
        match place {
            Place::Host => move_to(&self.host, &"host")?,
            Place::Target(name) => {
                let netns = Arc::clone(&self.inside(name)?.netns);
                move_to(&netns, name)?;
            }
        }
        self.here = place.clone();
        Ok(())
    }
}

fn refusal(error: std::io::Error) -> Refusal {
    Refusal::new(error.raw_os_error().unwrap_or(nix::libc::EIO))
}

fn move_to(netns: &NetNs, name: &dyn ToString) -> Result<()> {
    netns.enter().map_err(|error| Error::os(name.to_string(), "enter its network namespace", error))
}
