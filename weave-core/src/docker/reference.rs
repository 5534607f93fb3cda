//! The name of an image, taken apart as far as registries and the engine want it apart.

/// Where images are that name no registry.
const HUB: &str = "docker.io";

/// A reference such as `db1:5000/team/app:1.2` or `busybox@sha256:…`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Reference<'a> {
    /// What stands before tag and digest.
    pub(super) name: &'a str,
    /// The digest, or else the tag, or else `latest`: an engine that is told none fetches all there are.
    pub(super) version: &'a str,
}

impl<'a> Reference<'a> {
    /// Takes a reference apart; `None` for what cannot be one, and may not stand in an address.
    pub(super) fn read(text: &'a str) -> Option<Self> {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-/:@+[]".contains(&byte);
        let steps = text.split('/').all(|part| !part.is_empty() && part != "." && part != "..");
        if !steps || !text.bytes().all(plain) {
            return None;
        }
        let (rest, digest) = text.split_once('@').map_or((text, None), |(rest, digest)| (rest, Some(digest)));
        // A colon before the last slash belongs to the port of the registry.
        let at = rest.rfind('/').map_or(0, |slash| slash + 1);
        let (name, tag) = match rest[at..].split_once(':') {
            Some((last, tag)) => (&rest[..at + last.len()], Some(tag)),
            None => (rest, None),
        };
        let version = digest.or(tag).unwrap_or("latest");
        (!name.is_empty() && !version.is_empty()).then_some(Self { name, version })
    }

    /// The registry it is in: what stands before the first slash if it can only be a host.
    pub(super) fn registry(&self) -> &'a str {
        match self.name.split_once('/') {
            Some((host, _)) if host.contains(['.', ':']) || host == "localhost" => match host {
                "index.docker.io" | "registry-1.docker.io" => HUB,
                host => host,
            },
            _ => HUB,
        }
    }

    /// What the docker client's configuration calls that registry.
    pub(super) fn key(&self) -> &'a str {
        match self.registry() {
            HUB => "https://index.docker.io/v1/",
            registry => registry,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_are_taken_apart() {
        for (text, name, version, registry) in [
            ("busybox", "busybox", "latest", HUB),
            ("busybox:1.36", "busybox", "1.36", HUB),
            ("team/app", "team/app", "latest", HUB),
            ("docker.io/library/busybox", "docker.io/library/busybox", "latest", HUB),
            ("index.docker.io/team/app:1", "index.docker.io/team/app", "1", HUB),
            ("localhost/app", "localhost/app", "latest", "localhost"),
            ("db1:5000/app", "db1:5000/app", "latest", "db1:5000"),
            ("db1:5000/team/app:1.2", "db1:5000/team/app", "1.2", "db1:5000"),
            ("[::1]:5000/app:2", "[::1]:5000/app", "2", "[::1]:5000"),
            ("ghcr.io/team/app@sha256:0a", "ghcr.io/team/app", "sha256:0a", "ghcr.io"),
            ("ghcr.io/team/app:1@sha256:0a", "ghcr.io/team/app", "sha256:0a", "ghcr.io"),
        ] {
            let reference = Reference::read(text).unwrap_or_else(|| panic!("{text}"));
            assert_eq!((reference.name, reference.version, reference.registry()), (name, version, registry), "{text}");
        }
    }

    #[test]
    fn what_is_no_reference_is_none() {
        for text in
            ["", ":1", "@sha256:0a", "a b", "a?b", "../version", "a/../b", "a//b", "/a", "a/", "a:", "ü", "a%2f"]
        {
            assert_eq!(Reference::read(text), None, "{text}");
        }
    }

    #[test]
    fn the_hub_has_the_key_that_the_client_gives_it() {
        let key = |text| Reference::read(text).map(|reference| reference.key());
        assert_eq!(key("busybox"), Some("https://index.docker.io/v1/"));
        assert_eq!(key("ghcr.io/a/b"), Some("ghcr.io"));
    }
}
