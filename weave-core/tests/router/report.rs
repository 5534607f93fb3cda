//! `GET /report`: everything about the router as data.

use serde_json::{Value, json};

use crate::capture;
use crate::clock;
use crate::peers::{Connection, Peers, State, Target};
use crate::router::Router;
use crate::topology::{Link, Peer};

/// The version that it says it is: that of the recorded exchanges.
pub(crate) const VERSION: &str = "git-8c847638";

/// The report; empty lists are null, as they are where the real router makes it.
pub(crate) fn report(router: &Router) -> Value {
    let mut report = json!({
        "Ready": true,
        "Version": VERSION,
        "VersionCheck": {"Enabled": false, "Success": false, "NewVersion": "", "NextCheckAt": "0001-01-01T00:00:00Z"},
        "Router": status(router),
    });
    let known: Vec<_> = router.peers().topology.all().map(|peer| peer.name.clone()).collect();
    let quorum = router.quorum();
    if let Some(ipam) = router.with_ipam(|ipam| ipam.report(&known, quorum)) {
        report["IPAM"] = ipam;
    }
    report
}

fn status(router: &Router) -> Value {
    let peers = router.peers();
    let established: Vec<_> = peers.connections.iter().filter(|one| one.established()).map(|one| &one.name).collect();
    let direct = established.iter().map(|name| json!({"Dest": name, "Via": name}));
    let own = json!({"Dest": router.name, "Via": "00:00:00:00:00:00"});
    json!({
        "Protocol": "weave",
        "ProtocolMinVersion": 1,
        "ProtocolMaxVersion": 2,
        "Encryption": router.args.password.is_some(),
        "PeerDiscovery": router.args.discovery,
        "Name": router.name,
        "NickName": router.nickname,
        "Port": router.args.port,
        "Peers": peers.topology.all().map(peer).collect::<Vec<_>>(),
        "UnicastRoutes": std::iter::once(own).chain(direct).collect::<Vec<_>>(),
        "BroadcastRoutes": [{"Source": router.name, "Via": list(established.iter().map(|name| json!(name)).collect())}],
        "Connections": connections(router, &peers),
        "TerminationCount": peers.terminations,
        "Targets": list(peers.direct.keys().map(|peer| json!(peer)).collect()),
        "OverlayDiagnostics": {"sleeve": null},
        "TrustedSubnets": router.args.trusted.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "Interface": format!("{} (via pcap)", capture::INTERFACE),
        "CaptureStats": router.forward.stats(),
        "MACs": router.forward.report(),
    })
}

fn list(rows: Vec<Value>) -> Value {
    if rows.is_empty() { Value::Null } else { Value::from(rows) }
}

fn peer(peer: &Peer) -> Value {
    let link = |link: &Link| {
        json!({
            "Name": link.name,
            "NickName": link.nickname,
            "Address": link.address,
            "Outbound": link.outbound,
            "Established": link.established,
        })
    };
    json!({
        "Name": peer.name,
        "NickName": peer.nickname,
        "UID": peer.uid,
        "ShortID": peer.uid % 4096,
        "Version": peer.version,
        "Connections": list(peer.connections.iter().map(link).collect()),
    })
}

fn connections(router: &Router, peers: &Peers) -> Value {
    let up = peers.connections.iter().filter(|one| one.why.is_none()).map(|one| connection(router, one));
    let targets = peers.targets.iter().filter_map(|(address, target)| {
        let (state, info) = attempt(router, target)?;
        Some(json!({"Address": address.to_string(), "Outbound": true, "State": state, "Info": info, "Attrs": null}))
    });
    list(up.chain(targets).collect())
}

fn connection(router: &Router, one: &Connection) -> Value {
    let sleeve = format!("sleeve {}({})", one.name, one.nickname);
    let mut attrs = json!({"mtu": one.mtu, "name": "sleeve"});
    let info = match (router.args.password.is_some(), one.encrypted) {
        (false, _) => sleeve,
        (true, true) => {
            attrs = json!({"encrypted": true, "mtu": one.mtu, "name": "sleeve"});
            format!("{:<11} {sleeve}", "encrypted")
        }
        (true, false) => format!("{:<11} {sleeve}", "unencrypted"),
    };
    json!({
        "Address": one.address.to_string(),
        "Outbound": one.outbound,
        "State": if one.established() { "established" } else { "pending" },
        "Info": info,
        "Attrs": attrs,
    })
}

/// State and explanation of a target that is not connected; None where a connection says it.
fn attempt(router: &Router, target: &Target) -> Option<(&'static str, String)> {
    match (target.state, &target.error) {
        (State::Connected | State::Suspended, _) => None,
        (State::Attempting, None) => Some(("connecting", String::new())),
        (State::Attempting, Some(error)) => Some(("retrying", error.clone())),
        (State::Waiting, error) => {
            let until = target.retry.map(|(_, at)| clock::go_time(at, router.started));
            let until = until.unwrap_or_else(|| "never".to_owned());
            Some(match error {
                None => ("waiting", format!("until: {until}")),
                Some(error) => ("failed", format!("{error}, retry: {until}")),
            })
        }
    }
}
