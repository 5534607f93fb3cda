//! The networks of the engine, and the container's place in them.

use std::collections::HashMap;
use std::net::IpAddr;

use bollard::models::{EndpointIpamConfig, EndpointSettings, NetworkingConfig};

use super::{some, some_map, text};
use crate::spec::Options;
use crate::spec::options::{Link, Network, Value};

/// The first network, or what the engine does without one.
pub(super) fn mode(options: &Options) -> String {
    options.network.first().map_or_else(|| "default".to_owned(), |network| network.name.clone())
}

pub(super) fn networking_config(options: &Options) -> Option<NetworkingConfig> {
    let fallback = [Network { name: mode(options), ..Network::default() }];
    let networks: &[Network] = if options.network.is_empty() { &fallback } else { &options.network };
    let mut endpoints: HashMap<String, EndpointSettings> = HashMap::new();
    for (at, network) in networks.iter().enumerate() {
        let settings = if at == 0 { first(network, options) } else { endpoint(network) };
        // A single network with nothing to say is named by the mode alone.
        if networks.len() > 1 || settings != EndpointSettings::default() {
            endpoints.insert(network.name.clone(), settings);
        }
    }
    some_map(endpoints).map(|endpoints| NetworkingConfig { endpoints_config: Some(endpoints) })
}

/// The first network takes the options that name none.
fn first(network: &Network, options: &Options) -> EndpointSettings {
    let mut network = network.clone();
    network.alias.extend(options.network_alias.iter().cloned());
    network.ip = options.ip.or(network.ip);
    network.ip6 = options.ip6.or(network.ip6);
    network.mac_address = options.mac_address.clone().or(network.mac_address);
    network.link_local_ip.extend(&options.link_local_ip);
    let mut settings = endpoint(&network);
    if network.is_user_defined() {
        settings.links = some(options.link.iter().map(Link::write).collect());
    }
    settings
}

fn endpoint(network: &Network) -> EndpointSettings {
    let ipam = EndpointIpamConfig {
        ipv4_address: network.ip.map(|ip| ip.to_string()),
        ipv6_address: network.ip6.map(|ip| ip.to_string()),
        link_local_ips: some(network.link_local_ip.iter().map(IpAddr::to_string).collect()),
    };
    EndpointSettings {
        ipam_config: (ipam != EndpointIpamConfig::default()).then_some(ipam),
        mac_address: text(network.mac_address.as_ref()),
        aliases: some(network.alias.clone()),
        driver_opts: some_map(network.driver_opt.clone().into_iter().collect()),
        gw_priority: network.gw_priority,
        ..EndpointSettings::default()
    }
}
