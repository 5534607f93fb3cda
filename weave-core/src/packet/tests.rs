//! Probes and announcements on real bridges, in network namespaces of their own. They need root.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use proptest::prelude::*;

use super::rooms::Room;
use super::*;
use crate::ErrorKind;

const BRIDGE_MAC: &str = "12:00:00:00:00:01";
const WEB_MAC: &str = "0a:57:0a:02:01:04";
const DB_MAC: &str = "0a:57:0a:02:01:05";
const WAIT: Duration = Duration::from_millis(100);

fn mac(text: &str) -> Mac {
    text.parse().expect("a MAC")
}

fn ips(texts: &[&str]) -> Vec<IpAddr> {
    texts.iter().map(|text| text.parse().expect("an address")).collect()
}

/// A host with an empty bridge that has no IPv6.
fn host() -> Room {
    let host = Room::new();
    host.ip(&format!("link add weave address {BRIDGE_MAC} type bridge mcast_snooping 0"));
    host.sh("echo 1 > /proc/sys/net/ipv6/conf/weave/disable_ipv6");
    host.ip("link set weave up");
    host
}

fn probe_in(room: &Room, link: &'static str, own: &str, addresses: Vec<IpAddr>) -> (Vec<(IpAddr, Mac)>, Duration) {
    let (ifindex, own) = (room.ifindex(link), mac(own));
    room.run(move || {
        let start = Instant::now();
        (probe(ifindex, own, &addresses, WAIT).expect("a probe"), start.elapsed())
    })
}

/// What a probe finds, which is to take less than `limit`: of several, on a machine that may be busy with others.
#[track_caller]
fn found_within(limit: Duration, probe: impl Fn() -> (Vec<(IpAddr, Mac)>, Duration)) -> Vec<(IpAddr, Mac)> {
    let (found, mut best) = probe();
    for _ in 0..20 {
        if best < limit {
            break;
        }
        let (again, took) = probe();
        assert_eq!(again, found);
        best = best.min(took);
    }
    assert!(best < limit, "it took {best:?}");
    found
}

#[test]
fn who_has_an_address_is_found_from_the_bridge() {
    let host = host();
    let web = host.container("p1", WEB_MAC);
    let db = host.container("p2", DB_MAC);
    web.ip("address add 10.2.1.4/16 dev ethwe");
    web.ip("address add fd00::4/64 dev ethwe nodad");
    db.ip("address add 10.2.1.5/16 dev ethwe");

    let wanted = ips(&["10.2.1.4", "fd00::4", "10.2.1.5", "10.2.1.4"]);
    // All answer: nobody is waited for.
    let found = found_within(WAIT, || probe_in(&host, "weave", BRIDGE_MAC, wanted.clone()));
    let owners = [(wanted[0], mac(WEB_MAC)), (wanted[1], mac(WEB_MAC)), (wanted[2], mac(DB_MAC))];
    assert_eq!(found, owners);

    let found = found_within(WAIT * 5, || {
        let (found, took) = probe_in(&host, "weave", BRIDGE_MAC, ips(&["10.2.1.6", "fd00::6", "10.2.1.4"]));
        assert!(took >= WAIT, "one stayed silent, and it took {took:?}");
        (found, took)
    });
    assert_eq!(found, [owners[0]]);

    let (found, _) = probe_in(&db, "ethwe", DB_MAC, wanted);
    assert_eq!(found, owners[..2], "an address of our own is no conflict");
}

#[test]
fn two_hosts_with_one_address_are_both_named() {
    let host = host();
    let web = host.container("p1", WEB_MAC);
    let db = host.container("p2", DB_MAC);
    web.ip("address add 10.2.1.4/16 dev ethwe");
    db.ip("address add 10.2.1.4/16 dev ethwe");
    let (mut found, _) = probe_in(&host, "weave", BRIDGE_MAC, ips(&["10.2.1.4", "10.2.1.9"]));
    found.sort();
    let address = ips(&["10.2.1.4"])[0];
    assert_eq!(found, [(address, mac(WEB_MAC)), (address, mac(DB_MAC))]);
}

#[test]
fn a_thousand_addresses_are_asked_about_at_once() {
    let host = host();
    let web = host.container("p1", WEB_MAC);
    let _db = host.container("p2", DB_MAC);
    let v4 = |number: u16| IpAddr::from(Ipv4Addr::new(10, 2, (number >> 8) as u8, number as u8));
    let v6 = |number: u16| IpAddr::from(Ipv6Addr::new(0xfd00, 0, 0, 0, 0, 0, 0, number));
    for (bits, nth) in [(16, &v4 as &dyn Fn(u16) -> IpAddr), (64, &v6)] {
        let taken: Vec<String> =
            (1..=500).map(|number| format!("address add {}/{bits} dev ethwe", nth(number))).collect();
        let nodad = if bits == 64 { " nodad" } else { "" };
        web.sh(&format!("ip -batch - <<'END'\n{}{nodad}\nEND", taken.join(&format!("{nodad}\n"))));
        let probe = |last: u16| probe_in(&host, "weave", BRIDGE_MAC, (1..=last).map(nth).collect());
        let found = found_within(WAIT * 4, || probe(1000));
        let owners: Vec<_> = (1..=500).map(|number| (nth(number), mac(WEB_MAC))).collect();
        assert_eq!(found, owners);
        assert_eq!(found_within(WAIT, || probe(500)), owners);
    }
}

#[test]
fn unrelated_traffic_does_not_drown_the_answers() {
    let host = host();
    let web = host.container("p1", WEB_MAC);
    let db = host.container("p2", DB_MAC);
    web.ip("address add 10.2.1.4/16 dev ethwe");
    web.ip("address add fd00::4/64 dev ethwe nodad");
    db.ip("address add fd00::5/64 dev ethwe nodad");
    let ifindex = db.ifindex("ethwe");
    let (ready, started) = std::sync::mpsc::channel();
    let ended = Arc::new(AtomicBool::new(false));
    let over = Arc::clone(&ended);
    let flood = thread::spawn(move || {
        db.run(move || {
            let socket = std::net::UdpSocket::bind("[fd00::5]:0").expect("a socket");
            let everybody = std::net::SocketAddrV6::new(Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 1), 9, 0, ifindex);
            ready.send(()).expect("the test waits");
            while !over.load(Ordering::Relaxed) {
                // Without a pause it would fill the queue that all namespaces share, and take the answers from it.
                for _ in 0..20 {
                    let _ = socket.send_to(&[0; 1400], everybody);
                }
                thread::sleep(Duration::from_micros(20));
            }
        });
    });
    started.recv().expect("a flood");
    // Any of several, since what is lost is no fault of the probe.
    let tries = (0..5).map(|_| probe_in(&host, "weave", BRIDGE_MAC, ips(&["10.2.1.4", "fd00::4", "fd00::9"])));
    let found = tries.map(|(found, took)| (found.len(), took)).find(|(found, took)| *found == 2 && *took < WAIT * 5);
    ended.store(true, Ordering::Relaxed);
    flood.join().expect("the flood");
    assert!(found.is_some(), "not both were found in time");
}

#[test]
fn of_two_that_probe_for_the_same_at_once_at_least_one_notices() {
    let host = host();
    let web = host.container("p1", WEB_MAC);
    let db = host.container("p2", DB_MAC);
    let wanted = ips(&["10.2.1.7"]);
    let spanned = |room: &Room, own: &str| {
        let (ifindex, own, wanted) = (room.ifindex("ethwe"), mac(own), wanted.clone());
        room.run(move || {
            let start = Instant::now();
            (probe(ifindex, own, &wanted, WAIT).expect("a probe"), start, Instant::now())
        })
    };
    for _ in 0..20 {
        let ((found, start, end), (others, from, to)) = thread::scope(|scope| {
            let other = scope.spawn(|| spanned(&db, DB_MAC));
            (spanned(&web, WEB_MAC), other.join().expect("a probe"))
        });
        let noticed = found == [(wanted[0], mac(DB_MAC))] || others == [(wanted[0], mac(WEB_MAC))];
        // Only those that overlap can notice each other: they began together, and nothing kept either from running.
        let together = start.max(from) - start.min(from) < WAIT / 3;
        if together && (end - start).max(to - from) < WAIT * 3 / 2 {
            assert!(noticed, "{found:?} {others:?}");
            return;
        }
    }
    panic!("they never ran at once");
}

/// Neighbours that know `addresses` of `web` at another place, and what they know after `tell`.
fn corrected(tell: impl FnOnce(u32, &[IpAddr]) -> Result<()> + Send + 'static) -> (String, String) {
    const OLD: &str = "0a:57:00:00:00:01";
    let host = host();
    let web = host.container("p1", WEB_MAC);
    let db = host.container("p2", DB_MAC);
    db.ip("address add 10.2.1.5/16 dev ethwe");
    db.ip("address add fd00::5/64 dev ethwe nodad");
    web.ip("address add 10.2.1.3/16 dev ethwe");
    web.ip("address add 10.2.1.4/16 dev ethwe");
    web.ip("address add fd00::4/64 dev ethwe nodad");
    for address in ["10.2.1.4", "fd00::4"] {
        db.ip(&format!("neighbour replace {address} lladdr {OLD} dev ethwe nud stale"));
    }
    host.ip("link set weave type bridge fdb_flush");
    let ifindex = web.ifindex("ethwe");
    web.run(move || tell(ifindex, &ips(&["10.2.1.4", "fd00::4"]))).expect("an announcement");
    (db.ip("neighbour show dev ethwe"), host.sh("bridge fdb show br weave"))
}

fn assert_corrected((neighbours, learnt): (String, String)) {
    for address in ["10.2.1.4", "fd00::4"] {
        assert!(neighbours.contains(&format!("{address} lladdr {WEB_MAC}")), "{neighbours}");
    }
    assert!(learnt.lines().any(|line| line.starts_with(&format!("{WEB_MAC} dev p1"))), "{learnt}");
}

#[test]
fn an_announcement_corrects_neighbours_and_the_bridge() {
    assert_corrected(corrected(|ifindex, addresses| announce(ifindex, mac(WEB_MAC), addresses)));
}

#[test]
fn another_mac_than_that_of_the_link_is_announced_without_changing_the_link() {
    let host = host();
    let (web, db) = (host.container("p1", WEB_MAC), host.container("p2", DB_MAC));
    let ifindex = web.ifindex("ethwe");
    let other = "0a:57:00:00:00:09";
    web.run(move || announce(ifindex, mac(other), &ips(&["10.2.1.9"]))).expect("an announcement");
    assert!(web.ip("link show dev ethwe").contains(WEB_MAC));
    assert!(host.sh("bridge fdb show br weave").contains(&format!("{other} dev p1")));
    drop(db);
}

#[test]
fn an_interface_that_cannot_send_is_an_error_with_its_number() {
    let host = host();
    host.ip("link set weave down");
    let ifindex = host.ifindex("weave");
    for (ifindex, errno) in [(ifindex, nix::libc::ENETDOWN), (4711, nix::libc::ENODEV), (u32::MAX, nix::libc::ENODEV)] {
        let tell = move || announce(ifindex, mac(BRIDGE_MAC), &ips(&["10.2.1.4"])).expect_err("no way");
        assert_eq!(host.run(tell).raw_errno(), Some(errno));
        let error = host.run(move || probe(ifindex, mac(BRIDGE_MAC), &ips(&["10.2.1.4"]), WAIT).expect_err("no way"));
        assert_eq!((error.kind(), error.raw_errno()), (ErrorKind::Kernel, Some(errno)), "{error}");
        assert!(error.subject().contains(&ifindex.to_string()), "{error}");
    }
}

#[test]
fn asking_for_nothing_costs_nothing() {
    assert!(probe(1, mac(BRIDGE_MAC), &[], WAIT).expect("nothing to do").is_empty());
    announce(1, mac(BRIDGE_MAC), &[]).expect("nothing to do");
}

#[test]
fn our_own_voice_is_no_claim() {
    let own = mac(WEB_MAC);
    for frame in [arp::probe(own, Ipv4Addr::LOCALHOST), ndp::probe(own, Ipv6Addr::LOCALHOST)] {
        assert_eq!(foreign_claim(own, &frame), None);
        assert!(foreign_claim(mac(DB_MAC), &frame).is_some());
    }
    // Somebody repeats in our name what we said: a proxy or a loop.
    let mut echo = arp::announcement(own, Ipv4Addr::LOCALHOST);
    echo[6..12].copy_from_slice(&mac(DB_MAC).0);
    assert_eq!(foreign_claim(own, &echo), None);
}

proptest! {
    #[test]
    fn arbitrary_bytes_are_read_without_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = foreign_claim(Mac([2; 6]), &bytes);
        let _ = arp::claim(&bytes);
        let _ = ndp::claim(&bytes);
    }

    #[test]
    fn damaged_frames_are_read_without_panic(at in 0usize..86, value: u8, cut in 0usize..100) {
        let mut frame = ndp::announcement(Mac([2; 6]), Ipv6Addr::LOCALHOST);
        frame[at] = value;
        frame.truncate(cut);
        let _ = foreign_claim(Mac([4; 6]), &frame);
    }

    #[test]
    fn what_is_made_is_understood(v4: [u8; 4], v6: [u8; 16]) {
        let (own, other) = (Mac([2; 6]), Mac([4; 6]));
        let (v4, v6) = (Ipv4Addr::from(v4), Ipv6Addr::from(v6));
        prop_assume!(!v4.is_unspecified() && !v6.is_unspecified() && !v6.is_multicast());
        for frame in [arp::probe(own, v4), arp::announcement(own, v4)] {
            prop_assert_eq!(foreign_claim(other, &frame), Some((v4.into(), own)));
        }
        for frame in [ndp::probe(own, v6), ndp::announcement(own, v6)] {
            prop_assert_eq!(foreign_claim(other, &frame), Some((v6.into(), own)));
        }
    }
}
