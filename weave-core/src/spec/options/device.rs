//! Devices of the host: `--device` and `--device-cgroup-rule`.

use super::value::{Value, wrong};
use crate::Result;

const DEVICE: &str = "/DEV[:/DEV_IN_CONTAINER][:rwm], or VENDOR/CLASS=NAME";

/// A device that the container may use.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Device {
    /// A device that a driver's description names: `vendor.com/gpu=0`.
    Named(String),
    /// A file of the host.
    Path {
        /// The path on the host.
        host: String,
        /// The path in the container; the host's if not given.
        container: Option<String>,
        /// What the container may do: some of `r`, `w` and `m`.
        permissions: Option<String>,
    },
}

impl Value for Device {
    fn read(text: &str) -> Result<Self> {
        if is_named(text) {
            return Ok(Self::Named(text.to_owned()));
        }
        let parts: Vec<&str> = text.split(':').collect();
        let (host, container, permissions) = match parts.as_slice() {
            [host] => (*host, None, None),
            [host, mode] if is_mode(mode) => (*host, None, Some(*mode)),
            [host, container] => (*host, Some(*container), None),
            [host, container, mode] if is_mode(mode) => (*host, Some(*container), Some(*mode)),
            [_, _, _] => return Err(wrong(text, "has wrong permissions", "each of r, w and m at most once")),
            _ => return Err(wrong(text, "has too many colons", DEVICE)),
        };
        if !host.starts_with('/') || container.is_some_and(|path| !path.starts_with('/')) {
            return Err(wrong(text, "has a path that is not absolute", DEVICE));
        }
        // What the client tidies depends on how much is written.
        let (host, container) = match (container, permissions) {
            (None, _) => (clean(host), None),
            (Some(container), None) => (host.to_owned(), Some(clean(container))),
            (Some(container), Some(_)) => (host.to_owned(), Some(container.to_owned())),
        };
        Ok(Self::Path { host, container, permissions: permissions.map(str::to_owned) })
    }

    fn write(&self) -> String {
        match self {
            Self::Named(name) => name.clone(),
            Self::Path { host, container, permissions } => {
                let parts = [Some(host), container.as_ref(), permissions.as_ref()];
                parts.into_iter().flatten().cloned().collect::<Vec<_>>().join(":")
            }
        }
    }
}

fn is_mode(text: &str) -> bool {
    let once = |letter: char| text.matches(letter).count() <= 1;
    !text.is_empty() && text.chars().all(|c| "rwm".contains(c) && once(c))
}

/// Whether it is `VENDOR/CLASS=NAME` in the letters that the device interface allows.
fn is_named(text: &str) -> bool {
    let Some((kind, name)) = text.split_once('=') else { return false };
    let Some((vendor, class)) = kind.split_once('/') else { return false };
    let made_of = |word: &str, others: &str| word.chars().all(|c| c.is_ascii_alphanumeric() || others.contains(c));
    let ends_well = |word: &str| word.ends_with(|c: char| c.is_ascii_alphanumeric());
    let kind =
        |word: &str| word.starts_with(|c: char| c.is_ascii_alphabetic()) && ends_well(word) && made_of(word, "_-.");
    kind(vendor)
        && kind(class)
        && name.starts_with(|c: char| c.is_ascii_alphanumeric())
        && ends_well(name)
        && made_of(name, "_-.:")
}

/// A path without `.`, `..` and doubled slashes.
fn clean(path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    format!("/{}", parts.join("/"))
}

/// A rule of the device controller: `c 1:3 rwm`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct DeviceRule(String);

impl Value for DeviceRule {
    fn read(text: &str) -> Result<Self> {
        let valid = || {
            let [kind, numbers, mode] = text.split(' ').collect::<Vec<_>>()[..] else { return None };
            let (major, minor) = numbers.split_once(':')?;
            let number = |text: &str| text == "*" || !text.is_empty() && text.chars().all(|c| c.is_ascii_digit());
            let access = (1..=3).contains(&mode.len()) && mode.chars().all(|c| "rwm".contains(c));
            (["a", "c", "b"].contains(&kind) && number(major) && number(minor) && access).then_some(())
        };
        match valid() {
            Some(()) => Ok(Self(text.to_owned())),
            None => Err(wrong(text, "is no rule for devices", "a, b or c, then MAJOR:MINOR (or *), then rwm")),
        }
    }

    fn write(&self) -> String {
        self.0.clone()
    }
}
