//! Who is connected meanwhile: pings, and a client of TCP that connects again and again.

use std::fs::{self, File};
use std::process::{Child, Stdio};
use std::time::Duration;

use super::scene::{APP, Scene, files, listed};
use crate::lab::wait_until;

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
        wait_until(Duration::from_secs(30), || {
            [&pings, &talks].iter().zip(counts).all(|(file, count)| answers(file).len() >= count + more)
        })
    };
    assert!(come(5), "it was not reached at all");
    let done = scene.moved(&[]);
    assert_eq!((listed(&scene.a), listed(&scene.b)), (String::new(), "web running".to_owned()), "{done:#}");
    assert!(come(5), "it is not reached any more: {done:#}");
    drop((ping, client));
    assert_eq!(files(&scene.b), before);

    // What the report says is what clients saw, but for the first that came after it.
    let away = done["result"]["away_seconds"].as_f64().expect("seconds");
    for (who, file) in [("ping", &pings), ("client", &talks)] {
        let times = answers(file);
        let gap = times.windows(2).map(|pair| pair[1] - pair[0]).fold(0.0, f64::max);
        assert!(gap + 0.5 > away && gap < away + 10.0, "{who}: {gap} s, and the report says {away}");
    }
}
