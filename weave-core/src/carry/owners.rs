//! Whose files are, which engines may see in different ways.

use crate::docker::about::About;
use crate::observed::Container;
use crate::{Error, ErrorKind, Result};

/// Whether the files of the container `source` have the same owners under both engines: the numbers of the host are
/// copied, and an engine with `userns-remap` gives its containers others.
///
/// # Errors
/// `Unsupported` with both numbers.
pub(crate) fn check_owners(source: &Container, from: &About, to: &About) -> Result<()> {
    if from.remap == to.remap || source.host_config["UsernsMode"] == "host" {
        return Ok(());
    }
    let root = |about: &About| about.remap.clone().unwrap_or_else(|| "0.0".to_owned());
    let (ours, theirs) = (root(from), root(to));
    let message = format!(
        "root of a container is {ours} on {} and {theirs} on {}, so that its files would be somebody else's there",
        from.hostname, to.hostname
    );
    Err(Error::new(ErrorKind::Unsupported, &source.name, message)
        .hint("give both engines the same `userns-remap`, or move it without its files: `--without-volumes`"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn files_of_other_owners_are_not_moved() {
        let engine = |remap: Option<&str>| About { remap: remap.map(str::to_owned), ..About::default() };
        let (plain, one, two) = (engine(None), engine(Some("165536.165536")), engine(Some("231072.231072")));
        let web = Container { name: "web".into(), ..Container::default() };
        for (from, to) in [(&plain, &plain), (&one, &one)] {
            check_owners(&web, from, to).expect("the same owners");
        }
        for (from, to, words) in
            [(&plain, &one, ["0.0", "165536.165536"]), (&two, &one, ["231072.231072", "165536.165536"])]
        {
            let error = check_owners(&web, from, to).expect_err("other owners");
            assert_eq!((error.kind(), error.subject()), (ErrorKind::Unsupported, "web"));
            assert!(words.iter().all(|word| error.message().contains(word)), "{error:?}");
        }
        let host = Container { host_config: json!({"UsernsMode": "host"}), ..web };
        check_owners(&host, &plain, &one).expect("it has the users of the host");
    }
}
