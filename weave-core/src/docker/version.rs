//! Versions of the engine's API: which are spoken, and how one is named in a request.

use bollard::BollardRequest;
use bollard::errors::Error as ApiError;

/// The API 1.x that is asked for first: Docker 25 and newer speak it, and Docker 29 speaks nothing older.
///
/// bollard by itself names no version in its requests, which the engine's documentation calls deprecated and which
/// makes the shape of the answers depend on the engine's age. Negotiation as bollard has it asks for `/version` first,
/// which takes an engine ten times as long as the lookup itself, because it runs its helpers to ask for theirs. Asking
/// for 1.44 costs nothing on any engine that is not old; an old one refuses at once and names the version it speaks.
pub(super) const FIRST_MINOR: u16 = 44;

/// The oldest API 1.x whose answers hold what weave reads (Docker 1.12).
pub(super) const OLDEST_MINOR: u16 = 24;

/// The newest API 1.x that bollard's types are written for.
pub(super) const NEWEST_MINOR: u16 = 53;

/// The API 1.x that a refusal asks for, when weave speaks it: Docker says since 2016 "client version 1.44 is too new.
/// Maximum supported API version is 1.41", or too old and minimum.
pub(super) fn supported_minor(refused: &ApiError) -> Option<u16> {
    let ApiError::DockerResponseServerError { message, .. } = refused else { return None };
    let (_, rest) = message.split_once("supported API version is 1.")?;
    let digits = rest.find(|c: char| !c.is_ascii_digit()).map_or(rest, |end| &rest[..end]);
    digits.parse().ok().filter(|minor| (OLDEST_MINOR..=NEWEST_MINOR).contains(minor))
}

/// The oldest and newest API 1.x that weave and an engine that speaks `oldest` to `newest` have in common.
pub(super) fn common_minors(oldest: u16, newest: u16) -> Option<(u16, u16)> {
    let (from, to) = (oldest.max(OLDEST_MINOR), newest.min(NEWEST_MINOR));
    (from <= to).then_some((from, to))
}

/// Puts the version in front of the path; `/version` stays bare, since it is how versions are found out.
pub(super) fn versioned(request: BollardRequest, minor: u16) -> BollardRequest {
    match request.uri().path_and_query().map(ToString::to_string) {
        Some(path) if path != "/version" => addressed(request, &path, minor),
        _ => request,
    }
}

/// Sends a request to `path` in API 1.`minor`.
pub(super) fn addressed(mut request: BollardRequest, path: &str, minor: u16) -> BollardRequest {
    let uri = request.uri();
    let (Some(scheme), Some(authority)) = (uri.scheme_str(), uri.authority()) else { return request };
    if let Ok(versioned) = format!("{scheme}://{authority}/v1.{minor}{path}").parse() {
        *request.uri_mut() = versioned;
    }
    request
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_in_use_is_the_first_choice_or_the_nearest() {
        let common_minor =
            |oldest, newest| common_minors(oldest, newest).map(|(oldest, newest)| FIRST_MINOR.clamp(oldest, newest));
        for (oldest, newest, wanted) in [
            (24, 43, Some(43)),
            (12, 41, Some(41)),
            (24, 44, Some(44)),
            (24, 53, Some(44)),
            (44, 52, Some(44)),
            (47, 60, Some(47)),
            (54, 60, None),
            (10, 23, None),
        ] {
            assert_eq!(common_minor(oldest, newest), wanted, "{oldest} to {newest}");
        }
    }
}
