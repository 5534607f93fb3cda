//! From text to a fleet or a host document, with everything that is wrong in it.

use std::collections::BTreeMap;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::check::Problem;
use super::{Fleet, hierarchy};
use crate::spec::every::every_error;
use crate::spec::finding::{Level, Reading};
use crate::spec::marked::{Marked, Node, Place};
use crate::spec::{Finding, HostDocument, Named};
use crate::{Error, Result};

/// A document of either kind.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
#[non_exhaustive]
pub enum Document {
    /// Of one host.
    Host(Box<HostDocument>),
    /// Of all hosts.
    Fleet(Box<Fleet>),
}

/// Reads a fleet from YAML, of which JSON is a part. `file` is only named in findings.
pub fn read_fleet(file: &str, text: &str) -> Reading<Fleet> {
    from_text(file, text, fleet)
}

/// Reads one host's document from YAML, of which JSON is a part. `file` is only named in findings.
pub fn read_host(file: &str, text: &str) -> Reading<HostDocument> {
    from_text(file, text, host)
}

/// Reads a document of either kind from YAML: one that has `hosts`, or the keys of the 2014 module, is a fleet's.
///
/// `machine` is the host whose own data the 2014 module's are, where they are one host's.
pub fn read_document(file: &str, text: &str, machine: Option<&str>) -> Reading<Document> {
    from_text(file, text, |tree, findings| document(tree, machine, findings))
}

/// As [`read_document`], from files, each with its name. Several are data of the 2014 module, the most special first.
pub fn read_files(files: &[(&str, &str)], machine: Option<&str>) -> Reading<Document> {
    if let [(file, text)] = files {
        return read_document(file, text, machine);
    }
    let mut findings = Vec::new();
    let trees: Vec<Marked> = files.iter().filter_map(|(file, text)| Marked::read(file, text, &mut findings)).collect();
    let mut document = None;
    if trees.iter().any(hierarchy::is_tree) {
        let tree = hierarchy::translate(trees, machine, &mut findings);
        document = fleet(&tree, &mut findings).map(|fleet| Document::Fleet(Box::new(fleet)));
    } else if findings.is_empty() {
        let names: Vec<&str> = files.iter().map(|(file, _)| *file).collect();
        let message = format!("{} are no data of the 2014 Puppet module; allowed: one document", names.join(", "));
        let nowhere = Marked::unmarked(Value::Null, String::new());
        findings.push(nowhere.finding(Level::Error, &Error::invalid("", message), Place::Written));
    }
    sorted(document, findings)
}

/// As [`read_document`], from a tree of values, as the bindings and the command hand it over.
pub fn read_value(value: Value, machine: Option<&str>) -> Reading<Document> {
    let mut findings = Vec::new();
    let document = document(&Marked::unmarked(value, String::new()), machine, &mut findings);
    sorted(document, findings)
}

fn from_text<T>(file: &str, text: &str, read: impl FnOnce(&Marked, &mut Vec<Finding>) -> Option<T>) -> Reading<T> {
    let mut findings = Vec::new();
    let tree = Marked::read(file, text, &mut findings);
    let document = tree.and_then(|tree| read(&tree, &mut findings));
    sorted(document, findings)
}

/// In the order of the lines, as one repairs them.
pub(super) fn sorted<T>(document: Option<T>, mut findings: Vec<Finding>) -> Reading<T> {
    findings.sort_by(|one, other| {
        let place = |finding: &Finding| (finding.file.clone(), finding.line, finding.column, finding.level);
        place(one).cmp(&place(other))
    });
    findings.dedup();
    Reading { document, findings }
}

fn document(tree: &Marked, machine: Option<&str>, findings: &mut Vec<Finding>) -> Option<Document> {
    if hierarchy::is_tree(tree) {
        let tree = hierarchy::translate(vec![tree.clone()], machine, findings);
        fleet(&tree, findings).map(|fleet| Document::Fleet(Box::new(fleet)))
    } else if tree.get("hosts").is_some() {
        fleet(tree, findings).map(|fleet| Document::Fleet(Box::new(fleet)))
    } else {
        host(tree, findings).map(|host| Document::Host(Box::new(host)))
    }
}

/// Reads a fleet from a tree.
pub(super) fn fleet(tree: &Marked, findings: &mut Vec<Finding>) -> Option<Fleet> {
    let mut part = Part { tree, findings, wrong: Vec::new() };
    let mut fleet: Fleet = part.rest(&["hosts", "containers", "images"])?;
    fleet.hosts = part.section("hosts", |name| Ok(name.to_owned()));
    fleet.containers = Named(part.section("containers", str::parse));
    if tree.get("images").is_some_and(|images| !images.is_null()) {
        fleet.images = Some(part.section("images", |name| Ok(name.to_owned())));
    }
    part.problems(fleet.problems());
    Some(fleet)
}

fn host(tree: &Marked, findings: &mut Vec<Finding>) -> Option<HostDocument> {
    let mut part = Part { tree, findings, wrong: Vec::new() };
    let mut host: HostDocument = part.rest(&["containers"])?;
    if tree.get("containers").is_some_and(|containers| !containers.is_null()) {
        host.containers = Some(Named(part.section("containers", str::parse)));
    }
    part.problems(host.problems().into_iter().map(Problem::of));
    part.problems(host.doubts().into_iter().map(Problem::doubt));
    Some(host)
}

/// Reads a document part by part.
struct Part<'a> {
    tree: &'a Marked,
    findings: &'a mut Vec<Finding>,
    /// The keys of what could not be read.
    wrong: Vec<String>,
}

impl Part<'_> {
    /// All but the `sections`.
    fn rest<T: DeserializeOwned>(&mut self, sections: &[&str]) -> Option<T> {
        if !matches!(self.tree.node, Node::Map(_)) && !self.tree.is_null() {
            let message = "is no map of fields; allowed: `router:`, `peers:`, `containers:` …";
            self.wrong(&Error::invalid("", message), Place::Written);
            return None;
        }
        let rest = self.tree.entries().iter().filter(|(name, _)| !sections.contains(&name.as_str()));
        // A key with nothing behind it says nothing, but it has to be one.
        let (empty, rest): (Vec<_>, Vec<_>) = rest.partition(|(_, value)| value.is_null());
        for (name, _) in empty {
            let (_, errors) = every_error::<T>(Value::Object(Map::from_iter([(name.clone(), Value::Null)])));
            for error in errors.iter().filter(|error| is_unknown(error)) {
                self.wrong(error, Place::Key);
            }
        }
        let rest = rest.into_iter().map(|(name, value)| (name.clone(), value.value())).collect();
        self.read("", Value::Object(rest))
    }

    /// The entries of a section that is a map.
    fn section<K: Ord, T: DeserializeOwned>(
        &mut self,
        section: &str,
        name: impl Fn(&str) -> Result<K>,
    ) -> BTreeMap<K, T> {
        let mut read = BTreeMap::new();
        let Some(tree) = self.tree.get(section) else { return read };
        if !matches!(tree.node, Node::Map(_)) && !tree.is_null() {
            let message = "is no map; allowed: a map from names to settings";
            self.wrong(&Error::invalid(section, message), Place::Written);
            return read;
        }
        for (key, value) in tree.entries() {
            let path = format!("{section}.{key}");
            match name(key) {
                Err(error) => self.wrong(&Error::invalid(&path, error.message()), Place::Key),
                Ok(name) if read.contains_key(&name) => {
                    let message = format!("`{key}` is given twice, in two spellings; allowed: each once");
                    self.wrong(&Error::invalid(&path, message), Place::Key);
                }
                Ok(_) if !matches!(value.node, Node::Map(_)) && !value.is_null() => {
                    let message = "is no map; allowed: a map of its settings";
                    self.wrong(&Error::invalid(&path, message), Place::Written);
                }
                Ok(name) => {
                    // `web:` with nothing behind it is a map with nothing in it.
                    let value = if value.is_null() { Value::Object(Map::new()) } else { value.value() };
                    read.extend(self.read(&path, value).map(|value| (name, value)));
                }
            }
        }
        read
    }

    /// What is wrong with the whole, but for what is missed only because it could not be read.
    fn problems(&mut self, problems: impl IntoIterator<Item = Problem>) {
        for Problem { level, error, place } in problems {
            let part = |wrong: &String| {
                let rest = wrong.strip_prefix(error.subject());
                rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
            };
            if !self.wrong.iter().any(part) {
                self.findings.push(self.tree.finding(level, &error, place));
            }
        }
    }

    fn read<T: DeserializeOwned>(&mut self, path: &str, value: Value) -> Option<T> {
        let (read, errors) = every_error(value);
        for error in errors {
            let place = if is_unknown(&error) { Place::Key } else { Place::Written };
            self.wrong(&if path.is_empty() { error } else { error.within(path) }, place);
        }
        read
    }

    fn wrong(&mut self, error: &Error, place: Place) {
        self.wrong.push(error.subject().to_owned());
        self.findings.push(self.tree.finding(Level::Error, error, place));
    }
}

/// Whether a key is not known.
fn is_unknown(error: &Error) -> bool {
    error.message().contains("is no field here")
}
