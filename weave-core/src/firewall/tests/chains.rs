//! Reading chains of others, without a kernel.

use serde_json::{Value, json};

use crate::firewall::chains::{self, Base, Rules};
use crate::firewall::{iptables, rules};
use crate::observed::{ChainTool, Family, ForwardChain};

fn base(tool: ChainTool, drops: bool) -> Base {
    Base {
        tool,
        family: Family::Ip,
        table: "filter".into(),
        name: "FORWARD".into(),
        drops,
        has_user: false,
        owned: false,
    }
}

fn by_text(text: &str) -> ForwardChain {
    let drops = iptables::policy(text, "FORWARD") == Some("DROP");
    let user = iptables::has_chain(text, "DOCKER-USER").then(|| iptables::read(text, "DOCKER-USER"));
    chains::judge(&base(ChainTool::IptablesLegacy, drops), &Rules { base: iptables::read(text, "FORWARD"), user })
}

#[test]
fn what_iptables_lists_is_judged() {
    for (text, chain, drops, accepts) in [
        ("-P FORWARD ACCEPT", "FORWARD", false, ""),
        ("-P FORWARD DROP", "FORWARD", true, ""),
        ("-P FORWARD ACCEPT\n-A FORWARD -j DROP", "FORWARD", true, ""),
        ("-P FORWARD ACCEPT\n-A FORWARD -j REJECT --reject-with icmp-host-prohibited", "FORWARD", true, ""),
        ("-P FORWARD ACCEPT\n-A FORWARD -m comment --comment \"the \\\"rest\\\"\" -j DROP", "FORWARD", true, ""),
        ("-P FORWARD ACCEPT\n-A FORWARD -i eth0 -j DROP\n-A FORWARD -p tcp -j REJECT", "FORWARD", false, ""),
        ("-P FORWARD ACCEPT\n-A FORWARD ! -i eth0 -j DROP", "FORWARD", false, ""),
        ("-P FORWARD ACCEPT\n-A FORWARD -m set --match-set bad src -j DROP", "FORWARD", false, ""),
        ("-P FORWARD ACCEPT\n-A FORWARD -j RETURN\n-A FORWARD -j DROP", "FORWARD", false, ""),
        // A listing of iptables-nft may leave out what the rule depends on.
        ("-P FORWARD DROP\n-A FORWARD -j ACCEPT", "FORWARD", true, ""),
        (
            "-P FORWARD DROP\n-N DOCKER-USER\n-A FORWARD -j DOCKER-USER\n-A DOCKER-USER -j RETURN",
            "DOCKER-USER",
            true,
            "",
        ),
        (
            "-P FORWARD ACCEPT\n-N DOCKER-USER\n-A FORWARD -j DOCKER-USER\n-A DOCKER-USER -j DROP",
            "DOCKER-USER",
            true,
            "",
        ),
        ("-P FORWARD ACCEPT\n-N DOCKER-USER\n-A FORWARD -j DROP\n-A FORWARD -j DOCKER-USER", "FORWARD", true, ""),
        ("-P FORWARD ACCEPT\n-N DOCKER-USER\n-A FORWARD -i docker0 -j DOCKER-USER", "FORWARD", false, ""),
        ("-P FORWARD DROP\n-N DOCKER-USER", "FORWARD", true, ""),
        (
            "-P FORWARD DROP\n-N DOCKER-USER\n-A FORWARD -j DOCKER-USER\n-A FORWARD -j DOCKER-FORWARD\n\
             -A DOCKER-USER -i weave -o weave -m comment --comment \"weave:bridge\" -j ACCEPT\n\
             -A FORWARD -i br1 -o br1 -m comment --comment weave:bridge -j ACCEPT\n-A DOCKER-USER -j RETURN",
            "DOCKER-USER",
            true,
            "DOCKER-USER weave, FORWARD br1",
        ),
        // Marked rules that do not say what weave writes.
        (
            "-P FORWARD DROP\n-A FORWARD -i a -o b -m comment --comment weave:bridge -j ACCEPT\n\
             -A FORWARD -i a -o a -p tcp -m comment --comment weave:bridge -j ACCEPT\n\
             -A FORWARD -i a ! -o a -m comment --comment weave:bridge -j ACCEPT\n\
             -A FORWARD -i a -o a -m comment --comment weave:bridge -j DROP\n\
             -A FORWARD -i a -o a -m comment --comment weave:bridges -j ACCEPT\n\
             -A FORWARD -m comment --comment weave:bridge -j ACCEPT",
            "FORWARD",
            true,
            "",
        ),
        ("-P FORWARD DROP\n-A FORWARDS -j DROP\n-A FORWARD", "FORWARD", true, ""),
    ] {
        let found = by_text(text);
        let listed: Vec<_> = found.accepts.iter().map(|rule| format!("{} {}", rule.chain, rule.bridge)).collect();
        assert_eq!((found.chain.as_str(), found.drops, listed.join(", ").as_str()), (chain, drops, accepts), "{text}");
    }
}

fn by_json(drops: bool, rules: Value) -> ForwardChain {
    let listed: Vec<_> = rules.as_array().expect("array").iter().map(|rule| json!({ "rule": rule })).collect();
    let rules = Rules { base: rules::read(&json!({"nftables": listed})), user: None };
    chains::judge(&base(ChainTool::Nft, drops), &rules)
}

#[test]
fn what_nft_lists_is_judged() {
    let counter = json!({"counter": {"packets": 0, "bytes": 0}});
    let established = json!({"match": {"op": "in", "left": {"ct": {"key": "state"}}, "right": "established"}});
    for (name, policy, rules, drops) in [
        ("nothing", false, json!([]), false),
        ("policy", true, json!([]), true),
        ("firewalld", false, json!([{"expr": [{"reject": {"type": "icmpx", "expr": "admin-prohibited"}}]}]), true),
        ("logged", false, json!([{"expr": [counter, {"log": {"prefix": "x"}}, {"drop": null}]}]), true),
        ("some", false, json!([{"expr": [established, {"drop": null}]}]), false),
        ("not known", false, json!([{"expr": [{"novelty": [1, 2]}, {"drop": null}]}]), false),
        ("limited", false, json!([{"expr": [{"limit": {"rate": 1, "per": "second"}}, {"drop": null}]}]), false),
        ("xt match", false, json!([{"expr": [{"xt": {"type": "match", "name": "statistic"}}, {"drop": null}]}]), false),
        ("xt reject", false, json!([{"expr": [counter, {"xt": {"type": "target", "name": "REJECT"}}]}]), true),
        ("all accepted", true, json!([{"expr": [{"accept": null}]}]), false),
        ("no statements", false, json!([{}, {"expr": 5}, {"expr": ["drop"]}]), true),
    ] {
        assert_eq!(by_json(policy, rules).drops, drops, "{name}");
    }
}

#[test]
fn only_what_weave_writes_into_nft_is_weaves() {
    let interface =
        |key: &str, op: &str, name: &str| json!({"match": {"op": op, "left": {"meta": {"key": key}}, "right": name}});
    let (from, to) = (interface("iifname", "==", "weave"), interface("oifname", "==", "weave"));
    let rule = |comment: &str, expr: Value| json!([{"comment": comment, "handle": 4, "expr": expr}]);
    for (name, rules, ours) in [
        ("ours", rule("weave:bridge", json!([from, to, {"accept": null}])), true),
        ("counted", rule("weave:bridge", json!([from, to, {"counter": {}}, {"accept": null}])), true),
        ("no comment", rule("", json!([from, to, {"accept": null}])), false),
        ("another comment", rule("weave:else", json!([from, to, {"accept": null}])), false),
        ("dropped", rule("weave:bridge", json!([from, to, {"drop": null}])), false),
        ("one end", rule("weave:bridge", json!([from, {"accept": null}])), false),
        ("limited", rule("weave:bridge", json!([from, to, {"limit": {}}, {"accept": null}])), false),
        ("inverted", rule("weave:bridge", json!([interface("iifname", "!=", "weave"), to, {"accept": null}])), false),
        ("another", rule("weave:bridge", json!([from, interface("oifname", "==", "eth0"), {"accept": null}])), false),
    ] {
        assert_eq!(!by_json(true, rules).accepts.is_empty(), ours, "{name}");
    }
}

#[test]
fn base_chains_of_others_are_found() {
    let chain = |family: &str, table: &str, name: &str, hook: Option<&str>| {
        let mut chain = json!({"family": family, "table": table, "name": name});
        if let Some(hook) = hook {
            chain["hook"] = json!(hook);
            chain["policy"] = json!("drop");
        }
        json!({ "chain": chain })
    };
    let listing = json!({"nftables": [
        {"metainfo": {"version": "1.1.3"}},
        chain("ip", "filter", "FORWARD", Some("forward")),
        chain("ip", "filter", "DOCKER-USER", None),
        chain("ip6", "filter", "FORWARD", Some("forward")),
        chain("ip", "filter", "INPUT", Some("input")),
        chain("inet", "weave", "forward", Some("forward")),
        chain("inet", "firewalld", "filter_FORWARD", Some("forward")),
        chain("bridge", "filter", "FORWARD", Some("forward")),
        chain("ip", "docker-bridges", "filter-FORWARD", Some("forward")),
    ]});
    let found: Vec<_> = chains::bases(&chains::listed(&listing, &[]))
        .iter()
        .map(|base| (base.tool, base.family, base.name.clone(), base.has_user))
        .collect();
    assert_eq!(
        found,
        [
            (ChainTool::IptablesNft, Family::Ip, "FORWARD".to_owned(), true),
            (ChainTool::IptablesNft, Family::Ip6, "FORWARD".to_owned(), false),
            (ChainTool::Nft, Family::Inet, "filter_FORWARD".to_owned(), false),
            (ChainTool::Nft, Family::Ip, "filter-FORWARD".to_owned(), false),
        ]
    );
}
