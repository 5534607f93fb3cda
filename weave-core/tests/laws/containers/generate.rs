//! Documents with containers at random, from a small set of names, images and options so that they meet.

use std::fmt;

use proptest::option;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use serde_json::{Map, Value, json};
use weave_core::spec::{HostDocument, from_value};

/// Containers that documents name. `web` may be linked to `db`.
pub(super) const NAMES: [&str; 3] = ["api", "db", "web"];

fn options(number: usize) -> impl Strategy<Value = Map<String, Value>> {
    let parts = (
        option::weighted(0.4, select(vec!["64m", "128m"])),
        option::weighted(0.4, select(vec![json!(["A=1"]), json!(["A=2"]), json!(["A=2", "B=1"])])),
        option::weighted(0.2, select(vec![json!([format!("8{number}:80")]), json!([format!("9{number}:80")])])),
        option::weighted(0.2, Just(json!(["tier=one"]))),
        subsequence(vec!["/cache", "named:/srv", "/host:/mnt"], 0..=2),
    );
    parts.prop_map(|(memory, env, publish, label, volume)| {
        let volume = (!volume.is_empty()).then(|| json!(volume));
        let fields = [
            ("memory", memory.map(Value::from)),
            ("env", env),
            ("publish", publish),
            ("label", label),
            ("volume", volume),
        ];
        fields.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect()
    })
}

fn entry(number: usize) -> impl Strategy<Value = Value> {
    let images = if number == 2 { vec!["app:1", "app:2", "app:3", "db:1"] } else { vec!["app:1", "app:2", "db:1"] };
    let ips = vec![
        json!([format!("10.2.1.{number}/24")]),
        json!([format!("10.2.1.1{number}/24"), format!("fd00:1::{number}/64")]),
        json!([]),
    ];
    let run = (
        select(images),
        options(number),
        option::weighted(0.7, select(ips)),
        prop_oneof![6 => Just(None), 1 => Just(Some("stopped")), 1 => Just(Some("created"))],
        prop_oneof![8 => Just(None), 1 => Just(Some("ignore")), 1 => Just(Some("report"))],
        any::<bool>(),
        any::<bool>(),
    );
    let run = run.prop_map(move |(image, options, ips, state, on_change, link, before)| {
        let mut entry = json!({"image": image, "options": options, "link": link});
        // Only one of them, so that what is loaded is for that one; and none that others are linked to.
        if before && number == 2 {
            entry["attach"] = json!("before_start");
        }
        for (name, value) in
            [("ips", ips), ("state", state.map(Value::from)), ("on_change", on_change.map(Value::from))]
        {
            entry.as_object_mut().unwrap().extend(value.map(|value| (name.to_owned(), value)));
        }
        entry
    });
    prop_oneof![8 => run, 1 => Just(json!({"ensure": "absent"}))]
}

/// A link needs a container that is there and runs.
fn linked(mut containers: Map<String, Value>) -> Map<String, Value> {
    let runs =
        |entry: Option<&Value>| entry.is_some_and(|entry| entry["image"].is_string() && entry["state"].is_null());
    let target = runs(containers.get("db"));
    for (name, entry) in &mut containers {
        let Some(fields) = entry.as_object_mut() else { continue };
        let link = fields.remove("link") == Some(json!(true));
        // One that must stay as it is cannot be bound anew.
        if name == "web" {
            fields.remove("on_change");
        }
        if link && target && name == "web" {
            fields["options"]["link"] = json!(["db:base"]);
        }
    }
    containers
}

fn containers() -> impl Strategy<Value = Map<String, Value>> {
    let entries = (option::weighted(0.7, entry(2)), option::weighted(0.7, entry(3)), option::weighted(0.7, entry(4)));
    entries.prop_map(|(api, db, web)| {
        let entries = NAMES.into_iter().zip([api, db, web]);
        linked(entries.filter_map(|(name, entry)| Some((name.to_owned(), entry?))).collect())
    })
}

/// A document that shows itself as one writes it.
#[derive(Clone)]
pub(super) struct Written(pub(super) HostDocument);

impl fmt::Debug for Written {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&serde_json::to_string(&self.0).unwrap())
    }
}

/// A document.
pub(super) fn document() -> impl Strategy<Value = Written> {
    let parts = (containers(), prop::bool::weighted(0.3), prop::bool::weighted(0.3));
    parts.prop_map(|(containers, purge, router)| {
        let mut document = json!({"containers": containers, "purge_containers": purge});
        if router {
            document["router"] = json!({});
            document["peers"] = json!(["192.0.2.2"]);
        }
        Written(from_value(document).unwrap())
    })
}
