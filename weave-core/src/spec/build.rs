//! Images that weave builds.

use std::path::{Component, Path};

use serde::{Deserialize, Serialize};

use super::options::{Label, Variable, many, write_many};
use crate::names::CONTEXT_LABEL;
use crate::{Error, Result};

/// The name of a Dockerfile where none is given.
pub(crate) const DOCKERFILE: &str = "Dockerfile";

/// An image that should be there, built from a directory, from a Dockerfile alone, or from both.
///
/// What it is built from decides whether it is as wanted: the files that are sent, their modes, the Dockerfile, and
/// the arguments. `pull` and `no_cache` only say how it is built once it has to be, so they never make it differ.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Build {
    /// The image's name: `app:1.2`, `registry.example.com/app`.
    pub tag: String,
    /// The directory that is sent to the engine, without what its `.dockerignore` leaves out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub context: Option<String>,
    /// The Dockerfile, as a path in the context (`Dockerfile`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dockerfile: Option<String>,
    /// The text of a Dockerfile that stands nowhere; then no context is needed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content: Option<String>,
    /// Values for the `ARG`s of the Dockerfile: `A=b`, or `A` alone for the caller's variable of that name.
    #[serde(default, deserialize_with = "many", serialize_with = "write_many", skip_serializing_if = "Vec::is_empty")]
    pub build_args: Vec<Variable>,
    /// The stage to stop after, in a Dockerfile with several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
    /// The platform, where another than the engine's is wanted: `linux/arm64`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub platform: Option<String>,
    /// Whether the registry is asked for newer base images (false).
    #[serde(default, skip_serializing_if = "is_false")]
    pub pull: bool,
    /// Whether layers of earlier builds are left unused (false).
    #[serde(default, skip_serializing_if = "is_false")]
    pub no_cache: bool,
    /// Labels of the image, beside the one that weave gives it.
    #[serde(default, deserialize_with = "many", serialize_with = "write_many", skip_serializing_if = "Vec::is_empty")]
    pub labels: Vec<Label>,
}

// serde hands `skip_serializing_if` a reference.
#[allow(clippy::trivially_copy_pass_by_ref)]
fn is_false(flag: &bool) -> bool {
    !flag
}

impl Build {
    /// Checks what can be checked without looking at a file.
    ///
    /// # Errors
    /// `InvalidSpec`, naming the field and its value.
    pub fn validate(&self) -> Result<()> {
        check_tag(&self.tag)?;
        match (&self.context, &self.content, &self.dockerfile) {
            (None, None, Some(_)) => {
                let message = "a Dockerfile is a path in a context, and none is given; allowed: a directory";
                return Err(Error::invalid("context", message).hint("say `content` for a Dockerfile without a context"));
            }
            (None, None, None) => {
                let message = "nothing to build from is given; allowed: `context`, `content`, or both";
                return Err(Error::invalid("context", message));
            }
            (_, Some(_), Some(_)) => {
                let message = "there is a text of a Dockerfile too; allowed: `dockerfile` or `content`";
                return Err(Error::invalid("dockerfile", message));
            }
            _ => {}
        }
        if let Some(context) = &self.context {
            check_context(context)?;
        }
        if let Some(dockerfile) = &self.dockerfile {
            check_dockerfile(dockerfile)?;
        }
        if self.content.as_ref().is_some_and(|text| text.trim().is_empty()) {
            return Err(Error::invalid("content", "is empty; allowed: a Dockerfile, which has at least `FROM`"));
        }
        if let Some(target) = self.target.as_ref().filter(|target| target.is_empty() || target.contains(blank)) {
            return Err(Error::invalid("target", format!("`{target}` is no stage; allowed: a name or a number")));
        }
        if let Some(platform) = &self.platform {
            check_platform(platform)?;
        }
        if self.labels.iter().any(|label| label.name == CONTEXT_LABEL) {
            let message = format!("{CONTEXT_LABEL} is where weave notes what it built from; allowed: another name");
            return Err(Error::invalid("labels", message));
        }
        Ok(())
    }

    /// The Dockerfile's path in the context, where it is not given as text.
    pub(crate) fn dockerfile(&self) -> &str {
        self.dockerfile.as_deref().unwrap_or(DOCKERFILE)
    }
}

fn blank(letter: char) -> bool {
    letter.is_whitespace() || letter.is_control()
}

fn check_tag(tag: &str) -> Result<()> {
    let (name, version) = match tag.rsplit_once(':') {
        // What follows a port is a path.
        Some((name, version)) if !version.contains('/') => (name, Some(version)),
        _ => (tag, None),
    };
    let parts: Vec<&str> = name.split('/').collect();
    let host = parts.len() > 1 && parts[0].contains(['.', ':', '[']) || parts[0] == "localhost";
    let path = if host { &parts[1..] } else { &parts[..] };
    let lower = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    let part = |part: &&str| {
        part.starts_with(lower)
            && part.ends_with(lower)
            && part.chars().all(|c| lower(c) || matches!(c, '.' | '_' | '-'))
    };
    let host_letter = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | ':' | '[' | ']');
    let version_letter = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    let valid = !path.is_empty()
        && path.iter().all(part)
        && (!host || parts[0].chars().all(host_letter))
        && version.is_none_or(|version| {
            (1..=128).contains(&version.len())
                && version.chars().all(version_letter)
                && !version.starts_with(['.', '-'])
        });
    if valid {
        return Ok(());
    }
    let allowed =
        "allowed: a name in lower case with or without a version, such as app:1.2 or registry.example.com/app";
    Err(Error::invalid("tag", format!("`{tag}` is no name for an image; {allowed}")))
}

fn check_context(context: &str) -> Result<()> {
    let why = match context {
        "" => "is empty",
        "-" => "would be read from stdin",
        _ if context.contains("://") || context.starts_with("git@") => "is not on this host",
        _ => return Ok(()),
    };
    Err(Error::invalid("context", format!("`{context}` {why}; allowed: a directory")))
}

fn check_dockerfile(dockerfile: &str) -> Result<()> {
    let inside = |part: Component| matches!(part, Component::Normal(_) | Component::CurDir);
    if !dockerfile.is_empty() && Path::new(dockerfile).components().all(inside) {
        return Ok(());
    }
    let message = format!("`{dockerfile}` is no path in the context; allowed: a relative path without `..`");
    Err(Error::invalid("dockerfile", message))
}

fn check_platform(platform: &str) -> Result<()> {
    let parts: Vec<&str> = platform.split('/').collect();
    let word = |part: &&str| {
        !part.is_empty() && part.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-'))
    };
    if (2..=3).contains(&parts.len()) && parts.iter().all(word) {
        return Ok(());
    }
    let message = format!("`{platform}` is no platform; allowed: OS/ARCHITECTURE such as linux/arm64 or linux/arm/v7");
    Err(Error::invalid("platform", message))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::spec::from_value;

    fn read(value: Value) -> Result<Build> {
        from_value::<Build>(value).and_then(|build| build.validate().map(|()| build))
    }

    #[test]
    fn what_is_taken_reads_again() {
        for (given, written) in [
            (json!({"tag": "app", "context": "."}), None),
            (json!({"tag": "localhost:5000/a/b_c:1.2-x", "context": "/srv/app", "dockerfile": "docker/Web"}), None),
            (json!({"tag": "registry.example.com/app:V1", "content": "FROM scratch\n"}), None),
            (json!({"tag": "app", "content": "FROM scratch", "context": "src", "pull": true, "no_cache": true}), None),
            (
                json!({"tag": "app", "context": ".", "build_args": {"A": "b", "N": 1, "E": null}, "labels": {"l": true}}),
                Some(json!({"tag": "app", "context": ".", "build_args": ["A=b", "N=1", "E"], "labels": ["l=true"]})),
            ),
            (
                json!({"tag": "app", "context": ".", "build_args": ["A=b=c", "E"], "target": "web", "platform": "linux/arm64"}),
                None,
            ),
            (
                json!({"tag": "app", "context": ".", "build_args": "A=b", "dockerfile": null}),
                Some(json!({"tag": "app", "context": ".", "build_args": ["A=b"]})),
            ),
        ] {
            let build = read(given.clone()).unwrap_or_else(|error| panic!("{given}: {error}"));
            let value = serde_json::to_value(&build).expect("JSON");
            assert_eq!(value, written.unwrap_or_else(|| given.clone()), "{given}");
            assert_eq!(read(value).expect("reads again"), build, "{given}");
        }
    }

    #[test]
    fn what_is_wrong_is_named_with_what_is_allowed() {
        for (given, field, words) in [
            (json!({"context": "."}), "tag", "missing field `tag`"),
            (json!({"tag": "App", "context": "."}), "tag", "lower case"),
            (json!({"tag": "app:", "context": "."}), "tag", "`app:`"),
            (json!({"tag": "app@sha256:00", "context": "."}), "tag", "is no name"),
            (json!({"tag": "", "context": "."}), "tag", "is no name"),
            (json!({"tag": "a//b", "context": "."}), "tag", "is no name"),
            (json!({"tag": "app"}), "context", "allowed: `context`, `content`, or both"),
            (json!({"tag": "app", "dockerfile": "Dockerfile"}), "context", "allowed: a directory"),
            (json!({"tag": "app", "context": "https://example.com/a.git"}), "context", "not on this host"),
            (json!({"tag": "app", "context": "-"}), "context", "stdin"),
            (json!({"tag": "app", "context": ".", "dockerfile": "../Dockerfile"}), "dockerfile", "without `..`"),
            (json!({"tag": "app", "context": ".", "dockerfile": "/Dockerfile"}), "dockerfile", "relative path"),
            (json!({"tag": "app", "content": "FROM a", "dockerfile": "b", "context": "."}), "dockerfile", "`content`"),
            (json!({"tag": "app", "content": " \n"}), "content", "is empty"),
            (json!({"tag": "app", "context": ".", "platform": "arm64"}), "platform", "linux/arm64"),
            (json!({"tag": "app", "context": ".", "target": "a b"}), "target", "`a b`"),
            (json!({"tag": "app", "context": ".", "labels": {"weave.context": "x"}}), "labels", "another name"),
            (json!({"tag": "app", "context": ".", "build_args": ["=b"]}), "build_args[0]", "NAME=VALUE or NAME"),
            (json!({"tag": "app", "context": ".", "buildargs": []}), "buildargs", "build_args"),
        ] {
            let error = read(given.clone()).expect_err(&given.to_string());
            assert_eq!(error.subject(), field, "{given}: {error}");
            assert!(error.to_string().contains(words), "{given}: {error}");
        }
    }
}
