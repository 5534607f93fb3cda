//! Addresses that a router in a container allocates, and those that it is told of.

use super::classic_router::{host_with_engine, launch};
use super::kernel::addresses;
use super::{Scene, WEAVE, four_runs, refused, report, write};
use crate::lab::{Host, Lab, ROUTER_IMAGE};

/// Of the first of two hosts whose routers are joined, which allocate nothing yet.
pub(super) fn from_the_router(one: &Host, two: &Host) {
    let image = format!("router: {{kind: image, image: '{ROUTER_IMAGE}', ipalloc_range: 10.32.0.0/12}}\n");
    let app = one.run_container("app", &["--network=none"]);
    let id = app.inspect("{{.Id}}");
    let owned = || one.exec(&["curl", "-sS", &format!("http://127.0.0.1:6784/ip/{id}")]).must();
    let refusal = refused(one, &["attach", "net:default", "app"]);
    refusal.says("unsupported", "ips", &["needs a router that allocates addresses"]);
    // Who asks for an address waits until more than half of the routers have met that allocate.
    report(two, &["apply", &write(two, &format!("{image}peers: [192.0.2.1]\n"))], 2);
    report(
        one,
        &["apply", &write(one, &format!("{image}peers: [192.0.2.2]\ncontainers: {{app: {{ip: 'net:default'}}}}\n"))],
        2,
    );
    let address = addresses(&app.netns(), "ethwe").pop().expect("an address");
    assert_eq!(owned(), address);
    assert!(address.starts_with("10.32.0.") && address.ends_with("/12"), "{address}");
    report(one, &["attach", "net:default", "app"], 0);
    report(one, &["--check", "attach", "app"], 0);
    app.restart();
    super::containers::settle(one);
    report(one, &["attach", "net:default", "app"], 2);
    assert_eq!(addresses(&app.netns(), "ethwe"), [address.as_str()], "another address after its restart");
    let inside = app.netns();
    four_requests(one, &Scene(vec![one.netns(), &inside]), "net:10.40.1.0/24", owned);
    assert!(addresses(&app.netns(), "ethwe").iter().any(|ip| ip.starts_with("10.40.1.")));
    // One that is given by hand is claimed, and nobody else gets it.
    four_runs(one, &Scene(vec![one.netns(), &app.netns()]), &["attach", "10.32.0.77/12", "app"]);
    assert!(owned().contains("10.32.0.77/12"), "{}", owned());
    let error = refused(one, &["attach", "--no-probe", "10.32.0.77/12", "web"]);
    error.says("conflict", "10.32.0.77/12", &["is held by"]);
    four_runs(one, &Scene(vec![one.netns(), &app.netns()]), &["detach", "10.32.0.77/12", "app"]);
    assert!(!owned().contains("10.32.0.77"), "{}", owned());
    assert_eq!(one.weave(&["attach", "net:10.40.1.0/24", "app"]).must().split_whitespace().count(), 2);
    report(one, &["detach", "app"], 2);
    assert_eq!(owned(), "");
    // With another prefix the same address counts.
    report(one, &["attach", "net:10.40.1.0/24", "app"], 2);
    app.restart();
    assert_eq!(one.weave(&["attach", "app"]).must(), "10.40.1.1\n");
    report(one, &["attach", "app"], 0);
    goes_with_its_container(one, &image);
}

/// The four runs of a request: which address it will be, only the router knows, and a check does not ask for one.
fn four_requests(host: &Host, scene: &Scene<'_>, request: &str, owned: impl Fn() -> String) {
    let (check, apply) = (["--check", "attach", request, "app"], ["attach", request, "app"]);
    let held = owned();
    let planned = scene.untouched(|| report(host, &check, 2));
    let asked = planned["changes"][0]["after"].as_array().and_then(|after| after.last());
    assert_eq!(asked.and_then(|last| last.as_str()), Some(request), "{planned:#}");
    assert_eq!(owned(), held, "a check asked the router for an address");
    let done = report(host, &apply, 2);
    let all = |report: &serde_json::Value, field: &str| {
        let changes = report["changes"].as_array().expect("changes");
        changes.iter().map(|change| change[field].clone()).collect::<Vec<_>>()
    };
    for field in ["subject", "field", "before"] {
        assert_eq!(all(&planned, field), all(&done, field), "it did not do what it had said: {done:#}");
    }
    let held = owned();
    for address in done["changes"][0]["after"].as_array().expect("addresses") {
        let address = address.as_str().expect("an address");
        assert!(held.contains(address), "{address} is not among {held}");
    }
    for args in [&check[..], &apply[..]] {
        let again = scene.untouched(|| report(host, args, 0));
        assert_eq!(again["changes"], serde_json::json!([]), "{again:#}");
        assert_eq!(owned(), held);
    }
}

/// What a container had that weave runs is free again when it goes for good.
fn goes_with_its_container(host: &Host, image: &str) {
    let document = |rest: &str| write(host, &format!("{image}peers: [192.0.2.2]\ncontainers: {{job: {rest}}}\n"));
    let held = || host.exec(&["curl", "-sS", "http://127.0.0.1:6784/ip"]).must();
    let before = held();
    let run = document("{image: 'busybox:latest', command: sleep 1000, options: --network=none, ip: 'net:default'}");
    report(host, &["apply", &run], 2);
    assert_ne!(held(), before);
    let gone = document("{ensure: absent}");
    let planned = report(host, &["--check", "apply", &gone], 2);
    let done = report(host, &["apply", &gone], 2);
    assert_eq!(planned["steps"], done["steps"], "it did not do what it had said");
    assert_eq!(held(), before, "{done:#}");
}

/// Two hosts whose containers have addresses of the range are switched one after the other.
#[test]
fn addresses_that_are_there_are_claimed_once_the_range_is_divided() {
    let lab = Lab::new().with_weave(WEAVE);
    let (one, two) = (host_with_engine(&lab), host_with_engine(&lab));
    for (host, peer, ip) in [(&one, "192.0.2.2", "10.32.0.1/12"), (&two, "192.0.2.1", "10.32.0.2/12")] {
        host.run_container("web", &["--network=none"]);
        host.weave(&["launch", peer]).must();
        host.weave(&["attach", ip, "web"]).must();
    }
    let image = |peer| [&launch(&[peer])[..], &["--ipalloc-range", "10.32.0.0/12"]].concat();
    let owned = |host: &Host| {
        let id = host.container("web").inspect("{{.Id}}");
        host.exec(&["curl", "-sS", &format!("http://127.0.0.1:6784/ip/{id}")]).must()
    };
    // A claim waits as long as nobody else is there; the switch does not.
    let done = report(&one, &image("192.0.2.2"), 2);
    assert!(done["warnings"].to_string().contains("10.32.0.1/12 is not claimed at the router yet"), "{done:#}");
    assert_eq!(owned(&one), "");
    let again = report(&one, &image("192.0.2.2"), 0);
    assert_eq!(again["warnings"], done["warnings"]);
    let done = report(&two, &image("192.0.2.1"), 2);
    assert_eq!((done["warnings"].clone(), owned(&two)), (serde_json::json!([]), "10.32.0.2/12".to_owned()));
    let done = report(&one, &image("192.0.2.2"), 2);
    assert_eq!(done["changes"][0]["field"], "claimed", "{done:#}");
    assert_eq!(owned(&one), "10.32.0.1/12");
    report(&one, &image("192.0.2.2"), 0);
    // Whoever names it finds it under the same name in the books, and nobody else gets it.
    report(&one, &["attach", "10.32.0.1/12", "web"], 0);
    for host in [&one, &two] {
        host.run_container("job", &["--network=none"]);
        let given = host.weave(&["attach", "job"]).must();
        assert!(!["10.32.0.1", "10.32.0.2"].contains(&given.trim()), "{given}");
    }
    report(&one, &["detach", "web"], 2);
    assert_eq!(owned(&one), "");
}
