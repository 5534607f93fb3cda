//! Every line goes to the docker client, which sends its request to a fake engine, and to us.

use std::path::PathBuf;
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use serde_json::Value as Json;

use super::lines::{LINES, Older};
use super::recorder::Recorder;
use crate::docker::client_side::resolve;
use crate::docker::clients::clients;
use crate::docker::create::body;
use crate::spec::options::parse_run;

const FILES: [(&str, &str); 4] = [
    ("variables.env", "\u{feff}# a comment\n\n  A=from file\nB=  kept \r\nCALLER\nNOBODY\nQ=\"quoted\"\nE=\nX==y=z\n"),
    ("more.env", "A=more"),
    ("labels", "file=yes\n# no\ncom.example.a=b c \nwithout\n"),
    ("profile.json", "{ \"defaultAction\" : \"SCMP_ACT_ALLOW\",\n\t\"x\": [ \"a \\\" b\", 1.50, \"\\\\\" ] }\n"),
];
const COMMAND: [&str; 3] = ["sh", "-c", "echo --name a b"];

/// What weave would send, and the address's query.
fn ours(line: &str, image: &str, recorder: &Recorder) -> (Json, Vec<(String, String)>) {
    let mut words = shlex::split(line).expect("words");
    words.push(image.to_owned());
    words.extend(COMMAND.map(str::to_owned));
    let (options, rest) = parse_run(&words).unwrap_or_else(|error| panic!("{line}: {error}"));
    let environment = |name: &str| (name == "CALLER").then(|| "of the test".to_owned());
    let options = resolve(options, &environment, &recorder.base()).unwrap_or_else(|error| panic!("{line}: {error}"));
    let query = [("name", options.name.clone()), ("platform", options.platform.clone())];
    let query =
        query.into_iter().map(|(name, value)| (name, value.unwrap_or_default())).filter(|(_, value)| !value.is_empty());
    let body = serde_json::to_value(body(&options, &rest[0], &rest[1..])).expect("JSON");
    (tidy(body), query.map(|(name, value)| (name.to_owned(), value)).collect())
}

/// Without what says nothing; lists whose order means nothing sorted.
fn tidy(value: Json) -> Json {
    let Json::Object(fields) = value else { return value };
    let mut tidied = serde_json::Map::new();
    for (name, value) in fields {
        let value = match (name.as_str(), value) {
            // The engine's own list or none at all: that is a difference.
            ("MaskedPaths" | "ReadonlyPaths", Json::Array(paths)) => Json::from(format!("{paths:?}")),
            // The client keeps both in maps and sends them in the order of its day.
            ("Binds" | "Env", Json::Array(mut texts)) => {
                texts.sort_by_key(Json::to_string);
                Json::Array(texts)
            }
            // A map from names to nothing, written as a list by some.
            ("ExposedPorts" | "Volumes", Json::Object(names)) => {
                let mut names: Vec<String> = names.into_iter().map(|(name, _)| name).collect();
                names.sort();
                Json::from(names)
            }
            ("ConsoleSize", _) => Json::Null,
            (_, Json::Array(items)) => Json::Array(items.into_iter().map(tidy).collect()),
            // The ports of the host for one port of the container, and what names and values map to.
            (_, value) => tidy(value),
        };
        let says_nothing = match &value {
            Json::Null | Json::Bool(false) => true,
            Json::Number(number) => number.as_f64() == Some(0.0),
            // An option with an empty value is still there.
            Json::String(text) => text.is_empty() && name.starts_with(char::is_uppercase),
            Json::Array(items) => items.is_empty(),
            Json::Object(fields) => fields.is_empty(),
            Json::Bool(true) => false,
        };
        if !says_nothing || matches!(name.as_str(), "StopTimeout" | "Init") && !value.is_null() {
            tidied.insert(name, value);
        }
    }
    Json::Object(tidied)
}

/// A line alone, or two after each other.
fn cases() -> Vec<(String, Older)> {
    let alone = LINES.iter().map(|(line, older)| ((*line).to_owned(), *older));
    let pairs = LINES.iter().enumerate().filter_map(|(at, (line, older))| {
        let (next, next_older) = LINES[(at + 37) % LINES.len()];
        let both = format!("{line} {next}");
        // Two that exclude each other are in the table of contradictions.
        let fit = [*older, next_older] == [Older::Same; 2] && parse_run(&shlex::split(&both).expect("words")).is_ok();
        fit.then_some((both, Older::Same))
    });
    alone.chain(pairs).collect()
}

/// What is wrong with one line under one client.
fn compare(recorder: &Recorder, client: &(PathBuf, u32), case: &(String, Older), image: &str) -> Option<String> {
    let (program, major) = client;
    let (line, older) = case;
    let expected = if *major >= 28 { Older::Same } else { *older };
    let output = recorder.run(program, line, image, &COMMAND);
    let words = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    let Some(theirs) = recorder.created(image) else {
        return (expected != Older::Refuse).then(|| format!("{line}\n    Docker {major} refused: {words}"));
    };
    if expected == Older::Refuse {
        return Some(format!("{line}\n    Docker {major} took it, though the table says that it refuses"));
    }
    assert!(output.status.success(), "{line}: {words}");
    let (ours, ours_query) = ours(line, image, recorder);
    let theirs_query: Vec<(String, String)> = theirs
        .query
        .split('&')
        .filter_map(|pair| pair.split_once('='))
        .map(|(name, value)| (name.to_owned(), value.replace("%2F", "/")))
        .collect();
    let theirs = tidy(theirs.body);
    match (ours == theirs && ours_query == theirs_query, expected) {
        (true, Older::Same) | (false, Older::Differ) => None,
        (true, _) => Some(format!("{line}\n    Docker {major} sends the same, though the table says otherwise")),
        (false, _) => {
            Some(format!("{line}\n    ours:      {ours} {ours_query:?}\n    Docker {major}: {theirs} {theirs_query:?}"))
        }
    }
}

/// The long options that a client's help lists.
fn listed(program: &PathBuf) -> Vec<String> {
    let output = Command::new(program).args(["run", "--help"]).output().expect("the client's help");
    let text = String::from_utf8(output.stdout).expect("text");
    let options = text.lines().filter_map(|line| {
        let (before, rest) = line.split_once("--")?;
        let name = rest.split(' ').next()?.to_owned();
        (before.trim().is_empty() || before.trim().len() == 3).then_some(name)
    });
    options.collect()
}

#[test]
fn every_option_of_the_client_is_known() {
    for (program, major) in clients() {
        let options = listed(&program);
        assert!(options.len() > 90, "Docker {major} lists {} options", options.len());
        for option in options {
            // A flag takes the word that follows as the image.
            let error = parse_run(&[format!("--{option}")]).err().map(|error| error.message().to_owned());
            let known = error.is_none_or(|message| !message.contains("is no option here"));
            assert!(known, "Docker {major} has --{option}");
        }
    }
}

#[test]
fn every_field_is_in_some_line() {
    let mut unused: Vec<String> = Vec::new();
    let fields = serde_json::to_value(everything()).expect("JSON");
    let known: Vec<String> = crate::spec::options::field_names().map(str::to_owned).collect();
    for field in known {
        if fields.get(&field).is_none() {
            unused.push(field);
        }
    }
    assert!(unused.is_empty(), "no line for {}", unused.join(", "));
}

/// The fields of all lines in one map.
fn everything() -> Json {
    let mut all = serde_json::Map::new();
    for (line, _) in LINES {
        let (options, _) = parse_run(&shlex::split(line).expect("words")).expect("options");
        if let Ok(Json::Object(fields)) = serde_json::to_value(options) {
            all.extend(fields);
        }
    }
    Json::Object(all)
}

#[test]
fn every_line_is_written_out_as_a_map_that_means_the_same() {
    for (line, _) in LINES {
        let (options, _) = parse_run(&shlex::split(line).expect("words")).expect("options");
        let written = serde_json::to_value(&options).expect("JSON");
        let again: crate::spec::Options =
            crate::spec::from_value(written).unwrap_or_else(|error| panic!("{line}: {error}"));
        assert_eq!(again, options, "{line}");
    }
}

#[test]
fn every_line_becomes_the_request_that_the_docker_client_sends() {
    let recorder = Recorder::start();
    for (name, text) in FILES {
        std::fs::write(recorder.base().join(name), text).expect("a file");
    }
    let (clients, cases) = (clients(), cases());
    assert!(cases.len() > LINES.len() + 100, "only {} cases", cases.len());
    let next = AtomicUsize::new(0);
    let work = || {
        let mut wrong = Vec::new();
        loop {
            let at = next.fetch_add(1, Ordering::Relaxed);
            let Some(client) = clients.get(at / cases.len()) else { return wrong };
            wrong.extend(compare(&recorder, client, &cases[at % cases.len()], &format!("image:{at}")));
        }
    };
    let wrong: Vec<String> = thread::scope(|scope| {
        let workers: Vec<_> = (0..4).map(|_| scope.spawn(work)).collect();
        workers.into_iter().flat_map(|worker| worker.join().expect("a worker")).collect()
    });
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), clients.len() * cases.len(), wrong.join("\n"));
}
