//! Which option a name means: the fields, older names for them, and what only concerns the client.

use super::fields::{Kind, ROWS, Row};
use super::value::truth;
use crate::spec::input::nearest;
use crate::{Error, Result};

/// Other names that the docker client takes, or took when config management of today was written.
const ALIASES: [(&str, &str); 4] =
    [("net", "network"), ("net-alias", "network-alias"), ("dns-opt", "dns-option"), ("cpuset", "cpuset-cpus")];

/// Options without a field. What they mean is in [`client_only`].
const CLIENT: [Row; 13] = [
    client("attach", Some('a'), Kind::Many),
    client("cidfile", None, Kind::One),
    client("cpu-count", None, Kind::One),
    client("cpu-percent", None, Kind::One),
    client("detach", Some('d'), Kind::Flag),
    client("detach-keys", None, Kind::One),
    client("disable-content-trust", None, Kind::Flag),
    client("help", None, Kind::Flag),
    client("io-maxbandwidth", None, Kind::One),
    client("io-maxiops", None, Kind::One),
    client("quiet", Some('q'), Kind::Flag),
    client("sig-proxy", None, Kind::Flag),
    client("use-api-socket", None, Kind::Flag),
];

const fn client(long: &'static str, short: Option<char>, kind: Kind) -> Row {
    Row { field: "", long, short, kind }
}

/// Decides on an option that has no field: what changes nothing is let pass, what would not happen is an error.
pub(super) fn client_only(row: &Row, option: &str, value: &str) -> Result<()> {
    let refuse = |why: &str| Err(Error::invalid(option, format!("`{value}` {why}")));
    let set = match row.kind {
        Kind::Flag => truth(value).map_err(|error| Error::invalid(option, error.message()))?,
        Kind::One | Kind::Many => true,
    };
    match (row.long, set) {
        ("attach", _) if ["after_start", "before_start"].contains(&value) => {
            refuse("is weave's own and no option of docker; allowed: before the addresses, or `attach` in a document")
        }
        ("attach", _) => refuse("would show its output here, and containers run detached; allowed: `docker attach`"),
        ("cidfile", _) => refuse("would be written by the docker client; allowed: a name, by which the id is found"),
        ("help", true) => refuse("asks the docker client for help; allowed: options of a container"),
        ("cpu-count" | "cpu-percent" | "io-maxbandwidth" | "io-maxiops", _) => {
            refuse("is for containers of Windows; allowed: --cpus, --device-read-bps and their kin")
        }
        ("disable-content-trust", false) => {
            refuse("asks for signatures to be checked, which is not done; allowed: true")
        }
        ("use-api-socket", true) => refuse(
            "would copy the caller's registry passwords into the container; allowed: \
             --volume=/var/run/docker.sock:/var/run/docker.sock",
        ),
        // Detached as ever; the rest is about a terminal that is not there.
        _ => Ok(()),
    }
}

/// The option of a long name.
pub(super) fn by_long(name: &str) -> Option<&'static Row> {
    let name = ALIASES.iter().find(|(old, _)| *old == name).map_or(name, |(_, new)| new);
    ROWS.iter().chain(&CLIENT).find(|row| row.long == name)
}

/// The option of a letter.
pub(super) fn by_short(letter: char) -> Option<&'static Row> {
    ROWS.iter().chain(&CLIENT).find(|row| row.short == Some(letter))
}

/// The option of a key in a map: a field, an older name, with `_` or `-`.
pub(super) fn by_key(key: &str) -> Option<&'static Row> {
    by_long(&key.replace('_', "-"))
}

const ALLOWED: &str = "the options of `docker run`";

/// The error of an option that is none.
pub(super) fn unknown(option: &str) -> Error {
    let name = option.trim_start_matches('-');
    let near = match near(name) {
        Some(name) => format!("; did you mean `--{name}`?"),
        None => String::new(),
    };
    Error::invalid(option, format!("`{option}` is no option here{near}; allowed: {ALLOWED}"))
}

/// The error of a key that is no option.
pub(super) fn unknown_key(key: &str) -> String {
    let near = match near(&key.replace('_', "-")) {
        Some(name) => format!("; did you mean `{}`?", name.replace('-', "_")),
        None => String::new(),
    };
    format!("`{key}` is no option here{near}; allowed: {ALLOWED}, with `_` for `-`")
}

/// The error of a letter that is no option.
pub(super) fn unknown_letter(letter: char, letters: &str) -> Error {
    let long = by_long(letters).map(|row| row.long).or_else(|| near(letters).filter(|_| letters.len() > 2));
    let near = match long {
        Some(name) => format!("; did you mean `--{name}`?"),
        None => String::new(),
    };
    Error::invalid(
        format!("-{letter}"),
        format!("`{letter}` in `-{letters}` is no option here{near}; allowed: {ALLOWED}"),
    )
}

fn near(name: &str) -> Option<&'static str> {
    let names: Vec<&'static str> = ROWS.iter().map(|row| row.long).chain(ALIASES.map(|(old, _)| old)).collect();
    nearest(name, &names)
}
