//! Rules that a classic router makes with the iptables of its image: they go with it, and those of others stay.

use super::classic_router::{host_with_engine, launch};
use super::{Scene, WEAVE, four_runs, report};
use crate::lab::{Host, Lab};

/// What a real router made, once a network was exposed.
const MADE: &str = "-t mangle -N WEAVE-CANARY
-t nat -N WEAVE
-t nat -N WEAVE-CANARY
-t nat -A POSTROUTING -j WEAVE
-t nat -A WEAVE -s 10.2.1.0/24 -d 224.0.0.0/4 -j RETURN
-t nat -A WEAVE -d 10.2.1.0/24 ! -s 10.2.1.0/24 -j MASQUERADE
-t nat -A WEAVE -s 10.2.1.0/24 ! -d 10.2.1.0/24 -j MASQUERADE
-N WEAVE-CANARY
-N WEAVE-EXPOSE
-A INPUT -d 127.0.0.1/32 -p tcp -m tcp --dport 6784 -m addrtype ! --src-type LOCAL -m conntrack ! --ctstate \
RELATED,ESTABLISHED -m comment --comment 'Block non-local access to Weave Net control port' -j DROP
-A FORWARD -i weave -o weave -j ACCEPT
-A FORWARD -o weave -j WEAVE-EXPOSE
-A FORWARD -i weave ! -o weave -j ACCEPT
-A FORWARD -o weave -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A WEAVE-EXPOSE -d 10.2.1.0/24 -j ACCEPT";

/// What somebody else wants of the same bridge.
const OTHERS: &str = "-A FORWARD -s 192.0.2.77/32 -o weave -j DROP
-t nat -A POSTROUTING -s 10.9.0.0/16 -j MASQUERADE";

fn make(host: &Host, tool: &str, rules: &str) {
    rules.replace("\\\n", "").lines().for_each(|rule| drop(host.sh(&format!("{tool} -w 5 {rule}")).must()));
}

fn left(host: &Host, tool: &str) -> Vec<String> {
    let tables = ["filter", "nat", "mangle"].map(|table| host.exec(&[tool, "-t", table, "-S"]).must());
    let rules = tables.iter().flat_map(|listing| listing.lines());
    rules.filter(|line| !line.starts_with("-P ")).map(str::to_owned).collect()
}

#[test]
fn rules_that_a_router_made_go_with_it() {
    let lab = Lab::new().with_weave(WEAVE);
    let host = host_with_engine(&lab);
    for tool in ["iptables-nft", "iptables-legacy"] {
        make(&host, tool, OTHERS);
        let others = left(&host, tool);
        assert_eq!(others.len(), 2, "{others:?}");
        let ends: [&[&str]; 3] = [&["stop"], &["launch", "--kind", "vxlan", "192.0.2.2"], &["reset"]];
        for end in ends {
            host.weave(&launch(&["192.0.2.2"])).must();
            make(&host, tool, MADE);
            // As long as it runs, they are its own.
            report(&host, &launch(&["192.0.2.2"]), 0);
            let done = four_runs(&host, &Scene(vec![host.netns()]), end);
            assert!(done["changes"].to_string().contains(tool), "{end:?}: {done:#}");
            assert_eq!(left(&host, tool), others, "{end:?}");
        }
        for rule in OTHERS.lines() {
            host.sh(&format!("{tool} -w 5 {}", rule.replace("-A ", "-D "))).must();
        }
    }
}
