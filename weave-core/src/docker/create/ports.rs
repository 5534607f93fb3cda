//! Published and exposed ports, one by one.

use std::collections::{BTreeSet, HashMap};

use bollard::models::PortBinding;

use crate::spec::Options;
use crate::spec::options::{PortRange, Protocol, Publish};

/// All ports that are published or exposed.
pub(super) fn exposed(options: &Options) -> Vec<String> {
    let published = options.publish.iter().map(|port| (port.container, port.protocol));
    let exposed = options.expose.iter().map(|port| (port.ports, port.protocol));
    let mut ports = BTreeSet::new();
    for (range, protocol) in published.chain(exposed) {
        ports.extend((range.first..=range.last).map(|port| (port, protocol)));
    }
    ports.into_iter().map(|(port, protocol)| name(port, protocol)).collect()
}

/// The host's ports for each published one.
pub(super) fn bindings(options: &Options) -> HashMap<String, Option<Vec<PortBinding>>> {
    let mut map: HashMap<String, Option<Vec<PortBinding>>> = HashMap::new();
    for publish in &options.publish {
        for step in 0..=publish.container.more() {
            let binding = PortBinding {
                host_ip: Some(publish.host_ip.map(|ip| ip.to_string()).unwrap_or_default()),
                host_port: Some(host_port(publish, step)),
            };
            let port = name(publish.container.first + step, publish.protocol);
            map.entry(port).or_default().get_or_insert_default().push(binding);
        }
    }
    map
}

fn host_port(publish: &Publish, step: u16) -> String {
    match publish.host {
        None => String::new(),
        // One port inside, several to choose from outside.
        Some(PortRange { first, last }) if publish.container.more() == 0 && first != last => format!("{first}-{last}"),
        Some(range) => (range.first + step).to_string(),
    }
}

fn name(port: u16, protocol: Protocol) -> String {
    format!("{port}/{}", protocol.name())
}
