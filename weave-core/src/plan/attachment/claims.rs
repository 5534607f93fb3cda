//! The addresses of containers in the books of a router that allocates addresses: what somebody has by other means is
//! claimed, so that it is given to nobody else, and what somebody loses is given back.

use std::collections::{BTreeMap, BTreeSet};

use ipnetwork::IpNetwork;
use serde_json::Value;

use super::{Context, Draft, subject};
use crate::observed::{AttachmentMark, Classic, IpamState, Observed, RouterIpam, RouterPortMark, TargetNet};
use crate::plan::network::Network;
use crate::plan::{Change, ControlStep, Intent, RouterIntent, Step};
use crate::spec::{Attach, Cidr, IpRequest, RouterKind};
use crate::{Error, ErrorKind, Result, names};

/// The books of the router, where there is one that keeps any.
#[derive(Clone, Copy)]
pub(crate) struct Books<'a> {
    pub(crate) control: u16,
    classic: Option<&'a Classic>,
    /// Nothing where the router begins new ones.
    owned: Option<&'a BTreeMap<String, Vec<Cidr>>>,
}

impl<'a> Books<'a> {
    pub(crate) fn of(observed: &'a Observed) -> Option<Self> {
        let (_, mark) = observed.router_port()?;
        let classic = observed.classic.as_ref()?;
        Some(Self { control: mark.control, classic: Some(classic), owned: Some(classic.owned.as_ref()?) })
    }

    /// The books there will be once the router is as `intent` has it: other than those that there are where it begins to
    /// allocate, from another range, or under another name, which its volume has too.
    pub(crate) fn to_come(intent: &Intent, router: &RouterPortMark, observed: &'a Observed) -> Option<Self> {
        let there = Self::of(observed).map(|books| Self { control: router.control, ..books });
        let Some(classic) = &intent.classic else { return there };
        let range = classic.range?;
        let name = observed.router_port().map(|(_, mark)| mark.container);
        let stay = |books: &Self| name.as_ref() == Some(&router.container) && books.range() == Some(range);
        Some(there.filter(stay).unwrap_or(Self { control: router.control, classic: None, owned: None }))
    }

    /// Whether an address cannot be claimed yet, although the routers were asked to divide the range that it is in: too
    /// few of them have met.
    fn puts_off(&self, ip: &Cidr) -> bool {
        let asked = |ipam: &&RouterIpam| matches!(ipam.state, IpamState::AwaitingConsensus | IpamState::Priming);
        self.ipam().filter(asked).is_some_and(|ipam| ipam.range.contains(ip.ip()))
    }

    /// Whether they are those of a router that allocates as `intent` says.
    pub(crate) fn fit(&self, intent: &Intent) -> bool {
        if matches!(&intent.router, RouterIntent::Present(router) if router.kind == Some(RouterKind::Vxlan)) {
            return false;
        }
        let Some(classic) = &intent.classic else { return true };
        let default = self.ipam().map(|ipam| ipam.default_subnet);
        self.range() == classic.range && default == classic.default_subnet.or(classic.range)
    }

    /// Refuses a request for an address that the router will not give.
    ///
    /// # Errors
    /// `InvalidSpec` for a network outside of its range.
    pub(crate) fn check(&self, request: IpRequest) -> Result<()> {
        self.range().map_or(Ok(()), |range| within(range, request))
    }

    fn ipam(&self) -> Option<&'a RouterIpam> {
        self.classic?.report.as_ref().ok()?.ipam.as_ref()
    }

    fn range(&self) -> Option<IpNetwork> {
        self.ipam().map(|ipam| ipam.range)
    }

    /// The address that was allocated for a request before. It stays the same as long as nobody gives it back.
    pub(crate) fn allocated(&self, id: &str, request: IpRequest) -> Option<Cidr> {
        let network = match request {
            IpRequest::Within(network) => network,
            IpRequest::Default => self.ipam()?.default_subnet,
        };
        // As the router does it: whatever it holds there counts, with the prefix of what is asked for.
        let held = self.owned?.get(id)?;
        let there = || held.iter().filter(|ip| network.contains(ip.ip()));
        let exact = there().find(|ip| ip.prefix() == network.prefix()).copied();
        exact.or_else(|| Cidr::observed(there().next()?.ip(), network.prefix()))
    }

    /// Who else has it, and with which prefix.
    fn other(&self, id: &str, ip: &Cidr) -> Option<(&'a str, Cidr)> {
        let others = self.owned.into_iter().flatten().filter(|(other, _)| *other != id);
        let mut owned = others.flat_map(|(other, ips)| ips.iter().map(|ip| (other.as_str(), *ip)));
        owned.find(|(_, other)| other.ip() == ip.ip())
    }

    /// What a holder has.
    pub(crate) fn held(&self, id: &str) -> Vec<Cidr> {
        self.owned.and_then(|owned| owned.get(id)).cloned().unwrap_or_default()
    }

    fn holds(&self, id: &str, ip: &Cidr) -> bool {
        self.owned.and_then(|owned| owned.get(id)).is_some_and(|ips| ips.iter().any(|held| held.ip() == ip.ip()))
    }
}

fn within(range: IpNetwork, request: IpRequest) -> Result<()> {
    match request {
        IpRequest::Within(network) if !range.contains(network.network()) || network.prefix() < range.prefix() => {
            let message = format!("{request} is outside of the router's range; allowed: networks in {range}");
            Err(Error::invalid("ips", message).hint("an address that is given, and not asked for, may be anywhere"))
        }
        _ => Ok(()),
    }
}

/// By what the router knows who has an address: the full id of the container. The namespace of no container is known
/// by its number, as long as it is there.
pub(crate) fn holder(net: &TargetNet) -> String {
    net.id.clone().unwrap_or_else(|| format!("netns:{}", net.netns.inode))
}

/// Whether the holder `id` is attached to the network of this host.
fn lives(id: &str, observed: &Observed) -> bool {
    let is_it = |mark: &AttachmentMark| {
        !mark.id.is_empty() && id.starts_with(&mark.id) || id.strip_prefix("netns:") == Some(&mark.inode.to_string())
    };
    id == names::EXPOSE || observed.attachments().any(|(_, mark)| is_it(&mark))
}

/// What is said of an address that is claimed later.
const PUT_OFF: &str = " is not claimed at the router yet: too few routers have met to divide their range";

/// Whether a warning says that something is put off.
pub(crate) fn is_put_off(warning: &str) -> bool {
    warning.contains(PUT_OFF)
}

/// What the router is to be told.
#[derive(Debug, Default)]
pub(crate) struct Told {
    /// For before anything else is done.
    pub(crate) claims: Vec<Step>,
    /// For the end.
    pub(crate) releases: Vec<Step>,
    /// What the operator should know.
    pub(crate) warning: Option<String>,
}

/// What the router is to be told of the addresses of `id`. It allocates none but IPv4. What a container had that is not
/// there any more is taken over.
///
/// # Errors
/// `Conflict` for an address that another container of this host has.
pub(crate) fn tell(
    books: Books<'_>,
    (id, observed): (&str, &Observed),
    wanted: &BTreeSet<Cidr>,
    gone: &BTreeSet<Cidr>,
) -> Result<Told> {
    let control = books.control;
    let release = |id: &str, address: Cidr| control_step(ControlStep::Release { control, id: id.to_owned(), address });
    let (mut claims, mut claimed, mut warning) = (Vec::new(), BTreeSet::new(), None);
    for ip in wanted.iter().filter(|ip| ip.is_ipv4() && !books.holds(id, ip)) {
        // The books have each address once, whatever its prefix.
        if !claimed.insert(ip.ip()) {
            continue;
        }
        if books.puts_off(ip) {
            warning = Some(format!("{ip}{PUT_OFF}; run this again once they have"));
            continue;
        }
        if let Some((other, address)) = books.other(id, ip) {
            if lives(other, observed) && !id.starts_with(other) {
                let message = format!("is held by {other}, as the router on this host knows; allowed: another");
                return Err(Error::new(ErrorKind::Conflict, ip.to_string(), message)
                    .hint("detach it there first, or give another address"));
            }
            claims.push(release(other, address));
        }
        claims.push(control_step(ControlStep::Claim { control, id: id.to_owned(), address: *ip, insist: true }));
    }
    let releases = gone.iter().filter(|ip| books.holds(id, ip)).map(|ip| release(id, *ip)).collect();
    Ok(Told { claims, releases, warning })
}

/// Adds it to `draft`: `wanted` is claimed, and what it has besides those that stay goes back, also what a run that was
/// killed left in the books.
///
/// # Errors
/// As [`tell`].
pub(super) fn add(
    books: Books<'_>,
    (net, observed): (&TargetNet, &Observed),
    (wanted, stays): (&[Cidr], &[Cidr]),
    draft: &mut Draft,
) -> Result<()> {
    let id = holder(net);
    let held = books.held(&id);
    let gone = held.iter().filter(|ip| !stays.iter().any(|other| other.ip() == ip.ip())).copied().collect();
    let Told { claims, releases, warning } = tell(books, (&id, observed), &wanted.iter().copied().collect(), &gone)?;
    draft.warning = warning;
    if draft.changes.is_empty() && !(claims.is_empty() && releases.is_empty()) {
        // Nothing else tells it: the container has them already.
        let claimed: Vec<&Cidr> = wanted.iter().filter(|ip| ip.is_ipv4()).collect();
        draft.changes.push(Change::new(subject(&draft.container), "claimed", &held, &claimed));
    }
    draft.steps.splice(0..0, claims);
    draft.steps.extend(releases);
    Ok(())
}

/// Adds to `draft` what an interface has that nobody spoke of: a router that begins new books would give it away. What
/// somebody else holds is left to whoever speaks of it.
pub(super) fn keep(
    books: Books<'_>,
    (net, observed): (&TargetNet, &Observed),
    ips: &BTreeSet<Cidr>,
    draft: &mut Draft,
) {
    let id = holder(net);
    let Ok(told) = tell(books, (&id, observed), ips, &BTreeSet::new()) else { return };
    draft.warning = told.warning;
    if told.claims.is_empty() {
        return;
    }
    let claimed: Vec<&Cidr> = ips.iter().filter(|ip| ip.is_ipv4()).collect();
    draft.changes.push(Change::new(subject(&draft.container), "claimed", books.held(&id), &claimed));
    draft.steps.extend(told.claims.into_iter().map(|step| match step {
        Step::Control(step) => control_step(step.without_insisting()),
        step => step,
    }));
}

fn control_step(step: ControlStep) -> Step {
    Step::Control(Box::new(step))
}

/// The requests stand among the addresses, each in the place of the one that it will be.
fn asked(spec: &Attach, net: &TargetNet, draft: &mut Draft) {
    let told = draft.changes.iter().position(|change| change.field == "ips");
    let mut change = told.map_or_else(
        || {
            let link = net.link(spec.interface.as_str());
            let now: BTreeSet<Cidr> = link.into_iter().flat_map(|link| net.addresses_of(link.index)).collect();
            Change::new(subject(&spec.container), "ips", (!now.is_empty()).then_some(&now), &now)
        },
        |at| draft.changes.remove(at),
    );
    let mut after: Vec<Value> = change.after.as_array().cloned().unwrap_or_default();
    after.extend(spec.ips.requests.iter().map(|request| Value::String(request.to_string())));
    change.after = after.into();
    draft.changes.push(change);
}

/// Requests that nobody has answered yet: a check only says that somebody will.
pub(super) fn pending(
    spec: &Attach,
    (net, intent): (&TargetNet, &Intent),
    context: &Context<'_>,
    draft: &mut Draft,
) -> Result<()> {
    let Some(request) = spec.ips.requests.first() else { return Ok(()) };
    // A router that is being taken over is asked once it is.
    let adopted = context.observed.router_port().filter(|_| context.observed.classic.is_none());
    let control = context.books.map(|books| books.control).or(adopted.map(|(_, mark)| mark.control));
    if let Some(control) = control {
        let range = match &intent.classic {
            Some(classic) => classic.range,
            None => context.books.and_then(|books| books.range()),
        };
        for request in &spec.ips.requests {
            range.map_or(Ok(()), |range| within(range, *request))?;
        }
        for request in &spec.ips.requests {
            let id = holder(net);
            let step = ControlStep::Allocate { control, id, request: *request, address: None };
            draft.steps.insert(0, control_step(step));
        }
        asked(spec, net, draft);
        return Ok(());
    }
    let kept = context.network.and_then(Network::classic).filter(|_| intent.classic.is_none());
    let silent = context.observed.classic.as_ref().filter(|_| kept.is_some());
    let silent = silent.and_then(|classic| classic.report.as_ref().err());
    let (kind, message) = match silent {
        Some(why) => (ErrorKind::Router, format!("{request} cannot be asked for: {why}")),
        None => {
            let needs = "needs a router that allocates addresses (kind image with ipalloc_range)";
            (ErrorKind::Unsupported, format!("{request} {needs}"))
        }
    };
    Err(Error::new(kind, "ips", message)
        .hint(format!("give an address: `weave attach 10.2.1.4/24 {}`", spec.container)))
}
