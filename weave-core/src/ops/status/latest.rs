//! Whether the registry has a newer image than the one that runs.

use serde::Serialize;

use super::classic::ClassicStatus;
use crate::host::Host;
use crate::observed::{ContainerScope, Containers};

/// What the registry of an image has. `pull: always` in the router's settings (`docker pull`) is what brings it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct LatestStatus {
    /// The image that it was asked for, as the container has it.
    pub image: String,
    /// What the registry has under that name now (`sha256:…`); null where it does not tell.
    pub digest: Option<String>,
    /// Whether that is another one than the image that runs; null where it is not known.
    pub newer: Option<bool>,
    /// Why something is not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
}

/// Asks for the image of `router`; nothing where it has none.
pub(super) async fn latest<H: Host>(host: &H, router: &ClassicStatus) -> Option<LatestStatus> {
    let image = router.image.clone()?;
    let id = router.image_id.clone().unwrap_or_default();
    let scope = ContainerScope { images: vec![id.clone()], latest: vec![image.clone()], ..ContainerScope::default() };
    Some(match host.observe_containers(&scope).await {
        Ok(seen) => compare(image, &id, &seen),
        Err(error) => LatestStatus { image, why: Some(error.to_string()), ..LatestStatus::default() },
    })
}

fn compare(image: String, id: &str, seen: &Containers) -> LatestStatus {
    let unknown = |why: &str| Some(why.to_owned());
    let (digest, why) = match seen.latest.get(&image) {
        Some(Ok(digest)) => (Some(digest.clone()), None),
        Some(Err(why)) => (None, unknown(why)),
        None => (None, unknown("the registry was not asked")),
    };
    match (digest, seen.images.get(id)) {
        (Some(digest), Some(runs)) => {
            let newer = !runs.digests.iter().any(|own| own.ends_with(&digest));
            LatestStatus { image, digest: Some(digest), newer: Some(newer), why }
        }
        (digest @ Some(_), None) => {
            LatestStatus { image, digest, newer: None, why: unknown("the image that runs is not there any more") }
        }
        (None, _) => LatestStatus { image, digest: None, newer: None, why },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observed::Image;

    #[test]
    fn a_newer_image_has_another_digest() {
        let seen = |latest: Result<&str, &str>, digests: &[&str]| Containers {
            images: [(
                "sha256:id".to_owned(),
                Image { digests: digests.iter().map(|digest| (*digest).to_owned()).collect(), ..Image::default() },
            )]
            .into(),
            latest: [("router:1".to_owned(), latest.map(str::to_owned).map_err(str::to_owned))].into(),
            ..Containers::default()
        };
        let compared = |seen: &Containers| compare("router:1".to_owned(), "sha256:id", seen);
        let same = compared(&seen(Ok("sha256:1"), &["router@sha256:0", "router@sha256:1"]));
        assert_eq!((same.digest.as_deref(), same.newer, same.why), (Some("sha256:1"), Some(false), None));
        for digests in [&["router@sha256:0"][..], &[]] {
            assert_eq!(compared(&seen(Ok("sha256:1"), digests)).newer, Some(true), "{digests:?}");
        }
        let refused = compared(&seen(Err("no such host"), &["router@sha256:0"]));
        assert_eq!((refused.digest, refused.newer, refused.why.as_deref()), (None, None, Some("no such host")));
        let gone = Containers { images: [].into(), ..seen(Ok("sha256:1"), &[]) };
        let gone = compared(&gone);
        assert_eq!((gone.newer, gone.why.is_some()), (None, true));
    }
}
