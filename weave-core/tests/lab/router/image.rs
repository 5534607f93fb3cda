//! The image of the stand-in, as an engine runs it.

use super::exchange::{await_established, await_page, lab, with};
use crate::lab::{DockerOptions, ROUTER_IMAGE};

#[test]
fn the_image_runs_with_two_privileges_and_connects() {
    let (_lab, hosts) = lab(2);
    let (host, peer) = (&hosts[0], hosts[1].v4().to_string());
    host.start_docker(&DockerOptions::quiet());
    host.import_router();
    let run = ["run", "-d", "--name", "weave", "--net", "host", "--cap-drop", "ALL", "--cap-add", "NET_ADMIN"];
    let run =
        [&run[..], &["--cap-add", "NET_RAW", "--restart", "always", "-v", "weave-db:/weavedb", ROUTER_IMAGE]].concat();
    let name = host.router_name();
    let words = ["--port", "6783", "--name", &name, "--nickname", "hostA", "--no-dns", "--no-fastdp", "--docker-api="];
    let words = [&words[..], &["--http-addr", "127.0.0.1:6784", "--mtu", "1438", &peer]].concat();
    host.docker(&[run, words].concat()).must();
    await_page(host, "/status", |page| page.contains(&format!("Name: {name}(hostA)\n")));
    let _other = hosts[1].start_router(&with(""));
    await_established(host, 1);

    let container = host.container("weave");
    container.restart();
    // It has run before, so it goes on with the targets that it had.
    await_page(host, "/status/targets", |page| page == format!("{peer}\n"));
    await_established(host, 1);
    host.docker(&["stop", "weave"]).must();
    assert_eq!(container.inspect("{{.State.ExitCode}}"), "0", "SIGTERM ends it");
}
