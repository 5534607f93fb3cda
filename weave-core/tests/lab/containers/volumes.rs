//! The data in volumes without a name outlives the container.

use weave_core::plan::container::{carry, compare, kept};

use super::asking::{Asking, RICH};

const PLACES: [&str; 3] = ["/from/image", "/nameless", "/mounted"];

#[test]
fn a_new_container_takes_the_nameless_volumes_over() {
    let asking = Asking::start();
    let image = asking.image(RICH);
    let line = "-u 0 -v /nameless/ --mount target=/mounted -v /gone -v named:/named --tmpfs /tmp";
    let command = ["sleep", "1000000"];
    let wish = asking.wish("app", line, RICH, &command);
    asking.create("app", wish.request()).expect("a container");
    asking.host.docker(&["start", "app"]).must();
    for place in PLACES {
        asking.host.docker(&["exec", "app", "sh", "-c", &format!("echo {place} > {place}/data")]).must();
    }

    // Twice, since what was taken over is then a volume with a name.
    for (round, line) in [
        (1, "-u 0 -v /nameless --mount target=/mounted -v named:/named -v other:/gone -e A=1"),
        (2, "-u 0 -v /nameless --mount target=/mounted -v named:/named -e A=2"),
    ] {
        let wish = asking.wish("app", line, RICH, &command);
        let old = asking.container("app");
        assert_ne!(compare(&wish, &old, Some(&image)), [], "round {round}");
        let kept = kept(&wish, &old);
        let mut places: Vec<&str> = kept.iter().map(|kept| kept.target.as_str()).collect();
        places.sort_unstable();
        let mut expected = PLACES;
        expected.sort_unstable();
        assert_eq!(places, expected, "round {round}");
        let mut request = wish.request();
        carry(&mut request, &kept);
        asking.create("app.new", request).expect("a container");
        asking.remove(&["app"]);
        asking.host.docker(&["rename", "app.new", "app"]).must();
        asking.host.docker(&["start", "app"]).must();
        for place in PLACES {
            let data = asking.host.docker(&["exec", "app", "cat", &format!("{place}/data")]).must();
            assert_eq!(data.trim(), place, "round {round}");
        }
        assert_eq!(compare(&wish, &asking.container("app"), Some(&image)), [], "round {round}");
    }
}
