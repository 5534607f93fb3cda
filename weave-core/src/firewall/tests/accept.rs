//! Weave's accept in chains of others, with frames that a bridge hands to the packet filter.

use std::net::UdpSocket;

use super::space::{Space, passes};
use crate::ErrorKind;
use crate::firewall::{Look, add_accept, delete_accept};
use crate::observed::{AcceptRule, ChainTool, Family, FirewallState, Passage};

const BOTH: &str = "for i in iptables ip6tables; do";

/// A way in which forwarded packets are dropped, and where the accept then belongs.
struct Case {
    name: &'static str,
    script: String,
    places: &'static [(ChainTool, Family, &'static str, &'static str)],
}

impl Case {
    fn new(
        name: &'static str,
        script: &str,
        places: &'static [(ChainTool, Family, &'static str, &'static str)],
    ) -> Self {
        Self { name, script: script.to_owned(), places }
    }
}

fn cases_of_iptables() -> Vec<Case> {
    use ChainTool::{IptablesLegacy, IptablesNft};
    use Family::{Ip, Ip6};
    vec![
        Case::new(
            "policy of iptables-nft, with matches that only iptables knows",
            &format!(
                "{BOTH} $i-nft -A FORWARD -m statistic --mode random --probability 0.5 -j LOG; \
                 $i-nft -A FORWARD -m conntrack --ctstate RELATED -j ACCEPT; $i-nft -P FORWARD DROP; done"
            ),
            &[(IptablesNft, Ip, "filter", "FORWARD"), (IptablesNft, Ip6, "filter", "FORWARD")],
        ),
        Case::new(
            "policy of iptables-legacy",
            &format!("{BOTH} $i-legacy -P FORWARD DROP; done"),
            &[(IptablesLegacy, Ip, "filter", "FORWARD"), (IptablesLegacy, Ip6, "filter", "FORWARD")],
        ),
        Case::new(
            "Docker",
            &format!(
                "{BOTH} $i-nft -N DOCKER-USER; $i-nft -A DOCKER-USER -j RETURN; $i-nft -A FORWARD -j DOCKER-USER; \
                 $i-nft -P FORWARD DROP; done"
            ),
            &[(IptablesNft, Ip, "filter", "DOCKER-USER"), (IptablesNft, Ip6, "filter", "DOCKER-USER")],
        ),
        Case::new(
            "Docker on iptables-legacy, where the administrator drops",
            &format!(
                "{BOTH} $i-legacy -N DOCKER-USER; $i-legacy -A DOCKER-USER -j DROP; \
                 $i-legacy -A FORWARD -j DOCKER-USER; done"
            ),
            &[(IptablesLegacy, Ip, "filter", "DOCKER-USER"), (IptablesLegacy, Ip6, "filter", "DOCKER-USER")],
        ),
    ]
}

fn cases_of_nft() -> Vec<Case> {
    use ChainTool::Nft;
    use Family::{Inet, Ip, Ip6};
    vec![
        Case::new(
            "a table of nft, with objects that weave does not know",
            "nft add table inet mine; nft add ct helper inet mine ftp '{ type \"ftp\" protocol tcp; }'; \
             nft add chain inet mine forward '{ type filter hook forward priority 10; policy drop; }'; \
             nft add rule inet mine forward tcp dport 21 ct helper set ftp; \
             nft add rule inet mine forward ct state established accept; \
             nft add rule inet mine forward meta mark set jhash ip saddr mod 4",
            &[(Nft, Inet, "mine", "forward")],
        ),
        Case::new(
            "firewalld",
            "nft add table inet firewalld; \
             nft add chain inet firewalld filter_FORWARD '{ type filter hook forward priority filter + 10; }'; \
             nft add rule inet firewalld filter_FORWARD ct state { established, related } accept; \
             nft add rule inet firewalld filter_FORWARD ct state invalid drop; \
             nft add rule inet firewalld filter_FORWARD reject with icmpx type admin-prohibited",
            &[(Nft, Inet, "firewalld", "filter_FORWARD")],
        ),
        Case::new(
            "a chain of iptables with a rule of nft, which iptables refuses to list",
            "for f in ip ip6; do nft add table $f filter; \
             nft add chain $f filter FORWARD '{ type filter hook forward priority 0; policy drop; }'; \
             nft add rule $f filter FORWARD ct state established accept; done",
            &[(Nft, Ip, "filter", "FORWARD"), (Nft, Ip6, "filter", "FORWARD")],
        ),
    ]
}

fn seen(space: &Space) -> FirewallState {
    space.run(|| Look::begin()?.finish()).expect("look")
}

fn wanted(state: &FirewallState) -> Vec<AcceptRule> {
    let dropping = state.forward.iter().filter(|chain| chain.drops);
    dropping
        .map(|found| AcceptRule {
            tool: found.tool,
            family: found.family,
            table: found.table.clone(),
            chain: found.chain.clone(),
            bridge: "weave".into(),
            passage: Passage::Bridged,
        })
        .collect()
}

fn accepts(state: &FirewallState) -> Vec<AcceptRule> {
    state.forward.iter().flat_map(|chain| chain.accepts.clone()).collect()
}

fn add(space: &Space, rule: &AcceptRule) {
    let rule = rule.clone();
    space.run(move || add_accept(&rule)).expect("add_accept");
}

fn delete(space: &Space, rule: &AcceptRule) {
    let rule = rule.clone();
    space.run(move || delete_accept(&rule)).expect("delete_accept");
}

/// Two containers on a bridge, and a socket of each family in each of them.
fn bridged() -> (Space, [Space; 2], [[UdpSocket; 2]; 2]) {
    let (host, one, two) = (Space::new(), Space::new(), Space::new());
    host.sh("ip link add weave type bridge; ip link set weave up; \
             sysctl -qw net.bridge.bridge-nf-call-iptables=1 net.bridge.bridge-nf-call-ip6tables=1");
    host.cable("port1", &one, &["10.2.1.4/24", "fd02::4/64"]);
    host.cable("port2", &two, &["10.2.1.5/24", "fd02::5/64"]);
    host.bridge(&["port1", "port2"], "weave");
    let sockets = [
        [one.socket("10.2.1.4:5000"), two.socket("10.2.1.5:5000")],
        [one.socket("[fd02::4]:5000"), two.socket("[fd02::5]:5000")],
    ];
    (host, [one, two], sockets)
}

fn both_pass(sockets: &[[UdpSocket; 2]; 2]) -> [bool; 2] {
    let to = ["10.2.1.5:5000", "[fd02::5]:5000"];
    [0, 1].map(|family| passes(&sockets[family][0], to[family], &sockets[family][1]))
}

#[test]
fn bridged_frames_pass_where_the_accept_stands() {
    // Most of the time is spent waiting for what must not come, so the cases wait together.
    std::thread::scope(|scope| {
        for case in cases_of_iptables().into_iter().chain(cases_of_nft()) {
            scope.spawn(move || frames_pass(&case));
        }
    });
}

fn frames_pass(Case { name, script, places }: &Case) {
    let (host, _containers, sockets) = bridged();
    // A fresh bridge port and a fresh IPv6 address take up to a second until frames pass.
    let ready = (0..50).any(|_| both_pass(&sockets) == [true, true]);
    assert!(ready, "{name}: without rules");
    host.sh(script);
    let before = host.rules();
    let state = seen(&host);
    assert_eq!((state.bridge_nf_v4, state.bridge_nf_v6), (Some(true), Some(true)));
    assert_eq!((&state.unread, accepts(&state)), (&Vec::new(), Vec::new()), "{name}");
    assert_eq!(both_pass(&sockets), [false, false], "{name}: dropped");

    let rules = wanted(&state);
    let found: Vec<_> =
        rules.iter().map(|rule| (rule.tool, rule.family, rule.table.as_str(), rule.chain.as_str())).collect();
    assert_eq!(found, *places, "{name}");
    rules.iter().for_each(|rule| add(&host, rule));
    assert_eq!(both_pass(&sockets), [true, true], "{name}: accepted\n{}", host.rules());
    assert_eq!(accepts(&seen(&host)), rules, "{name}");

    let once = host.rules();
    rules.iter().for_each(|rule| add(&host, rule));
    assert_eq!(host.rules(), once, "{name}: added again");

    for _ in 0..2 {
        rules.iter().for_each(|rule| delete(&host, rule));
        assert_eq!(host.rules(), before, "{name}: deleted");
    }
    assert_eq!(both_pass(&sockets), [false, false], "{name}: dropped again");
}

#[test]
fn the_accept_stands_before_what_others_put_at_the_head() {
    let space = Space::new();
    space.sh("iptables-nft -P FORWARD DROP; iptables-nft -A FORWARD -i eth9 -j DROP");
    let rules = wanted(&seen(&space));
    add(&space, &rules[0]);
    let listing = space.sh("iptables-save");
    let first = listing.lines().find(|line| line.starts_with("-A FORWARD")).expect("rule");
    assert!(first.contains("weave:bridge"), "{listing}");
}

/// What limits who reaches ports of the host limits published ones, too; what stops everything does not come first.
#[test]
fn what_is_published_stands_behind_the_rules_of_others() {
    let limit = "! -s 198.51.100.0/24 -i eth0 -j DROP";
    let docker = |program: &str, last: &str| {
        format!(
            "{program} -P FORWARD DROP; {program} -N DOCKER-USER; {program} -A FORWARD -j DOCKER-USER; \
             {program} -A DOCKER-USER {limit}; {last}"
        )
    };
    for (script, last) in [
        (docker("iptables-nft", "true"), None),
        (docker("iptables-nft", "iptables-nft -A DOCKER-USER -j RETURN"), Some("RETURN")),
        (docker("iptables-legacy", "true"), None),
        (docker("iptables-legacy", "iptables-legacy -A DOCKER-USER -j DROP"), Some("-j DROP")),
        (
            "nft 'table inet t { chain c { type filter hook forward priority 0; policy accept; \
             iifname \"eth0\" ip saddr != 198.51.100.0/24 drop; jump d; reject; }; chain d { }; }'"
                .to_owned(),
            Some("reject"),
        ),
        (
            "nft 'table inet t { chain c { type filter hook forward priority 0; policy drop; \
             iifname \"eth0\" ip saddr != 198.51.100.0/24 drop; }; }'"
                .to_owned(),
            None,
        ),
    ] {
        let space = Space::new();
        space.sh(&script);
        let before = space.rules();
        let bridged = wanted(&seen(&space)).remove(0);
        let of = |passage| AcceptRule { passage, ..bridged.clone() };
        [Passage::Bridged, Passage::Published, Passage::Answers].map(of).iter().for_each(|rule| add(&space, rule));
        let listing = match bridged.tool {
            ChainTool::IptablesNft => space.sh("iptables-nft -S DOCKER-USER"),
            ChainTool::IptablesLegacy => space.sh("iptables-legacy -S DOCKER-USER"),
            ChainTool::Nft => space.sh("nft list chain inet t c"),
        };
        let at = |word: &str| -> Vec<usize> {
            listing.lines().enumerate().filter(|(_, line)| line.contains(word)).map(|(at, _)| at).collect()
        };
        let (own, limit) = (at("weave:publish"), at("198.51.100.0"));
        assert_eq!((own.len(), limit.len()), (2, 1), "{listing}");
        assert!(at("weave:bridge").iter().all(|bridge| *bridge < limit[0]) && own[0] > limit[0], "{listing}");
        let last = last.and_then(|last| at(last).pop());
        assert!(last.is_none_or(|last| own[1] < last), "{listing}");
        [Passage::Bridged, Passage::Published, Passage::Answers].map(of).iter().for_each(|rule| delete(&space, rule));
        assert_eq!(space.rules(), before);
    }
}

/// Each of the three by itself, in chains of each program: put in, seen, not taken for another, taken away.
#[test]
fn what_passes_is_told_apart() {
    for case in cases_of_iptables().into_iter().chain(cases_of_nft()) {
        let space = Space::new();
        space.sh(&case.script);
        let before = space.rules();
        let bridged = wanted(&seen(&space));
        assert!(!bridged.is_empty(), "{}", case.name);
        let of = |passage| bridged.iter().map(move |rule| AcceptRule { passage, ..rule.clone() });
        let mut all: Vec<_> =
            [Passage::Answers, Passage::Published, Passage::Bridged].into_iter().flat_map(of).collect();
        all.iter().for_each(|rule| add(&space, rule));
        let mut found = accepts(&seen(&space));
        found.sort();
        all.sort();
        assert_eq!(found, all, "{}\n{}", case.name, space.rules());
        let once = space.rules();
        all.iter().for_each(|rule| add(&space, rule));
        assert_eq!(space.rules(), once, "{}: added again", case.name);
        let (gone, kept): (Vec<_>, Vec<_>) = all.iter().cloned().partition(|rule| rule.passage == Passage::Published);
        gone.iter().for_each(|rule| delete(&space, rule));
        let mut found = accepts(&seen(&space));
        found.sort();
        assert_eq!(found, kept, "{}", case.name);
        kept.iter().for_each(|rule| delete(&space, rule));
        assert_eq!(space.rules(), before, "{}", case.name);
    }
}

#[test]
fn a_rule_that_somebody_doubled_goes_wholly_and_others_stay() {
    for (tool, script) in [
        (ChainTool::IptablesNft, "iptables-nft -P FORWARD DROP; iptables-nft -A FORWARD -i weave -o weave -j ACCEPT"),
        (
            ChainTool::Nft,
            "nft add table ip t; nft add chain ip t c '{ type filter hook forward priority 0; policy drop; }'; \
             nft add rule ip t c iifname weave oifname weave accept; \
             nft add rule ip t c iifname other oifname other accept comment '\"weave:bridge\"'",
        ),
    ] {
        let space = Space::new();
        space.sh(script);
        let before = space.rules();
        let rule = wanted(&seen(&space)).remove(0);
        assert_eq!(rule.tool, tool);
        add(&space, &rule);
        space.sh(match tool {
            ChainTool::Nft => "nft add rule ip t c iifname weave oifname weave accept comment '\"weave:bridge\"'",
            _ => "iptables-nft -A FORWARD -i weave -o weave -m comment --comment weave:bridge -j ACCEPT",
        });
        delete(&space, &rule);
        assert_eq!(space.rules(), before);
    }
}

#[test]
fn where_there_is_no_chain_nothing_is_made() {
    let space = Space::new();
    for tool in [ChainTool::IptablesNft, ChainTool::IptablesLegacy, ChainTool::Nft] {
        for family in [Family::Ip, Family::Ip6] {
            let (chain, passage) = ("DOCKER-USER".to_owned(), Passage::Published);
            let rule = AcceptRule { tool, family, table: "filter".into(), chain, bridge: "weave".into(), passage };
            delete(&space, &rule);
            let error = space.run(move || add_accept(&rule)).expect_err("no chain");
            assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");
        }
    }
    assert_eq!(space.rules(), "");
    assert_eq!(space.sh("cat /proc/thread-self/net/ip_tables_names /proc/thread-self/net/ip6_tables_names"), "");
}

#[test]
fn a_chain_that_accepts_wants_nothing() {
    let space = Space::new();
    space.sh("iptables-nft -A FORWARD -i eth9 -j DROP; nft add table inet t; \
         nft add chain inet t c '{ type filter hook forward priority 0; }'; nft add rule inet t c tcp dport 25 reject");
    let state = seen(&space);
    assert_eq!(state.forward.len(), 2);
    assert!(wanted(&state).is_empty(), "{state:?}");
}
