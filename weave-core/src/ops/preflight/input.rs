//! Whether other programs refuse the tunnel: weave opens no port in rules that are not its own, it tells who keeps it shut.

use std::collections::BTreeSet;
use std::net::IpAddr;

use super::{Finding, Level, classic};
use crate::names;
use crate::observed::{
    Arrival, ChainTool, Family, FirewallState, InputChain, InterfaceRoute, Link, LinkKind, Observed, Protocol,
};

/// A port that peers send to.
type Port = (Protocol, u16);

/// Findings about chains of others that refuse what peers send.
pub(super) fn refusals(state: &FirewallState, observed: &Observed) -> Vec<Finding> {
    let ports = Ports::of(observed);
    let arrivals = arrivals(observed, &ports.all);
    state.inputs.iter().filter_map(|chain| refusal(chain, &arrivals, &ports)).collect()
}

/// The ports that the router needs, and whether there is one.
struct Ports {
    all: Vec<Port>,
    running: bool,
}

impl Ports {
    fn of(observed: &Observed) -> Self {
        if let Some((_, tunnel)) = observed.vxlan() {
            return Self { all: vec![(Protocol::Udp, tunnel.port)], running: true };
        }
        let Some((_, mark)) = observed.router_port() else {
            return Self { all: vec![(Protocol::Udp, names::PORT)], running: false };
        };
        // As the guard has them: over the port behind its own it sends what the kernel encapsulates for it.
        let all =
            [(Protocol::Tcp, mark.port), (Protocol::Udp, mark.port), (Protocol::Udp, mark.port.saturating_add(1))];
        Self { all: all.to_vec(), running: true }
    }
}

/// What would come in: from each peer, or through whatever may lead to one where none is known.
fn arrivals(observed: &Observed, ports: &[Port]) -> Vec<Arrival> {
    let name = |index: u32| observed.link_at(index).map(|link| link.name.clone());
    let local = observed.vxlan().and_then(|(_, tunnel)| tunnel.local);
    let mut ways: Vec<Arrival> = Vec::new();
    let way = |v4: bool, from: Option<IpAddr>, to: Option<IpAddr>, interface: Option<String>| Arrival {
        v4,
        protocol: Protocol::Udp,
        port: 0,
        from,
        to,
        interface,
    };
    for peer in classic::peers(observed) {
        let path = observed.paths.get(&peer.address).filter(|path| !path.local);
        let to = path.map(|path| local.or(path.source));
        ways.extend(
            path.zip(to).map(|(path, to)| way(peer.address.is_ipv4(), Some(peer.address), to, name(path.ifindex))),
        );
    }
    if ways.is_empty() {
        let guesses = guesses(observed);
        let v4 = guesses.is_empty() || guesses.iter().any(|route| route.to.is_ipv4());
        let of_family = guesses.iter().filter(|route| route.to.is_ipv4() == v4);
        ways.extend(of_family.map(|route| way(v4, None, None, name(route.ifindex))));
    }
    if ways.is_empty() {
        ways.push(way(true, None, None, None));
    }
    ways.dedup();
    let at = |way: &Arrival| ports.iter().map(|(protocol, port)| (*protocol, *port, way.clone())).collect::<Vec<_>>();
    ways.iter().flat_map(at).map(|(protocol, port, way)| Arrival { protocol, port, ..way }).collect()
}

/// Routes that may lead to peers: the default ones, or else all but those to bridges, behind which containers are.
fn guesses(observed: &Observed) -> Vec<&InterfaceRoute> {
    let default: Vec<_> = observed.routes.iter().filter(|route| route.to.prefix() == 0).collect();
    if !default.is_empty() {
        return default;
    }
    let is_bridge = |link: &Link| matches!(link.kind, LinkKind::Bridge(_));
    observed.routes.iter().filter(|route| !observed.link_at(route.ifindex).is_some_and(is_bridge)).collect()
}

fn refusal(chain: &InputChain, arrivals: &[Arrival], ports: &Ports) -> Option<Finding> {
    let (refused, let_in): (Vec<&Arrival>, Vec<&Arrival>) = arrivals.iter().partition(|arrival| chain.refuses(arrival));
    let is_for = |one: &Arrival, port: &Port| (one.protocol, one.port) == *port;
    // Where it is only guessed which way peers come, one that is open is enough.
    let is_refused = |port: &&Port| {
        refused.iter().any(|one| is_for(one, port)) && !let_in.iter().any(|one| one.from.is_none() && is_for(one, port))
    };
    let shut: Vec<Port> = ports.all.iter().filter(is_refused).copied().collect();
    if shut.is_empty() {
        return None;
    }
    let all: BTreeSet<IpAddr> = arrivals.iter().filter_map(|one| one.from).collect();
    let from: BTreeSet<IpAddr> = refused.iter().filter_map(|one| one.from).collect();
    let whose = match from.len() {
        0 => String::new(),
        _ if from == all => " from every peer".to_owned(),
        _ => format!(" from {}", from.iter().map(IpAddr::to_string).collect::<Vec<_>>().join(", ")),
    };
    let place = format!("{} {} {}", chain.family, chain.table, chain.base);
    let then = if ports.running { "what peers send does not come in" } else { "a router here would hear no peer" };
    let message = format!("{place} refuses {}{whose}: {then}", said(&shut));
    let mut hint = opening(chain, &shut);
    if !ports.running {
        hint.push_str(", or the `port` that the router is to have");
    }
    Some(Finding::new("router", Level::Warn, message, hint))
}

/// `TCP port 6783 and UDP ports 6783 to 6784`.
fn said(ports: &[Port]) -> String {
    let one = |(protocol, first, last): &(Protocol, u16, u16)| match first == last {
        true => format!("{protocol} port {first}"),
        false => format!("{protocol} ports {first} to {last}"),
    };
    ranges(ports).iter().map(one).collect::<Vec<_>>().join(" and ")
}

/// Neighbours as one.
fn ranges(ports: &[Port]) -> Vec<(Protocol, u16, u16)> {
    let mut ranges: Vec<(Protocol, u16, u16)> = Vec::new();
    for (protocol, port) in ports {
        match ranges.last_mut() {
            Some((of, _, last)) if of == protocol && last.checked_add(1) == Some(*port) => *last = *port,
            _ => ranges.push((*protocol, *port, *port)),
        }
    }
    ranges
}

/// What lets them in, in the words of the program whose chain it is.
fn opening(chain: &InputChain, ports: &[Port]) -> String {
    let each = |word: &str, between: char, line: &dyn Fn(&str, &str) -> String| {
        let line = |(protocol, first, last): &(Protocol, u16, u16)| {
            let ports = if first == last { first.to_string() } else { format!("{first}{between}{last}") };
            line(&protocol.to_string().to_lowercase(), &ports)
        };
        ranges(ports).iter().map(line).collect::<Vec<_>>().join(word)
    };
    if chain.table == "firewalld" || chain.chains.contains_key("INPUT_ZONES") {
        let opened = each(" ", '-', &|protocol, ports| format!("--add-port={ports}/{protocol}"));
        return format!(
            "let the peers in: `firewall-cmd --permanent {opened} && firewall-cmd --reload`, with `--zone=ZONE` where \
             the interface towards them is not in the default one"
        );
    }
    if chain.chains.keys().any(|name| name.starts_with("ufw-") || name.starts_with("ufw6-")) {
        return format!(
            "let the peers in: `{}`",
            each(" && ", ':', &|protocol, ports| { format!("ufw allow {ports}/{protocol}") })
        );
    }
    if chain.owned {
        return format!("it belongs to another program alone: have that let in {}", said(ports));
    }
    let InputChain { family, table, base, .. } = chain;
    let program = match (chain.tool, family) {
        (ChainTool::Nft, _) => {
            let opened = each(" && ", '-', &|protocol, ports| {
                format!("nft insert rule {family} {table} {base} {protocol} dport {ports} accept")
            });
            return format!("let the peers in: `{opened}`, and in the file that makes the rules at boot");
        }
        (ChainTool::IptablesNft, Family::Ip6) => "ip6tables",
        (ChainTool::IptablesNft, _) => "iptables",
        (ChainTool::IptablesLegacy, Family::Ip6) => "ip6tables-legacy",
        (ChainTool::IptablesLegacy, _) => "iptables-legacy",
    };
    let of = if table == "filter" { String::new() } else { format!("-t {table} ") };
    let opened = each(" && ", ':', &|protocol, ports| {
        format!("{program} {of}-I {base} -p {protocol} --dport {ports} -j ACCEPT")
    });
    format!("let the peers in: `{opened}`, and where your rules are kept for the boot")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::observed::{Condition, Fate, InputRule, Item, What};

    fn chain(tool: ChainTool, family: Family, table: &str, base: &str) -> InputChain {
        let (table, base) = (table.to_owned(), base.to_owned());
        let chains = BTreeMap::from([(base.clone(), Vec::new())]);
        InputChain { tool, family, table, base, drops: true, owned: false, chains }
    }

    #[test]
    fn each_program_is_told_in_its_own_words() {
        use ChainTool::{IptablesLegacy, IptablesNft, Nft};
        use Family::{Inet, Ip, Ip6};
        let tunnel = [(Protocol::Udp, 7000)];
        let classic = [(Protocol::Tcp, 6783), (Protocol::Udp, 6783), (Protocol::Udp, 6784)];
        let with = |other: &str| {
            let mut chain = chain(IptablesNft, Ip, "filter", "INPUT");
            chain.chains.insert(other.to_owned(), Vec::new());
            chain
        };
        let owned = InputChain { owned: true, ..chain(Nft, Inet, "theirs", "in") };
        for (chain, ports, expected) in [
            (
                chain(Nft, Inet, "firewalld", "filter_INPUT"),
                &tunnel[..],
                "--add-port=7000/udp && firewall-cmd --reload`",
            ),
            (
                with("INPUT_ZONES"),
                &classic[..],
                "`firewall-cmd --permanent --add-port=6783/tcp --add-port=6783-6784/udp && firewall-cmd --reload`",
            ),
            (with("ufw-user-input"), &tunnel, "`ufw allow 7000/udp`"),
            (with("ufw-user-input"), &classic, "`ufw allow 6783/tcp && ufw allow 6783:6784/udp`"),
            (chain(IptablesNft, Ip, "filter", "INPUT"), &tunnel, "`iptables -I INPUT -p udp --dport 7000 -j ACCEPT`"),
            (
                chain(IptablesLegacy, Ip6, "filter", "INPUT"),
                &classic,
                "`ip6tables-legacy -I INPUT -p tcp --dport 6783 -j ACCEPT && \
                 ip6tables-legacy -I INPUT -p udp --dport 6783:6784 -j ACCEPT`",
            ),
            (chain(IptablesNft, Ip, "mangle", "INPUT"), &tunnel, "`iptables -t mangle -I INPUT -p udp"),
            (
                chain(Nft, Ip, "mine", "in"),
                &classic,
                "`nft insert rule ip mine in tcp dport 6783 accept && \
                 nft insert rule ip mine in udp dport 6783-6784 accept`",
            ),
            (owned, &classic, "have that let in TCP port 6783 and UDP ports 6783 to 6784"),
        ] {
            let hint = opening(&chain, ports);
            assert!(hint.contains(expected), "{hint}\n{expected}");
        }
    }

    #[test]
    fn of_several_ways_to_peers_who_are_not_known_one_that_is_open_is_enough() {
        let through = |name: &str| Arrival {
            v4: true,
            protocol: Protocol::Udp,
            port: 6783,
            from: None,
            to: None,
            interface: Some(name.to_owned()),
        };
        let condition = Condition { what: What::Interface, not: false, any: vec![Item::Word("eth1".to_owned())] };
        let mut one = chain(ChainTool::Nft, Family::Inet, "own", "in");
        one.chains.insert("in".to_owned(), vec![InputRule { conditions: vec![condition], fate: Fate::Accept }]);
        let ports = Ports { all: vec![(Protocol::Udp, 6783)], running: false };
        assert!(refusal(&one, &[through("eth0")], &ports).is_some());
        assert!(refusal(&one, &[through("eth0"), through("eth1")], &ports).is_none());
        let known = Arrival { from: "192.0.2.2".parse().ok(), ..through("eth0") };
        let found = refusal(&one, &[known, Arrival { from: "192.0.2.3".parse().ok(), ..through("eth1") }], &ports);
        assert!(found.is_some_and(|found| found.message.contains("from 192.0.2.2:")));
    }
}
