//! Firewalls of others that refuse the tunnel: `preflight` names them and what opens them, and packets say the same.

use serde_json::Value;

use super::common::{NEVER, PORT, SOON, attached, lab, launch, peers, report, text, weave};
use crate::lab::{BROADCAST, ETHERTYPE_TEST, Host, Sniffer, ethernet, send_vxlan};

/// What preflight says of the router that is not well.
fn refusals(host: &Host) -> Vec<Value> {
    let findings = report(host, "preflight")["result"]["findings"].as_array().cloned().unwrap_or_default();
    let is_it = |one: &&Value| one["subject"] == "router" && one["level"] == "warn";
    let found: Vec<Value> = findings.iter().filter(is_it).cloned().collect();
    let well = findings.iter().any(|one| one["subject"] == "router" && one["level"] == "ok");
    assert_ne!(found.is_empty(), !well, "all is well, or it is not: {findings:#?}");
    found
}

/// The command in a hint.
fn command(finding: &Value) -> &str {
    let hint = text(finding, "hint");
    hint.split('`').nth(1).unwrap_or_else(|| panic!("no command in {hint}"))
}

/// Two hosts with a tunnel, and a container on the first that sees what comes out of it.
struct Scene {
    _lab: crate::lab::Lab,
    hosts: Vec<Host>,
    sniffer: Sniffer,
}

impl Scene {
    fn new() -> Self {
        let (lab, hosts) = lab(2);
        launch(&hosts);
        let sniffer = Sniffer::start(&attached(&lab, &hosts[0], "target", "10.2.1.1/24"));
        Self { _lab: lab, hosts, sniffer }
    }

    /// Whether a frame that the second host sends comes in at the first.
    fn comes_in(&self, marker: &str, v6: bool) -> bool {
        let [to, from] = &self.hosts[..] else { panic!("two hosts") };
        let to: std::net::IpAddr = if v6 { to.v6().into() } else { to.v4().into() };
        let frame = ethernet(BROADCAST, [0x0a, 0x57, 10, 2, 1, 66], ETHERTYPE_TEST, marker.as_bytes());
        let arrives = |limit| {
            send_vxlan(from, (to, PORT).into(), PORT.into(), &frame);
            self.sniffer.find(marker.as_bytes(), limit).is_some()
        };
        arrives(NEVER) || (!marker.starts_with("refused") && (0..10).any(|_| arrives(SOON / 10)))
    }

    /// A frame comes in, no longer when `close` has run, and again after what the hint says, or `open` in its place.
    fn proves(&self, name: &str, close: &str, place: &str, hint: &str, open: Option<&str>) {
        let host = &self.hosts[0];
        assert_eq!(refusals(host), [] as [Value; 0], "{name}");
        assert!(self.comes_in(&format!("before {name}"), false), "{name}: before");
        host.sh(close).must();
        assert!(!self.comes_in(&format!("refused {name}"), false), "{name}: closed");
        let found = refusals(host);
        let [finding] = &found[..] else { panic!("{name}: {found:#?}") };
        let peer = self.hosts[1].v4();
        let expected = format!("{place} refuses UDP port 6783 from every peer: what peers send does not come in");
        assert_eq!(text(finding, "message"), expected, "{name} ({peer})");
        assert_eq!(command(finding), hint, "{name}");
        host.sh(open.unwrap_or(hint)).must();
        assert_eq!(refusals(host), [] as [Value; 0], "{name}: opened");
        assert!(self.comes_in(&format!("after {name}"), false), "{name}: opened");
    }
}

#[test]
fn iptables_and_nft_that_refuse_are_named_and_their_hints_help() {
    let scene = Scene::new();
    let own = "table inet own { chain in { type filter hook input priority 0; policy drop; ct state established,related accept; \
               ct state vmap { invalid : drop }; iif lo accept; meta l4proto { icmp, icmpv6 } accept; tcp dport 22 accept; }; }";
    for (name, close, place, hint, undo) in [
        (
            "policy of iptables-nft",
            "iptables-nft -A INPUT -i lo -j ACCEPT; iptables-nft -P INPUT DROP",
            "ip filter INPUT",
            "iptables -I INPUT -p udp --dport 6783 -j ACCEPT",
            "iptables-nft -P INPUT ACCEPT; iptables-nft -F INPUT",
        ),
        (
            "last rule of iptables-nft",
            "iptables-nft -A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
             iptables-nft -A INPUT -p tcp -m conntrack --ctstate NEW -m multiport --dports 22,6783 -j ACCEPT
             iptables-nft -A INPUT -j REJECT --reject-with icmp-host-prohibited",
            "ip filter INPUT",
            "iptables -I INPUT -p udp --dport 6783 -j ACCEPT",
            "iptables-nft -F INPUT",
        ),
        (
            "policy of iptables-legacy",
            "iptables-legacy -A INPUT -i lo -j ACCEPT; iptables-legacy -P INPUT DROP",
            "ip filter INPUT",
            "iptables-legacy -I INPUT -p udp --dport 6783 -j ACCEPT",
            "iptables-legacy -P INPUT ACCEPT; iptables-legacy -F INPUT",
        ),
        (
            "nft",
            &format!("nft '{own}'"),
            "inet own in",
            "nft insert rule inet own in udp dport 6783 accept",
            "nft delete table inet own",
        ),
    ] {
        scene.proves(name, close, place, hint, None);
        scene.hosts[0].sh(undo).must();
    }
}

/// What firewalld has with its default zone, and a zone for Docker beside it, as it does where both run.
const FIREWALLD: &str = "nft -f - <<'END'
table inet firewalld {
    chain filter_INPUT {
        type filter hook input priority filter + 10; policy accept;
        ct state { established, related } accept
        ct status dnat accept
        iifname \"lo\" accept
        ct state invalid drop
        jump filter_INPUT_ZONES
        reject with icmpx type admin-prohibited
    }
    chain filter_INPUT_ZONES {
        iifname \"docker0\" goto filter_IN_docker
        goto filter_IN_public
    }
    chain filter_IN_docker {
        jump filter_IN_docker_allow
        accept
    }
    chain filter_IN_docker_allow {
    }
    chain filter_IN_public {
        jump filter_IN_public_pre
        jump filter_IN_public_deny
        jump filter_IN_public_allow
        meta l4proto { icmp, ipv6-icmp } accept
    }
    chain filter_IN_public_pre {
    }
    chain filter_IN_public_deny {
    }
    chain filter_IN_public_allow {
        tcp dport 22 accept
        ip6 daddr fe80::/64 udp dport 546 accept
        tcp dport 9090 accept
    }
}
END";

/// What ufw has once it is enabled, with `ufw allow OpenSSH`; its table is of iptables.
fn ufw(user: &str) -> String {
    format!(
        "iptables-nft-restore <<'END'
*filter
:INPUT DROP [0:0]
:FORWARD ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
:ufw-before-input - [0:0]
:ufw-logging-deny - [0:0]
:ufw-not-local - [0:0]
:ufw-user-input - [0:0]
:ufw-user-limit-accept - [0:0]
-A INPUT -j ufw-before-input
-A ufw-before-input -i lo -j ACCEPT
-A ufw-before-input -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A ufw-before-input -m conntrack --ctstate INVALID -j ufw-logging-deny
-A ufw-before-input -m conntrack --ctstate INVALID -j DROP
-A ufw-before-input -p icmp --icmp-type echo-request -j ACCEPT
-A ufw-before-input -p udp --sport 67 --dport 68 -j ACCEPT
-A ufw-before-input -j ufw-not-local
-A ufw-before-input -p udp -d 224.0.0.251 --dport 5353 -j ACCEPT
-A ufw-before-input -j ufw-user-input
-A ufw-logging-deny -m limit --limit 3/min --limit-burst 10 -j LOG --log-prefix \"[UFW BLOCK] \"
-A ufw-not-local -m addrtype --dst-type LOCAL -j RETURN
-A ufw-not-local -m addrtype --dst-type MULTICAST -j RETURN
-A ufw-not-local -m addrtype --dst-type BROADCAST -j RETURN
-A ufw-not-local -m limit --limit 3/min --limit-burst 10 -j ufw-logging-deny
-A ufw-not-local -j DROP
-A ufw-user-input -p tcp --dport 22 -j ACCEPT -m comment --comment 'dapp_OpenSSH'
{user}
-A ufw-user-limit-accept -j ACCEPT
COMMIT
END"
    )
}

#[test]
fn firewalld_and_ufw_that_refuse_are_named_and_what_they_make_of_the_hint_helps() {
    let scene = Scene::new();
    scene.proves(
        "firewalld",
        FIREWALLD,
        "inet firewalld filter_INPUT",
        "firewall-cmd --permanent --add-port=6783/udp && firewall-cmd --reload",
        Some("nft add rule inet firewalld filter_IN_public_allow udp dport 6783 accept"),
    );
    scene.hosts[0].sh("nft delete table inet firewalld").must();
    scene.proves(
        "ufw",
        &ufw(""),
        "ip filter INPUT",
        "ufw allow 6783/udp",
        Some(&ufw("-A ufw-user-input -p udp --dport 6783 -j ACCEPT")),
    );
}

#[test]
fn one_peer_that_is_refused_is_named_and_a_rule_for_peers_is_enough() {
    let scene = Scene::new();
    let [host, peer] = &scene.hosts[..] else { panic!("two hosts") };
    weave(host, "connect 192.0.2.77");
    host.sh(&format!(
        "nft 'table ip own {{ set peers {{ type ipv4_addr; elements = {{ {} }}; }}; \
         chain in {{ type filter hook input priority 0; policy drop; ip saddr @peers accept; }}; }}'",
        peer.v4()
    ))
    .must();
    let found = refusals(host);
    assert!(text(&found[0], "message").contains("refuses UDP port 6783 from 192.0.2.77:"), "{found:#?}");
    assert!(scene.comes_in("of a peer that is let in", false));
    host.sh("nft add element ip own peers { 192.0.2.77 }").must();
    assert_eq!(refusals(host), [] as [Value; 0]);
}

/// iptables-nft shows a drop for some as one for all.
#[test]
fn what_nft_puts_into_a_table_of_iptables_is_read_as_nft_says_it() {
    let scene = Scene::new();
    let host = &scene.hosts[0];
    host.sh("iptables-nft -A INPUT -i lo -j ACCEPT && nft add set ip filter bad '{ type ipv4_addr; }' && \
         nft add element ip filter bad '{ 192.0.2.99 }' && nft add rule ip filter INPUT ip saddr @bad drop")
        .must();
    assert!(host.sh("iptables-nft -S INPUT").must().contains("-A INPUT -j DROP"));
    assert_eq!(refusals(host), [] as [Value; 0]);
    assert!(scene.comes_in("of nobody bad", false));
    host.sh(&format!("nft add element ip filter bad '{{ {} }}'", scene.hosts[1].v4())).must();
    assert!(!scene.comes_in("refused as one of the bad", false));
    let found = refusals(host);
    assert_eq!(command(&found[0]), "iptables -I INPUT -p udp --dport 6783 -j ACCEPT");
    host.sh(command(&found[0])).must();
    assert_eq!(refusals(host), [] as [Value; 0]);
    assert!(scene.comes_in("let in all the same", false));
}

#[test]
fn a_tunnel_over_ipv6_is_refused_by_what_is_for_ipv6() {
    let (lab, hosts) = lab(2);
    for host in &hosts {
        weave(host, &format!("launch {}", super::common::peers_v6(&hosts)));
    }
    let sniffer = Sniffer::start(&attached(&lab, &hosts[0], "target", "10.2.1.1/24"));
    let scene = Scene { _lab: lab, hosts, sniffer };
    let host = &scene.hosts[0];
    host.sh("iptables-nft -P INPUT DROP").must();
    assert_eq!(refusals(host), [] as [Value; 0]);
    assert!(scene.comes_in("over ipv6", true));
    host.sh("ip6tables-nft -A INPUT -p icmpv6 -j ACCEPT; ip6tables-nft -P INPUT DROP").must();
    assert!(!scene.comes_in("refused over ipv6", true));
    let found = refusals(host);
    assert!(text(&found[0], "message").starts_with("ip6 filter INPUT refuses UDP port 6783"), "{found:#?}");
    assert_eq!(command(&found[0]), "ip6tables -I INPUT -p udp --dport 6783 -j ACCEPT");
    host.sh(command(&found[0])).must();
    assert_eq!(refusals(host), [] as [Value; 0]);
    assert!(scene.comes_in("again over ipv6", true));
}

#[test]
fn what_would_be_refused_is_said_before_there_is_a_router() {
    let (_lab, hosts) = lab(1);
    let host = &hosts[0];
    assert_eq!(refusals(host), [] as [Value; 0]);
    host.sh(FIREWALLD).must();
    let found = refusals(host);
    let expected = "inet firewalld filter_INPUT refuses UDP port 6783: a router here would hear no peer";
    assert_eq!(text(&found[0], "message"), expected);
    assert!(text(&found[0], "hint").contains("--add-port=6783/udp"), "{found:#?}");
    // Nobody looks at it but preflight, and nothing is done about it.
    let before = super::common::section(host, "nft");
    weave(host, &format!("launch --port 7000 {}", peers(&hosts)));
    weave(host, "connect 192.0.2.77");
    let found = refusals(host);
    assert!(text(&found[0], "message").contains("refuses UDP port 7000 from every peer"), "{found:#?}");
    assert_eq!(command(&found[0]), "firewall-cmd --permanent --add-port=7000/udp && firewall-cmd --reload");
    weave(host, "reset");
    assert_eq!(super::common::section(host, "nft"), before);
}
