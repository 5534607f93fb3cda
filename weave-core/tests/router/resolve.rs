//! Peers as they are given, as addresses; refused in the real router's words. It takes an IPv6 address in brackets and
//! without a port only, since it puts host and port together again without them.

use std::net::{IpAddr, SocketAddr, ToSocketAddrs as _};

/// The address of a peer; port 0 where none was given.
pub(crate) fn peer(text: &str) -> Result<SocketAddr, String> {
    let (host, port) = split(text);
    if host.is_empty() || !port.chars().all(char::is_alphanumeric) {
        return Err(format!("invalid peer name {text:?}, should be host[:port]"));
    }
    let bracketed = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
    if bracketed.is_none() && host.contains(':') {
        return Err(format!("address {host}:{port}: too many colons in address"));
    }
    let number = match port.parse::<u32>() {
        Ok(number) => u16::try_from(number).map_err(|_| format!("address {port}: invalid port"))?,
        Err(_) => return Err(format!("lookup tcp/{port}: unknown port")),
    };
    Ok(SocketAddr::new(address(bracketed.unwrap_or(host))?, number))
}

/// Host and port; a host that keeps its brackets where there is no port.
fn split(text: &str) -> (&str, &str) {
    if let Some((host, port)) = text.strip_prefix('[').and_then(|rest| rest.split_once("]:")) {
        return (host, port);
    }
    match text.split_once(':') {
        Some((host, port)) if !port.contains(':') && !host.starts_with('[') => (host, port),
        _ => (text, "0"),
    }
}

fn address(host: &str) -> Result<IpAddr, String> {
    if let Ok(ip) = host.parse() {
        return Ok(ip);
    }
    let unknown = || format!("lookup {host}: no such host");
    // What can be no name is not asked for, so that nobody waits for an answer.
    if !host.chars().all(|one| one.is_ascii_alphanumeric() || "-._".contains(one)) {
        return Err(unknown());
    }
    let found: Vec<_> = (host, 0).to_socket_addrs().map_err(|_| unknown())?.map(|found| found.ip()).collect();
    found.iter().find(|ip| ip.is_ipv4()).or(found.first()).copied().ok_or_else(unknown)
}
