//! The forms in which volumes and mounts are compared: by the path in the container, which can have only one of them.

use serde_json::Value;

use super::shape::{clean, entries, items, keys, marked, texts, tidy};

/// A volume in the short form, taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Bind<'a> {
    /// A path of the host or the name of a volume.
    pub(super) source: &'a str,
    /// The path in the container, cleaned.
    pub(super) target: String,
    /// `ro`, `z` and the like.
    pub(super) modes: Vec<&'a str>,
}

pub(super) fn bind(text: &str) -> Option<Bind<'_>> {
    let mut parts = text.splitn(3, ':');
    let (source, target) = (parts.next()?, parts.next()?);
    let modes = parts.next().unwrap_or_default().split(',').filter(|mode| !mode.is_empty()).collect();
    Some(Bind { source, target: clean(target), modes })
}

/// Paths of the host and named volumes.
pub(super) fn binds(value: &Value) -> Value {
    entries(texts(value).filter_map(bind).map(|mut bind| {
        // What is so without being said.
        bind.modes.retain(|mode| !["rw", "rprivate", "consistent"].contains(mode));
        bind.modes.sort_unstable();
        let parts = [clean(bind.source), bind.modes.join(",")];
        (bind.target, parts.join(":").trim_end_matches(':').into())
    }))
}

/// The paths of nameless volumes.
pub(super) fn nameless(value: &Value) -> Value {
    let Value::Object(paths) = keys(value) else { return Value::Null };
    marked(paths.keys().map(|path| clean(path)))
}

/// Mounts in the long form.
pub(super) fn mounts(value: &Value) -> Value {
    entries(items(value).map(|mount| {
        let mut mount = tidy(mount);
        let target = mount["Target"].as_str().map(clean).unwrap_or_default();
        if let Value::Object(fields) = &mut mount {
            fields.shift_remove("Target");
            fields.retain(|name, value| !(name == "Consistency" && (value == "default" || value == "consistent")));
            if let Some(Value::Object(bind)) = fields.get_mut("BindOptions") {
                bind.retain(|name, value| !(name == "Propagation" && value == "rprivate"));
            }
        }
        (target, tidy(&mount))
    }))
}

/// File systems in memory.
pub(super) fn tmpfs(value: &Value) -> Value {
    let fields = value.as_object().into_iter().flatten();
    entries(fields.map(|(path, options)| {
        let mut options: Vec<&str> =
            options.as_str().unwrap_or_default().split(',').filter(|option| !option.is_empty()).collect();
        options.sort_unstable();
        (clean(path), options.join(",").into())
    }))
}

/// Containers whose volumes it sees too.
pub(super) fn borrowed(value: &Value) -> Value {
    marked(texts(value).map(|from| from.strip_suffix(":rw").unwrap_or(from).to_owned()))
}
