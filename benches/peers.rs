//! Other hosts: entries of the flood list.

use std::fmt::Write as _;
use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use weave_core::spec::{Connect, Peer};
use weave_core::{Mode, ops};

use crate::Bench;
use crate::attachments::{launch, run_on_host};
use crate::by_hand;
use crate::measure::{Contender, medians};
use crate::raw::Result;
use crate::sandbox::{self, UNDERLAY, run, timed};
use crate::table::{Aim, Row};

const TUNNEL: &str = "byhand-vx";
const OURS: &str = "vxlan-6783";

/// Measures all of it.
pub(crate) fn measure(bench: &Bench) -> Result<()> {
    let sizes: &[usize] = if bench.quick { &[1000] } else { &[1000, 10_000] };
    let rows: Vec<_> = sizes.iter().flat_map(|size| [(*size, false), (*size, true)]).collect();
    for (size, manage) in rows {
        let what = format!("connect {size}{}", if manage { ", firewall" } else { "" });
        if bench.wants(&what) {
            // A host for each row: a long list slows down everything that looks at its device.
            sandbox::inside(0, |_| connect(bench, &what, size, manage))?;
        }
    }
    Ok(())
}

fn peers(count: usize) -> Vec<Ipv4Addr> {
    // From the sandbox's `PEERS`.
    (0..u32::try_from(count).unwrap_or(0)).map(|number| Ipv4Addr::from(0xc612_0001 + number)).collect()
}

fn make_tunnel() -> Result<usize> {
    let tunnel = ["link", "add", TUNNEL, "type", "vxlan", "id", "77", "dstport", "4789", "local", UNDERLAY, "learning"];
    run("ip", &tunnel)?;
    run("ip", &["link", "set", TUNNEL, "up"])?;
    by_hand::forwarding_entries(TUNNEL)
}

fn drop_tunnel() -> Result<()> {
    run("ip", &["link", "delete", TUNNEL]).map(drop)
}

/// The entries of the peers are there, besides the `before` that every tunnel has.
fn check(link: &str, before: usize, count: usize) -> Result<()> {
    match by_hand::forwarding_entries(link)?.saturating_sub(before) {
        there if there == count => Ok(()),
        there => Err(format!("{link} has {there} more forwarding entries, not {count}").into()),
    }
}

/// The guard of the port as a script: the set of the peers, and the rules that let only those in.
fn guard(peers: &[Ipv4Addr]) -> String {
    let mut script = "table inet byhand {\n set peers {\n type ipv4_addr\n elements = {".to_owned();
    for peer in peers {
        // Writing to a string cannot fail.
        let _ = write!(script, " {peer},");
    }
    script += " }\n }\n chain guard {\n type filter hook prerouting priority raw; policy accept;\n";
    script += " udp dport 4789 fib daddr type local ip saddr @peers accept\n udp dport 4789 fib daddr type local drop\n }\n}\n";
    script
}

fn by_hand(peers: &[Ipv4Addr], guarded: bool) -> Result<Duration> {
    let before = make_tunnel()?;
    let mut spent = by_hand::connect(TUNNEL, peers)?;
    if guarded {
        spent += timed("nft", &["-f", "-"], &guard(peers))?;
        run("nft", &["delete", "table", "inet", "byhand"])?;
    }
    check(TUNNEL, before, peers.len())?;
    drop_tunnel()?;
    Ok(spent)
}

fn ours(peers: &[Ipv4Addr], manage: bool) -> Result<Duration> {
    let _ = run_on_host!(|host| launch(host, manage))?;
    let before = by_hand::forwarding_entries(OURS)?;
    let spec = Connect { peers: peers.iter().map(|peer| Peer::from(IpAddr::V4(*peer))).collect(), replace: false };
    let (spent, report) = run_on_host!(|host| ops::peer::connect(host, &spec, Mode::Apply))?;
    if !report.changed {
        return Err("connect reports no change".into());
    }
    check(OURS, before, peers.len())?;
    let _ = run_on_host!(|host| ops::host::reset(host, Mode::Apply))?;
    Ok(spent)
}

fn by_bridge(peers: &[Ipv4Addr]) -> Result<Duration> {
    let before = make_tunnel()?;
    let line = |peer: &Ipv4Addr| format!("fdb append 00:00:00:00:00:00 dev {TUNNEL} dst {peer}\n");
    let script: String = peers.iter().map(line).collect();
    let spent = timed("bridge", &["-batch", "-"], &script)?;
    check(TUNNEL, before, peers.len())?;
    drop_tunnel()?;
    Ok(spent)
}

fn connect(bench: &Bench, what: &str, count: usize, manage: bool) -> Result<()> {
    let peers = peers(count);
    let rounds = bench.rounds(if count > 1000 { 5 } else { 39 });
    let [limit, ours, bridge] = medians(
        rounds,
        [
            Contender::new(|| by_hand(&peers, manage)),
            Contender::new(|| ours(&peers, manage)),
            Contender::new(|| by_bridge(&peers)),
        ],
    )?;
    let others = (!manage).then_some(bridge);
    bench.report(&Row::times(what, limit, ours, others, Aim::AtMost(1.3)));
    Ok(())
}
