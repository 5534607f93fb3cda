//! Mounts in the long form: `--mount type=bind,source=/a,target=/b,readonly`.

use std::collections::BTreeMap;

use super::csv;
use super::size::Bytes;
use super::value::{Map, Value, truth, wrong};
use crate::{Error, Result};

/// What is mounted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum MountKind {
    /// A volume: the default.
    #[default]
    Volume,
    /// A path of the host.
    Bind,
    /// A file system in memory.
    Tmpfs,
    /// The files of an image.
    Image,
    /// A volume of a swarm.
    Cluster,
}

impl MountKind {
    /// The word for it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Volume => "volume",
            Self::Bind => "bind",
            Self::Tmpfs => "tmpfs",
            Self::Image => "image",
            Self::Cluster => "cluster",
        }
    }
}

/// A mount with the options of its kind; those of other kinds stay as they are by default.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Mount {
    /// What is mounted.
    pub kind: MountKind,
    /// A path of the host, the name of a volume or an image.
    pub source: Option<String>,
    /// The path in the container.
    pub target: String,
    /// Whether the container may only read.
    pub readonly: bool,
    /// `consistent`, `cached`, `delegated` or `default`; only Docker for other systems heeds it.
    pub consistency: Option<String>,
    /// How later mounts below spread: `rprivate`, `private`, `rshared`, `shared`, `rslave` or `slave`.
    pub bind_propagation: Option<String>,
    /// Whether mounts below the source come along, and are read-only too.
    pub bind_recursive: Option<BindRecursive>,
    /// A path within the volume.
    pub volume_subpath: Option<String>,
    /// Whether an empty volume stays empty, and is not filled with what the image has there.
    pub volume_nocopy: Option<bool>,
    /// Labels of the volume if it is made.
    pub volume_label: BTreeMap<String, String>,
    /// The driver of the volume if it is made.
    pub volume_driver: Option<String>,
    /// Options for that driver.
    pub volume_opt: BTreeMap<String, String>,
    /// A path within the image.
    pub image_subpath: Option<String>,
    /// The largest size of the file system in memory.
    pub tmpfs_size: Option<Bytes>,
    /// The mode of its root.
    pub tmpfs_mode: Option<u32>,
}

/// How a mount of a path treats the mounts below it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum BindRecursive {
    /// They come along, and are read-only where the mount is and the kernel can.
    Enabled,
    /// They stay behind.
    Disabled,
    /// They come along and can be written, though the mount is read-only.
    Writable,
    /// They come along read-only, or the container does not start.
    Readonly,
}

impl BindRecursive {
    const ALL: [(&'static str, Self); 4] = [
        ("enabled", Self::Enabled),
        ("disabled", Self::Disabled),
        ("writable", Self::Writable),
        ("readonly", Self::Readonly),
    ];

    fn name(self) -> &'static str {
        Self::ALL.iter().find(|(_, value)| *value == self).map_or("", |(name, _)| name)
    }
}

const KEYS: &str = "type, source, target, readonly, consistency, bind-propagation, bind-recursive, bind-nonrecursive, \
     volume-subpath, volume-nocopy, volume-label, volume-driver, volume-opt, image-subpath, tmpfs-size, tmpfs-mode";
const PROPAGATIONS: [&str; 6] = ["rprivate", "private", "rshared", "shared", "rslave", "slave"];
const CONSISTENCIES: [&str; 4] = ["consistent", "cached", "delegated", "default"];

impl Value for Mount {
    const MAP: Map = Map::Fields;

    fn read(text: &str) -> Result<Self> {
        let mut mount = Self::default();
        for field in csv::split(text)? {
            let (key, value) = match field.split_once('=') {
                Some((key, value)) => (key.to_lowercase(), value),
                None => (field.to_lowercase(), "true"),
            };
            let flag = matches!(key.as_str(), "readonly" | "ro" | "volume-nocopy" | "bind-nonrecursive");
            if !field.contains('=') && !flag {
                return Err(wrong(&field, "has no value", &format!("KEY=VALUE with the keys {KEYS}")));
            }
            mount.set(&key, value)?;
        }
        mount.check().map(|()| mount)
    }

    fn write(&self) -> String {
        let mut fields = vec![format!("type={}", self.kind.name())];
        let mut add = |key: &str, value: Option<&str>| {
            fields.extend(value.map(|value| format!("{key}={value}")));
        };
        let nocopy = self.volume_nocopy.map(|truth| truth.to_string());
        let size = self.tmpfs_size.map(|size| size.write());
        let mode = self.tmpfs_mode.map(|mode| format!("{mode:o}"));
        add("source", self.source.as_deref());
        add("target", Some(&self.target));
        add("readonly", self.readonly.then_some("true"));
        add("consistency", self.consistency.as_deref());
        add("bind-propagation", self.bind_propagation.as_deref());
        add("bind-recursive", self.bind_recursive.map(BindRecursive::name));
        add("volume-subpath", self.volume_subpath.as_deref());
        add("volume-nocopy", nocopy.as_deref());
        for (name, value) in &self.volume_label {
            add("volume-label", Some(&format!("{name}={value}")));
        }
        add("volume-driver", self.volume_driver.as_deref());
        for (name, value) in &self.volume_opt {
            add("volume-opt", Some(&format!("{name}={value}")));
        }
        add("image-subpath", self.image_subpath.as_deref());
        add("tmpfs-size", size.as_deref());
        add("tmpfs-mode", mode.as_deref());
        csv::join(&fields)
    }
}

impl Mount {
    fn set(&mut self, key: &str, value: &str) -> Result<()> {
        let text = || Some(value.to_owned());
        match key {
            "type" => self.kind = kind(value)?,
            "source" | "src" => self.source = text(),
            "target" | "dst" | "destination" => value.clone_into(&mut self.target),
            "readonly" | "ro" => self.readonly = truth(value)?,
            "consistency" => self.consistency = Some(word(value, &CONSISTENCIES)?),
            "bind-propagation" => self.bind_propagation = Some(word(value, &PROPAGATIONS)?),
            "bind-nonrecursive" => {
                self.bind_recursive =
                    Some(if truth(value)? { BindRecursive::Disabled } else { BindRecursive::Enabled });
            }
            "bind-recursive" => {
                let found = BindRecursive::ALL.iter().find(|(name, _)| *name == value);
                let (_, recursive) = found
                    .ok_or_else(|| wrong(value, "is no `bind-recursive`", "enabled, disabled, writable, readonly"))?;
                self.bind_recursive = Some(*recursive);
            }
            "volume-subpath" => self.volume_subpath = text(),
            "volume-nocopy" => self.volume_nocopy = Some(truth(value)?),
            "volume-label" => insert(&mut self.volume_label, value),
            "volume-driver" => self.volume_driver = text(),
            "volume-opt" => insert(&mut self.volume_opt, value),
            "image-subpath" => self.image_subpath = text(),
            "tmpfs-size" => self.tmpfs_size = Some(Bytes::read(value)?),
            "tmpfs-mode" => {
                let mode = u32::from_str_radix(value, 8).ok().filter(|_| !value.starts_with('+'));
                self.tmpfs_mode = Some(mode.ok_or_else(|| wrong(value, "is no mode", "octal digits, such as 1777"))?);
            }
            _ => return Err(wrong(key, "is no key of a mount", KEYS)),
        }
        Ok(())
    }

    /// What the client and the engine refuse before anything is mounted.
    fn check(&self) -> Result<()> {
        let kind = self.kind;
        let foreign = [
            ("bind-*", MountKind::Bind, self.bind_propagation.is_some() || self.bind_recursive.is_some()),
            ("volume-*", MountKind::Volume, self.has_volume_options()),
            ("image-*", MountKind::Image, self.image_subpath.is_some()),
            ("tmpfs-*", MountKind::Tmpfs, self.tmpfs_size.is_some() || self.tmpfs_mode.is_some()),
        ];
        if let Some((options, ..)) = foreign.iter().find(|(_, theirs, given)| *given && *theirs != kind) {
            let message =
                format!("`{options}` and `type={}` exclude each other; allowed: options of the type", kind.name());
            return Err(Error::invalid("", message));
        }
        if !self.target.starts_with('/') {
            return Err(wrong(&self.target, "is no target of a mount", "an absolute path in the container"));
        }
        let source = self.source.as_deref().unwrap_or_default();
        match kind {
            MountKind::Bind if !source.starts_with(['/', '.']) => {
                Err(wrong(source, "is no source of a bind mount", "a path of the host"))
            }
            MountKind::Tmpfs if !source.is_empty() => {
                Err(wrong(source, "is a source, of which tmpfs has none", "none"))
            }
            MountKind::Image | MountKind::Cluster if source.is_empty() => {
                Err(Error::invalid("", format!("`type={}` has no source; allowed: source=NAME", kind.name())))
            }
            _ => self.check_recursion(),
        }
    }

    fn check_recursion(&self) -> Result<()> {
        let strict = self.bind_recursive == Some(BindRecursive::Readonly);
        if (strict || self.bind_recursive == Some(BindRecursive::Writable)) && !self.readonly {
            let message = "`bind-recursive=writable` or `=readonly` without `readonly`; allowed: both together";
            return Err(Error::invalid("", message));
        }
        if strict && self.bind_propagation.as_deref() != Some("rprivate") {
            let message = "`bind-recursive=readonly` without `bind-propagation=rprivate`; allowed: both together";
            return Err(Error::invalid("", message));
        }
        Ok(())
    }

    /// Whether an option of volumes was given.
    pub(crate) fn has_volume_options(&self) -> bool {
        self.volume_subpath.is_some()
            || self.volume_nocopy.is_some()
            || self.volume_driver.is_some()
            || !self.volume_label.is_empty()
            || !self.volume_opt.is_empty()
    }
}

fn kind(word: &str) -> Result<MountKind> {
    let kinds = [MountKind::Volume, MountKind::Bind, MountKind::Tmpfs, MountKind::Image, MountKind::Cluster];
    let lower = word.to_lowercase();
    match kinds.into_iter().find(|kind| kind.name() == lower) {
        Some(kind) => Ok(kind),
        None => Err(wrong(word, "is no type of mount", "volume, bind, tmpfs, image, cluster")),
    }
}

fn word(value: &str, allowed: &[&str]) -> Result<String> {
    let lower = value.to_lowercase();
    if allowed.contains(&lower.as_str()) { Ok(lower) } else { Err(wrong(value, "is not known", &allowed.join(", "))) }
}

fn insert(pairs: &mut BTreeMap<String, String>, text: &str) {
    let (name, value) = text.split_once('=').unwrap_or((text, ""));
    if !name.is_empty() {
        pairs.insert(name.to_owned(), value.to_owned());
    }
}
