//! Options that exclude each other, and limits that the engine would refuse when the container is made.

use super::{Network, Options, Restart, Value};
use crate::{Error, Result};

impl Options {
    /// Looks for contradictions, as the docker client and the engine would find them later.
    ///
    /// Options that are read are checked by that; call it for those that are put together in other ways.
    ///
    /// # Errors
    /// `InvalidSpec` that names both sides.
    pub fn validate(&self) -> Result<()> {
        self.check_ranges()?;
        self.check_life()?;
        self.check_memory()?;
        self.check_networks()?;
        self.check_shared_network()
    }

    fn check_ranges(&self) -> Result<()> {
        let ranges = [
            ("memory-swappiness", self.memory_swappiness, -1..=100, "-1 to 100"),
            ("oom-score-adj", self.oom_score_adj, -1000..=1000, "-1000 to 1000"),
            ("health-retries", self.health_retries, 0..=i64::MAX, "0 or more"),
        ];
        for (option, value, range, allowed) in ranges {
            if let Some(value) = value.filter(|value| !range.contains(value)) {
                return Err(Error::invalid("", format!("`--{option}` is {value}; allowed: {allowed}")));
            }
        }
        match self.blkio_weight {
            None | Some(0 | 10..=1000) => Ok(()),
            Some(weight) => {
                Err(Error::invalid("", format!("`--blkio-weight` is {weight}; allowed: 10 to 1000, or 0 for none")))
            }
        }
    }

    fn check_life(&self) -> Result<()> {
        let restarts = self.restart.is_some_and(|restart| restart != Restart::No);
        if self.rm == Some(true) && restarts {
            return Err(both("rm", "restart"));
        }
        let health = [
            ("health-cmd", self.health_cmd.as_ref().is_some_and(|command| !command.is_empty())),
            ("health-interval", self.health_interval.is_some_and(|time| time.0 > 0)),
            ("health-timeout", self.health_timeout.is_some_and(|time| time.0 > 0)),
            ("health-start-period", self.health_start_period.is_some_and(|time| time.0 > 0)),
            ("health-start-interval", self.health_start_interval.is_some_and(|time| time.0 > 0)),
            ("health-retries", self.health_retries.is_some_and(|times| times > 0)),
        ];
        if let Some((option, _)) = health.iter().find(|(_, given)| *given && self.no_healthcheck == Some(true)) {
            return Err(both("no-healthcheck", option));
        }
        if self.log_driver.as_deref() == Some("none") && !self.log_opt.is_empty() {
            return Err(both("log-driver=none", "log-opt"));
        }
        if self.uts.as_ref().is_some_and(|mode| mode.write() == "host") && given(&self.hostname) {
            return Err(both("uts=host", "hostname"));
        }
        Ok(())
    }

    fn check_memory(&self) -> Result<()> {
        let bytes = self.memory.map_or(0, |memory| memory.0);
        let least = 6 * 1024 * 1024;
        if bytes > 0 && bytes < least {
            return Err(Error::invalid("", format!("`--memory` is {bytes} bytes; allowed: 6m or more")));
        }
        match self.memory_swap.map_or(0, |swap| swap.0) {
            swap if swap > 0 && bytes == 0 => {
                return Err(Error::invalid("", "`--memory-swap` without `--memory`; allowed: both together"));
            }
            swap if swap > 0 && swap < bytes => {
                let message = "`--memory-swap` is less than `--memory`; allowed: memory and swap together, or -1";
                return Err(Error::invalid("", message));
            }
            _ => {}
        }
        if bytes > 0 && self.memory_reservation.is_some_and(|reserved| reserved.0 > bytes) {
            return Err(Error::invalid("", "`--memory-reservation` is more than `--memory`; allowed: at most as much"));
        }
        if self.cpus.is_some_and(|cpus| cpus.0 > 0) {
            for (option, value) in [("cpu-period", self.cpu_period), ("cpu-quota", self.cpu_quota)] {
                if value.is_some_and(|value| value != 0) {
                    return Err(both("cpus", option));
                }
            }
        }
        Ok(())
    }

    fn check_networks(&self) -> Result<()> {
        for (at, network) in self.network.iter().enumerate() {
            if self.network[..at].iter().any(|earlier| earlier.name == network.name) {
                return Err(Error::invalid("", format!("`--network` names `{}` twice; allowed: once", network.name)));
            }
            if !network.is_user_defined() && !network.alias.is_empty() {
                return Err(aliases_need_network(&network.name));
            }
        }
        if let (Some(own), Some(mode)) = (
            self.network.iter().find(|network| network.is_user_defined()),
            self.network.iter().find(|network| !network.is_user_defined()),
        ) {
            return Err(both(&format!("network={}", own.name), &format!("network={}", mode.name)));
        }
        let first =
            self.network.first().cloned().unwrap_or_else(|| Network { name: "default".into(), ..Network::default() });
        let twice = [
            ("network-alias", "alias", !self.network_alias.is_empty() && !first.alias.is_empty()),
            ("ip", "ip", self.ip.is_some() && first.ip.is_some()),
            ("ip6", "ip6", self.ip6.is_some() && first.ip6.is_some()),
            ("mac-address", "mac-address", self.mac_address.is_some() && first.mac_address.is_some()),
            ("link-local-ip", "link-local-ip", !self.link_local_ip.is_empty() && !first.link_local_ip.is_empty()),
        ];
        if let Some((option, key, _)) = twice.iter().find(|(_, _, twice)| *twice) {
            return Err(both(option, &format!("network=name={},{key}=", first.name)));
        }
        if !first.is_user_defined() && !self.network_alias.is_empty() {
            return Err(aliases_need_network(&first.name));
        }
        Ok(())
    }

    /// What makes no sense in a network namespace that belongs to somebody else.
    fn check_shared_network(&self) -> Result<()> {
        let Some(network) = self.network.first() else { return Ok(()) };
        let shared = network.is_container();
        let foreign = [
            ("hostname", shared && given(&self.hostname)),
            ("dns", shared && !self.dns.is_empty()),
            ("add-host", shared && !self.add_host.is_empty()),
            ("publish", shared && !self.publish.is_empty()),
            ("publish-all", shared && self.publish_all == Some(true)),
            ("expose", shared && !self.expose.is_empty()),
            ("mac-address", (shared || network.name == "host") && self.mac_address.is_some()),
            ("link", (shared || network.name == "host") && !self.link.is_empty()),
        ];
        match foreign.iter().find(|(_, given)| *given) {
            Some((option, _)) => Err(both(&format!("network={}", network.name), option)),
            None => Ok(()),
        }
    }
}

fn given(text: &Option<String>) -> bool {
    text.as_ref().is_some_and(|text| !text.is_empty())
}

fn both(one: &str, other: &str) -> Error {
    Error::invalid("", format!("`--{one}` and `--{other}` exclude each other; allowed: one of them"))
}

fn aliases_need_network(name: &str) -> Error {
    Error::invalid("", format!("`--network-alias` with the network `{name}`; allowed: networks that users made"))
}
