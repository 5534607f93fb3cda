//! What each step does to the world.

use std::collections::BTreeSet;
use std::sync::Arc;

use weave_core::names::BRIDGE_PORTS_MAX;
use weave_core::observed::{AcceptRule, BridgeInfo, Flood, Link, LinkKind, Mark, VxlanInfo, WeaveTable};
use weave_core::plan::{NewBridge, NewRouterPair, NewVeth, NewVxlan, Place, Step};

use super::errno::{EEXIST, EINVAL, EIO, ENODEV, ENOENT, EPERM, EXFULL};
use super::net::{Answer, Net};
use super::world::{HOST, World};

impl World {
    /// Does `step` wholly or not at all.
    pub(crate) fn execute(&mut self, step: &Step) -> Answer {
        match step {
            Step::CreateBridge(new) => self.create_bridge(new),
            Step::CreateVxlan(new) => self.create_vxlan(new),
            Step::CreateVeth(new) => self.create_veth(new),
            Step::CreateRouterPair(new) => self.create_router_pair(new),
            Step::DeleteLink { link } => {
                self.delete(link);
                Ok(())
            }
            Step::DeleteLinks { links, group } => self.delete_group(links, *group),
            Step::SetMaster { link, bridge, .. } => {
                let master = bridge.as_ref().map(|bridge| self.free_port(bridge)).transpose()?;
                self.change(&Place::Host, link, |link| {
                    (link.master, link.hairpin) = (master, master.map(|_| false));
                })
            }
            Step::AddFlood { link, peers } => {
                self.flood_of(link)?.extend(peers);
                Ok(())
            }
            Step::DeleteFlood { link, peers } => gone(self.flood_of(link).map(|flood| {
                flood.retain(|peer| !peers.contains(peer));
            })),
            Step::SetTable { after, .. } => self.set_table(after.as_deref().cloned()),
            Step::AddAccept(rule) => self.add_accept(rule),
            Step::DeleteAccept(rule) => {
                self.firewall.forward.iter_mut().for_each(|chain| chain.accepts.retain(|other| other != rule));
                Ok(())
            }
            Step::Engine(step) => self.execute_container(step).map_err(|_| EIO),
            Step::Control(step) => self.control(step),
            step => self.execute_on_link(step),
        }
    }

    /// Steps that change one link and nothing besides it.
    fn execute_on_link(&mut self, step: &Step) -> Answer {
        match step {
            Step::ClearMark { link, .. } => self.change(&Place::Host, link, |link| link.alias = None),
            Step::SetMark { link, mark, .. } => {
                self.change(&Place::Host, link, |link| link.alias = Some(mark.to_string()))
            }
            Step::SetBridge { link, stp, multicast_snooping, .. } => {
                let info = BridgeInfo { stp: *stp, multicast_snooping: *multicast_snooping };
                self.change(&Place::Host, link, |link| link.kind = LinkKind::Bridge(info))
            }
            Step::SetTunnel { link, local, learning, .. } => {
                self.on(&Place::Host, link, |net, index| net.set_tunnel(index, *local, *learning))
            }
            Step::SetMac { place, link, mac, .. } => self.change(place, link, |link| link.mac = Some(*mac)),
            Step::SetMtu { place, link, mtu, .. } => self.on(place, link, |net, index| net.set_mtu(index, *mtu)),
            Step::SetUp { place, link, up } => self.on(place, link, |net, index| net.set_up(index, *up)),
            Step::SetHairpin { link, on, .. } => {
                gone(self.change(&Place::Host, link, |link| link.hairpin = link.master.map(|_| *on)))
            }
            Step::SetLocalnet { link, on, .. } => {
                self.change(&Place::Host, link, |link| link.route_localnet = Some(*on))
            }
            Step::SetOffload { place, link, on, .. } => self.on(place, link, |net, index| net.set_offload(index, *on)),
            Step::SetIpv6 { place, link, key, value, .. } => {
                self.on(place, link, |net, index| net.set_ipv6(index, key, *value))
            }
            Step::AddAddress { place, link, address } => {
                self.on(place, link, |net, index| net.add_address(index, *address))
            }
            Step::AddRoute { place, link, route } => self.on(place, link, |net, index| net.add_route(index, *route)),
            Step::DeleteAddress { place, link, address } => gone(self.on(place, link, |net, index| {
                net.delete_address(index, *address);
                Ok(())
            })),
            Step::DeleteRoute { place, link, route } => gone(self.on(place, link, |net, index| {
                net.delete_route(index, *route);
                Ok(())
            })),
            Step::Announce { place, link, .. } => self.on(place, link, |_, _| Ok(())),
            Step::ForgetFlows { .. } => Ok(()),
            _ => Err(EINVAL),
        }
    }

    fn set_table(&mut self, after: Option<WeaveTable>) -> Answer {
        if self.firewall.foreign.is_some() || self.firewall.unavailable.is_some() {
            return Err(EEXIST);
        }
        self.firewall.table = after;
        self.firewall.damaged = false;
        self.firewall.salvaged.clear();
        Ok(())
    }

    fn change(&mut self, place: &Place, link: &str, change: impl FnOnce(&mut Link)) -> Answer {
        self.on(place, link, |net, index| {
            change(net.link(index));
            Ok(())
        })
    }

    fn on(&mut self, place: &Place, link: &str, job: impl FnOnce(&mut Net, u32) -> Answer) -> Answer {
        let inode = match place {
            Place::Host => HOST,
            Place::Target(container) => self.inode(container).ok_or(ENOENT)?,
        };
        let net = self.net(inode);
        let index = net.index(link)?;
        job(net, index)
    }

    fn flood_of(&mut self, link: &str) -> Answer<&mut BTreeSet<Flood>> {
        let index = self.host.index(link)?;
        Ok(self.flood.entry(index).or_default())
    }

    /// The number of a bridge that takes one more port.
    fn free_port(&self, bridge: &str) -> Answer<u32> {
        let index = self.host.index(bridge)?;
        let link = self.host.links.iter().find(|link| link.index == index);
        if !link.is_some_and(|link| matches!(link.kind, LinkKind::Bridge(_))) {
            return Err(EINVAL);
        }
        let ports = self.host.links.iter().filter(|link| link.master == Some(index)).count();
        if ports < BRIDGE_PORTS_MAX { Ok(index) } else { Err(EXFULL) }
    }

    fn create_bridge(&mut self, new: &NewBridge) -> Answer {
        let kind = LinkKind::Bridge(BridgeInfo { stp: false, multicast_snooping: false });
        let index = self.host.add_link(&new.name, kind, Some(new.mac), new.mtu)?;
        self.host.link(index).alias = Some(new.mark.to_string());
        Ok(())
    }

    fn create_vxlan(&mut self, new: &NewVxlan) -> Answer {
        let same =
            |kind: &LinkKind| matches!(kind, LinkKind::Vxlan(info) if (info.vni, info.port) == (new.vni, new.port));
        if self.host.links.iter().any(|link| same(&link.kind)) {
            return Err(EEXIST);
        }
        let master = self.free_port(&new.bridge)?;
        let info = VxlanInfo { vni: new.vni, port: new.port, local: Some(new.local), learning: new.learning };
        let index = self.host.add_link(&new.name, LinkKind::Vxlan(info), None, new.mtu)?;
        let link = self.host.link(index);
        link.alias = Some(Mark::Router.to_string());
        link.master = Some(master);
        Ok(())
    }

    fn create_veth(&mut self, new: &NewVeth) -> Answer {
        let inode = self.inode(&new.target).ok_or(ENOENT)?;
        let master = self.free_port(&new.bridge)?;
        let (host, inner) = self.add_pair((HOST, &new.name), (inode, &new.interface), new.mtu)?;
        let link = self.host.link(host);
        link.alias = Some(new.mark.to_string());
        (link.master, link.hairpin) = (Some(master), Some(false));
        link.up = true;
        self.net(inode).link(inner).mac = Some(new.mac);
        Ok(())
    }

    fn create_router_pair(&mut self, new: &NewRouterPair) -> Answer {
        let master = self.free_port(&new.bridge)?;
        let (port, _) = self.add_pair((HOST, &new.bridge_end), (HOST, &new.router_end), new.mtu)?;
        let link = self.host.link(port);
        link.alias = Some(new.mark.to_string());
        link.master = Some(master);
        Ok(())
    }

    fn delete(&mut self, link: &str) {
        if let Ok(index) = self.host.index(link) {
            self.remove((HOST, index));
        }
    }

    /// By a group, as the kernel does it: whoever else is in that group goes, too.
    fn delete_group(&mut self, links: &[Arc<str>], group: u32) -> Answer {
        for link in links {
            if let Ok(index) = self.host.index(link) {
                self.host.link(index).group = group;
            }
        }
        let members = self.host.links.iter().filter(|link| link.group == group);
        for name in members.map(|link| link.name.clone()).collect::<Vec<_>>() {
            self.delete(&name);
        }
        Ok(())
    }

    fn add_accept(&mut self, rule: &AcceptRule) -> Answer {
        let here = |chain: &&mut weave_core::observed::ForwardChain| {
            (chain.tool, chain.family, &chain.table) == (rule.tool, rule.family, &rule.table)
                && (chain.chain == rule.chain || chain.base == rule.chain)
        };
        let chain = self.firewall.forward.iter_mut().find(here).ok_or(ENOENT)?;
        if chain.owned {
            return Err(EPERM);
        }
        if !chain.accepts.contains(rule) {
            chain.accepts.insert(0, rule.clone());
        }
        Ok(())
    }
}

/// What is not there is deleted already.
fn gone(answer: Answer) -> Answer {
    match answer {
        Err(ENODEV | ENOENT) => Ok(()),
        answer => answer,
    }
}
