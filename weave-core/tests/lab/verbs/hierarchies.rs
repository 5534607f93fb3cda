//! Data as users of the 2014 Puppet module have them, on two hosts with real engines.

use std::fs;
use std::io::Read as _;
use std::net::{IpAddr, SocketAddr, TcpStream};
use std::path::Path;
use std::time::Duration;

use super::WEAVE;
use super::containers::four;
use crate::lab::{DockerOptions, Host, HostOptions, Lab, Netns, PATIENCE, wait_until};

/// The lines that users handed to `docker run`, as a fleet.
const RUN: &str = include_str!("../data/2014/run.yaml");

/// The files of a hierarchy, but for those of single hosts.
const HIERARCHY: [(&str, &str); 2] = [
    ("dhcp.yaml", include_str!("../data/2014/dhcp.yaml")),
    ("docker_build_options.yaml", include_str!("../data/2014/docker_build_options.yaml")),
];

const NODES: [(&str, &str); 2] = [
    ("dockerhost001", include_str!("../data/2014/dockerhost001.yaml")),
    ("dockerhost002", include_str!("../data/2014/dockerhost002.yaml")),
];

/// Images by the names in the data, and the port that each listens on.
const IMAGES: [(&str, u16); 5] =
    [("pg.example.com", 5432), ("rt.example.com", 80), ("pg", 5432), ("rt", 80), ("puppetmaster", 8140)];

/// Makes the images; what connects is told the image's name.
fn make_images(host: &Host) {
    let tar = host.dir().join("image.tar").display().to_string();
    for (name, port) in IMAGES {
        // A shell that is process 1 ignores SIGTERM unless it is told otherwise.
        let script = format!("trap exit TERM; while :; do echo {name} | nc -l -p {port} & wait; done");
        host.docker(&["import", "--change", &format!("CMD [\"sh\", \"-c\", \"{script}\"]"), &tar, name]).must();
    }
}

/// Writes a file of data. The machine's own `/data` is not a lab's to fill, and a small virtual machine lacks rights that
/// it would give to a privileged container.
fn write(host: &Host, name: &str, text: &str) -> String {
    let path = host.dir().join(name);
    let text = text.replace("/data/", &format!("{}/data/", host.dir().display()));
    fs::write(&path, text.replace("--privileged=true", "--cap-add=NET_ADMIN")).expect("a file");
    path.display().to_string()
}

/// What who listens there says.
#[track_caller]
fn hear(netns: &Netns, address: &str, port: u16) -> String {
    let to = SocketAddr::new(address.parse().expect("an address"), port);
    let mut heard = String::new();
    let limit = Duration::from_secs(10);
    // It listens again a moment after it was connected to.
    let heard_it = wait_until(PATIENCE, || {
        netns.in_netns(|| {
            let Ok(mut stream) = TcpStream::connect_timeout(&to, limit) else { return false };
            stream.set_read_timeout(Some(limit)).expect("a socket");
            heard.clear();
            stream.read_to_string(&mut heard).is_ok() && !heard.is_empty()
        })
    });
    assert!(heard_it, "nobody answers on {to}");
    heard.trim().to_owned()
}

#[track_caller]
fn pings(netns: &Netns, address: &str) {
    let to: IpAddr = address.parse().expect("an address");
    assert!(netns.await_ping(to), "{to} does not answer");
}

/// What the engine says of a container: memory, host name, restart policy, network, rights, ports, and where its files are.
#[track_caller]
fn inspect(host: &Host, name: &str) -> (String, Vec<String>) {
    let shown = "{{.HostConfig.Memory}} {{.Config.Hostname}} {{.HostConfig.RestartPolicy.Name}} \
                 {{.HostConfig.NetworkMode}} {{.HostConfig.CapAdd}} \
                 {{range $port, $to := .HostConfig.PortBindings}}{{$port}}={{(index $to 0).HostPort}}{{end}}";
    let binds = host.container(name).inspect("{{join .HostConfig.Binds \"\\n\"}}");
    let own = format!("{}/data/", host.dir().display());
    let binds = binds.lines().map(|bind| bind.replacen(&own, "", 1)).collect();
    (host.container(name).inspect(shown).trim().to_owned(), binds)
}

#[test]
fn data_of_2014_bring_up_containers_that_reach_each_other() {
    let lab = Lab::new().with_weave(WEAVE);
    let hosts = [lab.add_host(HostOptions::default()), lab.add_host(HostOptions::default())];
    for host in &hosts {
        host.start_docker(&DockerOptions::default());
        make_images(host);
    }
    lines_of_options(&hosts);
    a_hierarchy(&hosts);
}

fn lines_of_options(hosts: &[Host; 2]) {
    for (host, (name, _)) in hosts.iter().zip(NODES) {
        four(host, &["apply", "--host", name, &write(host, "run.yaml", RUN)]);
    }
    let [one, two] = hosts;
    let (shown, binds) = inspect(one, "pg.example.com");
    assert_eq!(shown, "2147483648 pg.example.com always bridge [] 5432/tcp=5432");
    assert_eq!(
        binds,
        [
            "etc/postgresql/pg.example.com:/etc/postgresql",
            "postgresql:/var/lib/postgresql",
            "var/log/postgresql/pg.example.com:/var/log/postgresql",
            "home/backups:/home/backups",
        ]
    );
    let (shown, binds) = inspect(two, "rt.example.com");
    assert_eq!(shown, "1073741824 rt.example.com always bridge []");
    assert_eq!(binds, ["etc/apache2/rt.example.com:/etc/apache2"]);

    let [pg, rt] = [one.container("pg.example.com").netns(), two.container("rt.example.com").netns()];
    // Its address is that of its network, too: Linux carries it.
    pings(&rt, "10.0.1.16");
    pings(&pg, "10.0.1.17");
    assert_eq!(hear(&rt, "10.0.1.16", 5432), "pg.example.com");
    assert_eq!(hear(&pg, "10.0.1.17", 80), "rt.example.com");
    assert_eq!(hear(two, "192.0.2.1", 5432), "pg.example.com", "the port is published");
    pings(one, "10.0.0.2");
}

/// The same hosts later, with what they run in a hierarchy.
fn a_hierarchy(hosts: &[Host; 2]) {
    let data = |host: &Host| Path::new(&host.dir().join("data/postgresql/kept")).to_owned();
    fs::write(data(&hosts[0]), "kept").expect("a file in the container's volume");
    for (host, (name, node)) in hosts.iter().zip(NODES) {
        let mut files = vec![write(host, &format!("{name}.yaml"), node)];
        files.extend(HIERARCHY.map(|(file, text)| write(host, file, text)));
        let files = files.iter().map(String::as_str);
        four(host, &["apply", "--host", name].into_iter().chain(files).collect::<Vec<_>>());
    }
    let [one, two] = hosts;
    let (shown, binds) = inspect(one, "pg.example.com");
    assert_eq!(shown, "2147483648 pg.example.com always bridge [] 5432/tcp=5432");
    assert_eq!(binds[0], "etc/postgresql/pg.example.com:/etc/postgresql");
    assert_eq!(binds.len(), 4);
    assert_eq!(one.container("pg.example.com").exec(&["cat", "/var/lib/postgresql/kept"]).must(), "kept");
    let (shown, binds) = inspect(one, "puppet.example.com");
    assert_eq!(shown, "1073741824 puppet.example.com always bridge [CAP_NET_ADMIN] 8140/tcp=8140");
    assert_eq!(binds[3], "var/log/puppet/puppet.example.com:/var/log/puppet");
    let (shown, binds) = inspect(two, "rt.example.com");
    assert_eq!(shown, "1073741824 rt.example.com always bridge []");
    assert_eq!(binds[1], "var/log/apache2/rt.example.com:/var/log/apache2/rt.example.com");
    assert_eq!(binds.len(), 5);

    let [puppet, pg, rt] =
        [(one, "puppet"), (one, "pg"), (two, "rt")].map(|(host, name)| host.container(&format!("{name}.example.com")));
    let [puppet, pg, rt] = [puppet.netns(), pg.netns(), rt.netns()];
    for (from, to, port, name) in [
        (&rt, "10.0.1.21", 5432, "pg"),
        (&pg, "10.0.1.31", 80, "rt"),
        (&rt, "10.0.1.11", 8140, "puppetmaster"),
        (&puppet, "10.0.1.31", 80, "rt"),
    ] {
        pings(from, to);
        assert_eq!(hear(from, to, port), name);
    }
    for (port, name) in [(5432, "pg"), (8140, "puppetmaster")] {
        assert_eq!(hear(two, "192.0.2.1", port), name, "the port is published");
    }
    pings(two, "10.0.0.1");
}
