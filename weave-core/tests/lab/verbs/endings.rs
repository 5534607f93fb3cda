//! Containers that end, on a real engine: at once, as they stop, and under those that are linked to them.

use serde_json::Value;

use super::containers::{four, inspect, site};
use super::kernel::addresses;
use super::{Host, Lab, WEAVE, refused, report, write};
use crate::lab::{DockerOptions, HostOptions, IMAGE};

fn names(host: &Host) -> Vec<String> {
    let listed = host.docker(&["ps", "-a", "--format", "{{.Names}}"]).must();
    let mut names: Vec<String> = listed.split_whitespace().map(str::to_owned).collect();
    names.sort();
    names
}

fn warnings(report: &Value) -> Vec<&str> {
    let all = report["warnings"].as_array().expect("a list").iter().filter_map(Value::as_str);
    // What engines from 28 on say of their own networks where they make no rules, and from 29 on of links.
    let of_the_engine = ["IPv4 forwarding is disabled", "Links on the default bridge network are deprecated"];
    all.filter(|warning| !of_the_engine.iter().any(|words| warning.starts_with(words))).collect()
}

#[test]
fn a_container_that_ends_at_once_says_why() {
    let (_lab, host) = site();
    // All on one stream: the engine does not keep the order between two.
    let fails =
        "exec >&2; for n in 1 2 3 4 5 6 7; do echo line $n; done; printf '\\033[31mno such table\\033[0m\\n'; exit 3";
    for addresses in [[].as_slice(), &["10.2.1.4/24"]] {
        let run = [&["run"], addresses, &["--name", "web", IMAGE, "sh", "-c", fails]].concat();
        let words = ["exit code 3", "removed again", "line 5 / line 6 / line 7 / no such table", "docker logs"];
        let error = refused(&host, &run);
        error.says("container_not_running", "web", &words);
        assert!(!error.message.contains("line 3") && !error.message.contains('\u{1b}'), "{error:?}");
        assert_eq!(names(&host), Vec::<String>::new());
    }
    // The engine keeps nothing of what this one said.
    let silent = ["run", "--name", "web", "--log-driver=none", IMAGE, "sh", "-c", "echo lost; exit 3"];
    let error = refused(&host, &silent);
    assert!(error.message.contains("exit code 3") && !error.message.contains("lost"), "{error:?}");
    let brief = ["run", "--name", "web", "--rm", IMAGE, "false"];
    // Whether the engine has removed it yet, or weave does, is a matter of its pace.
    let error = refused(&host, &brief);
    error.says("container_not_running", "web", &[]);
    let gone = error.message.contains("is gone") && format!("{error:?}").contains("--rm");
    assert!(gone || error.message.contains("exit code 1"), "{error:?}");
    assert_eq!(names(&host), Vec::<String>::new());

    // A job that is done is no failure, and is done again.
    let job = ["run", "--name", "job", "-v", "/data", IMAGE, "sh", "-c", "echo once >> /data/file; echo all done"];
    for _ in 0..2 {
        let done = report(&host, &job, 2);
        assert!(
            warnings(&done)[0].contains("job has ended already") && done.to_string().contains("all done"),
            "{done:#}"
        );
    }
    host.docker(&["cp", "job:/data/file", &host.dir().join("file").display().to_string()]).must();
    assert_eq!(host.exec(&["cat", &host.dir().join("file").display().to_string()]).must(), "once\nonce\n");
    // One that is started again and again is told of.
    let flapping = ["run", "--name", "flap", "--restart=always", IMAGE, "sh", "-c", "echo again; exit 4"];
    let done = report(&host, &flapping, 2);
    assert!(warnings(&done)[0].contains("restart policy says; its log ends with: again"), "{done:#}");
    report(&host, &["rm", "flap"], 2);
}

#[test]
fn one_that_goes_as_it_stops_is_made_anew_with_its_data() {
    let (_lab, host) = site();
    let base = ["run", "10.2.1.4/24", "--name", "web", "--rm", "--stop-signal=SIGKILL", "-v", "/data"];
    let run = |more: &[&'static str]| [&base, more, &[IMAGE, "sleep", "1000000"]].concat();
    report(&host, &run(&["-e", "A=1"]), 2);
    let volume = || inspect(&host, "web", "{{(index .Mounts 0).Name}}");
    let first = volume();
    host.docker(&["exec", "web", "sh", "-c", "echo kept > /data/file"]).must();
    let done = four(&host, &run(&["-e", "A=2"]));
    assert!(warnings(&done)[0].contains("cannot come back"), "{done:#}");
    let kept = || host.docker(&["exec", "web", "cat", "/data/file"]).must().trim().to_owned();
    assert_eq!((names(&host), volume(), kept()), (vec!["web".to_owned()], first.clone(), "kept".to_owned()));
    assert_eq!(addresses(&host.container("web").netns(), "ethwe"), ["10.2.1.4/24"]);

    // The new one does not start, and the engine removes it, too; the data is still there.
    let broken = [&base[..], &["-e", "A=2", IMAGE, "no-such-program"]].concat();
    let output = host.weave(&[&["--json"], &broken[..]].concat());
    super::refusal(&output).says("not_found", "web", &["no-such-program"]);
    let left = super::object(&output)["error"]["left"].to_string();
    assert!(
        left.contains("made with --rm, is gone") && left.contains(&format!("/data is in volume {first}")),
        "{left}"
    );
    let file = ["run", "--rm", "-v", &format!("{first}:/data"), IMAGE, "cat", "/data/file"];
    assert_eq!(host.docker(&file).must().trim(), "kept");
    report(&host, &run(&["-e", "A=3"]), 2);
    // It goes as it was wished.
    let stopped = format!("containers: {{web: {{image: '{IMAGE}', options: -d, on_change: ignore, state: stopped}}}}");
    let done = report(&host, &["apply", &write(&host, &stopped)], 1);
    super::problem(&done).says("conflict", "web", &["`--rm`", "ensure: absent"]);
    four(&host, &["rm", "web"]);
}

#[test]
fn what_is_linked_follows_or_is_told_of() {
    let lab = Lab::new().with_weave(WEAVE);
    let host = lab.add_host(HostOptions::default());
    host.start_docker(&DockerOptions::default());
    let container = |options: &str| {
        format!("{{image: '{IMAGE}', command: sleep 1000000, options: '--stop-signal=SIGKILL {options}'}}")
    };
    let document =
        |value: &str| format!("containers:\n  db: {}\n  web: {}\n", container(value), container("--link db:base"));
    report(&host, &["apply", &write(&host, &document("-e A=1"))], 2);
    let base = |name: &str| {
        let hosts = host.docker(&["exec", name, "cat", "/etc/hosts"]).must();
        let line = hosts.lines().find(|line| line.split_whitespace().any(|word| word == "base"));
        line.and_then(|line| line.split_whitespace().next()).expect("a line for the link").to_owned()
    };
    let address = || inspect(&host, "db", "{{.NetworkSettings.Networks.bridge.IPAddress}}");
    assert_eq!(base("web"), address());

    // Both are weave's: who is linked is made anew, too.
    let done = report(&host, &["apply", &write(&host, &document("-e A=2"))], 2);
    assert_eq!(warnings(&done), Vec::<&str>::new());
    assert_eq!((base("web"), names(&host)), (address(), vec!["db".to_owned(), "web".to_owned()]));
    host.docker(&["restart", "web"]).must();
    assert_eq!(base("web"), address());

    // One of somebody else's is not, and one that the document does not name.
    host.run_container("shop", &["--link", "db:base"]);
    host.run_container("side", &["--network", "container:db"]);
    let only = format!("containers: {{db: {}}}\n", container("-e A=3"));
    let check = report(&host, &["--check", "apply", &write(&host, &only)], 2);
    let done = report(&host, &["apply", &write(&host, &only)], 2);
    assert_eq!(warnings(&check), warnings(&done));
    let told: Vec<&str> = warnings(&done).iter().filter_map(|warning| warning.split(" by `").next()).collect();
    assert_eq!(
        told,
        ["container shop is bound to db", "container side is bound to db", "container web is bound to db"],
        "{done:#}"
    );
    // It is as the warning says.
    assert!(!host.docker(&["restart", "shop"]).ok() && !host.docker(&["restart", "side"]).ok());
    let both = write(&host, &document("-e A=3"));
    report(&host, &["apply", &both], 2);
    assert_eq!(base("web"), address());
    report(&host, &["apply", &both], 0);
}
