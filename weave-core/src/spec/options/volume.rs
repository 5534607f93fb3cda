//! Volumes in the short form: `--volume`.

use super::value::{Value, wrong};
use crate::Result;

const FORM: &str = "[NAME or /HOST/PATH:]/PATH[:OPTION,...]";
const OPTIONS: &str = "one of each: ro or rw, z or Z, nocopy, [r]shared, [r]slave or [r]private, \
     cached, delegated or consistent";

/// The options that exclude each other, as the engine sorts them.
const CLASSES: [&[&str]; 5] = [
    &["ro", "rw"],
    &["z", "Z"],
    &["nocopy"],
    &["shared", "rshared", "slave", "rslave", "private", "rprivate"],
    &["cached", "delegated", "consistent"],
];

/// A path of the host, a named volume or a nameless one, and where the container sees it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Volume {
    /// A path (`/a`, `./a`) or the name of a volume; without it the volume is nameless.
    pub source: Option<String>,
    /// The path in the container.
    pub target: String,
    /// `ro`, `z` and the like.
    pub options: Vec<String>,
}

impl Volume {
    /// Whether the source is a path of the host.
    pub fn is_path(&self) -> bool {
        self.source.as_ref().is_some_and(|source| source.starts_with(['/', '.']))
    }
}

impl Value for Volume {
    fn read(text: &str) -> Result<Self> {
        let parts: Vec<&str> = text.split(':').collect();
        if parts.iter().any(|part| part.is_empty()) {
            return Err(wrong(text, "has an empty part", FORM));
        }
        let drive = |part: &&str| part.len() == 1 && part.chars().all(|c| c.is_ascii_alphabetic());
        if parts[..parts.len() - 1].iter().any(drive) || text.contains('\\') {
            return Err(wrong(text, "looks like a path of Windows", FORM));
        }
        let (source, target, options) = match parts.as_slice() {
            [target] => (None, *target, ""),
            [source, target] => (Some(*source), *target, ""),
            [source, target, options] => (Some(*source), *target, *options),
            _ => return Err(wrong(text, "has too many colons", FORM)),
        };
        if !target.starts_with('/') || target.trim_end_matches('/').is_empty() {
            return Err(wrong(text, "has no absolute path in the container, below `/`", FORM));
        }
        if source.is_some_and(|source| source.starts_with('~')) {
            return Err(wrong(text, "has a `~`, which only a shell replaces", FORM));
        }
        let options: Vec<String> = options.split(',').filter(|option| !option.is_empty()).map(str::to_owned).collect();
        if let Some(option) = options.iter().find(|option| !CLASSES.concat().contains(&option.as_str())) {
            return Err(wrong(text, &format!("has the unknown option `{option}`"), OPTIONS));
        }
        let crowded = |class: &&[&str]| options.iter().filter(|option| class.contains(&option.as_str())).count() > 1;
        if CLASSES.iter().any(crowded) {
            return Err(wrong(text, "has options that exclude each other", OPTIONS));
        }
        Ok(Self { source: source.map(str::to_owned), target: target.to_owned(), options })
    }

    fn write(&self) -> String {
        let parts = [self.source.clone(), Some(self.target.clone())];
        let options = (!self.options.is_empty()).then(|| self.options.join(","));
        parts.into_iter().chain([options]).flatten().collect::<Vec<_>>().join(":")
    }
}
