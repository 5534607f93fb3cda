//! What users of the classic script still type: options and verbs that have no meaning here, each with what to do.

use crate::spec::{Cidr, nearest};
use crate::{Error, ErrorKind, Result};

/// What becomes of an option of the classic script.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    /// It asks for what is so anyhow.
    So,
    /// It is left out, with this warning.
    Ignored(&'static str),
    /// Going on without it would do harm: why, and what to do.
    Refused(&'static str, &'static str),
}

/// Verb, names of the option without dashes, whether a value follows, and what becomes of it.
type Row = (&'static str, &'static [&'static str], bool, Verdict);

const NO_ENCRYPTION: Verdict = Verdict::Refused(
    "VXLAN encrypts nothing and authenticates nobody, so a password would protect nothing",
    "run a router that encrypts, `--kind image --password-file FILE`; or use a trusted underlay, or lay the tunnel through \
     WireGuard or IPsec with `--underlay`, and leave this out",
);
const NO_ALLOCATION: Verdict = Verdict::Refused(
    "the kernel's router allocates no addresses",
    "run one that does, with `--kind image`; or leave this out, and give each container its address: \
     `weave attach 10.2.1.4/24 CONTAINER`",
);
const NO_PROCESS: Verdict = Verdict::Ignored("the kernel carries the frames, and no router process runs");
const NO_DNS: Verdict = Verdict::Ignored("weave answers no DNS; use the names of your DNS or /etc/hosts");
const NO_PROXY: Verdict =
    Verdict::Ignored("there is no proxy and no Docker plugin; run `weave attach` for each container");

const OPTIONS: &[Row] = &[
    ("launch", &["password", "password-file", "passwordfile"], true, NO_ENCRYPTION),
    (
        "launch",
        &["ipalloc-range", "iprange", "ipalloc-init", "ipalloc-default-subnet", "init-peer-count", "initpeercount"],
        true,
        NO_ALLOCATION,
    ),
    ("launch", &["no-default-ipalloc", "without-dns", "no-fastdp"], false, Verdict::So),
    ("launch", &["no-discovery"], false, Verdict::Ignored("peers are never discovered; name every peer on every host")),
    ("launch", &["nickname", "name"], true, Verdict::Ignored("hosts are known by their underlay address")),
    ("launch", &["trusted-subnets"], true, Verdict::Ignored("VXLAN encrypts nothing, so every subnet is trusted")),
    (
        "launch",
        &["log-level", "conn-limit", "connlimit", "bufsz", "http-addr", "status-addr", "token"],
        true,
        NO_PROCESS,
    ),
    ("launch", &["debug", "no-restart", "resume"], false, NO_PROCESS),
    ("launch", &["dns-domain", "dns-ttl", "dns-listen-address"], true, NO_DNS),
    ("launch", &["no-dns"], false, Verdict::So),
    ("launch", &["proxy", "plugin", "rewrite-inspect", "no-rewrite-hosts", "no-detect-tls"], false, NO_PROXY),
    (
        "launch",
        &["no-multicast-route"],
        false,
        Verdict::Ignored("give it to `weave attach --no-multicast-route`, for each container"),
    ),
    ("attach", &["without-dns", "no-rewrite-hosts"], false, Verdict::So),
    (
        "attach",
        &["rewrite-hosts"],
        false,
        Verdict::Ignored("weave leaves the container's /etc/hosts alone; use `docker run --add-host NAME:ADDRESS`"),
    ),
    (
        "attach",
        &["add-host"],
        true,
        Verdict::Refused(
            "weave leaves the container's /etc/hosts alone",
            "leave it out, and give it to Docker: `docker run --add-host NAME:ADDRESS`",
        ),
    ),
    ("expose", &["h"], true, NO_DNS),
    ("reset", &["force"], false, Verdict::So),
];

/// Options of `launch` where the router is the classic script's own, in a container.
const OF_IMAGE: &[Row] = &[
    (
        "launch",
        &["password"],
        true,
        Verdict::Refused(
            "whoever is on this host could read it in the list of processes",
            "write it to a file that only root can read, and name that: `--password-file FILE`",
        ),
    ),
    ("launch", &["no-default-ipalloc", "without-dns", "no-fastdp", "no-dns"], false, Verdict::So),
    (
        "launch",
        &["log-level", "conn-limit", "connlimit", "bufsz", "token", "ipalloc-init", "init-peer-count", "initpeercount"],
        true,
        BEHIND,
    ),
    ("launch", &["dns-domain", "dns-ttl", "dns-listen-address", "hostname-from-label", "hostname-match"], true, BEHIND),
    (
        "launch",
        &["resume", "proxy", "plugin", "rewrite-inspect", "no-rewrite-hosts", "no-multicast-route"],
        false,
        BEHIND,
    ),
    (
        "launch",
        &["http-addr", "status-addr"],
        true,
        Verdict::Refused(
            "the router takes orders on 127.0.0.1 only",
            "leave it out, or name a port: `--control-port 6784`",
        ),
    ),
    (
        "launch",
        &["no-restart"],
        false,
        Verdict::Refused(
            "the router's container is one like others",
            "say it to Docker: `--docker-options '--restart no'`",
        ),
    ),
];

const BEHIND: Verdict = Verdict::Refused(
    "it is an argument of the router itself",
    "put it behind `--`: `weave launch --kind image PEER... -- --log-level=debug`",
);

/// Verbs of the classic script that are none here, and what to do instead.
const VERBS: &[(&[&str], &str)] = &[
    (&["start", "restart", "create"], "use `weave run`, or `docker start`, then `weave attach ADDRESS... CONTAINER`"),
    (&["launch-router", "setup"], "use `weave launch`"),
    (&["stop-router"], "use `weave stop`"),
    (&["rmpeer"], "use `weave forget PEER`"),
    (&["report"], "use `weave status --json`"),
    (&["prime"], "`weave launch` waits until the router is ready: leave it out"),
    (
        &["launch-dns", "stop-dns", "setup-dns", "dns-add", "dns-remove", "dns-lookup", "dns-args"],
        "weave answers no DNS; use your DNS, or `docker run --add-host NAME:ADDRESS`",
    ),
    (
        &["launch-proxy", "stop-proxy", "proxy", "proxy-env", "env", "config", "docker-tls-args"],
        "there is no proxy: use `docker run`, then `weave attach ADDRESS... CONTAINER`",
    ),
    (&["launch-plugin", "stop-plugin", "setup-cni"], "there is no plugin: use `weave attach ADDRESS... CONTAINER`"),
];

/// Takes from `words` what is of the classic script and has no meaning here; what is left is for the parser.
///
/// Returns the words and the warnings.
///
/// # Errors
/// `Unsupported` for an option without which the caller would not get what was asked for.
pub(super) fn translate(words: Vec<String>) -> Result<(Vec<String>, Vec<String>)> {
    let Some(verb) = words.iter().find(|word| !word.starts_with('-') && !COLORS.contains(&word.as_str())).cloned()
    else {
        return Ok((words, Vec::new()));
    };
    let of_image = verb == "launch" && asks_for_image(&words);
    let (mut kept, mut warnings) = (Vec::new(), Vec::new());
    let mut rest = words.into_iter().peekable();
    while let Some(word) = rest.next() {
        if word == "--" {
            kept.push(word);
            kept.extend(rest);
            break;
        }
        let (name, value) = match word.split_once('=') {
            Some((name, value)) => (name, Some(value)),
            None => (word.as_str(), None),
        };
        let Some((_, _, takes_value, verdict)) = row(if of_image { OF_IMAGE } else { OPTIONS }, &verb, name) else {
            kept.push(word);
            continue;
        };
        // `expose -h` alone asks for help.
        if name == "-h" && rest.peek().is_none() {
            kept.push(word);
            continue;
        }
        if *takes_value && value.is_none() {
            rest.next();
        }
        match verdict {
            Verdict::So => {}
            Verdict::Ignored(why) => warnings.push(format!("{name} is ignored: {why}")),
            Verdict::Refused(why, hint) => {
                return Err(Error::new(ErrorKind::Unsupported, name, *why).hint(*hint).op(verb));
            }
        }
    }
    if verb == "launch" {
        drop_address(&mut kept, &mut warnings);
    }
    Ok((kept, warnings))
}

/// Values of `--color`, which may stand before the verb.
const COLORS: [&str; 3] = ["auto", "always", "never"];

/// Whether `--kind image` is among `words`.
fn asks_for_image(words: &[String]) -> bool {
    let own: Vec<&str> = words.iter().map(String::as_str).take_while(|word| *word != "--").collect();
    own.contains(&"--kind=image") || own.windows(2).any(|pair| pair == ["--kind", "image"])
}

fn row(of: &'static [Row], verb: &str, word: &str) -> Option<&'static Row> {
    let name = word.strip_prefix("--").or_else(|| word.strip_prefix('-'))?;
    of.iter().find(|(known, names, ..)| *known == verb && names.contains(&name))
}

/// Before 0.7 the router had an address, and was given it first; 0.8 warned and went on.
fn drop_address(words: &mut Vec<String>, warnings: &mut Vec<String>) {
    let first = words.iter().position(|word| word == "launch").map_or(0, |verb| verb + 1);
    if words.get(first).is_some_and(|word| word.parse::<Cidr>().is_ok()) {
        let address = words.remove(first);
        warnings.push(format!(
            "{address} is ignored: the router has no address; `weave expose {address}` gives the host one"
        ));
    }
}

/// The passwords of the environment, which the classic script took as `--password`.
///
/// # Errors
/// `Unsupported` where one is set.
pub(super) fn no_password(verb: &str, variable: impl Fn(&str) -> Option<String>) -> Result<()> {
    match NO_ENCRYPTION {
        Verdict::Refused(why, hint) if variable("WEAVE_PASSWORD").is_some_and(|password| !password.is_empty()) => {
            let hint = hint.replace("and leave this out", "and unset WEAVE_PASSWORD");
            Err(Error::new(ErrorKind::Unsupported, "WEAVE_PASSWORD", why).hint(hint).op(verb))
        }
        _ => Ok(()),
    }
}

/// The error for a word that is no verb.
pub(super) fn unknown_verb(word: &str, known: &[&str]) -> Error {
    let error = Error::invalid("", format!("unknown weave command `{word}`; allowed: {}", known.join(", ")));
    if let Some((_, hint)) = VERBS.iter().find(|(words, _)| words.contains(&word)) {
        return error.hint(*hint);
    }
    match nearest(word, known) {
        Some(near) => error.hint(format!("did you mean `weave {near}`?")),
        None => error.hint("`weave help` lists the commands"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(line: &str) -> Vec<String> {
        line.split_whitespace().map(str::to_owned).collect()
    }

    #[test]
    fn options_of_the_classic_script() {
        let table: &[(&str, &str, &[&str])] = &[
            ("launch 192.0.2.2", "launch 192.0.2.2", &[]),
            ("launch --no-dns --no-default-ipalloc 192.0.2.2", "launch 192.0.2.2", &[]),
            (
                "launch --nickname host1 192.0.2.2",
                "launch 192.0.2.2",
                &["--nickname is ignored: hosts are known by their underlay address"],
            ),
            (
                "--color never launch -connlimit=99 -debug 192.0.2.2",
                "--color never launch 192.0.2.2",
                &[
                    "-connlimit is ignored: the kernel carries the frames, and no router process runs",
                    "-debug is ignored: the kernel carries the frames, and no router process runs",
                ],
            ),
            (
                "launch 10.2.0.1/16 192.0.2.2",
                "launch 192.0.2.2",
                &["10.2.0.1/16 is ignored: the router has no address; `weave expose 10.2.0.1/16` gives the host one"],
            ),
            ("launch --underlay 192.0.2.0/24 192.0.2.2", "launch --underlay 192.0.2.0/24 192.0.2.2", &[]),
            (
                "launch --kind image --no-fastdp --no-dns --nickname a --password-file /p --no-discovery host2 -- --plugin",
                "launch --kind image --nickname a --password-file /p --no-discovery host2 -- --plugin",
                &[],
            ),
            (
                "launch --nickname a host2 -- --kind image --password x",
                "launch host2 -- --kind image --password x",
                &["--nickname is ignored: hosts are known by their underlay address"],
            ),
            ("attach 10.2.1.4/24 --without-dns c1", "attach 10.2.1.4/24 c1", &[]),
            (
                "expose 10.2.1.1/24 -h host1.weave.local",
                "expose 10.2.1.1/24",
                &["-h is ignored: weave answers no DNS; use the names of your DNS or /etc/hosts"],
            ),
            ("expose -h", "expose -h", &[]),
            ("reset --force", "reset", &[]),
            ("stop --force", "stop --force", &[]),
        ];
        for (line, left, expected) in table {
            let (kept, warnings) = translate(words(line)).expect(line);
            assert_eq!(kept.join(" "), *left);
            assert_eq!(warnings, *expected, "{line}");
        }
    }

    #[test]
    fn what_would_not_be_what_was_asked_for_is_refused() {
        let table = [
            (
                "launch -password s3cret 192.0.2.2",
                "launch: -password: VXLAN encrypts nothing and authenticates nobody, so a password would protect nothing",
            ),
            (
                "launch --ipalloc-range=10.2.0.0/16",
                "launch: --ipalloc-range: the kernel's router allocates no addresses",
            ),
            (
                "launch --kind image --password s3cret 192.0.2.2",
                "launch: --password: whoever is on this host could read it in the list of processes",
            ),
            (
                "launch --kind=image --log-level debug 192.0.2.2",
                "launch: --log-level: it is an argument of the router itself",
            ),
            (
                "launch --kind image --http-addr 0.0.0.0:6784",
                "launch: --http-addr: the router takes orders on 127.0.0.1 only",
            ),
            ("launch --kind image --no-restart", "launch: --no-restart: the router's container is one like others"),
            (
                "attach 10.2.1.4/24 --add-host db:10.2.1.9 c1",
                "attach: --add-host: weave leaves the container's /etc/hosts alone",
            ),
        ];
        for (line, expected) in table {
            let error = translate(words(line)).expect_err(line);
            assert_eq!(error.to_string(), expected);
            assert!(error.next_step().is_some_and(|hint| hint.contains("eave ") || hint.contains("`--")), "{error:?}");
            assert!(!format!("{error:?}").contains("s3cret"));
        }
        let set = |name: &str| (name == "WEAVE_PASSWORD").then(|| "s3cret".to_owned());
        let error = no_password("launch", set).expect_err("refused");
        assert!(
            error
                .next_step()
                .is_some_and(|hint| hint.contains("--password-file FILE") && hint.ends_with("unset WEAVE_PASSWORD"))
        );
        assert!(!format!("{error:?}").contains("s3cret"));
        assert!(no_password("launch", |_| None).is_ok());
    }

    #[test]
    fn unknown_verbs_say_what_to_do() {
        let known = ["attach", "status"];
        let hint = |word| unknown_verb(word, &known).next_step().map(str::to_owned).unwrap_or_default();
        assert_eq!(hint("atach"), "did you mean `weave attach`?");
        assert_eq!(hint("start"), "use `weave run`, or `docker start`, then `weave attach ADDRESS... CONTAINER`");
        assert_eq!(hint("xyzzyx"), "`weave help` lists the commands");
        assert_eq!(unknown_verb("x", &known).to_string(), "unknown weave command `x`; allowed: attach, status");
    }
}
