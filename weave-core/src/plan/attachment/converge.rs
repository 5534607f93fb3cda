//! Steps that bring one container from what it has to what it shall have.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::wish::{Wish, has_own_field, is_default, is_multicast, multicast};
use super::{Context, Draft, Pair, addresses, claims, offload, pair, set_mtu, subject};
use crate::observed::{AttachmentMark, InterfaceRoute, Mark, TargetNet};
use crate::plan::network::{Network, room_for_ipv6};
use crate::plan::router::keep_ipv6;
use crate::plan::{Change, NewVeth, Place, Step};
use crate::spec::{Cidr, Route};
use crate::{Error, ErrorKind, Result, names};

pub(super) fn draft(wish: &Wish<'_>, net: &TargetNet, context: &mut Context<'_>) -> Result<Draft> {
    let Some(network) = context.network else {
        return Err(Error::new(ErrorKind::NotFound, "bridge", "there is no bridge to attach to")
            .hint("run `weave launch` first, or apply a document with `router:`"));
    };
    let pair = pair(context.observed, net, wish.interface.as_str(), wish.container)?;
    let mark = pair.and_then(|pair| match pair.host.mark() {
        Some(Mark::Attachment(mark)) => Some(mark),
        _ => None,
    });
    let own_mtu = wish.own_mtu(mark.as_ref().and_then(|mark| mark.mtu));
    let mtu = own_mtu.unwrap_or(network.mtu);
    if wish.has_ipv6() {
        room_for_ipv6(mtu, &wish.container.to_string())?;
    }
    elsewhere(wish, net)?;
    let mut work = Work { wish, net, network, draft: Draft::new(wish.container) };
    match pair {
        None => {
            let name = context.names.take(net.netns, wish.interface.as_str());
            work.create(name, own_mtu)?;
        }
        Some(pair) => {
            work.remember(&pair, mark, own_mtu);
            work.adjust(&pair, context, mtu)?;
        }
    }
    if let Some(books) = context.books {
        let stays: Vec<Cidr> = wish.ips.iter().copied().chain(elsewhere_in(net, wish.interface.as_str())).collect();
        claims::add(books, (net, context.observed), (&wish.ips, &stays), &mut work.draft)?;
    }
    Ok(work.draft)
}

/// Addresses on other interfaces of the container.
pub(super) fn elsewhere_in(net: &TargetNet, interface: &str) -> impl Iterator<Item = Cidr> {
    let here = net.link(interface).map(|link| link.index);
    net.addresses.iter().filter(move |other| Some(other.ifindex) != here).map(|other| other.address)
}

/// Refuses an address that another interface of the container has.
fn elsewhere(wish: &Wish<'_>, net: &TargetNet) -> Result<()> {
    let here = net.link(wish.interface.as_str()).map(|link| link.index);
    for (index, ip) in wish.ips.iter().enumerate() {
        let other = net.addresses.iter().find(|other| other.address.ip() == ip.ip() && Some(other.ifindex) != here);
        if let Some(other) = other {
            let link = net.links.iter().find(|link| link.index == other.ifindex).map_or("lo", |link| &link.name);
            let message = format!("{ip} is on interface {link} of {} already", wish.container);
            return Err(Error::new(ErrorKind::Conflict, format!("ips[{index}]"), message));
        }
    }
    Ok(())
}

struct Work<'a> {
    wish: &'a Wish<'a>,
    net: &'a TargetNet,
    network: &'a Network,
    draft: Draft,
}

impl Work<'_> {
    fn place(&self) -> Place {
        Place::Target(self.wish.container.clone())
    }

    fn link(&self) -> Arc<str> {
        self.wish.interface.shared()
    }

    fn changed(&mut self, field: &'static str, before: impl serde::Serialize, after: impl serde::Serialize) {
        self.draft.changes.push(Change::new(subject(self.wish.container), field, before, after));
    }

    fn set_ipv6(&mut self, key: &'static str, value: i32, before: i32) {
        let step = Step::SetIpv6 { place: self.place(), link: self.link(), key, value, before };
        self.draft.steps.push(step);
    }

    /// Whose the host end is.
    fn mark(&self, own_mtu: Option<u32>) -> AttachmentMark {
        let id = self.net.id.as_deref().map(short);
        let path = match self.wish.container {
            crate::spec::ContainerRef::Netns(path) => Some(path.display().to_string()),
            _ => None,
        };
        AttachmentMark {
            inode: self.net.netns.inode,
            pid: self.net.pid,
            interface: self.link(),
            id: id.or(path).unwrap_or_default(),
            name: self.net.name.clone().unwrap_or_default(),
            mtu: own_mtu,
        }
    }

    /// A new interface: addressed before it goes up, and up before its routes, as the kernel wants it.
    fn create(&mut self, name: String, own_mtu: Option<u32>) -> Result<()> {
        let mtu = own_mtu.unwrap_or(self.network.mtu);
        let Some(mac) = self.wish.new_mac() else { return Ok(()) };
        let mark = Mark::Attachment(self.mark(own_mtu));
        self.draft.steps.push(Step::CreateVeth(Box::new(NewVeth {
            name: name.into(),
            target: self.wish.container.clone(),
            interface: self.link(),
            mac,
            mtu,
            bridge: self.network.bridge.clone(),
            mark,
        })));
        if self.network.classic().is_some() {
            let step = Step::SetOffload { place: self.place(), link: self.link(), on: false, before: true };
            self.draft.steps.push(step);
        }
        let ipv6 = self.wish.has_ipv6();
        if mtu >= names::MTU_MIN_V6 {
            self.set_ipv6("disable_ipv6", i32::from(!ipv6), i32::from(!ipv6));
        }
        if ipv6 {
            self.set_ipv6("accept_ra", 0, 0);
        }
        let before: BTreeSet<Cidr> = BTreeSet::new();
        self.add_addresses(&before);
        self.up();
        self.routes(&[])?;
        self.announce(&self.wish.ips.clone());
        Ok(())
    }

    /// Writes on the host end whether the interface has an MTU of its own, and whose it is by now.
    fn remember(&mut self, pair: &Pair<'_>, mark: Option<AttachmentMark>, own_mtu: Option<u32>) {
        let Some(old) = mark else {
            let mark = Box::new(Mark::Attachment(self.mark(own_mtu)));
            let link: Arc<str> = pair.host.name.as_str().into();
            self.changed("adopts", (), &link);
            self.draft.steps.push(Step::SetMark { link, mark, before: None });
            return;
        };
        let mut mark = AttachmentMark { mtu: own_mtu, ..old.clone() };
        // A namespace that is held is there before and after the container that is in it.
        if let (true, Some(id), Some(name)) = (self.net.held, &self.net.id, &self.net.name) {
            (mark.id, mark.name) = (short(id), name.clone());
        }
        if mark == old {
            return;
        }
        if mark.mtu != old.mtu {
            let word = |mtu: Option<u32>| mtu.map_or_else(|| "auto".to_owned(), |mtu| mtu.to_string());
            self.changed("own_mtu", word(old.mtu), word(own_mtu));
        }
        let (link, before) = (pair.host.name.as_str().into(), pair.host.alias.clone());
        self.draft.steps.push(Step::SetMark { link, mark: Box::new(Mark::Attachment(mark)), before });
    }

    fn up(&mut self) {
        let step = Step::SetUp { place: self.place(), link: self.link(), up: true };
        self.draft.steps.push(step);
    }

    fn add_addresses(&mut self, before: &BTreeSet<Cidr>) -> Vec<Cidr> {
        let new: Vec<Cidr> = self.wish.ips.iter().filter(|ip| !before.contains(ip)).copied().collect();
        for address in &new {
            let step = Step::AddAddress { place: self.place(), link: self.link(), address: *address };
            self.draft.steps.push(step);
        }
        if self.wish.probe {
            self.draft.probe.extend(addresses(&new));
        }
        let after: BTreeSet<Cidr> = self.wish.ips.iter().copied().collect();
        if *before != after {
            let before = (!before.is_empty()).then_some(before);
            self.changed("ips", before, &after);
        }
        new
    }

    fn announce(&mut self, ips: &[Cidr]) {
        if !ips.is_empty() {
            let step = Step::Announce { place: self.place(), link: self.link(), addresses: addresses(ips) };
            self.draft.steps.push(step);
        }
    }

    /// An interface that is there: only what differs.
    fn adjust(&mut self, pair: &Pair<'_>, context: &Context<'_>, mtu: u32) -> Result<()> {
        self.host_end(pair, context);
        if pair.inner.mtu != mtu || pair.host.mtu != mtu {
            set_mtu(pair, self.wish.container, mtu, &mut self.draft);
        }
        if let Some(step) = offload(pair.inner, self.network, &self.place()) {
            self.changed("tx_checksum", pair.inner.tx_checksum, self.network.classic().is_none());
            self.draft.steps.push(step);
        }
        let before: BTreeSet<Cidr> = self.net.addresses_of(pair.inner.index).collect();
        let new_mac = self.mac(pair);
        self.ipv6_before(pair, mtu);
        let own: Vec<&InterfaceRoute> =
            self.net.routes.iter().filter(|route| route.ifindex == pair.inner.index && !route.by_kernel).collect();
        let own = self.drop_routes(&own);
        // With the last IPv4 address of a link the kernel drops all its routes, so new ones come before old ones go.
        // Only IPv6 does not take the same address twice, with another prefix.
        let kept: BTreeSet<Cidr> = self.wish.ips.iter().copied().collect();
        let clashes = |old: &Cidr| !old.is_ipv4() && kept.iter().any(|new| new.ip() == old.ip());
        let (first, later): (Vec<Cidr>, Vec<Cidr>) = before.difference(&kept).copied().partition(clashes);
        self.delete_addresses(&first);
        let new = self.add_addresses(&before);
        self.delete_addresses(&later);
        if !self.wish.has_ipv6() {
            self.keep_ipv6(pair, mtu, ("disable_ipv6", 1));
        }
        if !pair.inner.up {
            self.up();
            self.changed("state", "down", "up");
        }
        self.routes(&own)?;
        let tell = if new_mac { self.wish.ips.clone() } else { new };
        self.announce(&tell);
        Ok(())
    }

    fn host_end(&mut self, pair: &Pair<'_>, context: &Context<'_>) {
        let master = pair.host.master.and_then(|index| context.observed.link_at(index)).map(|link| link.name.clone());
        if master.as_deref() != Some(&self.network.bridge) {
            self.changed("bridge", &master, &self.network.bridge);
            let link = pair.host.name.as_str().into();
            self.draft.steps.push(Step::SetMaster {
                link,
                bridge: Some(self.network.bridge.clone()),
                before: master.map(Into::into),
            });
        }
        if !pair.host.up {
            self.draft.steps.push(Step::SetUp { place: Place::Host, link: pair.host.name.as_str().into(), up: true });
            self.changed("host_end", "down", "up");
        }
    }

    /// Keeps an address that was made from any of the container's addresses, whatever their order.
    fn mac(&mut self, pair: &Pair<'_>) -> bool {
        let Some(now) = pair.inner.mac else { return false };
        let wanted = match self.wish.mac {
            Some(mac) => mac,
            None if !self.wish.exact => return false,
            None if self.wish.ips.iter().any(|ip| names::interface_mac(ip.ip()) == now) => return false,
            None => match self.wish.new_mac() {
                Some(mac) => mac,
                None => return false,
            },
        };
        if wanted == now {
            return false;
        }
        let step = Step::SetMac { place: self.place(), link: self.link(), mac: wanted, before: now };
        self.draft.steps.push(step);
        self.changed("mac", now, wanted);
        true
    }

    fn ipv6_before(&mut self, pair: &Pair<'_>, mtu: u32) {
        if self.wish.has_ipv6() {
            self.keep_ipv6(pair, mtu, ("disable_ipv6", 0));
            self.keep_ipv6(pair, mtu, ("accept_ra", 0));
        }
    }

    fn keep_ipv6(&mut self, pair: &Pair<'_>, mtu: u32, setting: (&'static str, i32)) {
        let Some(step) = keep_ipv6(&self.place(), pair.inner, mtu, setting) else { return };
        if let Step::SetIpv6 { before, value, .. } = &step
            && before != value
        {
            self.changed(setting.0, *before, *value);
        }
        self.draft.steps.push(step);
    }

    fn delete_addresses(&mut self, addresses: &[Cidr]) {
        for address in addresses {
            let step = Step::DeleteAddress { place: self.place(), link: self.link(), address: *address };
            self.draft.steps.push(step);
        }
    }

    /// Deletes what is not wanted any more; the rest stays.
    fn drop_routes<'a>(&mut self, own: &[&'a InterfaceRoute]) -> Vec<&'a InterfaceRoute> {
        let wanted = self.wish.all_routes();
        let mut kept = Vec::new();
        for route in own {
            let here = Route { to: route.to, via: route.via };
            let unwanted = if !self.wish.exact {
                // Whoever adds an address may say that multicast goes elsewhere; all else stays.
                is_multicast(&here) && !self.wish.multicast
            } else if multicast().is_some_and(|multicast| multicast.to == route.to) {
                !self.wish.multicast
            } else if is_default(&here) {
                self.wish.gateway.is_some_and(|gateway| gateway.is_ipv4() == route.to.is_ipv4())
                    && !wanted.contains(&here)
            } else {
                // Another way to a destination that is named has to make room.
                (self.wish.only_these_routes && !has_own_field(route) || wanted.iter().any(|new| new.to == here.to))
                    && !wanted.contains(&here)
            };
            if unwanted {
                let step = Step::DeleteRoute { place: self.place(), link: self.link(), route: here };
                self.draft.steps.push(step);
                self.changed_route(&here, false);
            } else {
                kept.push(*route);
            }
        }
        kept
    }

    /// Adds the routes that are missing. `own` are those of the interface that stay.
    fn routes(&mut self, own: &[&InterfaceRoute]) -> Result<()> {
        let here = self.net.link(self.wish.interface.as_str()).map(|link| link.index);
        for route in self.wish.all_routes() {
            if own.iter().any(|own| own.to == route.to && own.via == route.via) {
                continue;
            }
            let stays = |other: &InterfaceRoute| {
                Some(other.ifindex) != here || other.by_kernel || own.iter().any(|own| std::ptr::eq(*own, other))
            };
            let taken = |other: &&InterfaceRoute| {
                other.to == route.to && other.metric == default_metric(&route) && stays(other)
            };
            if let Some(other) = self.net.routes.iter().find(taken) {
                if is_multicast(&route) {
                    // Somebody chose another way for multicast; the script of old let it stand, too.
                    continue;
                }
                return Err(self.taken_route(&route, other, Some(other.ifindex) == here));
            }
            let step = Step::AddRoute { place: self.place(), link: self.link(), route };
            self.draft.steps.push(step);
            // That a new interface has what each has by default goes without saying.
            if here.is_some() || !is_multicast(&route) {
                self.changed_route(&route, true);
            }
        }
        Ok(())
    }

    fn changed_route(&mut self, route: &Route, comes: bool) {
        if is_multicast(route) {
            return self.changed("multicast", !comes, comes);
        }
        let (before, after) = if comes { (None, Some(route)) } else { (Some(route), None) };
        self.changed("routes", before, after);
    }

    fn taken_route(&self, route: &Route, other: &InterfaceRoute, own: bool) -> Error {
        let link = self.net.links.iter().find(|link| link.index == other.ifindex);
        let link = link.map_or("another interface", |link| link.name.as_str());
        let via = other.via.map_or_else(String::new, |via| format!("via {via} "));
        let (field, hint) = match (is_default(route), own) {
            (true, true) => ("gateway", "a document makes the gateway it names the only one"),
            (true, false) => {
                ("gateway", "run the container with `--network=none`, or give `routes` instead of `gateway`")
            }
            (false, _) => ("routes", "leave that route out"),
        };
        let message = format!("{} routes {} {via}through {link} already", self.wish.container, route.to);
        Error::new(ErrorKind::Conflict, field, message).hint(hint)
    }
}

/// An id as `docker ps` shows it.
fn short(id: &str) -> String {
    id.chars().take(12).collect()
}

/// What the kernel takes where no metric is given.
fn default_metric(route: &Route) -> u32 {
    if route.to.is_ipv4() { 0 } else { 1024 }
}
