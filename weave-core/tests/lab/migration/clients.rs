//! Who is connected meanwhile: pings, and a client of TCP that connects again and again.

use std::fs::{self, File};
use std::process::{Child, Stdio};
use std::time::{SystemTime, UNIX_EPOCH};

use super::scene::{APP, Scene, files, listed};
use crate::lab::{Host, PATIENCE, wait_until};

/// How much later than the end of the pause somebody may find out, at most: caches of addresses live longer.
const LATE: f64 = 30.0;

/// Says the time whenever the server has answered as it should.
const CLIENT: &str = "while :; do
    if [ \"$(busybox nc -w 2 10.2.1.4 8080 </dev/null)\" = kept ]; then date '+[%s.%N] bytes from it'; fi
    sleep 0.05
done";

/// Killed in the end, whatever becomes of the test.
struct Runs(Child);

impl Drop for Runs {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// When answers came, in seconds.
fn answers(file: &std::path::Path) -> Vec<f64> {
    let said = fs::read_to_string(file).expect("a file");
    let time = |line: &str| line.strip_prefix('[')?.split_once(']')?.0.parse().ok();
    said.lines().filter(|line| line.contains("bytes from")).filter_map(time).collect()
}

/// When the engine of a host last said `event` of the container, in seconds.
fn told(host: &Host, event: &str) -> f64 {
    let (event, until) = (format!("event={event}"), format!("{}", now().ceil()));
    let line = ["events", "--since=0", "--until", &until, "--filter", &event, "--filter=container=web"];
    let said = host.docker(&[&line[..], &["--format={{.TimeNano}}"]].concat()).must();
    let last = said.lines().last().unwrap_or_else(|| panic!("no {event} on {}", host.name()));
    last.parse::<f64>().expect("nanoseconds") / 1e9
}

fn now() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_secs_f64()
}

#[test]
fn clients_see_a_pause_and_the_same_data_afterwards() {
    let scene = Scene::new();
    // Only the first start writes.
    let serve = "[ -e /named/file ] || echo kept >/named/file; while :; do nc -l -p 8080 </named/file; done";
    let run = ["run", "-d", "--name", "web", "--network=none", "--restart=always", "--stop-signal=SIGKILL"];
    let volumes = ["-v", "/data", "-v", "named:/named"];
    scene.a.docker(&[&run[..], &volumes, &[APP, "sh", "-c", serve]].concat()).must();
    scene.a.weave(&["attach", "10.2.1.4/24", "web"]).must();
    scene.fill();
    let before = files(&scene.a);

    let (pings, talks) = (scene.a.dir().join("pings"), scene.a.dir().join("talks"));
    let start = |program: &str, args: &[&str], file| {
        let out = Stdio::from(File::create(file).expect("a file"));
        let child = scene.watcher.command(program).args(args).stdout(out).stderr(Stdio::null()).spawn();
        Runs(child.expect("it to start"))
    };
    let ping = start("ping", &["-n", "-D", "-i0.1", "-W1", "10.2.1.4"], &pings);
    let client = start("sh", &["-c", CLIENT], &talks);
    let come = |more: usize| {
        let counts = [&pings, &talks].map(|file| answers(file).len());
        wait_until(PATIENCE, || {
            [&pings, &talks].iter().zip(counts).all(|(file, count)| answers(file).len() >= count + more)
        })
    };
    assert!(come(5), "it was not reached at all");
    let begun = now();
    let done = scene.moved(&[]);
    let whole = now() - begun;
    assert_eq!((listed(&scene.a), listed(&scene.b)), (String::new(), "web running".to_owned()), "{done:#}");
    assert!(come(5), "it is not reached any more: {done:#}");
    drop((ping, client));
    assert_eq!(files(&scene.b), before);

    // The engines say when it certainly did not run; it was away for that long, and for less than the whole move.
    let pause = told(&scene.b, "start") - told(&scene.a, "die");
    let away = done["result"]["away_seconds"].as_f64().expect("seconds");
    assert!(
        0.0 < pause && pause <= away && away < whole,
        "{pause} s by the engines, {away} s by the report of {whole} s"
    );
    for (who, file) in [("ping", &pings), ("client", &talks)] {
        let times = answers(file);
        let gap = times.windows(2).map(|pair| pair[1] - pair[0]).fold(0.0, f64::max);
        assert!(pause <= gap && gap < away + LATE, "{who}: {gap} s, by the engines {pause} s, by the report {away} s");
    }
}
