//! The document's file: read anew when it changes, and kept when it is wrong.

use std::fs;
use std::time::Duration;

use nix::sys::signal::Signal;

use super::{Site, Watching, addresses, name, write};
use crate::lab::{PATIENCE, wait_until};

#[test]
fn a_file_that_changes_is_followed_and_a_broken_one_is_told_once() {
    let site = Site::new();
    let host = &site.host;
    let watching = Watching::document(host, &site.document());
    watching.settle();
    assert_eq!(addresses(&site.web, "ethwe"), "10.2.1.4/24");
    write(host, &site.document().replace("10.2.1.4", "10.2.1.6"));
    watching.wait("the new address", || addresses(&site.web, "ethwe") == "10.2.1.6/24");
    // Half a document, and what no document is.
    for broken in ["containers: [", "containers: {web: {ip: 10.2.1.4/24, optoins: -d}}\n", "ensure: never\n"] {
        write(host, broken);
        let times = |log: &str| log.matches("the document is not taken").count();
        let before = times(&watching.log());
        watching.wait(broken, || times(&watching.log()) == before + 1);
        // The last good one is kept, and what is taken away comes back.
        host.sh("ip address delete 10.2.1.1/24 dev weave").must();
        watching.wait("the exposure", || addresses(host, "weave") == "10.2.1.1/24");
        std::thread::sleep(Duration::from_millis(1500));
        assert_eq!(times(&watching.log()), before + 1, "{}", watching.log());
        assert_eq!(addresses(&site.web, "ethwe"), "10.2.1.6/24");
    }
    assert!(watching.log().contains("did you mean"), "{}", watching.log());
    // One that is gone is as good as broken.
    let path = write(host, &site.document());
    watching.wait("the old address", || addresses(&site.web, "ethwe") == "10.2.1.4/24");
    fs::remove_file(&path).expect("a file");
    watching.await_log("there is no such file");
    assert_eq!(addresses(&site.web, "ethwe"), "10.2.1.4/24");
    assert_eq!(watching.end(), 0);
}

#[test]
fn hangup_brings_all_of_it_about() {
    let site = Site::new();
    let watching = Watching::document(&site.host, &site.document());
    watching.settle();
    // What is inside a namespace nobody announces to the host.
    site.web.sh("ip address delete 10.2.1.4/24 dev ethwe").must();
    watching.settle();
    assert_eq!(addresses(&site.web, "ethwe"), "");
    watching.signal(Signal::SIGHUP);
    watching.wait("the address", || addresses(&site.web, "ethwe") == "10.2.1.4/24");
    assert!(watching.log().contains("the document is read anew"), "{}", watching.log());
    // It is found without a word, too.
    drop(watching);
    let path = write(&site.host, &site.document());
    let watching = Watching::begin(&site.host, &["--resync", "1", &path]);
    watching.await_count("weave_convergences_total", 2);
    site.web.sh("ip address delete 10.2.1.4/24 dev ethwe").must();
    watching.wait("the address", || addresses(&site.web, "ethwe") == "10.2.1.4/24");
}

#[test]
fn what_cannot_be_watched_is_refused_at_once() {
    let site = Site::new();
    let host = &site.host;
    let path = write(host, "peers: [192.0.2.300]\n");
    for (args, words) in [
        (vec!["watch", "/nonexistent/host.yaml"], "there is no such file"),
        (vec!["watch", &path], "192.0.2.300"),
        (vec!["watch", "--check"], "weave apply --check"),
        (vec!["watch", "--metrics", "nobody:9100"], "is no address"),
        (vec!["watch", "--metrics", "192.0.2.99:9100"], "listen"),
        (vec!["watch", "--resync", "0"], "1..=86400"),
    ] {
        let error = host.weave(&args).must_fail();
        assert!(error.contains(words), "{args:?}: {error}");
    }
    // A fleet's host has to be one of it.
    let fleet = format!(
        "hosts: {{a: {{address: 192.0.2.1}}}}\ncontainers: {{'{}': {{host: a, ip: 10.2.1.4/24}}}}\n",
        name(&site.web)
    );
    let path = write(host, &fleet);
    assert!(host.weave(&["watch", "--host", "b", &path]).must_fail().contains("`b`"));
    let watching = Watching::begin(host, &["--host", "a", &path]);
    assert!(wait_until(PATIENCE, || addresses(&site.web, "ethwe") == "10.2.1.4/24"), "{}", watching.log());
}

/// What is wrong with a document may be the host's fault, and pass without a change of the file.
#[test]
fn a_document_that_is_not_taken_is_read_again() {
    let site = Site::new();
    let host = &site.host;
    let watching = Watching::begin(host, &["--resync", "1", &write(host, &site.document())]);
    watching.await_count("weave_convergences_total", 1);
    write(host, "hosts: {other: {address: 192.0.2.88, weave_ip: 10.2.1.88/24}}\n");
    watching.await_log("the document is not taken");
    watching.await_count("weave_convergences_total", watching.count("weave_convergences_total") + 3);
    assert_eq!(watching.log().matches("the document is not taken").count(), 1, "{}", watching.log());
    host.sh("ip address add 192.0.2.88/24 dev eth0").must();
    watching.wait("the other document", || addresses(host, "weave") == "10.2.1.88/24");
    assert_eq!(watching.end(), 0);
}
