//! The forms in which values are compared: what the engine adds, spells otherwise or leaves out makes no difference.
//! A set becomes a map from each item to `true`.

use serde_json::{Map, Value, json};

/// None, empty, zero and false are one.
pub(super) fn plain(value: &Value) -> Value {
    let nothing = match value {
        Value::Null => true,
        Value::Bool(truth) => !truth,
        Value::Number(number) => number.as_f64() == Some(0.0),
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(fields) => fields.is_empty(),
    };
    if nothing { Value::Null } else { value.clone() }
}

/// Where zero says something.
pub(super) fn exact(value: &Value) -> Value {
    value.clone()
}

/// Where an empty list says something, and none is the engine's own list.
pub(super) fn sealed(value: &Value) -> Value {
    match value {
        Value::Array(paths) if paths.is_empty() => json!("unconfined"),
        _ => Value::Null,
    }
}

/// A list whose order counts; one text is a list of one.
pub(super) fn list(value: &Value) -> Value {
    match value {
        Value::String(text) if !text.is_empty() => json!([text]),
        other => plain(other),
    }
}

/// An entry point; an empty one takes the image's away.
pub(super) fn program(value: &Value) -> Value {
    match list(value) {
        Value::Array(words) if words == [json!("")] => Value::Null,
        other => other,
    }
}

/// The name without what `docker` adds to a short one.
pub(super) fn image(value: &Value) -> Value {
    value.as_str().map_or(Value::Null, |reference| familiar(reference).into())
}

fn familiar(reference: &str) -> String {
    let registry = ["docker.io/", "index.docker.io/"].iter().find_map(|prefix| reference.strip_prefix(prefix));
    let short = registry.map_or(reference, |rest| rest.strip_prefix("library/").unwrap_or(rest));
    let last = short.rsplit('/').next().unwrap_or(short);
    if last.contains([':', '@']) || is_id(short) { short.to_owned() } else { format!("{short}:latest") }
}

fn is_id(text: &str) -> bool {
    text.len() == 64 && text.chars().all(|c| c.is_ascii_hexdigit())
}

pub(super) fn directory(value: &Value) -> Value {
    value.as_str().map(clean).filter(|path| !path.is_empty()).map_or(Value::Null, Value::from)
}

/// A path without doubled and trailing slashes and without dots.
pub(super) fn clean(path: &str) -> String {
    if !path.starts_with('/') {
        return path.to_owned();
    }
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    format!("/{}", parts.join("/"))
}

/// `92-D0-C6-0A-29-33` and `92d0.c60a.2933` as Docker 29 keeps them, whatever it is told; older ones keep what they are told.
pub(super) fn mac(value: &Value) -> Value {
    let digits: Vec<char> = value.as_str().unwrap_or_default().chars().filter(|c| !"-:.".contains(*c)).collect();
    let pairs: Vec<String> = digits.chunks(2).map(|pair| pair.iter().collect::<String>().to_lowercase()).collect();
    plain(&pairs.join(":").into())
}

pub(super) fn signal(value: &Value) -> Value {
    let name = value.as_str().map(str::to_uppercase).unwrap_or_default();
    plain(&name.strip_prefix("SIG").unwrap_or(&name).into())
}

/// Whether the image's health check is left out.
pub(super) fn no_check(value: &Value) -> Value {
    if is_no_check(value) { true.into() } else { Value::Null }
}

pub(super) fn check(value: &Value) -> Value {
    if is_no_check(value) { Value::Null } else { plain(value) }
}

fn is_no_check(value: &Value) -> bool {
    value.get(0).is_some_and(|word| word == "NONE")
}

/// A limit; the engine keeps none for 0 and -1.
pub(super) fn limit(value: &Value) -> Value {
    value.as_i64().filter(|limit| *limit > 0).map_or(Value::Null, Value::from)
}

/// Zero says something; -1 is the host's own.
pub(super) fn swappiness(value: &Value) -> Value {
    value.as_i64().filter(|amount| *amount >= 0).map_or(Value::Null, Value::from)
}

/// The engine makes 64 MiB where nothing is said.
pub(super) fn shared_memory(value: &Value) -> Value {
    value.as_i64().filter(|size| ![0, 64 << 20].contains(size)).map_or(Value::Null, Value::from)
}

pub(super) fn isolation(value: &Value) -> Value {
    plain(value).as_str().filter(|word| !word.eq_ignore_ascii_case("default")).map_or(Value::Null, Value::from)
}

pub(super) fn network(value: &Value) -> Value {
    match value.as_str() {
        None | Some("" | "default") => "bridge".into(),
        Some(name) => name.into(),
    }
}

pub(super) fn restart(value: &Value) -> Value {
    let name = value["Name"].as_str().filter(|name| !name.is_empty() && *name != "no");
    let times = value["MaximumRetryCount"].as_i64().filter(|times| *times > 0);
    match (name, times) {
        (None, _) => "no".into(),
        (Some(name), None) => name.into(),
        (Some(name), Some(times)) => format!("{name}:{times}").into(),
    }
}

/// Items whose order means nothing.
pub(super) fn set(value: &Value) -> Value {
    marked(texts(value).map(str::to_owned))
}

/// The keys of a map, which some write as a list.
pub(super) fn keys(value: &Value) -> Value {
    match value {
        Value::Object(fields) => marked(fields.keys().cloned()),
        other => set(other),
    }
}

/// Names and values; a missing value is an empty one.
pub(super) fn map(value: &Value) -> Value {
    let fields = value.as_object().into_iter().flatten();
    entries(fields.map(|(name, value)| (name.clone(), if value.is_null() { "".into() } else { value.clone() })))
}

pub(super) fn labels(value: &Value) -> Value {
    let Value::Object(mut labels) = map(value) else { return Value::Null };
    labels.retain(|name, _| ![super::MADE, super::ASKED, super::label::RUNS].contains(&name.as_str()));
    plain(&Value::Object(labels))
}

/// The last value of a name counts; a name alone takes the image's value away.
pub(super) fn variables(value: &Value) -> Value {
    entries(texts(value).map(|text| match text.split_once('=') {
        Some((name, value)) => (name.to_owned(), value.into()),
        None => (text.to_owned(), Value::Null),
    }))
}

pub(super) fn by_name(value: &Value) -> Value {
    by(value, "Name")
}

pub(super) fn by_path(value: &Value) -> Value {
    by(value, "Path")
}

/// A list of maps, by one of their fields.
fn by(value: &Value, field: &str) -> Value {
    entries(items(value).map(|item| {
        let mut rest = item.as_object().cloned().unwrap_or_default();
        let name = rest.shift_remove(field);
        (name.as_ref().and_then(Value::as_str).unwrap_or_default().to_owned(), Value::Object(rest))
    }))
}

/// By their place in the container; the engine's client fills in what was not said, other tools may not.
pub(super) fn devices(value: &Value) -> Value {
    entries(items(value).map(|device| {
        let text = |field: &str| device[field].as_str().filter(|text| !text.is_empty());
        let host = text("PathOnHost").unwrap_or_default();
        let mut permissions: Vec<char> = text("CgroupPermissions").unwrap_or("rwm").chars().collect();
        permissions.sort_unstable();
        let permissions: String = permissions.into_iter().collect();
        (text("PathInContainer").unwrap_or(host).to_owned(), format!("{host}:{permissions}").into())
    }))
}

/// Devices that drivers know by name.
pub(super) fn named_devices(value: &Value) -> Value {
    requests(value, |request| request["Driver"] == "cdi")
}

pub(super) fn processors(value: &Value) -> Value {
    requests(value, |request| request["Driver"] != "cdi")
}

fn requests(value: &Value, which: impl Fn(&Value) -> bool) -> Value {
    marked(items(value).filter(|request| which(request)).map(|request| super::label::canonical(&tidy(request))))
}

/// Without what says nothing.
pub(super) fn tidy(value: &Value) -> Value {
    match value {
        Value::Object(fields) => {
            let fields = fields.iter().map(|(name, value)| (name.clone(), tidy(value)));
            plain(&Value::Object(fields.filter(|(_, value)| !value.is_null()).collect()))
        }
        Value::Array(items) => plain(&items.iter().map(tidy).collect()),
        other => plain(other),
    }
}

/// For each port of the container the places `ADDRESS:PORT` on the host, sorted.
pub(super) fn ports(value: &Value) -> Value {
    let fields = value.as_object().into_iter().flatten();
    entries(fields.map(|(port, places)| {
        let text = |place: &Value, field: &str| place[field].as_str().unwrap_or_default().to_owned();
        let place = |place: &Value| match text(place, "HostPort") {
            port if port == "0" => format!("{}:", text(place, "HostIp")),
            port => format!("{}:{port}", text(place, "HostIp")),
        };
        let mut places: Vec<String> = items(places).map(place).collect();
        // A port without a place gets a free one.
        if places.is_empty() {
            places.push(":".to_owned());
        }
        places.sort();
        places.dedup();
        let port = if port.contains('/') { port.clone() } else { format!("{port}/tcp") };
        (port, Value::from(places))
    }))
}

/// `db:alias`; the engine writes `/db:/web/alias`.
pub(super) fn links(value: &Value) -> Value {
    marked(texts(value).map(|link| {
        let (container, alias) = link.split_once(':').unwrap_or((link, link));
        let alias = alias.rsplit('/').next().unwrap_or(alias);
        format!("{}:{alias}", container.trim_start_matches('/'))
    }))
}

pub(super) fn capabilities(value: &Value) -> Value {
    marked(texts(value).map(|name| {
        let name = name.to_uppercase();
        name.strip_prefix("CAP_").unwrap_or(&name).to_owned()
    }))
}

/// Older engines take `:` for `=`.
pub(super) fn security(value: &Value) -> Value {
    marked(texts(value).map(|option| match option.split_once(['=', ':']) {
        Some(("no-new-privileges", "true")) => "no-new-privileges".to_owned(),
        Some((name, value)) => format!("{name}={value}"),
        None => option.to_owned(),
    }))
}

/// The items of a list.
pub(super) fn items(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

/// The texts of a list.
pub(super) fn texts(value: &Value) -> impl Iterator<Item = &str> {
    items(value).filter_map(Value::as_str)
}

/// A map, `Null` without entries; the last of a name counts.
pub(super) fn entries(entries: impl Iterator<Item = (String, Value)>) -> Value {
    plain(&Value::Object(entries.collect::<Map<_, _>>()))
}

/// A set.
pub(super) fn marked(items: impl Iterator<Item = String>) -> Value {
    entries(items.map(|item| (item, true.into())))
}
