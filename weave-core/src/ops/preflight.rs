//! Whether a host is fit for weave, before and while it runs: findings with what to do about each.

mod classic;
mod input;
mod passing;

use ipnetwork::IpNetwork;
use serde::Serialize;

use super::Report;
use crate::apply::look;
use crate::host::Host;
use crate::names;
use crate::observed::{
    ChainTool, EngineFacts, FirewallState, ForwardChain, HostFacts, Observed, Scope, attached_networks, overlap,
};
use crate::{Error, ErrorKind, Result};

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// As it should be.
    Ok,
    /// It works, with a drawback.
    Warn,
    /// It does not work.
    Fail,
}

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// What: `kernel bridge`, `engine`, `firewall`, …
    pub subject: String,
    /// How bad it is.
    pub level: Level,
    /// What was found.
    pub message: String,
    /// What to do; nothing where all is well.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

impl Finding {
    fn ok(subject: impl Into<String>, message: impl Into<String>) -> Self {
        Self { subject: subject.into(), level: Level::Ok, message: message.into(), hint: None }
    }

    fn new(subject: impl Into<String>, level: Level, message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { subject: subject.into(), level, message: message.into(), hint: Some(hint.into()) }
    }
}

pub(super) async fn preflight<H: Host>(host: &H) -> Result<Report> {
    let scope = Scope {
        attachments: true,
        router: true,
        paths: true,
        routes: true,
        firewall: true,
        inputs: true,
        listeners: true,
        ..Scope::default()
    };
    let facts = host.facts().await;
    let findings = match as_far_as_allowed(host, scope).await.map_err(|error| error.op("preflight"))? {
        Seen::All(observed) => findings(&facts, &observed),
        Seen::Part(observed, refusal) => [findings(&facts, &observed), vec![hidden(&refusal)]].concat(),
        Seen::Nothing(refusal) => {
            let mut findings = Vec::new();
            kernel(&facts, &mut findings);
            engine(&facts, &mut findings);
            findings.push(hidden(&refusal));
            findings
        }
    };
    Ok(Report::read("preflight", None, serde_json::json!({ "findings": findings, "facts": facts })))
}

/// What could be looked at.
enum Seen {
    All(Observed),
    /// The host, but neither its packet filter nor the inside of containers.
    Part(Observed, Error),
    Nothing(Error),
}

/// Looks at everything, or at less where that is not allowed: whoever asks what is missing may lack just that.
async fn as_far_as_allowed<H: Host>(host: &H, scope: Scope) -> Result<Seen> {
    let refused = |error: &Error| error.kind() == ErrorKind::PermissionDenied;
    let refusal = match look(host, &scope).await {
        Ok(observed) => return Ok(Seen::All(observed)),
        Err(error) if refused(&error) => error,
        Err(error) => return Err(error),
    };
    let less = Scope { attachments: false, firewall: false, ..scope };
    match look(host, &less).await {
        Ok(observed) => Ok(Seen::Part(observed, refusal)),
        Err(error) if refused(&error) => Ok(Seen::Nothing(refusal)),
        Err(error) => Err(error),
    }
}

/// What is not known because it could not be looked at.
fn hidden(refusal: &Error) -> Finding {
    let message =
        format!("containers and packet filter were not looked at: {}: {}", refusal.subject(), refusal.message());
    Finding::new(
        "privileges",
        Level::Fail,
        message,
        "run it as root, or with CAP_NET_ADMIN, CAP_SYS_ADMIN and CAP_NET_RAW",
    )
}

/// Judges what was found.
pub fn findings(facts: &HostFacts, observed: &Observed) -> Vec<Finding> {
    let mut findings = Vec::new();
    kernel(facts, &mut findings);
    engine(facts, &mut findings);
    match &observed.firewall {
        Some(state) => firewall(state, observed, &mut findings),
        None => findings.push(Finding::new("firewall", Level::Fail, "was not looked at", "run it as root")),
    }
    passing::on(observed, &mut findings);
    classic::router(observed, &mut findings);
    networks(facts, observed, &mut findings);
    mtu(observed, &mut findings);
    ports(observed, &mut findings);
    findings
}

fn kernel(facts: &HostFacts, findings: &mut Vec<Finding>) {
    findings.push(Finding::ok("kernel", format!("Linux {}", facts.kernel)));
    // The others are tried in a namespace of their own.
    let untried = facts.abilities.iter().any(|ability| ability.name == "netns" && ability.missing.is_some());
    for ability in &facts.abilities {
        let subject = format!("kernel {}", ability.name);
        findings.push(match &ability.missing {
            None => Finding::ok(subject, "works"),
            Some(why) => {
                let hint = match ability.name.as_str() {
                    _ if untried => "run it as root, outside of unprivileged containers".to_owned(),
                    "nft" => {
                        "install nftables (`apt-get install nftables`), or say `firewall: {manage: false}` (`weave launch --no-firewall`)".to_owned()
                    }
                    module => format!("load it with `modprobe {module}`, or use a kernel that has it"),
                };
                Finding::new(subject, Level::Fail, why.clone(), hint)
            }
        });
    }
    findings.push(if facts.missing_capabilities.is_empty() {
        Finding::ok("privileges", "all that is needed")
    } else {
        let message = format!("missing: {}", facts.missing_capabilities.join(", "));
        Finding::new("privileges", Level::Fail, message, "run it as root, or with these capabilities")
    });
}

fn engine(facts: &HostFacts, findings: &mut Vec<Finding>) {
    let words = |engine: &EngineFacts| {
        let name = if engine.podman { "Podman" } else { "Docker" };
        let EngineFacts { version, address, min_api_version, api_version, .. } = engine;
        format!("{name} {version} at {address}, API {min_api_version} to {api_version}")
    };
    findings.push(match (&facts.engine, &facts.engine_error) {
        (Some(engine), _) if engine.podman => Finding::new(
            "engine",
            Level::Warn,
            words(engine),
            "its containers can be given addresses; those that weave is to run, change or move need Docker",
        ),
        (Some(engine), _) => Finding::ok("engine", words(engine)),
        (None, why) => Finding::new(
            "engine",
            Level::Warn,
            why.clone().unwrap_or_else(|| "does not answer".to_owned()),
            "start it, or set DOCKER_HOST; without an engine only netns:PATH and pid:N can be attached",
        ),
    });
}

fn firewall(state: &FirewallState, observed: &Observed, findings: &mut Vec<Finding>) {
    if let Some(why) = &state.unavailable {
        findings.push(Finding::new(
            "firewall",
            Level::Fail,
            why.clone(),
            "install nftables (`apt-get install nftables`), or say `firewall: {manage: false}` (`weave launch --no-firewall`)",
        ));
    }
    if let Some(why) = &state.foreign {
        let message = format!("the nftables table `inet {}` is not weave's: {why}", names::TABLE);
        findings.push(Finding::new(
            "firewall",
            Level::Fail,
            message,
            "rename it, or say `firewall: {manage: false}` (`weave launch --no-firewall`)",
        ));
    }
    let mark = observed.bridge().map(|(.., mark)| mark);
    let managed = mark.is_none_or(|mark| !mark.firewall_unmanaged);
    let refusals = input::refusals(state, observed);
    guard(state, observed, managed, findings);
    if !refusals.is_empty() {
        // That only peers may come in is no good news where nobody does.
        findings.retain(|finding| finding.subject != "router" || finding.level != Level::Ok);
    }
    findings.extend(refusals);
    let dropping: Vec<&ForwardChain> = state.forward.iter().filter(|chain| chain.drops).collect();
    if dropping.is_empty() {
        findings.push(Finding::ok("forwarding", "no chain drops frames between ports of a bridge"));
    }
    let bridge = observed.bridge().map_or(names::BRIDGE, |(link, ..)| &link.name).to_owned();
    for chain in dropping {
        findings.push(forwarding(chain, state.sees_bridged(chain), managed, &bridge));
    }
}

fn forwarding(chain: &ForwardChain, filtered: bool, managed: bool, bridge: &str) -> Finding {
    let place = format!("{} {} {}", chain.family, chain.table, chain.base);
    if !chain.accepts.is_empty() {
        return Finding::ok("forwarding", format!("{place} drops, and lets weave's bridge pass in {}", chain.chain));
    }
    if !filtered {
        let message =
            format!("{place} drops forwarded packets; frames of a bridge do not pass it now (br_netfilter is off)");
        return Finding::ok("forwarding", message);
    }
    if chain.owned {
        let (message, hint) = chain.owner_decides(bridge);
        return Finding::new("forwarding", Level::Warn, message, hint);
    }
    let program = match (chain.tool, chain.family) {
        (ChainTool::Nft, _) => None,
        (_, crate::observed::Family::Ip6) => Some("ip6tables"),
        _ => Some("iptables"),
    };
    let open = program.map_or_else(
        || {
            format!(
                "`nft insert rule {} {} {} iifname {bridge} oifname {bridge} accept`",
                chain.family, chain.table, chain.chain
            )
        },
        |program| format!("`{program} -I {} -i {bridge} -o {bridge} -j ACCEPT`", chain.chain),
    );
    if managed {
        let message = format!("{place} drops frames between containers on the bridge");
        Finding::new("forwarding", Level::Warn, message, "`weave launch` or `weave apply` puts one accept there")
    } else {
        let message = format!("{place} drops frames between containers on the bridge, and `firewall` is not managed");
        Finding::new("forwarding", Level::Fail, message, format!("open it yourself: {open}"))
    }
}

fn guard(state: &FirewallState, observed: &Observed, managed: bool, findings: &mut Vec<Finding>) {
    let of_kernel = observed.vxlan().map(|(_, tunnel)| (tunnel.port, format!("UDP port {}", tunnel.port)));
    let in_container = || {
        let (_, mark) = observed.router_port()?;
        Some((mark.port, format!("TCP and UDP port {}", mark.port)))
    };
    let Some((port, called)) = of_kernel.or_else(in_container) else {
        findings.push(Finding::ok("router", "is not running; UDP port 6783 must be open between the hosts once it is"));
        return;
    };
    let guarded = state.table.as_ref().is_some_and(|table| table.port == Some(port));
    findings.push(match (managed, guarded) {
        (_, true) => Finding::ok("router", format!("only peers reach {called}")),
        (true, false) => Finding::new(
            "router",
            Level::Fail,
            format!("{called} is open to everybody: weave's table is gone"),
            "run `weave apply` or `weave launch` again: it writes the table anew",
        ),
        (false, false) => {
            let peers: Vec<String> = classic::peers(observed).iter().map(|peer| peer.address.to_string()).collect();
            Finding::new(
                "router",
                Level::Warn,
                format!("`firewall` is not managed: weave does not guard {called}"),
                format!("accept {called} from {} only, and drop the rest", peers.join(", ")),
            )
        }
    });
}

fn networks(facts: &HostFacts, observed: &Observed, findings: &mut Vec<Finding>) {
    let bridge = observed.bridge().map(|(link, ..)| link.index);
    let exposed = bridge.into_iter().flat_map(|index| observed.addresses_of(index)).map(|ip| ip.network());
    let mut ours: Vec<IpNetwork> = exposed.chain(attached_networks(observed)).collect();
    ours.sort_unstable();
    ours.dedup();
    let mut taken: Vec<(IpNetwork, String)> = observed
        .routes
        .iter()
        .filter(|route| route.to.prefix() > 0 && Some(route.ifindex) != bridge && !is_link_local(route.to))
        .map(|route| {
            let link = observed.link_at(route.ifindex).map_or("another link", |link| link.name.as_str());
            (route.to, format!("the route through {link}"))
        })
        .collect();
    for network in facts.engine.iter().flat_map(|engine| &engine.networks) {
        taken.extend(network.subnets.iter().map(|subnet| (*subnet, format!("Docker network {}", network.name))));
    }
    let mut clash = false;
    for network in &ours {
        for (other, what) in taken.iter().filter(|(other, _)| overlap(*other, *network)) {
            clash = true;
            let message = format!("{network} of the containers overlaps {other}, {what}");
            let hint = "packets may take the wrong way: give the containers another network";
            findings.push(Finding::new("networks", Level::Warn, message, hint));
        }
    }
    if !clash {
        let mut list: Vec<String> = taken.iter().map(|(network, _)| network.to_string()).collect();
        list.sort_unstable();
        list.dedup();
        let what = if list.is_empty() { "nothing is taken".to_owned() } else { format!("taken: {}", list.join(", ")) };
        findings.push(Finding::ok("networks", format!("no overlap; {what}")));
    }
}

/// Every link has these; they are no network of anybody's.
fn is_link_local(network: IpNetwork) -> bool {
    matches!(network, IpNetwork::V6(v6) if v6.ip().is_unicast_link_local())
}

fn mtu(observed: &Observed, findings: &mut Vec<Finding>) {
    let Some((bridge, .., mark)) = observed.bridge() else {
        let smallest = observed
            .routes
            .iter()
            .filter(|route| route.to.prefix() == 0)
            .filter_map(|route| observed.link_at(route.ifindex).map(|link| link.mtu));
        if let Some(mtu) = smallest.min() {
            let left = mtu.saturating_sub(names::OVERHEAD_V4);
            findings.push(Finding::ok("mtu", format!("the default route carries {mtu} bytes, which leaves {left}")));
        }
        return;
    };
    let overhead = match observed.vxlan() {
        None if observed.router_port().is_some() => classic::overhead(observed),
        Some((_, info)) if info.local.is_some_and(|local| !local.is_ipv4()) => names::OVERHEAD_V6,
        _ => names::OVERHEAD_V4,
    };
    let mut narrow = false;
    for peer in &classic::peers(observed) {
        let path = observed.paths.get(&peer.address);
        let Some(path) = path else {
            let message = format!("there is no route to peer {}", peer.address);
            findings.push(Finding::new("peers", Level::Warn, message, "bring the underlay up, or forget the peer"));
            continue;
        };
        let carries = path.mtu.or_else(|| observed.link_at(path.ifindex).map(|link| link.mtu));
        if let Some(carries) = carries.filter(|carries| carries.saturating_sub(overhead) < bridge.mtu) {
            narrow = true;
            let message = format!(
                "the network's {} bytes do not fit the path to {} ({carries} less {overhead})",
                bridge.mtu, peer.address
            );
            let hint = if mark.mtu.is_some() {
                "the MTU was given: say `mtu: auto`, or a smaller one"
            } else {
                "run `weave apply` or `weave launch`: it computes it anew"
            };
            findings.push(Finding::new("mtu", Level::Warn, message, hint));
        }
    }
    if !narrow {
        findings.push(Finding::ok("mtu", format!("{} bytes, on every path", bridge.mtu)));
    }
}

fn ports(observed: &Observed, findings: &mut Vec<Finding>) {
    let Some((bridge, ..)) = observed.bridge() else { return };
    let used = observed.links.iter().filter(|link| link.master == Some(bridge.index)).count();
    let message = format!("{used} of {} ports of {} are taken", names::BRIDGE_PORTS_MAX, bridge.name);
    let hint = "spread the containers over more hosts";
    findings.push(match names::BRIDGE_PORTS_MAX.saturating_sub(used) {
        0 => Finding::new("ports", Level::Fail, message, hint),
        1..=100 => Finding::new("ports", Level::Warn, message, hint),
        _ => Finding::ok("ports", message),
    });
}
