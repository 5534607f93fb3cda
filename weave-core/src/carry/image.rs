//! The image of a container that is carried.

use serde_json::Value;

use super::End;
use crate::observed::Container;
use crate::{Error, ErrorKind, Result};

/// What came of carrying an image.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct ImageCarried {
    /// What the engine that has it now calls it: the container's own word for it, or its id.
    pub(crate) image: String,
    /// Bytes that were sent.
    pub(crate) bytes: u64,
    /// Whether it was there already.
    pub(crate) was_there: bool,
    /// What the operator should know.
    pub(crate) warnings: Vec<String>,
}

/// What the target calls the image of the container `source`; nothing if it does not have it.
///
/// # Errors
/// When an engine does not answer; `NotFound` where the source has lost it.
pub(crate) async fn find_image(from: &End, to: &End, source: &Container) -> Result<Option<String>> {
    let ours = of(from, source).await?;
    found(to, source, &ours).await
}

/// The `Config` of the image of the container `source`: what it has without being told.
///
/// # Errors
/// As [`find_image`].
pub(crate) async fn image_config(from: &End, source: &Container) -> Result<Value> {
    of(from, source).await.map(|mut image| image["Config"].take())
}

/// Sends the image of the container `source` to the target, unless it is there. `told` is how many bytes were sent.
///
/// The tag that the container was made of comes with it, unless it is that of another image over there: then the
/// container is made of the id.
///
/// # Errors
/// `Unsupported` where the machine of the target is of another kind; in the engines' words.
pub(crate) async fn image(
    from: &End,
    to: &End,
    source: &Container,
    told: &(dyn Fn(u64) + Send + Sync),
) -> Result<ImageCarried> {
    let ours = of(from, source).await?;
    if let Some(image) = found(to, source, &ours).await? {
        return Ok(ImageCarried { image, was_there: true, ..ImageCarried::default() });
    }
    let machine = to.engine.about().await?.arch;
    let arch = ours["Architecture"].as_str().unwrap_or_default();
    if !fits(arch, &machine) {
        let name = word(source);
        let message = format!("image {name} is for {arch}, and {} is {machine}", to.name());
        return Err(Error::new(ErrorKind::Unsupported, &source.name, message));
    }
    let name = word(source);
    let id = &source.image_id;
    let tagged = from.engine.image_as_it_is(name).await?.is_some_and(|image| image["Id"] == id.as_str());
    let taken = to.engine.image_as_it_is(name).await?.is_some();
    let mut warnings = Vec::new();
    if taken {
        warnings.push(format!("{name} is another image on {}; the container is made of the id {id}", to.name()));
    }
    let by_name = tagged && !taken && is_tag(name, id);
    if tagged && name.contains('@') {
        warnings.push(format!(
            "{name} is known by its digest, which goes with no image; the container is made of the id {id}"
        ));
    }
    let sent = if by_name { name } else { id.as_str() };
    let (loaded, bytes) = to.engine.take_image(&from.engine, sent, told).await?;
    let image = match (by_name, loaded.into_iter().next_back()) {
        (true, _) => name.to_owned(),
        // Engines differ in what they take for the id.
        (false, loaded) => loaded.unwrap_or_else(|| id.clone()),
    };
    Ok(ImageCarried { image, bytes, was_there: false, warnings })
}

/// Whether a word for the image of this id is a name that goes with it: a digest is only known where it was pulled, and
/// an id, or its beginning, is none.
fn is_tag(name: &str, id: &str) -> bool {
    let hex = |text| str::strip_prefix(text, "sha256:").unwrap_or(text).to_owned();
    !name.contains('@') && !name.starts_with("sha256:") && !hex(id).starts_with(name)
}

/// The container's own word for its image.
fn word(source: &Container) -> &str {
    source.config["Image"].as_str().filter(|name| !name.is_empty()).unwrap_or(&source.image_id)
}

async fn of(from: &End, source: &Container) -> Result<Value> {
    from.engine.image_as_it_is(&source.image_id).await?.ok_or_else(|| {
        let message = format!("its image {} is no longer on {}", source.image_id, from.name());
        Error::new(ErrorKind::NotFound, &source.name, message).hint("`docker commit` it, or run it anew with weave run")
    })
}

async fn found(to: &End, source: &Container, ours: &Value) -> Result<Option<String>> {
    for name in [word(source), &source.image_id] {
        if to.engine.image_as_it_is(name).await?.is_some_and(|theirs| same(ours, &theirs)) {
            return Ok(Some(name.to_owned()));
        }
    }
    Ok(None)
}

/// Whether two engines have the same image. Its id is that of its configuration or that of its manifest, as an engine
/// stores images; what is in it is the same.
fn same(ours: &Value, theirs: &Value) -> bool {
    let layers = |image: &Value| image["RootFS"]["Layers"].as_array().filter(|layers| !layers.is_empty()).cloned();
    let alike = ["Architecture", "Os", "Created"].iter().all(|field| ours[field] == theirs[field]);
    ours["Id"] == theirs["Id"] || (alike && layers(ours).is_some() && layers(ours) == layers(theirs))
}

/// Whether a machine, in the kernel's word for it, runs programs of an architecture, in Docker's word.
fn fits(arch: &str, machine: &str) -> bool {
    match machine {
        "x86_64" | "amd64" => ["amd64", "386"].contains(&arch),
        "aarch64" | "arm64" => ["arm64", "arm"].contains(&arch),
        "armv7l" | "armv6l" => arch == "arm",
        "i686" | "i386" => arch == "386",
        // Kernels and Docker have the same word for the others.
        other => other == arch,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn machines_run_what_is_made_for_them() {
        for (machine, arch, wanted) in [
            ("x86_64", "amd64", true),
            ("x86_64", "386", true),
            ("x86_64", "arm64", false),
            ("aarch64", "arm64", true),
            ("aarch64", "arm", true),
            ("aarch64", "amd64", false),
            ("armv7l", "arm", true),
            ("armv7l", "arm64", false),
            ("s390x", "s390x", true),
            ("s390x", "amd64", false),
        ] {
            assert_eq!(fits(arch, machine), wanted, "{arch} on {machine}");
        }
    }

    #[test]
    fn what_is_a_tag_goes_with_an_image() {
        let id = "sha256:abcdef0123456789";
        for (name, wanted) in [
            ("shop/web:1", true),
            ("localhost:5000/web", true),
            ("abba", true),
            ("shop/web@sha256:0123", false),
            ("shop/web:1@sha256:0123", false),
            (id, false),
            ("abcdef", false),
        ] {
            assert_eq!(is_tag(name, id), wanted, "{name}");
        }
    }

    /// An engine with another store has another id for it.
    #[test]
    fn an_image_is_what_is_in_it() {
        let image = |id: &str, layer: &str, created: &str| {
            let layers = if layer.is_empty() { json!(null) } else { json!([layer]) };
            json!({"Id": id, "Architecture": "amd64", "Os": "linux", "Created": created, "RootFS": {"Layers": layers}})
        };
        assert!(same(&image("a", "x", "then"), &image("a", "x", "then")));
        assert!(same(&image("a", "x", "then"), &image("b", "x", "then")));
        assert!(!same(&image("a", "x", "then"), &image("b", "y", "then")));
        assert!(!same(&image("a", "x", "then"), &image("b", "x", "now")), "its settings may differ");
        assert!(!same(&image("a", "", "then"), &image("b", "", "then")));
    }
}
