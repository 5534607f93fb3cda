//! The networks of the engine that the container joins: `--network`.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::csv;
use super::hosts::MacAddress;
use super::value::{Map, Value, whole, wrong};
use crate::Result;

const KEYS: &str = "name, alias, ip, ip6, mac-address, link-local-ip, driver-opt, gw-priority";

/// A network by its name, or with the container's place in it: `name=net,ip=10.3.0.4,alias=db`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Network {
    /// The name or id; `bridge`, `host`, `none`, `default` and `container:NAME` are not networks of users.
    pub name: String,
    /// Other names of the container there.
    pub alias: Vec<String>,
    /// Its IPv4 address.
    pub ip: Option<Ipv4Addr>,
    /// Its IPv6 address.
    pub ip6: Option<Ipv6Addr>,
    /// Its hardware address.
    pub mac_address: Option<MacAddress>,
    /// Its addresses on the link.
    pub link_local_ip: Vec<IpAddr>,
    /// Options for the network's driver.
    pub driver_opt: BTreeMap<String, String>,
    /// Which network has the default route: the one with the highest number.
    pub gw_priority: Option<i64>,
}

impl Network {
    /// Whether it is a network that users made, and no mode of the engine.
    pub fn is_user_defined(&self) -> bool {
        !matches!(self.name.as_str(), "default" | "bridge" | "host" | "none") && !self.name.starts_with("container:")
    }

    /// Whether it is another container's namespace.
    pub fn is_container(&self) -> bool {
        self.name.starts_with("container:")
    }

    /// Whether nothing but the name is given.
    pub(crate) fn is_plain(&self) -> bool {
        *self == Self { name: self.name.clone(), ..Self::default() }
    }
}

impl Value for Network {
    const MAP: Map = Map::Fields;

    fn read(text: &str) -> Result<Self> {
        if !is_long(text) {
            let name = text.trim();
            return match name {
                "" => Err(wrong(text, "is no network", "a name, or name=NAME,ip=ADDRESS and the like")),
                "container:" => Err(wrong(text, "names no container", "container:NAME")),
                _ => Ok(Self { name: name.to_owned(), ..Self::default() }),
            };
        }
        let mut network = Self::default();
        for field in csv::split(text)? {
            // The client takes the whole field in lower case, values too.
            let field = field.to_lowercase();
            match field.split_once('=') {
                Some((key, value)) => network.set(key.trim(), value.trim())?,
                None => return Err(wrong(&field, "has no value", &format!("KEY=VALUE with the keys {KEYS}"))),
            }
        }
        if network.name.is_empty() {
            return Err(wrong(text, "has no name", "name=NAME,…"));
        }
        Ok(network)
    }

    fn write(&self) -> String {
        if self.is_plain() && !is_long(&self.name) {
            return self.name.clone();
        }
        let mut fields = vec![format!("name={}", self.name)];
        fields.extend(self.alias.iter().map(|alias| format!("alias={alias}")));
        fields.extend(self.ip.map(|ip| format!("ip={ip}")));
        fields.extend(self.ip6.map(|ip| format!("ip6={ip}")));
        fields.extend(self.mac_address.iter().map(|mac| format!("mac-address={}", mac.write())));
        fields.extend(self.link_local_ip.iter().map(|ip| format!("link-local-ip={ip}")));
        fields.extend(self.driver_opt.iter().map(|(name, value)| format!("driver-opt={name}={value}")));
        fields.extend(self.gw_priority.map(|priority| format!("gw-priority={priority}")));
        csv::join(&fields)
    }
}

impl Network {
    fn set(&mut self, key: &str, value: &str) -> Result<()> {
        match key {
            "name" => value.clone_into(&mut self.name),
            "alias" => self.alias.push(value.to_owned()),
            "ip" => self.ip = Some(Value::read(value)?),
            "ip6" => self.ip6 = Some(Value::read(value)?),
            "mac-address" => self.mac_address = Some(Value::read(value)?),
            "link-local-ip" => self.link_local_ip.push(Value::read(value)?),
            "driver-opt" => match value.split_once('=') {
                Some((name, value)) if !name.trim().is_empty() => {
                    self.driver_opt.insert(name.trim().to_owned(), value.trim().to_owned());
                }
                _ => return Err(wrong(value, "is no option of a driver", "driver-opt=NAME=VALUE")),
            },
            "gw-priority" => match whole(value).and_then(|number| i64::try_from(number).ok()) {
                Some(priority) => self.gw_priority = Some(priority),
                None => return Err(wrong(value, "is no priority", "a whole number")),
            },
            _ => return Err(wrong(key, "is no key of a network", KEYS)),
        }
        Ok(())
    }
}

/// Whether there is a `key=value` somewhere: a word's letter on both sides of an equals sign.
fn is_long(text: &str) -> bool {
    let letter = |c: char| c.is_ascii_alphanumeric() || c == '_';
    text.match_indices('=').any(|(at, _)| text[..at].ends_with(letter) && text[at + 1..].starts_with(letter))
}
