//! Images.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use serde_json::json;

use super::{Report, checked};
use crate::apply::Mode;
use crate::docker::build::{Built, Request};
use crate::docker::context::{Context, Dockerfile};
use crate::host::Host;
use crate::kernel::Kernel;
use crate::plan::Change;
use crate::spec::Build;
use crate::spec::options::{Label, Variable};
use crate::{Error, ErrorKind, Result};

/// Builds an image, unless there is one of that name that was built from the same: then nothing is sent.
///
/// What it is built from is noted in its label `weave.context`, as a SHA-256 over every file that is sent, their names
/// and modes, the Dockerfile, `build_args`, `target`, `platform` and `labels`. An image without that label was built by
/// somebody else, and is built anew. A newer base image makes no difference by itself.
///
/// The `result` is `{id, why}`: the image's id, nothing in check mode where it would be another, and why it was or would
/// be built, nothing where it was not.
///
/// Other operations need not wait for a build. One that is broken off leaves the image of that name as it was.
///
/// # Errors
/// `InvalidSpec` for a bad value or a context that is no directory; `NotFound` for a context or Dockerfile that does not
/// exist; `PermissionDenied` for a file that cannot be read; `Conflict` for one that changed while it was sent; `Docker`
/// for a step that failed, with the step and what it printed last.
pub async fn build(host: &Kernel, spec: &Build, mode: Mode) -> Result<Report> {
    checked("build", spec.validate())?;
    let subject = format!("images.{}", spec.tag);
    image(host, spec, mode).await.map_err(|error| {
        let error = error.op("build");
        // The builder itself names no subject.
        if error.subject().is_empty() { error.within(&subject) } else { error }
    })
}

async fn image(host: &Kernel, spec: &Build, mode: Mode) -> Result<Report> {
    let (args, mut warnings) = filled(&spec.build_args, &|name| std::env::var(name).ok());
    let context = look(spec, &args).await?;
    let engine = host.engine();
    let found = engine.built(&spec.tag).await?;
    let hash = context.hash.to_string();
    let Some(why) = why(found.as_ref(), &hash) else {
        let id = found.map(|image| image.id);
        return Ok(Report { warnings, ..Report::read("build", None, json!({"id": id, "why": null})) });
    };
    let before = found.as_ref().map(|image| image.context.clone().unwrap_or_else(|| UNKNOWN.to_owned()));
    let mut id = None;
    if mode == Mode::Apply {
        let request = request(spec, args);
        let tell = |progress: &_| host.tell(progress);
        let build = engine.build(request, context, &tell);
        warnings.extend(host.cancel().or("", build).await?);
        let built = engine.built(&spec.tag).await?.filter(|image| image.context.as_ref() == Some(&hash));
        let gone = || {
            Error::new(ErrorKind::VerifyFailed, "", "was built, and is not what its name stands for now")
                .hint("somebody else may have built or removed it at the same time: run it again")
        };
        id = Some(built.ok_or_else(gone)?.id);
    }
    Ok(Report {
        check: mode == Mode::Check,
        changed: true,
        changes: vec![Change::new(format!("images.{}", spec.tag), "context", before, hash)],
        steps: vec![line(spec)],
        warnings,
        ..Report::read("build", None, json!({"id": id, "why": why}))
    })
}

/// What stands for the hash of an image that somebody else built.
const UNKNOWN: &str = "unknown";

/// Why the image has to be built; nothing if it is as wanted.
fn why(found: Option<&Built>, hash: &str) -> Option<&'static str> {
    match found.map(|image| image.context.as_deref()) {
        None => Some("there is no image of that name"),
        Some(None) => Some("the image was built by somebody else"),
        Some(Some(context)) if context != hash => Some("what it is built from has changed"),
        Some(Some(_)) => None,
    }
}

/// Reads the context, on a thread where others need not wait for it.
async fn look(spec: &Build, args: &[(String, String)]) -> Result<Context> {
    let directory = spec.context.as_ref().map(PathBuf::from);
    let dockerfile = match &spec.content {
        Some(text) => Dockerfile::Text(text.clone()),
        None => Dockerfile::Path(spec.dockerfile().to_owned()),
    };
    let mut pairs: Vec<String> = args.iter().map(|(name, value)| format!("{name}={value}")).collect();
    pairs.sort();
    let arguments = [
        ("build_args", pairs),
        ("target", spec.target.iter().cloned().collect()),
        ("platform", spec.platform.iter().cloned().collect()),
        ("labels", labels(&spec.labels).into_iter().map(|(name, value)| format!("{name}={value}")).collect()),
    ];
    let job = move || Context::look(directory.as_deref().map(Path::new), &dockerfile, &arguments);
    let ended = tokio::task::spawn_blocking(job).await;
    ended.unwrap_or_else(|failed| std::panic::resume_unwind(failed.into_panic()))
}

/// The values of the arguments, the last of each name; `A` alone has the caller's. Without one there it is left out, as
/// the docker client does, and a warning says so.
fn filled(args: &[Variable], variable: &dyn Fn(&str) -> Option<String>) -> (Vec<(String, String)>, Vec<String>) {
    let (mut values, mut warnings): (Vec<(String, String)>, Vec<String>) = (Vec::new(), Vec::new());
    for (at, arg) in
        args.iter().enumerate().filter(|(at, arg)| !args[at + 1..].iter().any(|later| later.name == arg.name))
    {
        match arg.value.clone().or_else(|| variable(&arg.name)) {
            Some(value) => values.push((arg.name.clone(), value)),
            None => {
                warnings.push(format!("build_args[{at}]: {} is not set in the environment, and left out", arg.name));
            }
        }
    }
    (values, warnings)
}

/// The labels, sorted, the last of each name.
fn labels(labels: &[Label]) -> std::collections::BTreeMap<String, String> {
    labels.iter().map(|label| (label.name.clone(), label.value.clone().unwrap_or_default())).collect()
}

fn request(spec: &Build, args: Vec<(String, String)>) -> Request {
    Request {
        tag: spec.tag.clone(),
        args: HashMap::from_iter(args),
        labels: labels(&spec.labels).into_iter().collect(),
        target: spec.target.clone().unwrap_or_default(),
        platform: spec.platform.clone().unwrap_or_default(),
        pull: spec.pull,
        no_cache: spec.no_cache,
    }
}

/// The command line it equals. Values of arguments may be secrets, so only their names stand in it.
fn line(spec: &Build) -> String {
    let mut words = vec!["docker".to_owned(), "build".to_owned(), "-t".to_owned(), spec.tag.clone()];
    let mut option = |name: &str, value: &str| words.extend([name.to_owned(), value.to_owned()]);
    match (&spec.dockerfile, &spec.content, &spec.context) {
        (Some(dockerfile), _, Some(context)) => {
            option("-f", &Path::new(context).join(dockerfile).display().to_string());
        }
        (_, Some(_), Some(_)) => option("-f", "-"),
        _ => {}
    }
    spec.build_args.iter().for_each(|arg| option("--build-arg", &arg.name));
    spec.labels
        .iter()
        .for_each(|label| option("--label", &format!("{}={}", label.name, label.value.as_deref().unwrap_or_default())));
    spec.target.iter().for_each(|target| option("--target", target));
    spec.platform.iter().for_each(|platform| option("--platform", platform));
    words.extend(spec.pull.then(|| "--pull".to_owned()));
    words.extend(spec.no_cache.then(|| "--no-cache".to_owned()));
    words.push(spec.context.clone().unwrap_or_else(|| "-".to_owned()));
    shlex::try_join(words.iter().map(String::as_str)).unwrap_or_else(|_| words.join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::from_value;

    fn spec(value: serde_json::Value) -> Build {
        from_value(value).expect("a spec")
    }

    #[test]
    fn what_has_to_be_built_and_why() {
        let built = |context: Option<&str>| Built { id: "sha256:00".into(), context: context.map(str::to_owned) };
        assert_eq!(why(Some(&built(Some("sha256:aa"))), "sha256:aa"), None);
        for (found, words) in [
            (None, "no image of that name"),
            (Some(built(None)), "somebody else"),
            (Some(built(Some("sha256:bb"))), "has changed"),
        ] {
            let why = why(found.as_ref(), "sha256:aa");
            assert!(why.is_some_and(|why| why.contains(words)), "{why:?}");
        }
    }

    #[test]
    fn arguments_are_filled_from_the_caller_and_the_last_counts() {
        let args =
            spec(json!({"tag": "app", "context": ".", "build_args": ["A=1", "HOME", "NONE", "A=2", "E="]})).build_args;
        let (values, warnings) = filled(&args, &|name| (name == "HOME").then(|| "/root".to_owned()));
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        assert_eq!(values, [pair("HOME", "/root"), pair("A", "2"), pair("E", "")]);
        assert_eq!(warnings, ["build_args[2]: NONE is not set in the environment, and left out"]);
    }

    #[test]
    fn the_line_it_equals_has_no_secrets() {
        for (given, wanted) in [
            (json!({"tag": "app", "context": "."}), "docker build -t app ."),
            (json!({"tag": "app", "content": "FROM a"}), "docker build -t app -"),
            (json!({"tag": "app", "content": "FROM a", "context": "a b"}), "docker build -t app -f - 'a b'"),
            (
                json!({"tag": "app:1", "context": "src", "dockerfile": "docker/Web", "build_args": {"TOKEN": "secret"},
                       "labels": {"a": "b"}, "target": "web", "platform": "linux/arm64", "pull": true, "no_cache": true}),
                "docker build -t app:1 -f src/docker/Web --build-arg TOKEN --label 'a=b' --target web --platform \
                 linux/arm64 --pull --no-cache src",
            ),
        ] {
            assert_eq!(line(&spec(given)).replace("'a=b'", "a=b"), wanted.replace("'a=b'", "a=b"));
        }
    }
}
