//! Podman answers at a socket like Docker's and in its words, but makes of requests what it likes.

use bollard::Docker;
use bollard::errors::Error as ApiError;
use bollard::models::SystemVersion;

use super::client::{ASK_VERSION, Engine, Newest};
use super::failure::Failure;
use super::version::{NEWEST_MINOR, addressed};
use crate::{Error, ErrorKind, Result};

/// What it calls itself among the components of its version.
const COMPONENT: &str = "Podman Engine";

/// A path of its own; Docker knows none of that name.
const OWN_PATH: &str = "/libpod/_ping";

impl Engine {
    /// Whether it is Podman that answers.
    ///
    /// # Errors
    /// When nobody answers.
    pub(crate) async fn is_podman(&self) -> Result<bool> {
        self.find_words().await.map(|newest| newest.podman).map_err(|failure| failure.error)
    }

    /// The newest API of weave's was taken: by an engine that speaks it, or by Podman, which takes every one.
    pub(super) async fn taken(&self, docker: &Docker) -> std::result::Result<Newest, Failure> {
        let own = docker.clone().with_request_modifier(|request| addressed(request, OWN_PATH, NEWEST_MINOR));
        let version = match own.ping().await {
            // There are those in front of an engine that say yes to everything.
            Ok(_) => docker.version().await,
            Err(cause) => Err(cause),
        };
        match version {
            Ok(version) if is_podman(&version) => Ok(Newest { minor: self.spoken(docker).await?.1, podman: true }),
            Ok(_) | Err(ApiError::DockerResponseServerError { .. }) => {
                Ok(Newest { minor: NEWEST_MINOR, podman: false })
            }
            Err(cause) => Err(self.failed(ASK_VERSION, cause)),
        }
    }
}

/// Whether what an engine says of itself is of Podman.
pub(super) fn is_podman(version: &SystemVersion) -> bool {
    version.components.iter().flatten().any(|part| part.name == COMPONENT)
}

/// Why no containers are made with Podman. It gives the image another name, adds limits and variables of its own and
/// leaves out what it does not know, so that what it made would differ from what was asked, and be made anew, each time.
///
/// `subject` is the container, or the field that asks for one.
pub(crate) fn refuse(subject: &str) -> Error {
    let message = "the engine is Podman, which makes containers otherwise than they are asked for: weave gives its \
                   containers addresses, and makes, changes and moves none";
    Error::new(ErrorKind::Unsupported, subject, message)
        .hint("run it with `podman`, and leave `image` and what goes with it out of the document; or use Docker")
}
