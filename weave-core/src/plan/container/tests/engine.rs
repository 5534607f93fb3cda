//! Containers as an engine would make them: defaults filled in, the image's settings among those asked for.

use std::path::Path;

use serde_json::{Value, json};

use crate::observed::{Container, Image};
use crate::plan::container::Wish;
use crate::spec::Options;
use crate::spec::options::parse_run;
use crate::spec::run::{AttachWhen, Command, OnChange, Pull, RunState, Settings};

pub(super) const ID: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

pub(super) fn image() -> Image {
    let config = json!({
        "Env": ["PATH=/bin", "IMAGE=yes"],
        "ExposedPorts": {"99/tcp": {}},
        "Labels": {"of": "image"},
        "Volumes": {"/from/image": {}},
        "Cmd": ["sh"],
    });
    Image { id: format!("sha256:{ID}"), config, ..Image::default() }
}

/// What is asked by a line of options.
pub(super) fn wish(line: &str) -> Wish {
    wish_of(line, "img:1", None)
}

pub(super) fn wish_of(line: &str, image: &str, command: Option<&[&str]>) -> Wish {
    let (options, rest) =
        parse_run(&shlex::split(line).expect("words")).unwrap_or_else(|error| panic!("{line}: {error}"));
    assert!(rest.is_empty(), "{line}: {rest:?}");
    let command = command.map(|words| Command::Words(words.iter().map(|word| (*word).to_owned()).collect()));
    wish_for(options, image, command)
}

/// What is asked by a map of options.
pub(super) fn wish_of_fields(fields: Value) -> Wish {
    wish_for(crate::spec::from_value(fields).expect("options"), "img:1", None)
}

fn wish_for(options: Options, image: &str, command: Option<Command>) -> Wish {
    let run = Settings {
        name: "web".to_owned(),
        image: image.to_owned(),
        command,
        options,
        state: RunState::default(),
        on_change: OnChange::default(),
        pull: Pull::default(),
        attach: AttachWhen::default(),
    };
    crate::docker::wish(&run, &|_| None, Path::new("/base")).expect("a wish")
}

/// The container that weave makes of a wish.
pub(super) fn made(wish: &Wish) -> Container {
    container(wish.request())
}

/// The same, made by somebody else.
pub(super) fn found(wish: &Wish) -> Container {
    container(wish.body.clone())
}

fn container(request: Value) -> Container {
    let mut config = request;
    let mut host = config["HostConfig"].take();
    let networks = config["NetworkingConfig"]["EndpointsConfig"].take();
    let fields = config.as_object_mut().expect("a map");
    fields.shift_remove("HostConfig");
    fields.shift_remove("NetworkingConfig");
    let image = image().config;
    config["Env"] = variables(&config["Env"], &image["Env"]);
    for map in ["ExposedPorts", "Labels", "Volumes"] {
        let mut all = image[map].as_object().cloned().unwrap_or_default();
        match &config[map] {
            Value::Object(given) => all.extend(given.clone()),
            Value::Array(given) => {
                all.extend(given.iter().filter_map(|key| Some((key.as_str()?.to_owned(), json!({})))));
            }
            _ => {}
        }
        config[map] = all.into();
    }
    if config["Hostname"].as_str().unwrap_or_default().is_empty() {
        config["Hostname"] = ID[..12].into();
    }
    if config["Entrypoint"] == json!([""]) {
        config["Entrypoint"] = Value::Null;
    }
    fill(&mut host);
    Container {
        id: ID.to_owned(),
        name: "web".to_owned(),
        image_id: format!("sha256:{ID}"),
        config,
        host_config: host,
        networks: attached(networks),
        ..Container::default()
    }
}

/// The image's variables come first, but for those that are given.
fn variables(given: &Value, image: &Value) -> Value {
    let given = given.as_array().cloned().unwrap_or_default();
    let name = |text: &Value| text.as_str().and_then(|text| text.split('=').next()).map(str::to_owned);
    let mut all = image.as_array().cloned().unwrap_or_default();
    all.retain(|text| !given.iter().any(|given| name(given) == name(text)));
    all.extend(given.into_iter().filter(|text| text.as_str().is_some_and(|text| text.contains('='))));
    all.into()
}

/// The engine's defaults.
fn fill(host: &mut Value) {
    for (field, value) in [
        ("ShmSize", json!(64 << 20)),
        ("IpcMode", json!("private")),
        ("CgroupnsMode", json!("host")),
        ("Runtime", json!("runc")),
        ("MaskedPaths", json!(["/proc/kcore"])),
        ("ReadonlyPaths", json!(["/proc/bus"])),
        ("CpuShares", json!(0)),
        ("Binds", Value::Null),
        ("CapAdd", Value::Null),
    ] {
        if host[field].is_null() {
            host[field] = value;
        }
    }
    if host["LogConfig"]["Type"].is_null() {
        host["LogConfig"]["Type"] = "json-file".into();
    }
    if host["MemorySwap"].as_i64().unwrap_or_default() == 0
        && let Some(memory) = host["Memory"].as_i64()
    {
        host["MemorySwap"] = memory.saturating_mul(2).into();
    }
    if host["PidsLimit"].as_i64().is_some_and(|limit| limit <= 0) {
        host["PidsLimit"] = Value::Null;
    }
    for mode in ["NetworkMode", "PidMode", "IpcMode"] {
        if host[mode].as_str().is_some_and(|mode| mode.starts_with("container:")) {
            host[mode] = format!("container:{ID}").into();
        }
    }
}

/// The engine's names for what hangs on a network.
fn attached(mut networks: Value) -> Value {
    if let Some(networks) = networks.as_object_mut() {
        if let Some(first) = networks.shift_remove("default") {
            networks.insert("bridge".to_owned(), first);
        }
        for network in networks.values_mut() {
            if let Some(aliases) = network["Aliases"].as_array_mut() {
                aliases.push(ID[..12].into());
            }
            network["IPAddress"] = "".into();
        }
    }
    networks
}
