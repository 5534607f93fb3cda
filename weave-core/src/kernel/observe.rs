//! IS: one look at the host, everything at the same time that does not need another's result.

use std::collections::BTreeSet;
use std::fs;
use std::net::IpAddr;
use std::path::Path;
use std::sync::Arc;

use super::job::Job;
use super::recent::Recent;
use super::remembered::Addresses;
use super::targets::Wanted;
use super::{Kernel, Known, job, look, names, paths, targets};
use crate::netns::{self, NetNs};
use crate::observed::{FirewallState, InputChain, Link, LinkKind, Observed, PublishedPort, Scope, Target, Touched};
use crate::{Result, firewall, names as defaults};

/// What is under way while the host is looked at.
#[derive(Default)]
struct Begun {
    resolver: Option<Job<Addresses>>,
    packet_filter: Option<Job<FirewallState>>,
    inputs: Option<Job<Vec<InputChain>>>,
}

impl Kernel {
    pub(super) async fn look(&self, scope: &Scope) -> Result<Observed> {
        let at_once = scope.firewall && !scope.unless_unmanaged;
        let mut packet_filter = if at_once { Some(self.packet_filter().await?) } else { None };
        let inputs = (scope.firewall && scope.inputs).then(|| job::start(&self.host, firewall::inputs)).transpose()?;
        let resolver = (!scope.names.is_empty())
            .then(|| {
                let names = scope.names.clone();
                job::start(&self.host, move || names::resolve(&names, names::PATIENCE))
            })
            .transpose()?;
        let host = {
            let scope = scope.clone();
            job::soon(&self.host, move || look::host(&scope))?
        };
        let observed = host.wait().await?;
        if !at_once && scope.wants_firewall(&observed) {
            packet_filter = Some(self.packet_filter().await?);
        }
        self.look_beyond(scope, observed, Begun { resolver, packet_filter, inputs }).await
    }

    /// Looks at containers, and of the host at nothing but what was touched.
    pub(super) async fn look_again(&self, scope: &Scope, before: &Observed, touched: &Touched) -> Result<Observed> {
        let parts = touched.clone();
        let mut observed = job::soon(&self.host, move || look::touched(&parts))?.wait().await?;
        let untouched = before.links.iter().filter(|link| !touched.links.contains(link.name.as_str()));
        observed.links.extend(untouched.cloned());
        observed.links.sort_by_key(|link| link.index);
        observed.addresses.clone_from(&before.addresses);
        observed.routes.clone_from(&before.routes);
        if !touched.flood {
            observed.flood.clone_from(&before.flood);
            observed.learned.clone_from(&before.learned);
        }
        self.look_beyond(scope, observed, Begun::default()).await
    }

    /// Looks at everything but the host itself, and waits for what is under way.
    async fn look_beyond(
        &self,
        scope: &Scope,
        mut observed: Observed,
        Begun { resolver, packet_filter, inputs }: Begun,
    ) -> Result<Observed> {
        let recent = self.recent().take();
        let recent = if self.marks_tell { Recent::of_marks(&self.host, &observed.links) } else { recent };
        let wanted = Wanted::ask(&self.engine, scope.targets.clone(), recent).await?;

        // A bridge that is there keeps its address.
        if observed.bridge().is_none() {
            observed.host_id.clone_from(self.id.get_or_init(|| host_id(&self.host)));
        }
        if scope.published && !scope.firewall {
            observed.published = self.published().await?;
        }
        if let Some(resolver) = resolver {
            self.recall(&scope.names, resolver.wait().await, &mut observed)?;
        }
        self.look_at_classic(scope, &mut observed).await?;
        let peers = if scope.paths { peers(scope, &observed) } else { Vec::new() };
        let ways = (!peers.is_empty()).then(|| job::soon(&self.host, move || paths::paths(peers))).transpose()?;
        let offload = scope.offload || observed.router_port().is_some();
        let links = if scope.attachments { observed.links.as_slice() } else { &[] };
        let marks = links.iter().filter_map(Link::attachment);
        let found = targets::visit(self, wanted, offload, marks).await?;

        observed.targets = found.targets;
        self.complete_ids(scope, &mut observed).await;
        if let Some(ways) = ways {
            observed.paths = ways.wait().await?;
        }
        if let Some(packet_filter) = packet_filter {
            let mut state = packet_filter.wait().await?;
            if scope.router_rules && observed.router_port().is_some() {
                state.router_rules = job::start(&self.host, firewall::router_rules)?.wait().await?;
            }
            if let Some(inputs) = inputs {
                state.inputs = inputs.wait().await?;
            }
            observed.firewall = Some(state);
        }
        let inside = observed.targets.values().flat_map(|target| match target {
            Target::Found(net) => net.links.as_slice(),
            Target::Problem(_) => &[],
        });
        let indexes = observed.links.iter().chain(inside).map(|link| link.index).collect();
        let bridges = observed.links.iter().filter(|link| matches!(link.kind, LinkKind::Bridge(_)));
        let bridges = bridges.map(|link| (link.name.clone(), link.index)).collect();
        *self.known() = Known { held: Arc::new(found.held.in_order()), indexes, bridges };
        Ok(observed)
    }

    /// The kernel says at once whether there are any.
    async fn published(&self) -> Result<Option<BTreeSet<PublishedPort>>> {
        if !job::soon(&self.host, || Ok(firewall::publishes()))?.wait().await? {
            return Ok(Some(BTreeSet::new()));
        }
        job::start(&self.host, || Ok(firewall::published()))?.wait().await
    }

    /// The kernel says most of it at once; programs for the rest run beside everything else.
    async fn packet_filter(&self) -> Result<Job<FirewallState>> {
        let look = job::soon(&self.host, firewall::Look::begin)?.wait().await?;
        let start = if look.is_complete() { job::soon } else { job::start };
        start(&self.host, move || look.finish())
    }
}

/// All peers, in the flood list or wanted to be.
fn peers(scope: &Scope, observed: &Observed) -> Vec<IpAddr> {
    let flood = observed.flood.iter().map(|flood| flood.address);
    let classic = observed.classic.iter().flat_map(|classic| classic.peers(defaults::PORT)).map(|peer| peer.address);
    flood.chain(classic).chain(scope.peers.iter().copied()).chain(observed.names.values().flatten().copied()).collect()
}

/// Something that is this host's alone and stays: the machine's id, its name, and the number of its namespace where
/// that is not the machine's own (a host that is simulated in a namespace).
fn host_id(host: &NetNs) -> String {
    let machine = ["/etc/machine-id", "/var/lib/dbus/machine-id", "/proc/sys/kernel/random/boot_id"]
        .iter()
        .find_map(|path| fs::read_to_string(path).ok().filter(|id| !id.trim().is_empty()))
        .unwrap_or_default();
    let name = nix::unistd::gethostname().unwrap_or_default();
    let mut id = format!("{}-{}", machine.trim(), name.to_string_lossy());
    // Who may not look there is not the machine, either.
    if netns::identify(Path::new("/proc/1/ns/net")).ok() != Some(host.id()) {
        id.push_str(&format!("-{}", host.id().inode));
    }
    id
}
