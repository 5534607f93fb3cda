//! Each line of options makes the same container, whether weave asks for it or the docker client; and compared with
//! the line it was made of, it does not differ.

use serde_json::Value as Json;
use weave_core::plan::container::{ASKED, Difference, MADE, compare};

use super::asking::{Asking, RICH};
use super::lines::{LINES, Older};
use super::refused::{Engine, LEFT_OUT, REFUSED, find};

const COMMAND: [&str; 2] = ["sh", "-c"];

/// A container without what two that were made alike have apart.
fn apart(mut found: Json) -> Json {
    let id = found["Id"].as_str().unwrap_or_default().to_owned();
    let name = found["Name"].as_str().unwrap_or_default().trim_start_matches('/').to_owned();
    let fields = found.as_object_mut().expect("a map");
    let own =
        ["Id", "Name", "Created", "State", "ResolvConfPath", "HostnamePath", "HostsPath", "LogPath", "GraphDriver"];
    fields.retain(|field, _| !own.contains(&field.as_str()));
    let config = found["Config"].as_object_mut().expect("a map");
    // `docker create` cannot be told that nobody will listen.
    config.retain(|field, _| !["AttachStdin", "AttachStdout", "AttachStderr", "StdinOnce"].contains(&field.as_str()));
    if let Some(labels) = config.get_mut("Labels").and_then(Json::as_object_mut) {
        labels.retain(|label, _| ![MADE, ASKED].contains(&label.as_str()));
    }
    for pointer in ["/Config/Env", "/HostConfig/Binds"] {
        if let Some(Json::Array(texts)) = found.pointer_mut(pointer) {
            texts.sort_by_key(Json::to_string);
        }
    }
    if let Some(Json::Array(mounts)) = found.get_mut("Mounts") {
        for mount in mounts.iter_mut().filter(|mount| mount["Name"].as_str().is_some_and(|name| name.len() == 64)) {
            mount["Name"] = Json::Null;
            mount["Source"] = Json::Null;
        }
        mounts.sort_by_key(|mount| mount["Destination"].to_string());
    }
    let text = found.to_string().replace(&id, "ID").replace(&id[..12], "ID").replace(&format!("/{name}/"), "/NAME/");
    serde_json::from_str(&text).expect("JSON")
}

/// Where two values differ, by path.
fn differing(path: &str, one: &Json, other: &Json, into: &mut Vec<String>) {
    match (one, other) {
        // The client writes empty lists where weave writes nothing.
        _ if one == other || is_empty(one) && is_empty(other) => {}
        (Json::Object(a), Json::Object(b)) => {
            for key in a.keys().chain(b.keys().filter(|key| !a.contains_key(*key))) {
                differing(&format!("{path}.{key}"), &one[key.as_str()], &other[key.as_str()], into);
            }
        }
        (Json::Array(a), Json::Array(b)) if a.len() == b.len() => {
            for (at, (one, other)) in a.iter().zip(b).enumerate() {
                differing(&format!("{path}[{at}]"), one, other, into);
            }
        }
        _ => into.push(format!("{path}: ours {one}, the client's {other}")),
    }
}

fn is_empty(value: &Json) -> bool {
    match value {
        Json::Null => true,
        Json::Array(items) => items.is_empty(),
        Json::Object(fields) => fields.is_empty(),
        _ => false,
    }
}

/// Whether a kernel without the controller explains it; without a label nobody knows that it was asked.
fn is_discarded(difference: &Difference) -> bool {
    difference.before.is_null() && difference.option.starts_with("blkio_weight")
}

/// What is wrong with a line.
fn check(asking: &Asking, client: u16, line: &str, older: Older) -> Vec<String> {
    // The engine wants paths of mounts to be there.
    let there = line.replace("=/a,", &format!("={}/a,", asking.base.display()));
    let wish = asking.wish("ours", &there, RICH, &COMMAND);
    let refused = find(REFUSED, line, asking.minor);
    let by_client = || asking.create_by_client("theirs", &there, RICH, &COMMAND);
    match (asking.create("ours", wish.request()), refused) {
        (Err(error), Some((_, words))) if error.contains(words) => {
            if by_client().is_err() {
                return Vec::new();
            }
            asking.remove(&["theirs"]);
            return vec!["refused, but not to the client".to_owned()];
        }
        (Err(error), _) => return vec![format!("refused: {error}")],
        (Ok(()), Some((Engine::Older(_), _))) => return vec!["taken, though it is among the refused".to_owned()],
        (Ok(()), _) => {}
    }
    let (container, image) = (asking.container("ours"), asking.image(RICH));
    let mut wrong = Vec::new();
    let differences = compare(&wish, &container, Some(&image));
    let left_out = find(LEFT_OUT, line, asking.minor).map(|(_, option)| option);
    if differences.iter().map(|difference| difference.option.as_str()).ne(left_out) {
        wrong.push(format!("ours differs: {differences:?}, but only {left_out:?} is left out"));
    }
    // Then this client does what the engine's own would do, or refuses.
    let same = older == Older::Same || client >= 28;
    match by_client() {
        Ok(()) => {
            let mut places = Vec::new();
            differing("", &apart(asking.inspect("ours")), &apart(asking.inspect("theirs")), &mut places);
            wrong.extend(places.into_iter().filter(|_| same));
            let mut differences = compare(&wish, &asking.container("theirs"), Some(&image));
            differences.retain(|difference| !is_discarded(difference) && Some(difference.option.as_str()) != left_out);
            if !differences.is_empty() && same {
                wrong.push(format!("theirs differs: {differences:?}"));
            }
            asking.remove(&["ours", "theirs"]);
        }
        Err(error) => {
            // The last is what Debian's own client 28 says of `-p ::1:8080:80`; it is built with an older library.
            let known = ["requires API version", "requires API v1", "too many colons in address"];
            if same && !known.iter().any(|words| error.contains(words)) {
                wrong.push(format!("the client: {error}"));
            }
            asking.remove(&["ours"]);
        }
    }
    wrong
}

#[test]
fn every_line_makes_the_container_that_the_docker_client_makes() {
    let asking = Asking::start();
    for name in ["a", "x"] {
        std::fs::create_dir(asking.base.join(name)).expect("a directory");
    }
    asking.host.docker(&["network", "create", "--subnet=10.3.0.0/16", "--ipv6", "--subnet=fd00::/64", "mesh"]).must();
    for name in ["other", "front", "back"] {
        asking.host.docker(&["network", "create", name]).must();
    }
    for name in ["web", "db", "pg"] {
        asking.create(name, asking.wish(name, "-v /shared", RICH, &[]).request()).expect("a container");
    }
    let version = asking.host.docker(&["version", "--format", "{{.Client.Version}}"]).must();
    let client: u16 = version.split('.').next().and_then(|major| major.trim().parse().ok()).expect("a version");
    let mut wrong = Vec::new();
    for (line, older) in LINES {
        let said = check(&asking, client, line, *older);
        if !said.is_empty() {
            wrong.push(format!("{line}\n    {}", said.join("\n    ")));
        }
    }
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), LINES.len(), wrong.join("\n"));
}

/// The container of each line, as if the line were empty now: what was asked is no longer asked, and all of it shows.
#[test]
fn what_is_no_longer_asked_is_a_difference() {
    let asking = Asking::start();
    let image = asking.image(RICH);
    let bare = asking.wish("ours", "", RICH, &[]);
    for (line, gone) in [
        ("-p 80:80 --expose 81 -v /x -v named:/named -e A=b -l a=b", "env expose label publish volume"),
        ("--cap-add NET_ADMIN --dns 1.1.1.1 --hostname h --init=false", "cap_add dns hostname"),
        ("--memory 64m --pids-limit 5 --restart always", "memory pids_limit restart"),
        ("--memory 64m --memory-swap 128m", "memory"),
        ("--restart no --pids-limit -1", ""),
        ("--platform linux/amd64 --network host", "network platform"),
        ("--mount type=tmpfs,dst=/t --tmpfs /run --read-only", "mount read_only tmpfs"),
        ("--no-healthcheck --stop-timeout 0", "no_healthcheck stop_timeout"),
        ("--health-cmd false --health-retries 2", "health_cmd health_retries"),
        ("-it --user 1 --workdir /srv --entrypoint /bin/sh", "entrypoint interactive tty user workdir"),
    ] {
        let wish = asking.wish("ours", line, RICH, &[]);
        asking.create("ours", wish.request()).unwrap_or_else(|error| panic!("{line}: {error}"));
        let container = asking.container("ours");
        assert_eq!(compare(&wish, &container, Some(&image)), [], "{line}");
        let differences = compare(&bare, &container, Some(&image));
        let mut options: Vec<&str> = differences.iter().map(|difference| difference.option.as_str()).collect();
        options.sort_unstable();
        assert_eq!(options.join(" "), gone, "{line}: {differences:?}");
        assert!(differences.iter().all(|difference| difference.after.is_null()), "{differences:?}");
        asking.remove(&["ours"]);
    }
}
