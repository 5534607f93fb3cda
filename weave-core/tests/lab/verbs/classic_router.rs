//! Kind `image`: a router in a container, made and driven by weave, with the tests' stand-in for the classic one.

use std::fs;
use std::process::Stdio;
use std::thread::sleep;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::kernel::{addresses, find_link, guarded_peers, is_up, link, mtu, table};
use super::{Scene, WEAVE, four_runs, refused, report, write};
use crate::lab::{
    Container, DockerOptions, Host, HostOptions, Lab, Output, PATIENCE, ROUTER_IMAGE, Snapshot, assert_same, wait_until,
};

pub(super) fn host_with_engine(lab: &Lab) -> Host {
    let host = lab.add_host(HostOptions::default());
    host.start_docker(&DockerOptions::quiet());
    host.import_router();
    host
}

pub(super) fn launch<'a>(peers: &[&'a str]) -> Vec<&'a str> {
    [&["launch", "--kind", "image", "--image", ROUTER_IMAGE], peers].concat()
}

fn connections(host: &Host) -> Output {
    host.exec(&["curl", "-sS", "http://127.0.0.1:6784/status/connections"])
}

fn established(host: &Host) -> bool {
    connections(host).stdout.contains("established")
}

fn four(host: &Host, args: &[&str]) -> serde_json::Value {
    four_runs(host, &Scene(vec![host.netns()]), args)
}

/// Whether packets go through, the first of which may have to wait for a router that was told of nobody yet.
fn reaches(from: &Container, to: &str) -> bool {
    wait_until(PATIENCE, || from.netns().exec(&["ping", "-n", "-q", "-c1", "-W1", to]).ok())
}

#[test]
fn two_hosts_are_joined_by_routers_in_containers() {
    let lab = Lab::new().with_weave(WEAVE);
    let (one, two) = (host_with_engine(&lab), host_with_engine(&lab));
    let before = Snapshot::of(&one);
    let done = four(&one, &launch(&["192.0.2.2"]));
    assert_eq!(done["state"]["router"]["kind"], "image", "{done:#}");
    four(&two, &launch(&["192.0.2.1"]));
    least(&one);
    carried(&one);
    let joined = wait_until(PATIENCE, || established(&one) && established(&two));
    assert!(joined, "{} {}", connections(&one), connections(&two));
    let web = one.run_container("web", &["--network=none"]);
    let db = two.run_container("db", &["--network=none"]);
    four_runs(&one, &Scene(vec![one.netns(), &web.netns()]), &["attach", "10.2.1.4/24", "web"]);
    four_runs(&two, &Scene(vec![two.netns(), &db.netns()]), &["attach", "10.2.1.5/24", "db"]);
    assert!(reaches(&web, "10.2.1.5"), "{}", connections(&one));
    assert!(reaches(&db, "10.2.1.4"));
    peers(&one);
    ends(&one, &before);
}

/// No more than it needs.
fn least(host: &Host) {
    let inspect = |format: &str| host.docker(&["inspect", "--format", format, "weave"]).must().trim().to_owned();
    assert_eq!(inspect("{{.HostConfig.Privileged}} {{.HostConfig.NetworkMode}} {{.HostConfig.PidMode}}"), "false host");
    assert_eq!(inspect("{{.HostConfig.CapAdd}} {{.HostConfig.CapDrop}}"), "[CAP_NET_ADMIN CAP_NET_RAW] [ALL]");
    let mounts = inspect("{{range .Mounts}}{{.Source}}:{{.Destination}} {{end}}");
    assert!(mounts.contains("/proc/sys/net:/weave/proc/sys/net") && mounts.contains(":/weavedb"), "{mounts}");
    assert!(!mounts.contains("docker.sock") && !mounts.contains(":/host"), "{mounts}");
    assert_eq!(inspect("{{.HostConfig.RestartPolicy.Name}}"), "unless-stopped");
}

/// The pair, its offload, and who may talk to the router.
fn carried(host: &Host) {
    let port = link(host, "vethwe-bridge");
    assert_eq!(port["master"], "weave", "{port:#}");
    assert!(is_up(&port) && is_up(&link(host, "vethwe-pcap")), "{port:#}");
    assert_eq!((mtu(host, "weave"), mtu(host, "vethwe-bridge"), mtu(host, "vethwe-pcap")), (1438, 1438, 1438));
    let features = host.exec(&["ethtool", "-k", "vethwe-bridge"]).must();
    assert!(features.contains("tx-checksumming: off"), "{features}");
    assert!(find_link(host, "vxlan-6783").is_none());
    assert_eq!(guarded_peers(host), ["192.0.2.2"]);
    let rules = table(host).expect("a table").to_string();
    for rule in ["6783", "6784", "127.0.0.0"] {
        assert!(rules.contains(rule), "{rule}: {rules}");
    }
}

fn peers(host: &Host) {
    let targets = || {
        let all = host.exec(&["curl", "-sS", "http://127.0.0.1:6784/status/targets"]).must();
        let mut all: Vec<String> = all.lines().map(str::to_owned).collect();
        all.sort_unstable();
        all
    };
    four(host, &["connect", "192.0.2.9", "192.0.2.10:6790"]);
    assert_eq!(targets(), ["192.0.2.10:6790", "192.0.2.2", "192.0.2.9"]);
    assert_eq!(guarded_peers(host), ["192.0.2.10", "192.0.2.2", "192.0.2.9"]);
    four(host, &["forget", "192.0.2.9"]);
    assert_eq!(targets(), ["192.0.2.10:6790", "192.0.2.2"]);
    four(host, &["connect", "--replace", "192.0.2.2"]);
    assert_eq!(targets(), ["192.0.2.2"]);
}

fn ends(host: &Host, before: &Snapshot) {
    host.weave(&["detach", "web"]).must();
    four(host, &["stop"]);
    assert_eq!(host.docker(&["inspect", "--format", "{{.State.Status}}", "weave"]).must().trim(), "exited");
    assert!(find_link(host, "vethwe-bridge").is_none());
    four(host, &launch(&["192.0.2.2"]));
    report(host, &["reset"], 2);
    assert!(!host.docker(&["inspect", "weave"]).ok(), "the router's container stays");
    assert_same(before, &Snapshot::of(host));
}

#[test]
fn kinds_change_under_a_running_ping() {
    let lab = Lab::new().with_weave(WEAVE);
    let (one, two) = (host_with_engine(&lab), host_with_engine(&lab));
    let document = |kind: &str, peer: &str, container: &str| {
        let image = if kind == "image" { format!(", image: '{ROUTER_IMAGE}'") } else { String::new() };
        format!("router: {{kind: {kind}{image}}}\npeers: [{peer}]\ncontainers: {{{container}}}\n")
    };
    let sides = [(&one, "192.0.2.2", "web: {ip: 10.2.1.4/24}"), (&two, "192.0.2.1", "db: {ip: 10.2.1.5/24}")];
    let web = one.run_container("web", &["--network=none"]);
    two.run_container("db", &["--network=none"]);
    let apply = |kind: &str| {
        let begin = Instant::now();
        for (host, peer, container) in sides {
            let done = report(host, &["apply", &write(host, &document(kind, peer, container))], 2);
            it_is_made_first(&done["steps"]);
        }
        begin.elapsed().as_millis()
    };
    apply("vxlan");
    assert!(reaches(&web, "10.2.1.5"));
    let index = link(&web.netns(), "ethwe")["ifindex"].clone();
    for kind in ["image", "vxlan", "image"] {
        let inside = web.netns();
        let mut ping = inside.command("ping");
        let ping = ping.args(["-n", "-D", "-i0.1", "-W1", "10.2.1.5"]).stdout(Stdio::piped());
        let ping = ping.spawn().expect("ping to start");
        sleep(Duration::from_millis(500));
        let took = apply(kind);
        assert!(reaches(&web, "10.2.1.5"), "{kind}: {}", one.docker(&["logs", "weave"]));
        sleep(Duration::from_millis(500));
        let pid = Pid::from_raw(i32::try_from(ping.id()).expect("a pid"));
        kill(pid, Signal::SIGINT).expect("ping to run");
        let said = ping.wait_with_output().expect("ping to end");
        let gap = longest_gap(&String::from_utf8_lossy(&said.stdout));
        // Between the first host and the second there is no way; how long an engine takes over a router is its disk's.
        assert!(gap < took + 3000, "to kind {kind}: {gap} ms without an answer, {took} ms for both hosts");
        assert_eq!(link(&inside, "ethwe")["ifindex"], index, "the interface was made anew");
        let offload = inside.exec(&["ethtool", "-k", "ethwe"]).must();
        let expected = if kind == "image" { "tx-checksumming: off" } else { "tx-checksumming: on" };
        assert!(offload.contains(expected), "{kind}: {offload}");
    }
    super::classic_addresses::from_the_router(&one, &two);
}

#[test]
fn a_router_that_does_not_do_its_work() {
    let lab = Lab::new().with_weave(WEAVE);
    let host = host_with_engine(&lab);
    let scene = Scene(vec![host.netns()]);
    for (how, restart, kind, words) in [
        ("mute", "no", "timeout", "the weave router did not answer within"),
        ("exit", "no", "router", "the router ended at once, with exit code 1; it said: "),
        ("exit", "always", "router", "ROUTER_MISBEHAVES says"),
    ] {
        let options = format!("--env=ROUTER_MISBEHAVES={how} --restart={restart}");
        let args = [&launch(&["192.0.2.2"])[..], &["--docker-options", &options]].concat();
        let error = scene.untouched(|| refused(&host, &args));
        assert_eq!(error.kind, kind, "{error:?}");
        assert!(error.message.contains(words), "{error:?}");
        assert!(!host.docker(&["inspect", "weave"]).ok(), "{how}: the container stays");
    }
    // One that stops answering later.
    host.weave(&launch(&["192.0.2.2"])).must();
    host.docker(&["pause", "weave"]).must();
    let error = scene.untouched(|| refused(&host, &["connect", "192.0.2.3"]));
    error.says("timeout", "127.0.0.1:6784", &["did not answer within"]);
    let web = host.run_container("web", &["--network=none"]);
    let done = report(&host, &["attach", "10.2.1.4/24", "web"], 2);
    assert!(done["warnings"].to_string().contains("not claimed at the router, which does not answer"), "{done:#}");
    host.weave(&["detach", "web"]).must();
    web.remove();
    host.docker(&["unpause", "weave"]).must();
    report(&host, &["connect", "192.0.2.3"], 2);
    // Whatever is there otherwise is taken for no router.
    let occupied = host.run_container("other", &["--network=host"]);
    let error = scene.untouched(|| refused(&host, &[&launch(&[])[..], &["--name", "other"]].concat()));
    error.says("conflict", "other", &["weave did not make"]);
    assert_eq!(occupied.inspect("{{.State.Status}}"), "running");
}

#[test]
fn a_router_that_was_killed_comes_back_with_its_peers() {
    let lab = Lab::new().with_weave(WEAVE);
    let host = host_with_engine(&lab);
    host.weave(&launch(&["192.0.2.2", "192.0.2.3"])).must();
    let targets = || {
        let said = host.exec(&["curl", "-sS", "http://127.0.0.1:6784/status/targets"]).stdout;
        let mut all: Vec<String> = said.lines().map(str::to_owned).collect();
        all.sort_unstable();
        all
    };
    let peers = ["192.0.2.2", "192.0.2.3"];
    let document = write(&host, "router: {kind: image}\npeers: [192.0.2.2, 192.0.2.3]\n");
    report(&host, &["apply", &document], 0);
    // Its process: the engine starts it again.
    let pid: i32 =
        host.docker(&["inspect", "--format", "{{.State.Pid}}", "weave"]).must().trim().parse().expect("a pid");
    kill(Pid::from_raw(pid), Signal::SIGKILL).expect("the router to run");
    assert!(wait_until(PATIENCE, || targets() == peers), "{:?}", targets());
    report(&host, &["apply", &document], 0);
    // The container, for good: it is missing, and without its image nobody knows how to make it.
    host.docker(&["rm", "-f", "-v", "weave"]).must();
    let error = refused(&host, &["apply", &document]);
    error.says("not_found", "image", &["no container `weave`"]);
    report(&host, &launch(&[]), 2);
    assert_eq!(targets(), peers, "peers that the guard remembers");
    host.docker(&["stop", "weave"]).must();
    report(&host, &["--check", "apply", &document], 2);
    report(&host, &["apply", &document], 2);
    report(&host, &["apply", &document], 0);
    assert_eq!(targets(), peers);
    // Made anew, it keeps what it knows, and reset leaves no volume of it.
    report(&host, &[&launch(&[])[..], &["--nickname", "other"]].concat(), 2);
    assert_eq!(targets(), peers);
    let volumes = || host.docker(&["volume", "ls", "-q"]).must();
    assert_eq!(volumes().lines().count(), 1, "{}", volumes());
    report(&host, &["reset"], 2);
    assert_eq!(volumes(), "");
    host.weave(&launch(&["192.0.2.2", "192.0.2.3"])).must();
    for link in ["vethwe-bridge", "weave"] {
        host.exec(&["ip", "link", "delete", link]).must();
        report(&host, &launch(&["192.0.2.2", "192.0.2.3"]), 2);
        assert_eq!(targets(), peers, "{link}");
        report(&host, &["apply", &document], 0);
    }
}

#[test]
fn a_network_that_the_old_script_made_is_taken_over() {
    let lab = Lab::new().with_weave(WEAVE);
    let host = host_with_engine(&lab);
    let before = Snapshot::of(&host);
    let web = host.run_container("web", &["--network=none"]);
    let job = host.run_container("job", &["--network=none"]);
    let empty = Snapshot::of(&host);
    host.add_router_bridge();
    let run = ["run", "-d", "--name", "weave", "--network=host", "--cap-add=NET_ADMIN", "--cap-add=NET_RAW"];
    let args =
        [ROUTER_IMAGE, "--name", &host.router_name(), "--nickname", "old", "--no-fastdp", "--docker-api=", "--no-dns"];
    let allocation = ["--ipalloc-range", "10.32.0.0/12", "--ipalloc-init", "consensus=1"];
    let peers = [&allocation[..], &["--http-addr", "127.0.0.1:6784", "192.0.2.2", "192.0.2.9"]].concat();
    host.docker(&[&run[..], &args, &peers].concat()).must();
    let id = || host.docker(&["inspect", "--format", "{{.Id}} {{.State.Pid}}", "weave"]).must();
    let router = id();
    assert!(wait_until(PATIENCE, || connections(&host).ok()));
    // As the script attached them.
    let order = format!("http://127.0.0.1:6784/ip/{}", job.inspect("{{.Id}}"));
    let allocated = host.exec(&["curl", "-sS", "-X", "POST", &order]).must();
    for (container, address) in [(&web, "10.2.1.4/24"), (&job, allocated.as_str())] {
        let pid = container.pid().to_string();
        host.sh(&format!(
            "ip link add vethwepl{pid} mtu 1438 type veth peer name ethwe mtu 1438 netns {pid}
             ip link set vethwepl{pid} master weave up
             ip link set vethwepl{pid} type bridge_slave hairpin on"
        ))
        .must();
        container.netns().sh(&format!("ip address add {address} dev ethwe && ip link set ethwe up")).must();
    }
    let index = link(&web.netns(), "ethwe")["ifindex"].clone();
    // Nobody takes it for weave's own who does not say so.
    let inside = web.netns();
    let scene = Scene(vec![host.netns(), &inside]);
    let error = scene.untouched(|| refused(&host, &["launch", "192.0.2.2"]));
    error.says("conflict", "weave", &["that weave did not make"]);
    let document = |kind: &str| {
        let job = if kind == "image" { ", job: {ip: 'net:default'}" } else { "" };
        let containers = format!("{{web: {{ip: 10.2.1.4/24}}{job}}}");
        write(&host, &format!("router: {{kind: {kind}}}\npeers: [192.0.2.2]\ncontainers: {containers}\n"))
    };
    // One that fails leaves no mark.
    let broken = write(&host, "router: {kind: image}\npeers: ['2001:db8::2']\n");
    let error = scene.untouched(|| refused(&host, &["apply", &broken]));
    error.says("invalid_spec", "peers[0]", &["IPv4 only"]);
    report(&host, &["--check", "apply", &document("image")], 2);
    let done = report(&host, &["apply", &document("image")], 2);
    report(&host, &["--check", "apply", &document("image")], 0);
    report(&host, &["apply", &document("image")], 0);
    assert_eq!(id(), router, "another router: {done:#}");
    assert_eq!(guarded_peers(&host), ["192.0.2.2"]);
    assert_eq!(link(&web.netns(), "ethwe")["ifindex"], index, "the interface was made anew");
    assert_eq!(addresses(&job.netns(), "ethwe"), [allocated.as_str()], "another address");
    let bridged = host.exec(&["bridge", "-d", "link", "show", "dev", &format!("vethwepl{}", web.pid())]).must();
    assert!(bridged.contains("hairpin off"), "{bridged}");
    report(&host, &["attach", "10.2.1.4/24", "web"], 0);
    // And on to the kernel: the router stays, stopped, for it is not weave's.
    let done = report(&host, &["apply", &document("vxlan")], 2);
    assert!(done["warnings"].to_string().contains("weave did not make it"), "{done:#}");
    assert_eq!(link(&web.netns(), "ethwe")["ifindex"], index, "the interface was made anew");
    assert_eq!(host.docker(&["inspect", "--format", "{{.State.Status}}", "weave"]).must().trim(), "exited");
    assert!(find_link(&host, "vethwe-bridge").is_none() && find_link(&host, "vxlan-6783").is_some());
    report(&host, &["reset"], 2);
    assert_same(&empty, &Snapshot::of(&host));
    assert!(host.docker(&["rm", "weave"]).ok(), "somebody else's router was removed");
    web.remove();
    job.remove();
    assert_same(&before, &Snapshot::of(&host));
}

#[test]
fn a_password_stays_a_secret() {
    let lab = Lab::new().with_weave(WEAVE);
    let (one, two) = (host_with_engine(&lab), host_with_engine(&lab));
    let mut said = String::new();
    for (host, peer) in [(&one, "192.0.2.2"), (&two, "192.0.2.1")] {
        let file = host.dir().join("password");
        fs::write(&file, "s3cr3t-Wort\n").expect("a file");
        let file = file.to_str().expect("a path in UTF-8");
        let args = [&launch(&[peer])[..], &["--password-file", file]].concat();
        let check = host.weave(&[&["--json", "--check"], &args[..]].concat());
        let done = host.weave(&[&["--json"], &args[..]].concat());
        assert!(done.stdout.contains("can be read by others"), "{done}");
        host.exec(&["chmod", "600", file]).must();
        let again = host.weave(&[&["--json"], &args[..]].concat());
        assert!(!again.stdout.contains("can be read by others"), "{again}");
        said.extend([check, done, again].map(|output| output.to_string()));
    }
    assert!(wait_until(PATIENCE, || established(&one)), "{}", connections(&one));
    let status = one.exec(&["curl", "-sS", "http://127.0.0.1:6784/status"]).must();
    assert!(status.contains("Encryption: enabled"), "{status}");
    assert_eq!(mtu(&one, "weave"), 1414);
    fs::write(one.dir().join("password"), "another\n").expect("a file");
    let file = one.dir().join("password");
    let args = [&launch(&["192.0.2.2"])[..], &["--password-file", file.to_str().expect("a path in UTF-8")]].concat();
    let changed = one.weave(&[&["--json", "--detailed-exitcodes"], &args[..]].concat());
    assert_eq!(changed.code, 2, "{changed}");
    said += &changed.to_string();
    said += &one.weave(&["status", "--json"]).to_string();
    said += &one.exec(&["sh", "-c", "ps -eo args | grep -v grep | grep -e weaver || true"]).to_string();
    for secret in ["s3cr3t", "another"] {
        assert!(!said.replace("password: another", "").contains(secret), "{secret} is in:\n{said}");
    }
    assert!(!wait_until(Duration::from_secs(3), || established(&one)), "another password, and they are joined");
}

/// The image is there and the container is made before the other way is given up: only its start is waited for without one.
#[track_caller]
fn it_is_made_first(steps: &serde_json::Value) {
    let all = steps.as_array().expect("a list");
    let at = |begin: &str| all.iter().position(|step| step.as_str().is_some_and(|text| text.starts_with(begin)));
    if let Some(made) = at("docker create ") {
        assert!(at("ip link delete vxlan-6783").is_none_or(|given_up| made < given_up), "{steps:#}");
    }
}

/// The longest time between two answers, in milliseconds.
fn longest_gap(said: &str) -> u128 {
    let times: Vec<f64> = said
        .lines()
        .filter(|line| line.contains("bytes from"))
        .filter_map(|line| line.strip_prefix('[')?.split(']').next()?.parse().ok())
        .collect();
    let gaps = times.windows(2).map(|pair| Duration::from_secs_f64(pair[1] - pair[0]).as_millis());
    gaps.max().expect("two answers")
}
