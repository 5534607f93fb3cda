//! Addresses as the real router reads them, and what it says of those that it cannot read.

use std::net::{IpAddr, Ipv4Addr};

use ipnetwork::{IpNetwork, Ipv4Network};

/// A subnet has at least this many addresses.
const SMALLEST: u32 = 4;

/// An address with a prefix length.
pub(crate) fn parse(text: &str) -> Result<Ipv4Network, String> {
    let plain = text.split_once('/').is_some_and(|(_, length)| length.bytes().all(|byte| byte.is_ascii_digit()));
    match text.parse() {
        Ok(IpNetwork::V4(cidr)) if plain => Ok(cidr),
        Ok(IpNetwork::V6(_)) if plain => Err(format!("invalid Non-IPv4 address not supported: {text}")),
        _ => Err(format!("invalid CIDR address: {text}")),
    }
}

/// A subnet: no bit is set after the prefix.
pub(crate) fn subnet(text: &str) -> Result<Ipv4Network, String> {
    let cidr = parse(text)?;
    if cidr.prefix() > 30 {
        return Err(format!("invalid subnet - smaller than minimum size {SMALLEST}: {text}"));
    }
    if cidr.ip() != cidr.network() {
        return Err(format!("invalid subnet - bits after network prefix are not all zero: {text}"));
    }
    Ok(cidr)
}

/// An address alone.
pub(crate) fn address(text: &str) -> Result<Ipv4Addr, String> {
    match text.parse() {
        Ok(IpAddr::V4(ip)) => Ok(ip),
        _ => Err(format!("invalid IP Address: {text}")),
    }
}
