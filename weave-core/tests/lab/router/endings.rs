//! How a router starts, what it keeps, and how it ends.

use super::exchange::{ask, await_established, await_page, get, lab, with};
use crate::lab::{Host, RouterOptions};

/// Starts a router that must not run; its exit code and what it said.
fn refused(host: &Host, args: &str) -> (Option<i32>, String) {
    let mut router = host.start_router(&RouterOptions { fresh: true, ..with(args) });
    (router.exit(), router.log())
}

#[test]
fn it_ends_when_told_to_and_refuses_what_it_cannot_do() {
    let (_lab, hosts) = lab(1);
    let host = &hosts[0];
    let router = host
        .start_router(&with("--no-discovery --conn-limit=30 --ipalloc-init consensus=1 --ipalloc-range 10.32.0.0/12"));
    await_page(host, "/status", |page| page.contains("Service: router"));
    assert_eq!(router.terminate(), Some(0));

    let (code, said) = refused(host, "--no-such-flag");
    assert_eq!(code, Some(125));
    assert!(said.ends_with("flag provided but not defined: --no-such-flag\nSee 'weave --help'.\n"), "{said}");
    let (code, said) = refused(host, "--mtu many");
    assert!(code == Some(125) && said.contains("invalid value \"many\" for flag --mtu: "), "{said}");
    let (code, said) = refused(host, "not/a/host");
    assert!(code == Some(1) && said.ends_with("lookup not/a/host: no such host\n"), "{said}");
    host.sh("ip link set vethwe-pcap down").must();
    let (code, said) = refused(host, "");
    assert!(code == Some(1) && said.ends_with("interface vethwe-pcap is not up\n"), "{said}");
    host.sh("ip link delete vethwe-pcap").must();
    let (code, said) = refused(host, "");
    assert!(code == Some(1) && said.ends_with("interface vethwe-pcap does not exist\n"), "{said}");
}

#[test]
fn a_restarted_container_goes_on_and_a_new_one_begins_with_its_command_line() {
    let (_lab, hosts) = lab(2);
    let (host, peer) = (&hosts[0], hosts[1].v4().to_string());
    let _other = hosts[1].start_router(&with("--ipalloc-range 10.32.0.0/12"));
    let options = with("--ipalloc-range 10.32.0.0/12 192.0.2.77");
    let router = host.start_router(&options);
    await_page(host, "/status/targets", |page| page == "192.0.2.77\n");
    let form = [format!("peer={peer}"), "replace=true".to_owned()];
    assert_eq!(ask(host, "POST", "/connect", None, &form).expect("an answer").status, "200 OK");
    await_established(host, 1);
    let taken = ask(host, "POST", "/ip/one", None, &[]).expect("an answer").body;
    assert_eq!(taken, "10.32.0.1/12");
    assert_eq!(router.terminate(), Some(0));
    await_established(&hosts[1], 0);

    let router = host.start_router(&options);
    await_page(host, "/status/targets", |page| page == format!("{peer}\n"));
    await_established(&hosts[1], 1);
    assert_eq!(get(host, "/ip/one"), taken);
    assert_eq!(router.terminate(), Some(0));

    // The volume outlives the container; its addresses are still there.
    let _router = host.start_router(&RouterOptions { fresh: true, ..options });
    await_page(host, "/status/targets", |page| page == "192.0.2.77\n");
    assert_eq!(get(host, "/ip/one"), taken);
}

#[test]
fn a_peer_that_comes_back_is_connected_again() {
    let (_lab, hosts) = lab(2);
    let _one = hosts[0].start_router(&with(&hosts[1].v4().to_string()));
    await_page(&hosts[0], "/status/connections", |page| page.contains("connect: connection refused, retry: "));
    for _ in 0..2 {
        let two = hosts[1].start_router(&with(""));
        hosts.iter().for_each(|host| await_established(host, 1));
        assert_eq!(two.terminate(), Some(0));
        await_established(&hosts[0], 0);
    }
}
