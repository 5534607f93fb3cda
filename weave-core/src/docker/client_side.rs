//! What the docker client does on its own before it asks the engine: files that options name, variables of the
//! caller, and paths from where it stands.

#[cfg(test)]
mod tests;

use std::path::{Component, Path, PathBuf};

use crate::spec::Options;
use crate::spec::options::{Label, SecurityOption, Value, Variable};
use crate::{Error, ErrorKind, Result};

/// The longest line of a file of variables or labels that the client takes.
const LONGEST_LINE: usize = 64 * 1024;

/// Gives the options as the engine needs them: files read, `A` alone replaced by the caller's value, paths made
/// absolute from `base`.
///
/// A variable that the caller does not have stays without a value, with which the engine takes the image's away. What
/// the client's own configuration would add (`proxies`) is left out: the same document makes the same container for
/// every caller.
///
/// # Errors
/// `NotFound` or `PermissionDenied` for a file that cannot be read; `InvalidSpec` for what is wrong in it.
pub(crate) fn resolve(mut options: Options, variable: &dyn Fn(&str) -> Option<String>, base: &Path) -> Result<Options> {
    let mut env: Vec<Variable> = Vec::new();
    for file in std::mem::take(&mut options.env_file) {
        let lines = key_values(&base.join(&file), "env_file")?;
        let filled = lines.into_iter().map(|line| filled::<Variable>(&line, variable));
        // In a file, a name that the caller does not have says nothing.
        env.extend(filled.collect::<Result<Vec<_>>>()?.into_iter().filter(|item| item.value.is_some()));
    }
    for (at, item) in options.env.iter().enumerate() {
        // Of those with the same name the last counts.
        if !options.env[at + 1..].iter().any(|later| later.name == item.name) {
            env.push(filled(&item.write(), variable)?);
        }
    }
    options.env = env;

    let mut labels: Vec<Label> = Vec::new();
    for file in std::mem::take(&mut options.label_file) {
        let lines = key_values(&base.join(&file), "label_file")?;
        // A line without a value is left out here too.
        let given = lines.iter().filter(|line| line.contains('='));
        labels.extend(given.map(|line| Label::read(line)).collect::<Result<Vec<_>>>()?);
    }
    labels.append(&mut options.label);
    options.label = labels;

    for option in &mut options.security_opt {
        if let Some(file) = option.seccomp_file() {
            *option = SecurityOption(format!("seccomp={}", profile(&base.join(file))?));
        }
    }
    for volume in options.volume.iter_mut().filter(|volume| volume.is_path()) {
        volume.source = volume.source.take().map(|source| absolute(source, base));
    }
    for mount in &mut options.mount {
        mount.source = mount.source.take().map(|source| absolute(source, base));
    }
    Ok(options)
}

/// `A=b` as it is; `A` with the caller's value, if there is one.
fn filled<T: Value>(text: &str, variable: &dyn Fn(&str) -> Option<String>) -> Result<T> {
    let value = if text.contains('=') { None } else { variable(text) };
    match value {
        Some(value) => T::read(&format!("{text}={value}")),
        None => T::read(text),
    }
}

/// A path that begins with a dot, from `base` and without dots.
fn absolute(path: String, base: &Path) -> String {
    if !path.starts_with('.') {
        return path;
    }
    let mut clean = PathBuf::new();
    for part in base.join(&path).components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => drop(clean.pop()),
            part => clean.push(part),
        }
    }
    clean.display().to_string()
}

/// The lines of a file of variables or labels that say something.
fn key_values(path: &Path, field: &str) -> Result<Vec<String>> {
    let wrong = |why: String| Error::invalid(field, format!("{}: {why}", path.display()));
    let bytes = read(path, field)?;
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes);
    let mut found = Vec::new();
    for (at, line) in bytes.split(|byte| *byte == b'\n').enumerate() {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if line.len() >= LONGEST_LINE {
            return Err(wrong(format!("line {} is too long; allowed: less than {LONGEST_LINE} bytes", at + 1)));
        }
        let line = str::from_utf8(line).map_err(|_| wrong(format!("line {} is no UTF-8; allowed: UTF-8", at + 1)))?;
        // Blanks before the name do not count; those after the value belong to it.
        let line = line.trim_start();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let name = line.split('=').next().unwrap_or_default();
        if name.is_empty() || name.contains([' ', '\t']) {
            return Err(wrong(format!("`{line}` has no name, or blanks in it; allowed: NAME=VALUE or NAME")));
        }
        found.push(line.to_owned());
    }
    Ok(found)
}

/// A seccomp profile without the blanks between its words.
fn profile(path: &Path) -> Result<String> {
    let wrong = |why: String| Error::invalid("security_opt", format!("{}: {why}; allowed: JSON", path.display()));
    let text = String::from_utf8(read(path, "security_opt")?).map_err(|error| wrong(error.to_string()))?;
    serde_json::from_str::<serde::de::IgnoredAny>(&text).map_err(|error| wrong(error.to_string()))?;
    let (mut quoted, mut escaped) = (false, false);
    let kept = |letter: &char| {
        if quoted {
            quoted = *letter != '"' || escaped;
            escaped = *letter == '\\' && !escaped;
            return true;
        }
        quoted = *letter == '"';
        !letter.is_ascii_whitespace()
    };
    Ok(text.chars().filter(kept).collect())
}

fn read(path: &Path, field: &str) -> Result<Vec<u8>> {
    std::fs::read(path).map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => {
            Error::new(ErrorKind::NotFound, field, format!("{}: {error}", path.display())).source(error)
        }
        _ => Error::os(field, path.display(), error),
    })
}
