//! Interfaces of containers: one lane of steps for each.

mod claims;
mod converge;
mod draft;
mod wish;

pub(crate) use claims::{Books, holder};
pub(super) use claims::{Told, is_put_off, tell};
pub(super) use draft::Draft;
pub(crate) use wish::Routes;
pub(super) use wish::sort_routes;

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use super::lane::delete_links;
use super::network::{Network, room_for_ipv6};
use super::router::keep_ipv6;
use super::{AttachmentIntent, Change, Intent, Place, Plan, Step};
use crate::observed::{Link, NetnsId, Observed, Pair, Target, TargetNet, TargetProblem, is_linked, pairs};
use crate::spec::{Cidr, ContainerRef, Detach, Exposure};
use crate::{Error, ErrorKind, Result, names};

/// What the host shall be around its containers.
#[derive(Clone, Copy)]
pub(super) struct Around<'a> {
    pub(super) network: Option<&'a Network>,
    pub(super) exposures: &'a [Exposure],
}

/// Lanes for all containers of the intent, and the MTU of all the others.
pub(super) fn plan(intent: &Intent, observed: &Observed, around: Around<'_>, plan: &mut Plan) -> Result<()> {
    let network = around.network;
    let mut seen: BTreeMap<NetnsId, &ContainerRef> = BTreeMap::new();
    let mut named = Named::new();
    let mut removed = Vec::new();
    let books = network.and_then(Network::classic).and_then(|router| Books::to_come(intent, &router.mark, observed));
    let silent = observed.classic.as_ref().and_then(|classic| classic.report.as_ref().err());
    let attaches = intent.attachments.iter().any(|wish| !matches!(wish, AttachmentIntent::Remove(_)));
    if let Some(why) =
        silent.filter(|_| attaches && network.and_then(Network::classic).is_some_and(|_| books.is_none()))
    {
        plan.warnings.push(format!("addresses are not claimed at the router, which does not answer: {why}"));
    }
    let mut context = Context { observed, network, books, names: HostNames::new(observed) };
    for wish in &intent.attachments {
        let container = wish.container();
        if intent.only_running && is_left_out(container, observed, plan) {
            continue;
        }
        let draft = target(container, observed).and_then(|net| {
            // One container may have several interfaces, each once.
            let again = named.contains(&(net.netns, wish.interface()));
            if let Some(other) = seen.insert(net.netns, container).filter(|other| again || *other != container) {
                let message = format!("is the same network namespace as {other}");
                return Err(Error::invalid(subject(container), message).hint("name each namespace once"));
            }
            apart_from_host(wish, around.exposures)?;
            let mut done = one(wish, net, &mut context)?;
            if let AttachmentIntent::Add(spec) | AttachmentIntent::Exact(spec) = wish {
                claims::pending(spec, (net, intent), &context, &mut done)?;
            }
            named.insert((net.netns, wish.interface()));
            Ok(done)
        });
        match draft {
            Ok(mut draft) => {
                removed.extend(draft.gone.take());
                draft.add_to(plan);
            }
            Err(error) if intent.each_by_itself => plan.problems.push((container.clone(), error)),
            Err(error) => return Err(error),
        }
    }
    ports(observed, network, plan)?;
    plan.last.extend(delete_links(removed, observed));
    match network {
        Some(network) => follow((observed, books), network, &named, plan),
        None => Ok(()),
    }
}

/// Refuses an address that the host itself has on the network: it would not answer its own question who has it.
fn apart_from_host(wish: &AttachmentIntent, exposures: &[Exposure]) -> Result<()> {
    let (AttachmentIntent::Add(spec) | AttachmentIntent::Exact(spec)) = wish else { return Ok(()) };
    for (index, ip) in spec.ips.iter().enumerate() {
        if let Some(exposure) = exposures.iter().find(|exposure| exposure.ip.ip() == ip.ip()) {
            let message = format!("{ip} is exposed as this host's own address; allowed: another");
            return Err(Error::new(ErrorKind::Conflict, format!("ips[{index}]"), message)
                .hint(format!("give another address, or take it from the host: `weave hide {exposure}`")));
        }
    }
    Ok(())
}

pub(super) fn subject(container: &ContainerRef) -> String {
    format!("containers.{container}")
}

/// What planning one container looks at.
pub(super) struct Context<'a> {
    pub(super) observed: &'a Observed,
    pub(super) network: Option<&'a Network>,
    pub(super) books: Option<Books<'a>>,
    pub(super) names: HostNames<'a>,
}

/// Names of host ends that are taken, by what is and by what is planned.
pub(super) struct HostNames<'a> {
    observed: &'a Observed,
    /// Gathered when the first is needed.
    taken: Option<BTreeSet<String>>,
}

impl<'a> HostNames<'a> {
    fn new(observed: &'a Observed) -> Self {
        Self { observed, taken: None }
    }

    pub(super) fn take(&mut self, netns: NetnsId, interface: &str) -> String {
        let there = || self.observed.links.iter().map(|link| link.name.clone()).collect();
        let taken = self.taken.get_or_insert_with(there);
        let name = (0..)
            .map(|attempt| names::host_end(netns.inode, interface, attempt))
            .find(|name| !taken.contains(name))
            .unwrap_or_default();
        taken.insert(name.clone());
        name
    }
}

/// Whether nothing can be done for a container now: it does not run, or the engine cannot be asked. That is said once.
fn is_left_out(container: &ContainerRef, observed: &Observed, plan: &mut Plan) -> bool {
    match observed.targets.get(container) {
        None | Some(Target::Problem(TargetProblem::Missing | TargetProblem::NotRunning(_))) => true,
        Some(Target::Problem(TargetProblem::Engine(why))) => {
            const LEFT_OUT: &str = "containers are left out until the engine can be asked: ";
            if !plan.warnings.iter().any(|warning| warning.starts_with(LEFT_OUT)) {
                plan.warnings.push(format!("{LEFT_OUT}{why}"));
            }
            true
        }
        Some(_) => false,
    }
}

/// The inside of a container, or why it cannot be served.
pub(crate) fn target<'a>(container: &ContainerRef, observed: &'a Observed) -> Result<&'a TargetNet> {
    match observed.targets.get(container) {
        Some(Target::Found(net)) => Ok(net),
        Some(Target::Problem(problem)) => Err(trouble(container, problem)),
        None => Err(trouble(container, &TargetProblem::Missing)),
    }
}

/// Why there is no way into a container.
pub(super) fn trouble(container: &ContainerRef, problem: &TargetProblem) -> Error {
    let name = container.to_string();
    let error = |kind| Error::new(kind, name.clone(), problem.to_string());
    match problem {
        TargetProblem::Missing => error(ErrorKind::NotFound).hint(match container {
            ContainerRef::Container(_) => "`docker ps -a` lists the containers of this host",
            ContainerRef::Netns(_) => "`ip netns list` lists the named network namespaces of this host",
            ContainerRef::Pid(_) => "the process has ended",
        }),
        TargetProblem::NotRunning(_) => {
            error(ErrorKind::ContainerNotRunning).hint(format!("start it with `docker start {name}`"))
        }
        TargetProblem::HostNetwork => error(ErrorKind::Conflict)
            .hint("run it without `--network=host`, or give the host an address with `weave expose`"),
        TargetProblem::NotNetns => error(ErrorKind::InvalidSpec),
        TargetProblem::Engine(_) => {
            error(ErrorKind::Docker).hint("is the engine running? `docker info` asks it; DOCKER_HOST says where it is")
        }
    }
}

fn one(wish: &AttachmentIntent, net: &TargetNet, context: &mut Context<'_>) -> Result<Draft> {
    match wish {
        AttachmentIntent::Add(spec) => {
            wish::Wish::adding(spec, net).and_then(|wish| converge::draft(&wish, net, context))
        }
        AttachmentIntent::Exact(spec) => converge::draft(&wish::Wish::exactly(spec), net, context),
        AttachmentIntent::Remove(detach) => remove(detach, net, context),
    }
}

/// The interface `name` of the container, when weave made it.
///
/// # Errors
/// `Conflict` when somebody else made it.
pub(super) fn pair<'a>(
    observed: &'a Observed,
    net: &'a TargetNet,
    name: &str,
    container: &ContainerRef,
) -> Result<Option<Pair<'a>>> {
    let Some(inner) = net.link(name) else { return Ok(None) };
    // Numbers first: to read the marks of all links for each container takes long when there are a thousand.
    let mut hosts = observed.links.iter().filter(|link| is_linked(link, inner));
    let host = hosts.find(|link| link.attachment().is_some_and(|mark| mark.inode == net.netns.inode));
    match host.or_else(|| classic_end(observed, inner)) {
        Some(host) => Ok(Some(Pair { host, inner, net })),
        None => Err(Error::new(
            ErrorKind::Conflict,
            container.to_string(),
            format!("has {} called {name} that weave did not make", inner.kind.name()),
        )
        .hint("give another `interface`, or remove that one")),
    }
}

/// The host end that the classic script made, on a bridge that is weave's by now. It is taken over with the bridge.
fn classic_end<'a>(observed: &'a Observed, inner: &Link) -> Option<&'a Link> {
    let (bridge, ..) = observed.bridge()?;
    observed.links.iter().find(|link| {
        let is_its = link.alias.is_none() && link.name.starts_with(names::CLASSIC_HOST_END);
        is_its && link.master == Some(bridge.index) && is_linked(link, inner)
    })
}

fn remove(detach: &Detach, net: &TargetNet, context: &Context<'_>) -> Result<Draft> {
    let container = &detach.container;
    let mut draft = Draft::new(container);
    let Some(pair) = pair(context.observed, net, detach.interface.as_str(), container)? else {
        // A run may have been killed before the router was told.
        if detach.ips.is_empty() {
            give_back(&BTreeSet::new(), (net, detach.interface.as_str()), context, &mut draft)?;
        }
        return Ok(draft);
    };
    let current: BTreeSet<_> = net.addresses_of(pair.inner.index).collect();
    for (index, asked) in detach.ips.iter().enumerate() {
        if let Some(other) = current.iter().find(|ip| ip.ip() == asked.ip() && *ip != asked) {
            let message = format!("{container} has not {asked}; allowed: {other}, as it is");
            return Err(Error::invalid(format!("ips[{index}]"), message));
        }
    }
    let gone: BTreeSet<_> = if detach.ips.is_empty() {
        current.clone()
    } else {
        current.iter().filter(|ip| detach.ips.contains(ip)).copied().collect()
    };
    let left: BTreeSet<_> = current.difference(&gone).copied().collect();
    if detach.ips.is_empty() || left.is_empty() && !gone.is_empty() {
        draft.changes.push(Change::new(subject(container), "ips", &current, ()));
        draft.gone = Some(pair.host.name.as_str().into());
        give_back(&BTreeSet::new(), (net, detach.interface.as_str()), context, &mut draft)?;
        return Ok(draft);
    }
    if !gone.is_empty() {
        draft.changes.push(Change::new(subject(container), "ips", &current, &left));
    }
    give_back(&left, (net, detach.interface.as_str()), context, &mut draft)?;
    let place = Place::Target(container.clone());
    draft.steps.extend(gone.into_iter().map(|address| Step::DeleteAddress {
        place: place.clone(),
        link: pair.inner.name.as_str().into(),
        address,
    }));
    let ipv6_goes = detach.ips.iter().any(|ip| !ip.is_ipv4()) && left.iter().all(|ip| ip.is_ipv4());
    if let Some(step) = keep_ipv6(&place, pair.inner, pair.inner.mtu, ("disable_ipv6", 1)).filter(|_| ipv6_goes) {
        draft.changes.push(Change::new(subject(container), "ipv6", true, false));
        draft.steps.push(step);
    }
    Ok(draft)
}

/// What a container that keeps only `left` on an interface does not have any more.
fn give_back(
    left: &BTreeSet<Cidr>,
    (net, interface): (&TargetNet, &str),
    context: &Context<'_>,
    draft: &mut Draft,
) -> Result<()> {
    let Some(books) = context.books else { return Ok(()) };
    let stays: Vec<Cidr> = left.iter().copied().chain(converge::elsewhere_in(net, interface)).collect();
    claims::add(books, (net, context.observed), (&[], &stays), draft)
}

/// Refuses what would not fit on the bridge, before anything is touched.
// Interfaces that go make no room: they are removed after the new ones are made.
fn ports(observed: &Observed, network: Option<&Network>, plan: &Plan) -> Result<()> {
    let Some(network) = network else { return Ok(()) };
    let bridge = observed.link(&network.bridge).map(|link| link.index);
    let used = observed.links.iter().filter(|link| bridge.is_some() && link.master == bridge).count();
    let tunnel = usize::from(
        network.tunnel().is_some() && observed.vxlan().is_none()
            || network.classic().is_some() && observed.router_port().is_none(),
    );
    let new = plan.lanes.iter().flat_map(|lane| &lane.steps).filter(|step| matches!(step, Step::CreateVeth(_))).count();
    if new > 0 && used + tunnel + new > names::BRIDGE_PORTS_MAX {
        let message = format!(
            "{new} more do not fit: the kernel's bridge holds {} ports and {} are taken",
            names::BRIDGE_PORTS_MAX,
            used + tunnel
        );
        return Err(Error::new(ErrorKind::Unsupported, &*network.bridge, message)
            .hint("spread the containers over more hosts, or detach some first"));
    }
    Ok(())
}

/// Attachments that the intent does not name follow the network's MTU, unless they were given one of their own, and
/// keep their addresses.
fn follow(
    (observed, books): (&Observed, Option<Books<'_>>),
    network: &Network,
    named: &Named<'_>,
    plan: &mut Plan,
) -> Result<()> {
    if network.as_it_is {
        return Ok(());
    }
    for (pair, mark, container) in pairs(observed) {
        if let Some(books) = books.filter(|_| !named.contains(&(pair.net.netns, &*mark.interface))) {
            let mut draft = Draft::new(container);
            let ips = pair.net.addresses_of(pair.inner.index).collect();
            claims::keep(books, (pair.net, observed), &ips, &mut draft);
            draft.add_to(plan);
        }
        let mtu = network.mtu;
        let place = Place::Target(container.clone());
        let ipv6 = pair.net.addresses_of(pair.inner.index).any(|ip| !ip.is_ipv4());
        let no_ipv6 = keep_ipv6(&place, pair.inner, mtu, ("disable_ipv6", 1)).filter(|_| !ipv6);
        let offload = offload(pair.inner, network, &place);
        let right = pair.inner.mtu == mtu && pair.host.mtu == mtu && no_ipv6.is_none();
        if let Some(step) = offload {
            let mut draft = Draft::new(container);
            draft.changes.push(Change::new(
                subject(container),
                "tx_checksum",
                pair.inner.tx_checksum,
                network.classic().is_none(),
            ));
            draft.steps.push(step);
            draft.add_to(plan);
        }
        if right || mark.mtu.is_some() || named.contains(&(pair.net.netns, &*mark.interface)) {
            continue;
        }
        if ipv6 {
            room_for_ipv6(mtu, &container.to_string())?;
        }
        let mut draft = Draft::new(container);
        set_mtu(&pair, container, mtu, &mut draft);
        draft.steps.extend(no_ipv6);
        draft.add_to(plan);
    }
    Ok(())
}

/// Who carries frames through user space gets packets as they are on a wire, with their checksums; the kernel fills in
/// those that leave the host by itself.
pub(super) fn offload(inner: &Link, network: &Network, place: &Place) -> Option<Step> {
    let (before, on) = (inner.tx_checksum?, network.classic().is_none());
    (before != on).then(|| Step::SetOffload { place: place.clone(), link: inner.name.as_str().into(), on, before })
}

/// Interfaces that the intent names.
type Named<'a> = BTreeSet<(NetnsId, &'a str)>;

pub(super) fn set_mtu(pair: &Pair<'_>, container: &ContainerRef, mtu: u32, draft: &mut Draft) {
    if pair.host.mtu != mtu {
        draft.steps.push(Step::SetMtu {
            place: Place::Host,
            link: pair.host.name.as_str().into(),
            mtu,
            before: pair.host.mtu,
        });
    }
    if pair.inner.mtu != mtu {
        let place = Place::Target(container.clone());
        draft.steps.push(Step::SetMtu { place, link: pair.inner.name.as_str().into(), mtu, before: pair.inner.mtu });
    }
    if pair.inner.mtu == mtu && pair.host.mtu == mtu {
        draft.changes.push(Change::new(subject(container), "ipv6", true, false));
        return;
    }
    let before = if pair.inner.mtu == mtu { pair.host.mtu } else { pair.inner.mtu };
    draft.changes.push(Change::new(subject(container), "mtu", before, mtu));
}

pub(super) fn addresses(ips: &[crate::spec::Cidr]) -> Vec<IpAddr> {
    ips.iter().map(crate::spec::Cidr::ip).collect()
}
