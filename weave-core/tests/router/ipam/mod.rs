//! Allocation of addresses. The first router that needs one owns the range; it gives single addresses to its peers when
//! they ask for them, and everybody is told who has which.

pub(crate) mod cidr;
mod ring;
mod settle;

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use ipnetwork::Ipv4Network;
use serde_json::{Value, json};

pub(crate) use ring::{Answer, Holder, Ring, Want};
pub(crate) use settle::{Patience, allocate, claim, release};

/// Who has which addresses, in the order in which they were taken.
pub(crate) type Owned = Vec<(String, Vec<Ipv4Network>)>;

/// Callers that have no container use this name, and get the address itself as name.
const NOBODY: &str = "_";

/// The state of allocation at this router.
pub(crate) struct Ipam {
    ours: Holder,
    pub(crate) universe: Ipv4Network,
    pub(crate) default_subnet: Ipv4Network,
    pub(crate) ring: Option<Ring>,
    /// Whether anybody wanted a part of the range so far.
    pub(crate) asked: bool,
    /// Claims whose callers did not wait until the range is divided; they are forgotten then.
    pub(crate) pending: Vec<(String, Ipv4Network)>,
    pub(crate) owned: Owned,
    /// What peers answered to what was asked of them.
    pub(crate) answers: BTreeMap<u64, Option<Ipv4Addr>>,
}

/// How far a request came.
pub(crate) enum Attempt<T> {
    Done(Result<T, String>),
    /// Only the owner of the range can help.
    Ask(Want),
}

impl Ipam {
    pub(crate) fn new(ours: Holder, universe: Ipv4Network, default_subnet: Ipv4Network) -> Self {
        Self {
            ours,
            universe,
            default_subnet,
            ring: None,
            asked: false,
            pending: Vec::new(),
            owned: Vec::new(),
            answers: BTreeMap::new(),
        }
    }

    /// The addresses of a container that are in a subnet, but for its first and last.
    pub(crate) fn lookup(&self, id: &str, subnet: Ipv4Network) -> Vec<Ipv4Network> {
        let of = self.owned.iter().find(|(owner, _)| owner == id);
        let inside = |cidr: &&Ipv4Network| hosts(subnet).contains(&u32::from(cidr.ip()));
        of.map(|(_, cidrs)| cidrs.iter().filter(inside).copied().collect()).unwrap_or_default()
    }

    /// The address that a container has in a subnet, or the lowest free one from now on.
    fn allocate(&mut self, id: &str, subnet: Ipv4Network) -> Attempt<Ipv4Network> {
        let with_prefix = |ip| Ipv4Network::new(ip, subnet.prefix()).map_err(|why| why.to_string());
        if let Some(held) = self.lookup(id, subnet).first() {
            return Attempt::Done(with_prefix(held.ip()));
        }
        if !self.universe.overlaps(subnet) {
            return Attempt::Done(Err(format!("range {subnet} out of bounds: {}", self.universe)));
        }
        let hosts = hosts(subnet);
        let want = Want { low: (*hosts.start()).into(), high: (*hosts.end()).into() };
        let Some(free) = self.lowest_free(&want) else { return Attempt::Ask(want) };
        let taken = with_prefix(free);
        if let Ok(cidr) = taken {
            let id = if id == NOBODY { free.to_string() } else { id.to_owned() };
            self.take(&id, cidr);
        }
        Attempt::Done(taken)
    }

    /// Takes an address that the caller chose.
    fn claim(&mut self, id: &str, cidr: Ipv4Network) -> Attempt<()> {
        let owner = self.owner(cidr.ip()).map(str::to_owned);
        let name = if id == NOBODY { cidr.ip().to_string() } else { id.to_owned() };
        let inside = self.universe.contains(cidr.ip());
        if inside && self.holder(cidr.ip()) != Some(self.ours.name.as_str()) {
            return Attempt::Ask(Want { low: cidr.ip(), high: cidr.ip() });
        }
        Attempt::Done(match owner {
            None => {
                self.take(&name, cidr);
                Ok(())
            }
            Some(owner) if owner == name || id == NOBODY => Ok(()),
            Some(owner) if inside => Err(format!("address {cidr} is already owned by {owner}")),
            Some(owner) => Err(format!("address {cidr} already in use by {owner}")),
        })
    }

    /// Releases one address of a container.
    fn free(&mut self, id: &str, ip: Ipv4Addr) -> Result<(), String> {
        let cidrs = self.owned.iter_mut().find(|(owner, _)| owner == id).map(|(_, cidrs)| cidrs);
        let at = cidrs.as_ref().and_then(|cidrs| cidrs.iter().position(|cidr| cidr.ip() == ip));
        let (Some(cidrs), Some(at)) = (cidrs, at) else {
            return Err(format!("Unable to free: Free: address {ip} not found for {id}"));
        };
        cidrs.remove(at);
        self.owned.retain(|(_, cidrs)| !cidrs.is_empty());
        Ok(())
    }

    /// Releases all addresses of a container.
    fn delete(&mut self, id: &str) -> Result<(), String> {
        let before = self.owned.len();
        self.owned.retain(|(owner, _)| owner != id);
        if self.owned.len() == before { Err(format!("Delete: no addresses for {id}")) } else { Ok(()) }
    }

    /// The answer to a peer that wants an address; from now on it is the peer's.
    pub(crate) fn give(&mut self, want: &Want, to: Holder) -> Option<Ipv4Addr> {
        let free = self.lowest_free(want)?;
        if let Some(ring) = &mut self.ring {
            ring.give(free, to);
        }
        Some(free)
    }

    /// Makes this router the owner of the range, if nobody is.
    pub(crate) fn establish(&mut self) {
        self.ring.get_or_insert_with(|| Ring::of(self.ours.clone()));
    }

    /// All containers with their addresses.
    pub(crate) fn all(&self) -> Value {
        let row = |(id, cidrs): &(String, Vec<Ipv4Network>)| json!({"containerid": id, "addrs": cidrs.iter().map(ToString::to_string).collect::<Vec<_>>()});
        let rows: Vec<_> = self.owned.iter().map(row).collect();
        json!({"owned": if rows.is_empty() { Value::Null } else { Value::from(rows) }})
    }

    /// What the report says; `known` are the names of the peers within reach, `quorum` how many have to agree.
    pub(crate) fn report(&self, known: &[String], quorum: usize) -> Value {
        let paxos = || json!({"Elector": true, "KnownNodes": known.len(), "Quorum": quorum});
        let active = self.owned.iter().flat_map(|(_, cidrs)| cidrs).filter(|cidr| self.universe.contains(cidr.ip()));
        json!({
            "Paxos": (self.asked && self.ring.is_none()).then(paxos),
            "Range": self.universe.to_string(),
            "RangeNumIPs": self.universe.size(),
            "ActiveIPs": active.count(),
            "DefaultSubnet": self.default_subnet.to_string(),
            "Entries": self.ring.as_ref().map(|ring| ring.entries(self.universe, known)),
            "PendingClaims": self.pending(),
            "PendingAllocates": null,
        })
    }

    fn pending(&self) -> Value {
        let row = |(id, cidr): &(String, Ipv4Network)| json!({"Ident": id, "CIDR": {"Addr": cidr.ip().to_string(), "PrefixLen": cidr.prefix()}});
        let rows: Vec<_> = self.pending.iter().filter(|_| self.ring.is_none()).map(row).collect();
        if rows.is_empty() { Value::Null } else { Value::from(rows) }
    }

    fn holder(&self, ip: Ipv4Addr) -> Option<&str> {
        self.ring.as_ref().map(|ring| ring.holder(ip).name.as_str())
    }

    fn owner(&self, ip: Ipv4Addr) -> Option<&str> {
        let has = |cidrs: &[Ipv4Network]| cidrs.iter().any(|cidr| cidr.ip() == ip);
        self.owned.iter().find(|(_, cidrs)| has(cidrs)).map(|(id, _)| id.as_str())
    }

    fn lowest_free(&self, want: &Want) -> Option<Ipv4Addr> {
        let (first, last) = (u32::from(self.universe.network()), u32::from(self.universe.broadcast()));
        let (low, high) = (u32::from(want.low).max(first), u32::from(want.high).min(last));
        let free = |ip: &Ipv4Addr| self.holder(*ip) == Some(self.ours.name.as_str()) && self.owner(*ip).is_none();
        (low..=high).map(Ipv4Addr::from).find(free)
    }

    fn take(&mut self, id: &str, cidr: Ipv4Network) {
        match self.owned.iter_mut().find(|(owner, _)| owner == id) {
            Some((_, cidrs)) => cidrs.push(cidr),
            None => self.owned.push((id.to_owned(), vec![cidr])),
        }
    }
}

/// The addresses of a subnet that a container may have.
fn hosts(subnet: Ipv4Network) -> std::ops::RangeInclusive<u32> {
    u32::from(subnet.network()) + 1..=u32::from(subnet.broadcast()).saturating_sub(1)
}
