//! Whether a router in a container can do its work. Where there is none, there is nothing to say.

use super::{Finding, Level};
use crate::classic::plain;
use crate::names;
use crate::observed::{Container, Flood, Listener, Observed, Protocol, RouterPortMark, RouterReport};
use crate::ops::status::trouble;

/// What the router needs of its container: it captures frames, and puts them back.
const CAPABILITIES: [&str; 2] = ["NET_ADMIN", "NET_RAW"];

/// Findings about it.
pub(super) fn router(observed: &Observed, findings: &mut Vec<Finding>) {
    let Some((port, mark)) = observed.router_port() else { return };
    let container = observed.containers.containers.get(&mark.container);
    findings.push(answers(observed, &mark));
    findings.extend(container.map(capabilities));
    findings.extend(taken(observed, &mark));
    findings.extend(port.tx_checksum.map(|on| checksum(&port.name, on)));
}

fn report(observed: &Observed) -> Option<&RouterReport> {
    observed.classic.as_ref().and_then(|classic| classic.report.as_ref().ok())
}

fn answers(observed: &Observed, mark: &RouterPortMark) -> Finding {
    let RouterPortMark { container, control, .. } = mark;
    match (trouble(observed, mark), report(observed)) {
        (None, Some(report)) => {
            let version = plain(&report.version);
            Finding::ok("router", format!("container {container} runs; {version} answers on 127.0.0.1:{control}"))
        }
        (why, _) => Finding::new(
            "router",
            Level::Fail,
            why.unwrap_or_else(|| "was not asked".to_owned()),
            format!("`docker logs {container}` says why; `weave apply` or `weave launch` starts it, or makes it anew"),
        ),
    }
}

fn capabilities(container: &Container) -> Finding {
    let lists = |field: &str, name: &str| {
        let words = container.host_config[field].as_array().into_iter().flatten().filter_map(|word| word.as_str());
        let mut words = words.map(|word| word.trim_start_matches("CAP_"));
        words.any(|word| word.eq_ignore_ascii_case(name) || word.eq_ignore_ascii_case("ALL"))
    };
    // Docker gives NET_RAW to every container.
    let has = |name: &str| {
        container.host_config["Privileged"] == true
            || lists("CapAdd", name)
            || name == "NET_RAW" && !lists("CapDrop", name)
    };
    let missing: Vec<&str> = CAPABILITIES.into_iter().filter(|name| !has(name)).collect();
    let name = &container.name;
    if missing.is_empty() {
        return Finding::ok("router", format!("container {name} may capture frames"));
    }
    let message = format!("container {name} lacks {}", missing.join(" and "));
    let hint = "say the router's `image` again, and its container is made anew with what it needs; one that you run \
                yourself needs `--cap-add NET_ADMIN --cap-add NET_RAW`";
    Finding::new("router", Level::Fail, message, hint)
}

/// Ports that somebody else has. A router that answers has got its own.
fn taken(observed: &Observed, mark: &RouterPortMark) -> Vec<Finding> {
    if report(observed).is_some() {
        return Vec::new();
    }
    let finding = |one: &Listener| {
        let who = match (&one.program, one.pid) {
            (Some(program), Some(pid)) => format!("{} (process {pid})", plain(program)),
            _ => "somebody".to_owned(),
        };
        let field = if one.address.port() == mark.port { "port" } else { "control_port" };
        let message = format!("{} port {} is taken by {who} at {}", one.protocol, one.address.port(), one.address.ip());
        Finding::new("router", Level::Fail, message, format!("end that, or give the router another `{field}`"))
    };
    observed.listeners.iter().filter(|one| !one.router && stands_in_the_way(one, mark)).map(finding).collect()
}

/// The router takes its port on all addresses, for orders 127.0.0.1.
fn stands_in_the_way(one: &Listener, mark: &RouterPortMark) -> bool {
    let (ip, port) = (one.address.ip(), one.address.port());
    if port == mark.port {
        return ip.is_ipv4() || ip.is_unspecified();
    }
    let is_here = ip.is_unspecified() || ip.is_ipv4() && ip.is_loopback();
    port == mark.control && one.protocol == Protocol::Tcp && is_here
}

fn checksum(link: &str, on: bool) -> Finding {
    if !on {
        return Finding::ok("router", format!("packets on {link} have their checksums"));
    }
    let message = format!("packets leave {link} without checksums, and whoever gets them drops them");
    let hint = format!("`weave apply` or `weave launch` sees to it, as `ethtool -K {link} tx off` does");
    Finding::new("router", Level::Fail, message, hint)
}

/// The bytes that the router adds to a frame.
pub(super) fn overhead(observed: &Observed) -> u32 {
    match report(observed) {
        Some(report) if report.encryption => names::OVERHEAD_CLASSIC_ENCRYPTED,
        _ => names::OVERHEAD_CLASSIC,
    }
}

/// The peers of either kind of router.
pub(super) fn peers(observed: &Observed) -> Vec<Flood> {
    let told = observed.router_port().zip(observed.classic.as_ref());
    let told = told.map(|((_, mark), classic)| classic.peers(mark.port)).unwrap_or_default();
    observed.flood.iter().copied().chain(told).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::observed::{Classic, Containers, Link, LinkKind, Status};

    fn host() -> Observed {
        let port = Link {
            index: 3,
            name: "vethwe-bridge".to_owned(),
            kind: LinkKind::Veth,
            mac: None,
            mtu: 1438,
            up: true,
            master: None,
            alias: Some("weave:router kind=image container=weave control=6784 port=6783".to_owned()),
            group: 0,
            peer_index: None,
            peer_netnsid: None,
            ipv6_disabled: None,
            accept_ra: None,
            route_localnet: None,
            hairpin: None,
            tx_checksum: Some(false),
        };
        let container = Container {
            name: "weave".to_owned(),
            status: Status::Running,
            host_config: json!({"CapAdd": ["CAP_NET_ADMIN", "NET_RAW"], "CapDrop": ["ALL"]}),
            ..Container::default()
        };
        let containers = [("weave".to_owned(), container)].into();
        let report = RouterReport { version: "2.8.1".to_owned(), ready: true, ..RouterReport::default() };
        Observed {
            links: vec![port],
            classic: Some(Classic { report: Ok(report), owned: None }),
            containers: Containers { containers, api_minor: Some(41), ..Containers::default() },
            ..Observed::default()
        }
    }

    fn found(host: &Observed) -> Vec<(Level, String)> {
        let mut findings = Vec::new();
        router(host, &mut findings);
        assert!(findings.iter().all(|one| one.subject == "router" && (one.level == Level::Ok) == one.hint.is_none()));
        findings.into_iter().map(|finding| (finding.level, finding.message)).collect()
    }

    /// What is not as it should be after `change`.
    fn faults(change: impl FnOnce(&mut Observed)) -> Vec<String> {
        let mut host = host();
        change(&mut host);
        let faults = found(&host).into_iter().filter(|(level, _)| *level != Level::Ok);
        faults.map(|(_, message)| message).collect()
    }

    fn silent(host: &mut Observed) {
        host.classic = Some(Classic { report: Err("nobody listens".to_owned()), owned: None });
    }

    #[test]
    fn a_router_that_is_fit_has_no_fault() {
        let expected = [
            "container weave runs; 2.8.1 answers on 127.0.0.1:6784",
            "container weave may capture frames",
            "packets on vethwe-bridge have their checksums",
        ];
        assert_eq!(found(&host()), expected.map(|message| (Level::Ok, message.to_owned())));
        assert_eq!(found(&Observed::default()), []);
    }

    #[test]
    fn each_fault_is_said() {
        assert_eq!(faults(silent), ["the router does not answer: nobody listens"]);
        let stopped = |host: &mut Observed| {
            for container in host.containers.containers.values_mut() {
                (container.status, container.exit_code) = (Status::Exited, 1);
            }
        };
        assert_eq!(faults(stopped), ["container weave does not run (exit code 1)"]);
        assert_eq!(faults(|host| host.classic = None), ["was not asked"]);
        assert_eq!(
            faults(|host| host.links[0].tx_checksum = Some(true)),
            ["packets leave vethwe-bridge without checksums, and whoever gets them drops them"]
        );
    }

    #[test]
    fn a_container_has_the_capabilities_or_lacks_them() {
        for (config, lacks) in [
            (json!({}), Some("NET_ADMIN")),
            (json!({"CapAdd": ["NET_ADMIN"]}), None),
            (json!({"CapAdd": ["NET_ADMIN"], "CapDrop": ["CAP_NET_RAW"]}), Some("NET_RAW")),
            (json!({"CapAdd": null, "CapDrop": ["ALL"]}), Some("NET_ADMIN and NET_RAW")),
            (json!({"CapAdd": ["all"]}), None),
            (json!({"Privileged": true, "CapDrop": ["ALL"]}), None),
        ] {
            let told = faults(|host| {
                host.containers.containers.values_mut().for_each(|one| one.host_config = config.clone());
            });
            let expected: Vec<_> = lacks.into_iter().map(|lacks| format!("container weave lacks {lacks}")).collect();
            assert_eq!(told, expected, "{config}");
        }
    }

    #[test]
    fn ports_of_others_stand_in_the_way_of_a_router_that_does_not_answer() {
        let listener = |protocol, address: &str, router| Listener {
            protocol,
            address: address.parse().expect("an address"),
            pid: Some(7),
            program: Some("other".to_owned()),
            router,
        };
        let listeners = [
            listener(Protocol::Tcp, "192.0.2.1:6783", false),
            listener(Protocol::Udp, "[::]:6783", false),
            listener(Protocol::Tcp, "127.0.0.1:6784", false),
            listener(Protocol::Tcp, "0.0.0.0:6784", true),
            listener(Protocol::Tcp, "192.0.2.1:6784", false),
            listener(Protocol::Udp, "0.0.0.0:6784", false),
            listener(Protocol::Tcp, "[2001:db8::1]:6783", false),
        ];
        assert_eq!(faults(|host| host.listeners = listeners.to_vec()), [] as [&str; 0]);
        let told = faults(|host| {
            silent(host);
            host.listeners = listeners.to_vec();
        });
        let expected = [
            "TCP port 6783 is taken by other (process 7) at 192.0.2.1",
            "UDP port 6783 is taken by other (process 7) at ::",
            "TCP port 6784 is taken by other (process 7) at 127.0.0.1",
        ];
        assert_eq!(told[1..], expected);
    }
}
