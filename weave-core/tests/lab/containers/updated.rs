//! Changes in place, by an engine, of containers that run.

use weave_core::plan::container::{compare, in_place};

use super::asking::{Asking, RICH};

/// From one line to another: `+` in place, with the options that are not put back; `-` with a new container.
const CHANGES: &[(&str, &str, &str)] = &[
    ("--memory 64m", "--memory 128m", "+"),
    ("--memory 128m", "--memory 64m", "+"),
    ("--memory 64m --memory-swap 64m", "--memory 96m --memory-swap 128m", "+"),
    ("--memory 64m --memory-swap 64m", "--memory 96m", "+"),
    ("--memory 64m --memory-swap -1", "--memory 96m --memory-swap -1", "+"),
    ("--memory 64m --memory-swap -1", "--memory 96m", "+"),
    ("--memory 64m --memory-swap 128m", "--memory 64m --memory-swap -1", "-"),
    ("--memory 64m --memory-reservation 32m", "--memory 64m --memory-reservation 48m", "+"),
    ("", "--memory 64m", "+memory memory_swap"),
    ("--memory 64m", "", "-"),
    ("--cpus 1", "--cpus 0.5", "+"),
    ("--cpus 1", "--cpu-quota 50000", "-"),
    ("--cpu-period 100000 --cpu-quota 50000", "--cpu-period 50000 --cpu-quota 20000", "+"),
    ("--cpu-shares 512", "--cpu-shares 256 --cpuset-cpus 0", "+cpuset_cpus"),
    ("--pids-limit 10", "--pids-limit 20", "+"),
    ("--cpu-quota 50000", "", "+"),
    ("", "--cpu-quota 50000", "+"),
    ("--pids-limit 10", "", "+"),
    ("", "--pids-limit 20", "+"),
    ("--restart always", "", "+"),
    ("", "--restart on-failure:3", "+"),
    ("--restart always", "--restart unless-stopped --memory 64m", "+memory memory_swap"),
    ("--rm", "--restart always", "-"),
    ("--memory 64m", "--memory 96m -e A=b", "-"),
    ("--memory 64m --memory-swap -1", "--memory 64m --memory-swap 128m", "-"),
    ("", "--blkio-weight 300", "-"),
    ("--cpu-rt-period 1000000", "--cpu-rt-period 500000", "-"),
];

#[test]
fn what_can_be_changed_in_place_is_and_is_put_back() {
    let asking = Asking::start();
    let image = asking.image(RICH);
    let command = ["sleep", "1000000"];
    for (from, to, expected) in CHANGES {
        let case = format!("`{from}` to `{to}`");
        let (old, new) = (asking.wish("app", from, RICH, &command), asking.wish("app", to, RICH, &command));
        asking.create("app", old.request()).unwrap_or_else(|error| panic!("{case}: {error}"));
        if !from.contains("-rt-") {
            // Few kernels have real-time groups.
            asking.host.docker(&["start", "app"]).must();
        }
        let container = asking.container("app");
        assert_eq!(compare(&old, &container, Some(&image)), [], "{case}");
        let differences = compare(&new, &container, Some(&image));
        assert_ne!(differences, [], "{case}");
        let change = in_place(&new, &container, &differences);
        let found = change.as_ref().map_or_else(|| "-".to_owned(), |change| format!("+{}", change.lasting.join(" ")));
        assert_eq!(found, *expected, "{case}: {differences:?}");
        if let Some(change) = change {
            asking.update("app", change.after.clone()).unwrap_or_else(|error| panic!("{case}: {error}"));
            assert_eq!(compare(&new, &asking.container("app"), Some(&image)), [], "{case}: {change:?}");
            asking.update("app", change.before.clone()).unwrap_or_else(|error| panic!("{case} undone: {error}"));
            let left = compare(&old, &asking.container("app"), Some(&image));
            if change.lasting.is_empty() {
                assert_eq!(left, [], "{case}: {change:?}");
            } else {
                let options: Vec<&str> = left.iter().map(|difference| difference.option.as_str()).collect();
                assert!(
                    options.iter().all(|option| change.lasting.contains(&(*option).to_owned())),
                    "{case}: {left:?}"
                );
            }
        }
        asking.remove(&["app"]);
    }
}
