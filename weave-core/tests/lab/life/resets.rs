//! `weave reset` goes by marks: after a crash, without its run directory, and where an older or newer version was at
//! work, everything that has one goes, and nothing else.

use std::fs;

use serde_json::Value;

use super::WEAVE;
use crate::lab::{DockerOptions, Host, HostOptions, Lab, Netns, Snapshot, assert_same};

/// A host that has something of everybody: chains that drop, a bridge and veths of others, a table of others.
struct Site {
    host: Host,
    targets: [Netns; 2],
    lab: Lab,
}

impl Site {
    fn new() -> Self {
        let lab = Lab::new().with_weave(WEAVE);
        let host = lab.add_host(HostOptions::default());
        let targets = ["a", "b"].map(|name| lab.target(name));
        host.sh("iptables-nft -P FORWARD DROP && ip6tables-nft -P FORWARD DROP
             ip link add br0 up type bridge && ip link set br0 alias 'weave:other bridge'
             ip link add veth0 up type veth peer name veth1 && ip link set veth0 master br0 alias 'weaver' group 6783
             nft 'table inet weaver { chain c { type filter hook input priority 0; comment \"weave:bridges\"; }; }'")
            .must();
        Self { host, targets, lab }
    }

    fn all(&self) -> Vec<Snapshot> {
        std::iter::once(self.host.netns()).chain(&self.targets).map(Snapshot::of).collect()
    }

    #[track_caller]
    fn is_as(&self, before: &[Snapshot]) {
        before.iter().zip(self.all()).for_each(|(before, now)| assert_same(before, &now));
    }

    /// With everything that weave makes.
    fn document(&self) -> String {
        let [a, b] = self.targets.each_ref().map(|target| target.netns_path().display().to_string());
        super::write(
            &self.host,
            &format!(
                "router: {{mtu: 1400}}\npeers: [192.0.2.2]\nexpose: [10.2.1.1/24, {{ip: 10.3.1.1/24, masquerade: false}}]\n\
                 containers:\n  \"netns:{a}\": {{ips: [10.2.1.4/24, \"fd00::4/64\"], probe: false}}\n  \
                 \"netns:{b}\": {{ip: 10.2.1.5/24, mtu: 1300, probe: false}}\n"
            ),
        )
    }

    fn apply(&self) -> Value {
        let done = self.host.weave(&["--json", "apply", &self.document()]).must();
        serde_json::from_str(&done).expect("JSON")
    }

    /// The links of the host that have a mark of weave's, each with its mark.
    fn marks(&self) -> Vec<(String, String)> {
        let links: Vec<Value> = serde_json::from_str(&self.host.sh("ip -j link").must()).expect("JSON");
        let mark = |link: &Value| {
            let alias = link["ifalias"].as_str()?;
            let own = ["weave:bridge", "weave:router", "weave:attachment"].contains(&alias.split(' ').next()?);
            own.then(|| (link["ifname"].as_str().unwrap_or_default().to_owned(), alias.to_owned()))
        };
        links.iter().filter_map(mark).collect()
    }

    #[track_caller]
    fn mark(&self, link: &str, alias: &str) {
        self.host.exec(&["ip", "link", "set", "dev", link, "alias", alias]).must();
    }

    #[track_caller]
    fn reset(&self) {
        self.host.weave(&["reset"]).must();
    }
}

#[test]
fn after_a_crash_at_any_moment_everything_goes() {
    let site = Site::new();
    let before = site.all();
    let document = site.document();
    for pause in (0..40_u64).step_by(4) {
        let mut child = site.host.weave_command(&["-q", "apply", &document]).spawn().expect("weave to start");
        std::thread::sleep(std::time::Duration::from_millis(pause));
        child.kill().expect("a child");
        child.wait().expect("a child");
        site.reset();
        site.is_as(&before);
    }
}

#[test]
fn without_the_run_directory_everything_goes() {
    let site = Site::new();
    let before = site.all();
    site.apply();
    assert_eq!(site.marks().len(), 4, "{:?}", site.marks());
    fs::remove_dir_all(site.host.run_dir()).expect("a directory");
    site.reset();
    site.is_as(&before);
    // As a file that is no directory it can be neither used nor made, and nothing is touched.
    site.apply();
    fs::remove_dir_all(site.host.run_dir()).expect("a directory");
    fs::write(site.host.run_dir(), "").expect("a file");
    let there = site.all();
    assert_eq!(site.host.weave(&["reset"]).code, 1);
    site.is_as(&there);
    fs::remove_file(site.host.run_dir()).expect("a file");
    site.reset();
    site.is_as(&before);
}

/// Marks have gained words over time: each was written without the later ones, and is weave's all the same.
#[test]
fn marks_of_an_older_version_are_weave_s_and_are_renewed() {
    let site = Site::new();
    let before = site.all();
    for upgraded in [false, true] {
        site.apply();
        let marks = site.marks();
        for (link, alias) in &marks {
            let later = |word: &&str| ["mtu=", "direct=", "firewall="].iter().any(|key| word.starts_with(key));
            let older: Vec<&str> = alias.split(' ').filter(|word| !later(word)).collect();
            site.mark(link, &older.join(" "));
        }
        // A tunnel that was to take over when the old version was killed, and a table with its rules only.
        site.host
            .sh("ip link add vxlan-6783b type vxlan id 6783 dstport 6783 local 192.0.2.1 nolearning && ip link set vxlan-6783b master weave
                 ip link set vxlan-6783b alias weave:router
                 nft flush table inet weave")
            .must();
        if upgraded {
            // Half an upgrade: the new version was at work once, and then all is as it wants it.
            assert_eq!(site.apply()["changed"], true);
            assert_eq!(site.apply()["changed"], false);
            assert_eq!(site.marks(), marks);
        }
        site.reset();
        site.is_as(&before);
    }
}

/// What a newer version wrote in words that this one does not know is left to it.
#[test]
fn marks_that_nobody_knows_are_nobody_s_to_remove() {
    let site = Site::new();
    site.host
        .sh("ip link add vxlan-9 type vxlan id 9 dstport 4789 local 192.0.2.1 && ip link set vxlan-9 alias 'weave:router kind=wireguard'
             ip link add vethwe0 type veth peer name vethwe1 && ip link set vethwe0 alias 'weave:attachment of=web'
             ip link set vethwe1 alias 'weave:tap netns=4026531840 interface=ethwe'")
        .must();
    let before = site.all();
    site.apply();
    site.reset();
    site.is_as(&before);
}

#[test]
fn containers_that_were_made_anew_when_it_crashed_are_not_lost() {
    let site = Site::new();
    let host = &site.host;
    host.start_docker(&DockerOptions::default());
    let text = |number: u8| {
        let line = format!(
            "{{ip: 10.2.1.7/24, image: 'busybox:latest', command: sleep 1000000, options: '--stop-signal=SIGKILL -e A={number}'}}"
        );
        let path = host.dir().join("run.yaml");
        fs::write(&path, format!("router: {{}}\ncontainers:\n  web: {line}\n")).expect("a document");
        path.display().to_string()
    };
    host.weave(&["apply", &text(0)]).must();
    for pause in [30_u64, 60, 120] {
        let document = text(u8::try_from(pause).expect("a number"));
        let mut child = host.weave_command(&["-q", "apply", &document]).spawn().expect("weave to start");
        std::thread::sleep(std::time::Duration::from_millis(pause));
        child.kill().expect("a child");
        child.wait().expect("a child");
        site.reset();
        assert!(site.marks().is_empty(), "{:?}", site.marks());
        assert!(!host.sh("nft list tables").must().contains("inet weave\n"));
        // One of the two is there, under whichever name; the next run makes one of them.
        assert!(!host.docker(&["ps", "-aq", "--filter", "name=web"]).must().trim().is_empty());
        host.weave(&["apply", &document]).must();
        assert_eq!(host.docker(&["ps", "-a", "--format", "{{.Names}}"]).must().trim(), "web");
    }
    assert!(!site.lab.prefix().is_empty());
}
