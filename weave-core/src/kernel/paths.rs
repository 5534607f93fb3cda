//! The ways to the peers.
//!
//! A thousand questions take the kernel two milliseconds. It finds a way by the prefixes of rules and routes alone, so
//! where no prefix begins or ends between two addresses, both have the same one, and one of them is asked for.
//!
//! That holds for IPv4 only: of IPv6, the source depends on the whole address. It does not hold for routes over
//! several next hops, which are chosen by the address, nor for what was learned of single addresses (the MTU behind
//! the next hop): those are prefixes of their own here. The kernel does not list what it learned of an address that
//! nothing was sent to since; that counts from the next packet on.

use std::collections::BTreeMap;
use std::net::IpAddr;

use super::look;
use crate::Result;
use crate::netlink::decode::{Span, path, route_span, rule_span};
use crate::netlink::{Message, Socket, encode};
use crate::observed::Path;

/// So many are asked for one by one: no list of routes is read for them.
const FEW: usize = 50;

/// Prefixes that the kernel treats by itself, whatever routes say: this network, groups, and broadcast.
const BY_ITSELF: [(u32, u8); 4] = [(0, 8), (0, 32), (0xe000_0000, 4), (0xffff_ffff, 32)];

/// Reads one answer of a list.
type Read = fn(&[u8]) -> Option<Span>;

/// How the host reaches each of `addresses`, in any order; those without a way are left out.
pub(super) fn paths(mut addresses: Vec<IpAddr>) -> Result<BTreeMap<IpAddr, Path>> {
    addresses.sort_unstable();
    addresses.dedup();
    // In their order, IPv4 comes first.
    let v6 = addresses.split_off(addresses.partition_point(IpAddr::is_ipv4));
    let v4 = addresses;
    let edges = if v4.len() > FEW { edges(v4.len())? } else { None };
    let mut found = match edges {
        Some(edges) => alike(&v4, &edges)?,
        None => each(&v4)?,
    };
    found.extend(each(&v6)?);
    Ok(found.into_iter().collect())
}

/// Asks for each address.
fn each(addresses: &[IpAddr]) -> Result<Vec<(IpAddr, Path)>> {
    if addresses.is_empty() {
        return Ok(Vec::new());
    }
    let questions = addresses.iter().map(|address| encode::route_to(*address));
    let answers = look::socket("host")?.ask(questions, path);
    // A refusal is the kernel's word for "no route".
    Ok(addresses.iter().zip(answers).filter_map(|(address, answer)| Some((*address, answer.ok()??))).collect())
}

/// Asks for one of all addresses between two edges.
fn alike(addresses: &[IpAddr], edges: &[u32]) -> Result<Vec<(IpAddr, Path)>> {
    // Both are in their order.
    let mut edges = edges.iter().peekable();
    let mut crossed = |address: &IpAddr| {
        let mut any = false;
        while edges.next_if(|edge| **edge <= number(address)).is_some() {
            any = true;
        }
        any
    };
    if let Some(first) = addresses.first() {
        crossed(first);
    }
    let groups: Vec<&[IpAddr]> = addresses.chunk_by(|_, next| !crossed(next)).collect();
    let first: Vec<IpAddr> = groups.iter().filter_map(|group| group.first()).copied().collect();
    let known: BTreeMap<IpAddr, Path> = each(&first)?.into_iter().collect();
    let mut found = Vec::with_capacity(addresses.len());
    let mut rest = Vec::new();
    for (group, first) in groups.into_iter().zip(&first) {
        match known.get(first) {
            Some(path) if !path.local => found.extend(group.iter().map(|address| (*address, *path))),
            // Of what is local, the source is the address itself. No way at all is seldom, and better asked for twice.
            _ => rest.extend_from_slice(group),
        }
    }
    found.extend(each(&rest)?);
    Ok(found)
}

/// The first addresses of all prefixes, and those behind their last ones, in their order; `None` where a route is not
/// the same for all of its prefix, and where there are more than `most` routes, so that asking costs less.
fn edges(most: usize) -> Result<Option<Vec<u32>>> {
    let mut socket = look::socket("host")?;
    let mut spans: Vec<Span> = BY_ITSELF.iter().filter_map(|(address, length)| Span::new(*address, *length)).collect();
    let lists: [(Message, Read); 3] = [
        (encode::dump_all_routes(), route_span),
        (encode::dump_rules(), rule_span),
        (encode::dump_route_exceptions(), rule_span),
    ];
    for (request, span) in lists {
        let Some(more) = list(&mut socket, request, most, span) else { return Ok(None) };
        spans.extend(more);
    }
    let mut edges: Vec<u32> =
        spans.iter().flat_map(|span| [Some(span.first), span.last.checked_add(1)]).flatten().collect();
    edges.sort_unstable();
    edges.dedup();
    Ok(Some(edges))
}

fn list(socket: &mut Socket, request: Message, most: usize, span: Read) -> Option<Vec<Span>> {
    // What cannot be listed is no reason to give up: each address can be asked for.
    let spans = socket.dump_up_to(request, most, |payload, found| found.push(span(payload))).ok()?;
    if spans.len() > most { None } else { spans.into_iter().collect() }
}

fn number(address: &IpAddr) -> u32 {
    match address {
        IpAddr::V4(v4) => v4.to_bits(),
        IpAddr::V6(_) => u32::MAX,
    }
}
