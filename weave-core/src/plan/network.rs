//! What bridge and tunnel shall be once the plan is done.

use std::net::IpAddr;
use std::sync::Arc;

use super::classic::{self, ClassicRouter};
use super::{Intent, Members, Plan, RouterIntent, peers, underlay};
use crate::observed::{BridgeMark, Flood, LinkKind, Observed};
use crate::spec::{Mac, Mtu, Router, RouterKind};
use crate::{Error, ErrorKind, Result, names};

/// The bridge and, while the router runs, the tunnel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Network {
    pub(super) bridge: Arc<str>,
    pub(super) mac: Mac,
    pub(super) mtu: u32,
    pub(super) mark: BridgeMark,
    /// Nothing while no router runs.
    pub(super) carrier: Option<Carrier>,
    /// Whether nothing was said of router and peers.
    pub(super) as_it_is: bool,
}

/// What carries frames between hosts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Carrier {
    /// The kernel.
    Tunnel(Tunnel),
    /// A router in a container.
    Classic(ClassicRouter),
}

impl Carrier {
    /// The peers, in their order, each once.
    pub(super) fn peers(&self) -> &[Flood] {
        match self {
            Self::Tunnel(tunnel) => &tunnel.flood,
            Self::Classic(router) => &router.peers,
        }
    }

    /// The host's own address towards them, where it is known.
    pub(super) fn local(&self) -> Option<IpAddr> {
        match self {
            Self::Tunnel(tunnel) => Some(tunnel.local),
            Self::Classic(router) => router.local,
        }
    }

    /// What it takes of a packet of the underlay, in bytes.
    fn overhead(&self) -> u32 {
        match self {
            Self::Tunnel(tunnel) if tunnel.local.is_ipv4() => names::OVERHEAD_V4,
            Self::Tunnel(_) => names::OVERHEAD_V6,
            Self::Classic(router) => router.overhead(),
        }
    }
}

/// The VXLAN device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Tunnel {
    pub(super) name: String,
    pub(super) vni: u32,
    pub(super) port: u16,
    pub(super) local: IpAddr,
    /// In their order, each once.
    pub(super) flood: Vec<Flood>,
    /// The kernel learns an address at the tunnel's own port, where a peer with another port does not listen. Without
    /// learning each frame goes to every peer, at the port that was given.
    pub(super) learning: bool,
}

impl Network {
    pub(super) fn managed(&self) -> bool {
        !self.mark.firewall_unmanaged
    }

    pub(super) fn tunnel(&self) -> Option<&Tunnel> {
        match &self.carrier {
            Some(Carrier::Tunnel(tunnel)) => Some(tunnel),
            _ => None,
        }
    }

    pub(super) fn classic(&self) -> Option<&ClassicRouter> {
        match &self.carrier {
            Some(Carrier::Classic(router)) => Some(router),
            _ => None,
        }
    }
}

/// Works it out; `None` where there is no bridge and none is asked for.
pub(super) fn resolve(intent: &Intent, observed: &Observed, plan: &mut Plan) -> Result<Option<Network>> {
    let router = match &intent.router {
        RouterIntent::Present(router) => Some((**router).clone()),
        RouterIntent::Needed if observed.bridge().is_none() || interrupted(observed) => Some(Router::default()),
        _ => None,
    };
    let kind = kind(router.as_ref(), observed)?;
    let bridge = bridge_name(router.as_ref(), observed)?;
    let carried = observed.vxlan().is_some() || observed.router_port().is_some();
    let runs = router.is_some() || carried && intent.router != RouterIntent::Stopped;
    if bridge.is_none() && router.is_none() {
        return peers::refuse_without_router(intent).map(|()| None);
    }
    if !runs {
        peers::refuse_without_router(intent)?;
    }
    // Who says nothing of router and peers changes nothing of them; nor were the paths to the peers looked at.
    let silent = intent.peers == Members::Leave && router.is_none() && intent.router != RouterIntent::Stopped;
    let router = router.unwrap_or_default();
    let existing = observed.bridge();
    let mut mark = BridgeMark {
        mtu: match router.mtu {
            None => existing.as_ref().and_then(|(.., mark)| mark.mtu),
            Some(Mtu::Auto) => None,
            Some(Mtu::Bytes(bytes)) => Some(bytes),
        },
        firewall_unmanaged: match intent.manage_firewall {
            None => existing.as_ref().is_some_and(|(.., mark)| mark.firewall_unmanaged),
            Some(manage) => !manage,
        },
        direct: existing.as_ref().map(|(.., mark)| mark.direct.clone()).unwrap_or_default(),
        left: existing.as_ref().and_then(|(.., mark)| mark.left),
    };
    let as_it_is = existing.as_ref().filter(|_| silent);
    let carrier = match (runs, kind, as_it_is.and_then(|_| running(observed))) {
        (false, ..) => None,
        (true, RouterKind::Vxlan, Some(tunnel)) => Some(Carrier::Tunnel(tunnel)),
        (true, RouterKind::Vxlan, None) => Some(Carrier::Tunnel(tunnel(intent, &router, observed, plan)?)),
        (true, RouterKind::Image, _) => Some(Carrier::Classic(classic::resolve(intent, &router, observed, plan)?)),
    };
    if let Some(Carrier::Tunnel(tunnel)) = &carrier {
        mark.left = underlay::left(router.underlay.as_ref(), tunnel.local, observed);
    }
    let mtu = match as_it_is {
        Some((link, ..)) => link.mtu,
        None => mtu(&mark, carrier.as_ref(), observed, plan)?,
    };
    let mac = existing.as_ref().and_then(|(link, ..)| link.mac).unwrap_or_else(|| match &carrier {
        Some(Carrier::Tunnel(tunnel)) => names::bridge_mac(&tunnel.local.to_string()),
        // The router in a container has its name from it, which is settled before anything else is.
        _ => names::bridge_mac(&observed.host_id),
    });
    let bridge = bridge.unwrap_or_else(|| names::BRIDGE.to_owned());
    Ok(Some(Network { bridge: bridge.into(), mac, mtu, mark, carrier, as_it_is: as_it_is.is_some() }))
}

/// Which kind of router it is about: the one that is asked for, or else the one that is there.
fn kind(router: Option<&Router>, observed: &Observed) -> Result<RouterKind> {
    let guarded = observed.table().is_some_and(|table| table.control.is_some());
    let there = match (observed.router_port(), observed.vxlan()) {
        (Some(_), _) => Some(RouterKind::Image),
        (None, Some(_)) => Some(RouterKind::Vxlan),
        (None, None) => guarded.then_some(RouterKind::Image),
    };
    let Some(router) = router else { return Ok(there.unwrap_or_default()) };
    let setting = router.image_settings().first().copied();
    let wrong = |field: &str, needs: &str, is: &str| {
        let message = format!("`{field}` is for kind {needs}, and the router of this host is {is}");
        Err(Error::invalid(field, format!("{message}; allowed: with `kind: {needs}`")))
    };
    match (router.kind.or(there), setting) {
        (Some(RouterKind::Image), _) if router.vni.is_some() => wrong("vni", "vxlan", "of kind image"),
        (Some(kind @ RouterKind::Image), _) => Ok(kind),
        (None, Some("image")) => Ok(RouterKind::Image),
        (Some(RouterKind::Vxlan), Some(field)) => wrong(field, "image", "of kind vxlan"),
        (None, Some(field)) => wrong(field, "image", "none yet"),
        (kind, None) => Ok(kind.unwrap_or_default()),
    }
}

/// Whether a run ended before the tunnel was there: its port is guarded already, or the bridge is not up yet.
fn interrupted(observed: &Observed) -> bool {
    let guarded = observed.table().is_some_and(|table| table.port.is_some());
    let begun = guarded || observed.bridge().is_some_and(|(link, ..)| !link.up);
    let carried = observed.vxlan().is_some() || observed.router_port().is_some();
    !carried && begun || !peers::lost_peers(observed).is_empty()
}

/// The bridge's name, when there is a bridge or one shall be made; refuses what is not ours.
fn bridge_name(router: Option<&Router>, observed: &Observed) -> Result<Option<String>> {
    let existing = observed.bridge().map(|(link, ..)| link.name.clone());
    let Some(router) = router else { return Ok(existing) };
    let wanted = router.bridge.as_ref().map(|name| name.as_str().to_owned());
    match (&existing, &wanted) {
        (Some(existing), Some(wanted)) if existing != wanted => {
            return Err(Error::new(
                ErrorKind::Conflict,
                "bridge",
                format!("`{wanted}` is asked for, and weave's bridge is `{existing}` already"),
            )
            .hint("a bridge with ports cannot be renamed safely: run `weave reset` first, or leave `bridge` out"));
        }
        (Some(_), _) => return Ok(existing),
        (None, _) => {}
    }
    let name = wanted.unwrap_or_else(|| names::BRIDGE.to_owned());
    if let Some(link) = observed.link(&name) {
        let hint = if matches!(link.kind, LinkKind::Bridge(_)) {
            format!(
                "it may be the classic weave's: run its `weave reset`, or `ip link delete {name}`; or give another `bridge`"
            )
        } else {
            format!("remove it with `ip link delete {name}` if nobody needs it, or give another `bridge`")
        };
        let message = format!("{} of that name exists that weave did not make", link.kind.name());
        return Err(Error::new(ErrorKind::Conflict, name, message).hint(hint));
    }
    Ok(Some(name))
}

/// The tunnel as it was found.
fn running(observed: &Observed) -> Option<Tunnel> {
    let (link, info) = observed.vxlan()?;
    let mut flood = peers::connected(observed);
    flood.sort_unstable();
    flood.dedup();
    Some(Tunnel {
        name: link.name.clone(),
        vni: info.vni,
        port: info.port,
        local: info.local?,
        flood,
        learning: info.learning,
    })
}

fn tunnel(intent: &Intent, router: &Router, observed: &Observed, plan: &mut Plan) -> Result<Tunnel> {
    let existing = observed.vxlan();
    let guarded = observed.table().and_then(|table| table.port).filter(|_| existing.is_none());
    let before = observed.router_port().map(|(_, mark)| mark.port);
    let port = router.port.or(existing.map(|(_, info)| info.port)).or(before).or(guarded).unwrap_or(names::PORT);
    let vni = router.vni.or(existing.map(|(_, info)| info.vni)).unwrap_or(names::VNI);
    let wanted = peers::wanted(intent, observed, port)?;
    peers::tell_recalled(observed, plan);
    let local = underlay::choose(router.underlay.as_ref(), &wanted, observed, plan)?;
    let flood = peers::settle(&wanted, local, plan)?;
    let name = match existing {
        Some((link, info)) if (info.vni, info.port) == (vni, port) => link.name.clone(),
        // The old device stays until the new one is ready.
        Some((link, _)) if link.name == names::vxlan(port) => names::spare_vxlan(port),
        _ => names::vxlan(port),
    };
    let ours: Vec<u32> = observed.vxlans().map(|(link, _)| link.index).collect();
    for link in observed.links.iter().filter(|link| !ours.contains(&link.index)) {
        let same_network = matches!(&link.kind, LinkKind::Vxlan(info) if info.port == port && info.vni == vni);
        if link.name == name || same_network {
            let message = format!(
                "{} exists that weave did not make, on the tunnel's name or port {port} and vni {vni}",
                link.kind.name()
            );
            return Err(Error::new(ErrorKind::Conflict, link.name.clone(), message)
                .hint("give another `port` or `vni`, the same on all hosts, or remove that device"));
        }
    }
    let learning = flood.iter().all(|peer| peer.port.is_none());
    if !learning {
        plan.warnings.push(
            "a peer has a port of its own: no address is learned then, and every frame goes to every peer".to_owned(),
        );
    }
    Ok(Tunnel { name, vni, port, local, flood, learning })
}

/// Refuses an MTU that would cost `whom` its IPv6: the kernel takes the addresses from a link that gets narrower.
pub(super) fn room_for_ipv6(mtu: u32, whom: &str) -> Result<()> {
    if mtu >= names::MTU_MIN_V6 {
        return Ok(());
    }
    let message = format!("{mtu} is too small for IPv6 of {whom}; needed: {} and more (RFC 8200)", names::MTU_MIN_V6);
    Err(Error::new(ErrorKind::Unsupported, "mtu", message).hint("raise the MTU of the underlay, or use IPv4"))
}

/// The MTU of the overlay: what was asked for, or what the paths carry.
fn mtu(mark: &BridgeMark, carrier: Option<&Carrier>, observed: &Observed, plan: &mut Plan) -> Result<u32> {
    let Some(carrier) = carrier else {
        return Ok(mark.mtu.or(observed.bridge().map(|(link, ..)| link.mtu)).unwrap_or(1500));
    };
    let smallest = smallest_path(carrier, observed);
    // A loopback underlay has 65536, more than a bridge takes.
    let mtu = smallest.saturating_sub(carrier.overhead()).min(names::MTU_MAX);
    if let Some(bytes) = mark.mtu {
        if bytes > mtu {
            plan.warnings.push(format!(
                "mtu {bytes} is more than the path to the peers carries, which is {mtu}: larger packets may be lost"
            ));
        }
        return Ok(bytes);
    }
    if mtu < names::MTU_MIN {
        let message = format!("the path to the peers carries {smallest} bytes, which leaves {mtu} for the overlay");
        return Err(Error::new(ErrorKind::Unsupported, "mtu", message).hint("raise the MTU of the underlay"));
    }
    Ok(mtu)
}

/// What the narrowest path to a peer carries; without peers, what the underlay does.
fn smallest_path(carrier: &Carrier, observed: &Observed) -> u32 {
    let underlay = observed.addresses.iter().find(|address| Some(address.address.ip()) == carrier.local());
    let own = underlay.and_then(|address| observed.link_at(address.ifindex)).map_or(1500, |link| link.mtu);
    // Peers and paths are both in the order of their addresses, and there may be ten thousand.
    let mut paths = observed.paths.iter().peekable();
    let path = |peer: &Flood| {
        while paths.next_if(|(address, _)| **address < peer.address).is_some() {}
        paths.next_if(|(address, _)| **address == peer.address).map(|(_, path)| path)
    };
    let (mut narrowest, mut links) = (None, Vec::new());
    for path in carrier.peers().iter().filter_map(path) {
        match path.mtu {
            Some(mtu) => narrowest = Some(narrowest.map_or(mtu, |least: u32| least.min(mtu))),
            // There are few.
            None if links.contains(&path.ifindex) => {}
            None => links.push(path.ifindex),
        }
    }
    let links = links.into_iter().filter_map(|index| observed.link_at(index)).map(|link| link.mtu);
    links.chain(narrowest).min().unwrap_or(own)
}
