//! What of the options belongs to the network namespace and the names in it, and what to the process.

use std::mem::take;

use super::{Network, Options};

impl Options {
    /// What belongs to a network namespace, and all the rest: together they say what these say.
    ///
    /// The second part is what the docker client takes with `--network container:X`, the first what it then refuses:
    /// networks, addresses, ports, names and name servers, and the kernel's settings for the network.
    #[must_use]
    pub fn apart(mut self) -> (Self, Self) {
        let (of_net, others) = take(&mut self.sysctl).into_iter().partition(|sysctl| sysctl.name.starts_with("net."));
        self.sysctl = others;
        let net = Self {
            add_host: take(&mut self.add_host),
            dns: take(&mut self.dns),
            dns_option: take(&mut self.dns_option),
            dns_search: take(&mut self.dns_search),
            domainname: take(&mut self.domainname),
            expose: take(&mut self.expose),
            hostname: take(&mut self.hostname),
            ip: take(&mut self.ip),
            ip6: take(&mut self.ip6),
            link: take(&mut self.link),
            link_local_ip: take(&mut self.link_local_ip),
            mac_address: take(&mut self.mac_address),
            network: take(&mut self.network),
            network_alias: take(&mut self.network_alias),
            publish: take(&mut self.publish),
            publish_all: take(&mut self.publish_all),
            sysctl: of_net,
            // A namespace belongs to the users of one map.
            userns: self.userns.clone(),
            ..Self::default()
        };
        (net, self)
    }

    /// Joins the network namespace of a container, and nothing else.
    pub(crate) fn join(&mut self, container: &str) {
        self.network = vec![Network { name: format!("container:{container}"), ..Network::default() }];
    }
}
