//! `apply`: exact for what a document names, silent about what it does not name.

use super::kernel::{
    addresses, find_link, flood, guarded_peers, host_end, index, link, masqueraded, mtu, routes, table,
};
use super::{Site, name, object, problem, report, weave_with_input, write};

#[test]
fn a_document_makes_the_whole_host() {
    let site = Site::new();
    let (host, web, db) = (&site.host, &site.web, &site.db);
    let before = site.scene().look();
    let document = format!(
        "# every field once\n\
         ensure: present\n\
         router: {{kind: vxlan, port: 6784, vni: 77, mtu: auto, underlay: eth0, bridge: weave}}\n\
         peers: [192.0.2.1, 192.0.2.2, '192.0.2.3:7000']\n\
         expose: [10.2.1.1/24, {{ip: 10.3.0.1/16, masquerade: false}}]\n\
         firewall: {{manage: true}}\n\
         containers:\n  {}: {{ips: [10.2.1.4/24, 'fd00::4/64'], gateway: 10.2.1.1, mtu: 1400, mac: '02:00:00:00:00:04',\n    \
         routes: [10.9.0.0/16 via 10.2.1.2, {{to: 10.8.0.0/16}}], multicast: false, interface: eth0}}\n  \
         {}: {{ip: 10.2.1.5/24}}\n",
        name(web),
        name(db)
    );
    site.apply_four(&document);
    assert_eq!(link(host, "vxlan-6784")["linkinfo"]["info_data"]["id"], 77);
    assert_eq!(flood(host, "vxlan-6784"), ["192.0.2.2", "192.0.2.3:7000"]);
    assert_eq!(guarded_peers(host), ["192.0.2.2", "192.0.2.3"]);
    assert_eq!(addresses(host, "weave"), ["10.2.1.1/24", "10.3.0.1/16"]);
    assert_eq!(masqueraded(host), ["10.2.1.0/24"]);
    assert_eq!(addresses(web, "eth0"), ["10.2.1.4/24", "fd00::4/64"]);
    assert_eq!((link(web, "eth0")["address"].clone(), mtu(web, "eth0")), ("02:00:00:00:00:04".into(), 1400));
    assert_eq!(routes(web, "eth0"), ["10.8.0.0/16", "10.9.0.0/16 via 10.2.1.2", "default via 10.2.1.1"]);
    assert_eq!(addresses(db, "ethwe"), ["10.2.1.5/24"]);
    site.apply_four("ensure: absent\n");
    site.scene().is_still(&before);
    for word in ["absent", "purged"] {
        report(host, &["apply", &write(host, &format!("{{ensure: {word}}}"))], 0);
    }
}

#[test]
fn documents_are_exact_and_verbs_add() {
    let site = Site::new();
    let (host, web) = (&site.host, &site.web);
    let target = name(web);
    site.apply(&format!(
        "peers: [192.0.2.2, 192.0.2.3]\nexpose: [10.2.1.1/24]\ncontainers: {{'{target}': {{ips: [10.2.1.4/24]}}}}"
    ));
    host.weave(&["connect", "192.0.2.4"]).must();
    host.weave(&["expose", "10.2.1.2/24"]).must();
    host.weave(&["attach", "--route", "10.9.0.0/16 via 10.2.1.9", "10.2.1.5/24", &target]).must();
    host.weave(&["attach", "10.2.1.7/24", &name(&site.db)]).must();
    // Each names one thing, and leaves the others alone.
    site.apply_four("peers: [192.0.2.3, 192.0.2.5]\n");
    assert_eq!(flood(host, "vxlan-6783"), ["192.0.2.3", "192.0.2.5"]);
    assert_eq!(addresses(host, "weave"), ["10.2.1.1/24", "10.2.1.2/24"]);
    site.apply_four("expose: [10.2.1.2/24]\n");
    assert_eq!(addresses(host, "weave"), ["10.2.1.2/24"]);
    assert_eq!(addresses(web, "ethwe"), ["10.2.1.4/24", "10.2.1.5/24"]);
    site.apply_four(&format!("containers: {{'{target}': {{ips: [10.2.1.5/24, 10.2.1.6/24]}}}}"));
    assert_eq!(addresses(web, "ethwe"), ["10.2.1.5/24", "10.2.1.6/24"]);
    assert_eq!(routes(web, "ethwe"), ["10.9.0.0/16 via 10.2.1.9", "224.0.0.0/4"]);
    assert_eq!(addresses(&site.db, "ethwe"), ["10.2.1.7/24"]);
    // Routes that are named are all there are.
    site.apply_four(&format!("containers: {{'{target}': {{ips: [10.2.1.5/24, 10.2.1.6/24], routes: []}}}}"));
    assert_eq!(routes(web, "ethwe"), ["224.0.0.0/4"]);
    site.apply_four(&format!("containers: {{'{target}': {{ips: []}}}}"));
    assert!(find_link(web, "ethwe").is_none());
    site.apply_four("peers: []\nexpose: []\n");
    assert_eq!((flood(host, "vxlan-6783").len(), addresses(host, "weave").len()), (0, 0));
    assert_eq!(addresses(&site.db, "ethwe"), ["10.2.1.7/24"]);
    report(host, &["apply", &write(host, "")], 0);
    report(host, &["apply", &write(host, "# nothing\n")], 0);
}

#[test]
fn several_containers_come_and_go_at_once() {
    let site = Site::launched();
    let targets: Vec<_> = (0..20).map(|n| site.lab.target(&format!("c{n}"))).collect();
    let document = |ips: &dyn Fn(usize) -> String| {
        let lines =
            targets.iter().enumerate().map(|(n, target)| format!("  {}: {{ips: [{}]}}\n", name(target), ips(n)));
        format!("containers:\n{}", lines.collect::<String>())
    };
    let before = site.scene().look();
    site.apply_four(&document(&|n| format!("10.2.1.{}/24", n + 10)));
    for (n, target) in targets.iter().enumerate() {
        assert_eq!(addresses(target, "ethwe"), [format!("10.2.1.{}/24", n + 10)]);
    }
    let to_last = targets[0].await_ping("10.2.1.29".parse().expect("address"));
    assert!(to_last, "containers of one host do not reach each other");
    site.apply_four(&document(&|_| String::new()));
    site.scene().is_still(&before);
}

#[test]
fn one_bad_container_does_not_stop_the_others() {
    let site = Site::new();
    let document = format!(
        "peers: [192.0.2.2]\ncontainers:\n  netns:nosuch: {{ips: [10.2.1.3/24]}}\n  {}: {{ips: [10.2.1.4/24]}}\n",
        name(&site.web)
    );
    let path = write(&site.host, &document);
    let planned = site.scene().untouched(|| report(&site.host, &["--check", "apply", &path], 1));
    let done = report(&site.host, &["apply", &path], 1);
    for report in [planned, done] {
        problem(&report).says("not_found", "netns:/run/netns/nosuch", &["does not exist", "ip netns list"]);
        assert_eq!(report["changed"], true, "{report:#}");
    }
    assert_eq!(addresses(&site.web, "ethwe"), ["10.2.1.4/24"]);
    let again = report(&site.host, &["apply", &path], 1);
    assert_eq!((&again["changed"], problem(&again).kind.as_str()), (&false.into(), "not_found"));
    let told = site.host.weave(&["apply", &path]);
    assert_eq!(told.code, 1, "{told}");
    assert!(told.stderr.contains("netns:/run/netns/nosuch") && told.stderr.contains("does not exist"), "{told}");
}

#[test]
fn what_status_prints_apply_accepts() {
    let site = Site::launched();
    let host = &site.host;
    host.weave(&["connect", "192.0.2.3:7000"]).must();
    host.weave(&["expose", "10.2.1.1/24"]).must();
    host.weave(&["expose", "--without-masquerade", "10.3.0.1/16", "fd00::1/64"]).must();
    let settings = ["--mtu", "1400", "--mac", "02:00:00:00:00:07", "--gateway", "10.2.1.1", "--route", "10.9.0.0/16"];
    host.weave(&[&["attach"], &settings[..], &["10.2.1.4/24", "fd00::4/64", &name(&site.web)]].concat()).must();
    host.weave(&["attach", "--no-multicast-route", "10.2.1.5/24", &name(&site.db)]).must();
    let fed_back = || {
        // It fails while no router runs, and tells what there is all the same.
        let state = object(&host.weave(&["--json", "status"]))["state"].to_string();
        let again = site
            .scene()
            .untouched(|| weave_with_input(host, &["--json", "--detailed-exitcodes", "apply", "-"], &state));
        assert_eq!((again.code, object(&again)["changed"].as_bool()), (0, Some(false)), "{again}\nfrom {state}");
        state
    };
    let state = fed_back();
    // The same document makes the host anew.
    let before = site.scene().look();
    host.weave(&["reset"]).must();
    let made = weave_with_input(host, &["--json", "apply", "-"], &state);
    assert_eq!((made.code, object(&made)["changed"].as_bool()), (0, Some(true)), "{made}");
    report(host, &["apply", &write(host, &state)], 0);
    let after = site.scene().look();
    for section in ["ip address", "bridge fdb", "nft"] {
        let lines = |of: &crate::lab::Snapshot| of.section(section).len();
        assert_eq!(before.iter().map(lines).collect::<Vec<_>>(), after.iter().map(lines).collect::<Vec<_>>());
    }
    host.weave(&["stop"]).must();
    fed_back();
    host.weave(&["launch", "--no-firewall", "--mtu", "1300", "--port", "6790"]).must();
    fed_back();
    host.weave(&["reset"]).must();
    assert_eq!(fed_back(), r#"{"ensure":"absent"}"#);
}

#[test]
fn the_packet_filter_is_given_away_and_taken_back() {
    let site = Site::new();
    let host = &site.host;
    site.apply_four("peers: [192.0.2.2]\nexpose: [10.2.1.1/24]\nfirewall: {manage: false}\n");
    assert_eq!(table(host), None);
    site.apply_four("expose: [10.2.1.1/24]\nfirewall: {manage: true}\n");
    assert_eq!((guarded_peers(host), masqueraded(host)), (vec!["192.0.2.2".into()], vec!["10.2.1.0/24".into()]));
    site.apply_four("expose: [10.2.1.1/24, {ip: 10.3.0.1/16, masquerade: false}]\n");
    site.apply_four("firewall: {manage: false}\n");
    assert_eq!(table(host), None);
    assert_eq!(addresses(host, "weave"), ["10.2.1.1/24", "10.3.0.1/16"]);
    // What is exposed without it keeps being so, and the other one is masqueraded again.
    site.apply_four("firewall: {manage: true}\n");
    assert_eq!((guarded_peers(host), masqueraded(host)), (vec!["192.0.2.2".into()], vec!["10.2.1.0/24".into()]));
    site.apply_four("firewall: {manage: false}\n");
    report(host, &["apply", &write(host, "expose: [10.2.1.1/24, {ip: 10.3.0.1/16, masquerade: false}]\n")], 0);
    site.apply_four("expose: [10.2.1.1/24, 10.3.0.1/16]\n");
    site.apply_four("firewall: {manage: true}\n");
    assert_eq!(masqueraded(host), ["10.2.1.0/24", "10.3.0.0/16"]);
    site.apply_four("firewall: {manage: false}\n");
    // Somebody else may have that table now.
    host.exec(&["nft", "add", "table", "inet", "weave"]).must();
    site.apply_four("peers: [192.0.2.2, 192.0.2.3]\n");
    site.refused_document("firewall: {manage: true}\n").says("conflict", "firewall", &["not weave's"]);
    report(host, &["reset"], 2);
    assert!(table(host).is_some(), "reset removed a table that was not weave's");
}

#[test]
fn peers_may_be_one_string() {
    let site = Site::new();
    for written in ["192.0.2.2 192.0.2.3", "192.0.2.2, 192.0.2.3", "192.0.2.2,192.0.2.3\n"] {
        site.apply(&format!("peers: {}\n", serde_json::Value::from(written)));
        assert_eq!(flood(&site.host, "vxlan-6783"), ["192.0.2.2", "192.0.2.3"], "{written}");
        site.host.weave(&["reset"]).must();
    }
    site.apply("peers: ''\n");
    assert_eq!(flood(&site.host, "vxlan-6783"), Vec::<String>::new());
}

#[test]
fn settings_of_the_router_change_in_place_where_the_kernel_can() {
    let site = Site::new();
    let (host, web) = (&site.host, &site.web);
    let document = |router: &str| {
        format!("router: {{{router}}}\npeers: [192.0.2.2]\ncontainers: {{'{}': {{ips: [10.2.1.4/24]}}}}\n", name(web))
    };
    site.apply(&document("mtu: auto"));
    host.weave(&["attach", "10.2.1.5/24", &name(&site.db)]).must();
    let numbers = || [index(host, "weave"), index(host, "vxlan-6783"), index(web, "ethwe"), index(&site.db, "ethwe")];
    let made = numbers();
    for (router, bytes) in [("mtu: 1400", 1400), ("mtu: '1300'", 1300), ("mtu: auto", 1450)] {
        site.apply_four(&document(router));
        let found = [mtu(host, "weave"), mtu(host, "vxlan-6783"), mtu(web, "ethwe"), mtu(&site.db, "ethwe")];
        assert_eq!(found, [bytes; 4], "{router}");
        assert_eq!(host_end(host, &site.db, "ethwe")["mtu"], bytes);
    }
    assert_eq!(numbers(), made, "a link was made anew");
    site.apply_four("router: {port: 6790}\n");
    assert!(find_link(host, "vxlan-6783").is_none());
    assert_eq!(flood(host, "vxlan-6790"), ["192.0.2.2"]);
    assert_eq!(index(web, "ethwe"), made[2]);
}

#[test]
fn attachments_bring_the_router_they_need() {
    let site = Site::new();
    let before = site.scene().look();
    site.apply_four(&format!("containers: {{'{}': {{ips: [10.2.1.4/24]}}}}\n", name(&site.web)));
    assert_eq!(addresses(&site.web, "ethwe"), ["10.2.1.4/24"]);
    assert!(find_link(&site.host, "vxlan-6783").is_some());
    site.host.weave(&["reset"]).must();
    site.apply_four("expose: [10.2.1.1/24]\n");
    site.host.weave(&["reset"]).must();
    site.scene().is_still(&before);
    report(&site.host, &["apply", &write(&site.host, "expose: []\ncontainers: {}\n")], 0);
}
