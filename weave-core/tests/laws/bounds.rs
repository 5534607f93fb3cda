//! What an operation may touch, what a state says of itself, and what a verb leaves alone.

use std::collections::BTreeSet;
use std::sync::Arc;

use proptest::prelude::*;
use weave_core::apply::Mode;
use weave_core::names;
use weave_core::observed::{Observed, Scope, Target};
use weave_core::ops::host;
use weave_core::plan::{Members, Place, RouterIntent, Step, document};
use weave_core::spec::{ContainerRef, HostDocument, Publication, from_value};
use weave_core::{blocking, ops};

use super::cases;
use super::generate::{Event, document as documents, history, op, reached};
use super::op::{Op, after_all};
use crate::support::fixture::docker;
use crate::support::memory_host::{MemoryHost, World};

/// A look at everything, and into every container that any test names.
pub(super) fn everything(world: &World) -> Observed {
    let targets: Vec<ContainerRef> = world.containers.keys().cloned().collect();
    world.observe(&Scope {
        targets,
        attachments: true,
        router: true,
        paths: true,
        routes: true,
        firewall: true,
        ..Scope::default()
    })
}

/// Links that `step` acts on, and where.
fn touched(step: &Step) -> Vec<(Place, Arc<str>)> {
    let host = |link: &Arc<str>| vec![(Place::Host, link.clone())];
    match step {
        Step::CreateBridge(new) => host(&new.name),
        Step::CreateVxlan(new) => vec![(Place::Host, new.name.clone()), (Place::Host, new.bridge.clone())],
        Step::CreateVeth(new) => vec![
            (Place::Host, new.name.clone()),
            (Place::Host, new.bridge.clone()),
            (Place::Target(new.target.clone()), new.interface.clone()),
        ],
        Step::CreateRouterPair(new) => {
            [&new.bridge_end, &new.router_end, &new.bridge].into_iter().flat_map(host).collect()
        }
        Step::DeleteLinks { links, .. } => links.iter().flat_map(host).collect(),
        Step::SetMaster { link, bridge, .. } => host(link).into_iter().chain(bridge.iter().flat_map(host)).collect(),
        Step::DeleteLink { link }
        | Step::SetMark { link, .. }
        | Step::ClearMark { link, .. }
        | Step::SetBridge { link, .. }
        | Step::SetTunnel { link, .. }
        | Step::SetLocalnet { link, .. }
        | Step::SetHairpin { link, .. }
        | Step::AddFlood { link, .. }
        | Step::DeleteFlood { link, .. } => host(link),
        Step::SetMtu { place, link, .. }
        | Step::SetMac { place, link, .. }
        | Step::SetUp { place, link, .. }
        | Step::SetIpv6 { place, link, .. }
        | Step::SetOffload { place, link, .. }
        | Step::AddAddress { place, link, .. }
        | Step::DeleteAddress { place, link, .. }
        | Step::AddRoute { place, link, .. }
        | Step::DeleteRoute { place, link, .. }
        | Step::Announce { place, link, .. } => vec![(place.clone(), link.clone())],
        Step::SetTable { .. }
        | Step::AddAccept(_)
        | Step::DeleteAccept(_)
        | Step::ForgetFlows { .. }
        | Step::DropRouterRules { .. }
        | Step::Engine(_)
        | Step::Control(_) => Vec::new(),
    }
}

/// Links that weave may act on: those it marked, their other ends, and those that `op` and its own naming may make.
fn allowed(observed: &Observed, op: &Op) -> BTreeSet<(Place, Arc<str>)> {
    let mut names: BTreeSet<(Place, Arc<str>)> = BTreeSet::new();
    for link in observed.links.iter().filter(|link| link.mark().is_some()) {
        names.insert((Place::Host, link.name.as_str().into()));
    }
    let intent = op.intent();
    let named = match &intent.router {
        RouterIntent::Present(router) => router.bridge.as_ref().map(ToString::to_string),
        _ => None,
    };
    names.insert((Place::Host, named.as_deref().unwrap_or(names::BRIDGE).into()));
    for port in [6783, 6784, 4789] {
        names.extend([names::vxlan(port), names::spare_vxlan(port)].map(|name| (Place::Host, name.into())));
    }
    let made = intent.attachments.iter().map(|wish| (wish.container().clone(), wish.interface().into()));
    let marked = observed.attachments().map(|(_, mark)| mark.interface);
    let interfaces: Vec<Arc<str>> = made.map(|(_, interface)| interface).chain(marked).collect();
    for (container, target) in &observed.targets {
        let Target::Found(net) = target else { continue };
        for interface in &interfaces {
            names.insert((Place::Target(container.clone()), interface.clone()));
            names.insert((Place::Host, names::host_end(net.netns.inode, interface, 0).into()));
        }
    }
    names
}

/// The members of a state that a verb may take nothing from.
fn members(world: &World) -> BTreeSet<String> {
    let document = whole(&everything(world));
    let mut members = BTreeSet::new();
    members.extend(document.peers.iter().flatten().map(|peer| format!("peer {:?}", peer.host)));
    let port = |one: &Publication| format!("publish {} {} {:?}", one.host_port, one.protocol.name(), one.host_ip);
    members.extend(document.publish.iter().flatten().map(port));
    members.extend(document.expose.iter().flatten().map(|exposure| format!("expose {}", exposure.ip)));
    for (container, attached) in document.containers.iter().flat_map(|named| &named.0) {
        members.extend(attached.addresses().iter().map(|ip| format!("{container} {ip}")));
        members.extend(attached.routes.iter().flatten().map(|route| format!("{container} {route}")));
        members.extend(attached.gateway.map(|gateway| format!("{container} gateway {gateway}")));
    }
    members
}

/// Whether nobody tampered on the way.
fn undisturbed(history: &[Event]) -> bool {
    history.iter().all(|event| matches!(event, Event::Op(_)))
}

proptest! {
    #![proptest_config(cases(250))]

    #[test]
    fn no_step_acts_on_what_is_not_weaves(history in history(), op in op()) {
        let world = reached(&history);
        let before = world.portrait();
        let allowed = allowed(&everything(&world), &op);
        let host = MemoryHost::new(world);
        let _ = op.run(&host, Mode::Apply).map(|report| report.changed);
        for step in host.asked().forward.iter().chain(&host.asked().back) {
            for link in touched(step) {
                prop_assert!(allowed.contains(&link), "{step} acts on {link:?}");
            }
        }
        prop_assert_eq!(before.foreign, host.portrait().foreign);
    }

    #[test]
    fn status_is_a_document_that_changes_nothing(history in history().prop_filter("", |history| undisturbed(history))) {
        let host = MemoryHost::new(reached(&history));
        let status = blocking::run(ops::host::status(&host)).unwrap();
        let written = serde_json::to_value(status.state.unwrap()).unwrap();
        let document: HostDocument = from_value(written.clone()).unwrap();
        // Two containers with one address, attached without asking, are no document.
        if document.validate().is_err() {
            return Ok(());
        }
        prop_assert_eq!(&serde_json::to_value(&document).unwrap(), &written);
        let report = Op::Apply(Box::new(document)).run(&host, Mode::Apply);
        let report = report.map_err(|error| TestCaseError::fail(format!("{written:#}: {error:?}")))?;
        prop_assert!(report.is_ok(), "{written:#}: {:?}", report.errors);
        prop_assert!(!report.changed, "{written:#}: {:?}", report.steps);
    }

    #[test]
    fn reset_leaves_what_is_not_weaves(history in history()) {
        let world = reached(&history);
        let before = world.portrait();
        let host = MemoryHost::new(world);
        let report = Op::Reset.run(&host, Mode::Apply).unwrap();
        prop_assert!(report.is_ok());
        let after = host.portrait();
        prop_assert!(after.own.is_empty(), "{:#?}", after.own);
        prop_assert_eq!(before.foreign, after.foreign);
    }

    #[test]
    fn an_additive_verb_takes_nothing_away(history in history(), op in op()) {
        let adds = match &op {
            Op::Launch(_) | Op::Attach(_) | Op::Expose(_) | Op::Publish(_) => true,
            Op::Connect(spec) => !spec.replace,
            _ => false,
        };
        let world = reached(&history);
        let before = members(&world);
        let host = MemoryHost::new(world);
        if adds && op.run(&host, Mode::Apply).is_ok() {
            let after = members(&host.world());
            // A tunnel that moves to the other family of addresses cannot keep its peers, and says so.
            let moved = matches!(&op, Op::Launch(spec) if spec.underlay.is_some());
            let lost: Vec<_> = before.difference(&after).filter(|one| !moved || !one.starts_with("peer")).collect();
            prop_assert!(lost.is_empty(), "{lost:?} by {:#?}", host.asked().forward);
        }
    }

    #[test]
    fn a_document_is_exact(history in history(), wanted in documents()) {
        let host = MemoryHost::new(reached(&history));
        let Ok(report) = blocking::run(host::apply(&host, &wanted, Mode::Apply)) else { return Ok(()) };
        if !report.is_ok() {
            return Ok(());
        }
        let observed = everything(&host.world());
        let is = whole(&observed);
        let set = |exposures: &HostDocument| -> BTreeSet<String> {
            exposures.expose.iter().flatten().map(|one| format!("{} {}", one.ip, one.masquerade)).collect()
        };
        if wanted.expose.is_some() && is.firewall.is_some_and(|firewall| firewall.manage) {
            let distinct: BTreeSet<_> = wanted.expose.iter().flatten().map(|one| one.ip.network()).collect();
            let count = wanted.expose.iter().flatten().count();
            prop_assert!(distinct.len() < count || set(&wanted) == set(&is), "{:?}", is.expose);
        }
        if let Some(publish) = wanted.publish.clone().filter(|_| is.firewall.is_some_and(|firewall| firewall.manage)) {
            let ports = |list: &[Publication]| -> BTreeSet<_> {
                list.iter().map(|one| (one.host_port, one.protocol, one.host_ip, one.masquerade)).collect()
            };
            prop_assert_eq!(ports(&publish), ports(&is.publish.unwrap_or_default()));
        }
        if let Members::Exact(peers) = Op::Apply(Box::new(wanted.clone())).intent().peers {
            prop_assert!(is.peers.unwrap_or_default().len() <= peers.len());
        }
        for (container, attached) in wanted.containers.iter().flat_map(|named| &named.0) {
            let Some(Target::Found(net)) = observed.targets.get(container) else { continue };
            let link = net.link(attached.interface.as_str());
            let has: BTreeSet<_> = link.iter().flat_map(|link| net.addresses_of(link.index)).collect();
            prop_assert_eq!(has, attached.addresses().iter().copied().collect::<BTreeSet<_>>());
        }
    }
}

#[test]
fn status_of_every_field_reads_again() {
    let world = after_all(
        docker(),
        &["apply {router: {port: 7000, vni: 9, mtu: 1400, underlay: eth0}, peers: '192.0.2.2:6799 192.0.2.3',
            expose: [{ip: 10.2.1.1/24, masquerade: false}], firewall: {manage: true},
            publish: ['8080:web:80', {host_port: 53, to: 10.2.1.9, protocol: udp, masquerade: false}], containers: {
            web: {ips: [10.2.1.4/24], mtu: 1300, mac: '02:00:00:00:00:09', routes: [10.9.0.0/16 via 10.2.1.9]},
            db: {ip: [10.2.1.5/24, 'fd00:1::5/64'], gateway: 10.2.1.1, multicast: false}}}"],
    );
    let state = serde_json::to_value(whole(&everything(&world))).unwrap();
    assert_eq!(
        state,
        serde_json::json!({
            "ensure": "present",
            "router": {"kind": "vxlan", "port": 7000, "vni": 9, "mtu": 1400, "underlay": "192.0.2.1", "bridge": "weave"},
            "peers": ["192.0.2.2:6799", "192.0.2.3"],
            "expose": [{"ip": "10.2.1.1/24", "masquerade": false}],
            "publish": [
                {"host_port": 53, "to": "10.2.1.9", "port": 53, "protocol": "udp", "masquerade": false},
                {"host_port": 8080, "to": "10.2.1.4", "port": 80},
            ],
            "firewall": {"manage": true},
            "containers": {
                "db": {"ips": ["10.2.1.5/24", "fd00:1::5/64"], "gateway": "10.2.1.1", "multicast": false},
                "web": {
                    "ips": ["10.2.1.4/24"], "mtu": 1300, "mac": "02:00:00:00:00:09",
                    "routes": ["10.9.0.0/16 via 10.2.1.9"],
                },
            },
        })
    );
}

/// The document of a host of which everything was looked at.
pub(super) fn whole(observed: &Observed) -> HostDocument {
    let scope =
        Scope { attachments: true, router: true, paths: true, routes: true, firewall: true, ..Scope::default() };
    document(observed, &scope)
}
