//! What config management wants to know of a host, in one call.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::{Report, status};
use crate::Result;
use crate::apply::look;
use crate::classic::plain;
use crate::kernel::Kernel;
use crate::observed::{Observed, Scope};

/// The arguments of `facts`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Facts {
    /// Whether values of environment variables are hidden (true): facts end up in databases that many can read.
    pub mask_env: bool,
}

impl Default for Facts {
    fn default() -> Self {
        Self { mask_env: true }
    }
}

/// What stands for a hidden value.
const MASK: &str = "********";

/// A router that runs in a container is called so.
const ROUTER: &str = "weave";

/// The bridge of the engine where the engine cannot be asked.
const DOCKER_BRIDGE: &str = "docker0";

/// What the engine told.
#[derive(Debug, Default)]
struct Told {
    containers: Vec<Value>,
    bridge: Option<String>,
    version: Option<String>,
    api: Option<String>,
}

pub(super) async fn facts(host: &Kernel, spec: Facts) -> Result<Report> {
    let scope = Scope { attachments: true, router: true, ..Scope::default() };
    let observed = look(host, &scope).await.map_err(|error| error.op("facts"))?;
    let (told, warnings) = match ask(host).await {
        Ok(told) => (told, Vec::new()),
        Err(error) => {
            let told = Told { bridge: Some(DOCKER_BRIDGE.to_owned()), ..Told::default() };
            (told, vec![format!("nothing is known of containers: {error}")])
        }
    };
    let name = hostname();
    let mut result = json!({
        "docker_hosted_containers": hosted(&told.containers, &name, spec),
        "weave_networked_containers": networked(&observed, &name),
        "weave_router_ip_on_docker_bridge": router_address(&observed, &told),
        "weave_peers": status::addresses_of_peers(&observed),
        "weave_versions": {
            "weave": env!("CARGO_PKG_VERSION"),
            "engine": told.version,
            "api": told.api,
            "kernel": kernel_release(),
        },
    });
    let report = observed.classic.as_ref().and_then(|classic| classic.report.as_ref().ok());
    if let Some(report) = report {
        result["weave_versions"]["router"] = plain(&report.version).into();
    }
    Ok(Report { warnings, ..Report::read("facts", None, result) })
}

async fn ask(host: &Kernel) -> Result<Told> {
    let engine = host.engine();
    let version = engine.version().await?;
    Ok(Told {
        containers: engine.inspect_all().await?,
        bridge: engine.bridge().await?,
        version: Some(version.version),
        api: Some(version.api_version),
    })
}

/// Every container by its name, as `docker inspect` shows it; beside them the fact's own words, which no container's
/// name can displace.
fn hosted(containers: &[Value], hostname: &str, spec: Facts) -> Value {
    let by_name: BTreeMap<String, Value> = containers
        .iter()
        .map(|container| {
            let mut container = container.clone();
            if spec.mask_env {
                mask(&mut container);
            }
            (name(&container).to_owned(), container)
        })
        .collect();
    let ids: Vec<&str> =
        by_name.values().map(|container| short(container["Id"].as_str().unwrap_or_default())).collect();
    let mut fact = json!({"docker_host": hostname, "container_ids": ids, "container_count": ids.len()});
    if let Some(fact) = fact.as_object_mut() {
        for (name, container) in by_name {
            fact.entry(name).or_insert(container);
        }
    }
    fact
}

fn name(container: &Value) -> &str {
    container["Name"].as_str().unwrap_or_default().trim_start_matches('/')
}

/// The first twelve letters, as everybody shows an id.
fn short(id: &str) -> &str {
    id.get(..12).unwrap_or(id)
}

fn mask(container: &mut Value) {
    let variables = container.get_mut("Config").and_then(|config| config.get_mut("Env")).and_then(Value::as_array_mut);
    for variable in variables.into_iter().flatten() {
        if let Some((name, _)) = variable.as_str().and_then(|text| text.split_once('=')) {
            *variable = Value::from(format!("{name}={MASK}"));
        }
    }
}

/// The containers with an interface on the network, by name, address, hardware address and id, as `weave ps` has them.
fn networked(observed: &Observed, hostname: &str) -> Value {
    let exposed: Vec<String> = observed
        .bridge()
        .map(|(bridge, ..)| observed.addresses_of(bridge.index).map(|ip| ip.to_string()).collect())
        .unwrap_or_default();
    let [mut by_host, mut by_ip, mut by_mac, mut by_id]: [Map<String, Value>; 4] = Default::default();
    let (mut macs, mut all_ips) = (Vec::new(), Vec::new());
    for attachment in status::attachments(observed) {
        let host = attachment.container;
        let id = if attachment.id.is_empty() { host.clone() } else { short(&attachment.id).to_owned() };
        let mac = attachment.mac.map(|mac| mac.to_string());
        let ips: Vec<String> = attachment.ips.iter().map(ToString::to_string).collect();
        for ip in &ips {
            by_ip.insert(ip.clone(), json!({"container_id": id, "weave_mac": mac, "hostname": host}));
        }
        if let Some(mac) = &mac {
            by_mac.insert(
                mac.clone(),
                json!({"container_id": id, "hostname": host, "weave_ip": ips.first(), "weave_ips": ips}),
            );
        }
        let told =
            |key: &str, other: &str| json!({key: other, "weave_mac": mac, "weave_ip": ips.first(), "weave_ips": ips});
        add(&mut by_host, &host, told("container_id", &id));
        add(&mut by_id, &id, told("hostname", &host));
        macs.extend(mac.clone());
        all_ips.extend(ips.iter().cloned());
    }
    let ids: Vec<String> = by_id.keys().cloned().collect();
    let hosts: Vec<String> = by_host.keys().cloned().collect();
    json!({
        "docker_host": {
            "hostname": hostname,
            "weave_ip": exposed.first(),
            "weave_ips": exposed,
            "weave_mac": observed.bridge().and_then(|(bridge, ..)| bridge.mac),
            "peers": status::addresses_of_peers(observed),
        },
        "by_host": by_host,
        "by_ip": by_ip,
        "by_mac": by_mac,
        "by_container_id": by_id,
        "container_count": ids.len(),
        "container_ids": ids,
        "hostnames": hosts,
        "mac_addresses": macs,
        "weave_ips": all_ips,
    })
}

/// A container with several interfaces keeps what its first says, and has the addresses of all.
fn add(map: &mut Map<String, Value>, key: &str, told: Value) {
    let Some(known) = map.get_mut(key) else {
        map.insert(key.to_owned(), told);
        return;
    };
    if let (Some(known), Some(more)) = (known["weave_ips"].as_array_mut(), told["weave_ips"].as_array()) {
        known.extend(more.iter().cloned());
    }
}

/// Where the router is reached from Docker's own bridge: the address there of a router whose container has one, else the
/// host's, since the router is the host itself, or listens on all of its addresses; nothing where no router runs.
fn router_address(observed: &Observed, told: &Told) -> Option<String> {
    let port = observed.router_port().map(|(_, mark)| mark.container);
    let called = port.as_deref().unwrap_or(ROUTER);
    let router = told.containers.iter().find(|container| name(container) == called);
    let address = router.and_then(|router| router["NetworkSettings"]["Networks"]["bridge"]["IPAddress"].as_str());
    if let Some(address) = address.filter(|address| !address.is_empty()) {
        return Some(address.to_owned());
    }
    if observed.vxlan().is_none() && port.is_none() {
        return None;
    }
    let bridge = observed.link(told.bridge.as_deref()?)?;
    let mut addresses: Vec<_> = observed.addresses_of(bridge.index).map(|ip| ip.ip()).collect();
    // Old consumers expect an IPv4 address.
    addresses.sort_by_key(|ip| ip.is_ipv6());
    addresses.first().map(ToString::to_string)
}

fn hostname() -> String {
    nix::unistd::gethostname().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

fn kernel_release() -> Option<String> {
    nix::sys::utsname::uname().ok().map(|names| names.release().to_string_lossy().into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observed::{InterfaceAddress, Link, LinkKind};

    fn container(name: &str) -> Value {
        json!({
            "Id": "0123456789abcdef0123", "Name": format!("/{name}"),
            "Config": {"Env": ["PASSWORD=secret=1", "EMPTY=", "BARE"], "Image": "app"},
            "NetworkSettings": {"Networks": {"bridge": {"IPAddress": "172.17.0.2"}}},
        })
    }

    #[test]
    fn values_of_variables_are_hidden_unless_they_are_asked_for() {
        let containers = [container("web")];
        let fact = hosted(&containers, "host1", Facts::default());
        assert_eq!(fact["web"]["Config"]["Env"], json!(["PASSWORD=********", "EMPTY=********", "BARE"]));
        assert_eq!(fact["web"]["Config"]["Image"], "app");
        assert!(!fact.to_string().contains("secret"));
        assert_eq!(hosted(&containers, "host1", Facts { mask_env: false })["web"], containers[0]);
    }

    #[test]
    fn the_fact_has_counts_and_no_name_displaces_them() {
        let fact = hosted(&[container("web"), container("container_count")], "host1", Facts::default());
        assert_eq!(fact["container_count"], 2);
        assert_eq!(fact["container_ids"], json!(["0123456789ab", "0123456789ab"]));
        assert_eq!(fact["docker_host"], "host1");
        let none = hosted(&[], "host1", Facts::default());
        assert_eq!(none, json!({"docker_host": "host1", "container_ids": [], "container_count": 0}));
    }

    #[test]
    fn a_router_with_the_hosts_network_is_reached_where_the_host_is() {
        let alias = "weave:router kind=image container=router control=6784 port=6783";
        let link = |index: u32, name: &str, alias: Option<&str>| Link {
            index,
            name: name.to_owned(),
            kind: LinkKind::Veth,
            mac: None,
            mtu: 1500,
            up: true,
            master: None,
            alias: alias.map(str::to_owned),
            group: 0,
            peer_index: None,
            peer_netnsid: None,
            ipv6_disabled: None,
            accept_ra: None,
            route_localnet: None,
            hairpin: None,
            tx_checksum: None,
        };
        let address = |text: &str| InterfaceAddress { ifindex: 1, address: text.parse().expect("an address") };
        let told = |networks: Value| Told {
            containers: vec![json!({"Name": "/router", "NetworkSettings": {"Networks": networks}})],
            bridge: Some(DOCKER_BRIDGE.to_owned()),
            ..Told::default()
        };
        let host = told(json!({"host": {"IPAddress": ""}}));
        let mut observed = Observed {
            links: vec![link(1, DOCKER_BRIDGE, None), link(2, "vethwe-bridge", Some(alias))],
            addresses: vec![address("fd00::1/64"), address("172.17.0.1/16")],
            ..Observed::default()
        };
        assert_eq!(router_address(&observed, &host).as_deref(), Some("172.17.0.1"));
        let own = told(json!({"bridge": {"IPAddress": "172.17.0.5"}}));
        assert_eq!(router_address(&observed, &own).as_deref(), Some("172.17.0.5"));
        observed.links.pop();
        assert_eq!(router_address(&observed, &host), None);
    }

    #[test]
    fn a_router_in_a_container_has_an_address_of_its_own() {
        let told = |name: &str| Told { containers: vec![container(name)], ..Told::default() };
        let observed = Observed::default();
        assert_eq!(router_address(&observed, &told("weave")).as_deref(), Some("172.17.0.2"));
        assert_eq!(router_address(&observed, &told("web")), None);
    }
}
