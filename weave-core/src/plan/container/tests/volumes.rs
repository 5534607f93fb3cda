//! Which volumes a new container takes over. That the data is there is tested in `tests/lab/containers/volumes.rs`.

use serde_json::{Value, json};

use super::engine::{made, wish};
use crate::observed::Container;
use crate::plan::container::{Kept, carry, compare, kept};

/// A volume's name as the engine gives it.
fn name(letter: char) -> String {
    std::iter::repeat_n(letter, 64).collect()
}

fn volume(name: &str, target: &str) -> Value {
    json!({"Type": "volume", "Name": name, "Destination": target, "RW": true})
}

/// A container of `line` with these mounts.
fn old(line: &str, mounts: Vec<Value>) -> Container {
    Container { mounts: mounts.into(), ..made(&wish(line)) }
}

fn targets(kept: &[Kept]) -> Vec<&str> {
    kept.iter().map(|kept| kept.target.as_str()).collect()
}

#[test]
fn only_nameless_volumes_of_its_own_go_on() {
    let mounts = vec![
        volume(&name('a'), "/from/image"),
        volume(&name('b'), "/x"),
        volume("named", "/named"),
        volume(&name('c'), "/borrowed"),
        json!({"Type": "bind", "Source": "/host", "Destination": "/host", "RW": true}),
    ];
    let line = "-v /x/ -v named:/named --volumes-from other -v /host:/host";
    let old = old(line, mounts);
    assert_eq!(targets(&kept(&wish(line), &old)), ["/from/image", "/x"]);
    // Also where it is no longer asked: data is not thrown away.
    assert_eq!(targets(&kept(&wish(""), &old)), ["/from/image", "/x"]);
    for covered in
        ["-v new:/x", "-v /host:/x/", "--tmpfs /x", "--mount type=bind,src=/a,dst=/x", "--mount src=n,dst=/x"]
    {
        assert_eq!(targets(&kept(&wish(covered), &old)), ["/from/image"], "{covered}");
    }
    assert_eq!(targets(&kept(&wish("--mount dst=/x"), &old)), ["/from/image", "/x"]);
}

#[test]
fn they_stand_in_the_request_by_name_and_make_no_difference() {
    let (a, b, c) = (name('a'), name('b'), name('c'));
    let mut read_only = volume(&b, "/x");
    read_only["RW"] = false.into();
    let line = "-v /x -v named:/named --mount dst=/m";
    let asked = wish(line);
    let mounts = vec![volume(&a, "/from/image"), read_only, volume(&c, "/m"), volume("named", "/named")];
    let kept_first = kept(&asked, &old(line, mounts.clone()));
    let mut request = asked.request();
    carry(&mut request, &kept_first);
    let host = &request["HostConfig"];
    assert_eq!(host["Binds"], json!(["named:/named", format!("{a}:/from/image"), format!("{b}:/x:ro")]));
    assert_eq!(host["Mounts"][0]["Source"], json!(c));

    let mut new = made(&asked);
    new.host_config = host.clone();
    new.mounts = mounts.into();
    assert_eq!(compare(&asked, &new, None), []);
    assert_eq!(kept(&asked, &new), kept_first, "and once more");

    let mut bare = wish("").request();
    carry(&mut bare, &kept_first[..1]);
    assert_eq!(bare["HostConfig"]["Binds"], json!([format!("{a}:/from/image")]));
}
