//! Further arguments of a router in a container.

use crate::spec::run::Command;
use crate::{Error, Result};

/// Flags of the router that weave gives itself, and what says the same.
const OWN: &[(&str, &str)] = &[
    ("port", "the setting `port`"),
    ("nickname", "the setting `nickname`"),
    ("name", "the setting `peer_name`"),
    ("password", "the setting `password_file`"),
    ("http-addr", "the setting `control_port`"),
    ("status-addr", "none, for weave sets it next to the `control_port`"),
    ("trusted-subnets", "the setting `trusted_subnets`"),
    ("ipalloc-range", "the setting `ipalloc_range`"),
    ("ipalloc-default-subnet", "the setting `ipalloc_default_subnet`"),
    ("no-discovery", "the setting `discovery: false`"),
    ("mtu", "the setting `mtu`"),
    ("weave-bridge", "the setting `bridge`"),
    ("no-fastdp", "none, for weave always gives it"),
    ("no-dns", "none, for weave gives it where no `--dns-…` is among `args`"),
];

/// Flags that have no value, so that the word after one is not its value (`prog/weaver/main.go` of the router, 2.8.1).
const SWITCHES: &[&str] = &[
    "awsvpc",
    "expect-npc",
    "help",
    "no-bridged-fastdp",
    "no-default-ipalloc",
    "no-masq-local",
    "no-multicast-route",
    "no-rewrite-hosts",
    "pkt-debug",
    "plugin",
    "plugin-v2",
    "plugin-v2-multicast",
    "print-peer-name",
    "proxy",
    "resume",
    "rewrite-inspect",
    "tls",
    "tlsverify",
    "version",
    "without-dns",
];

/// Refuses what has a setting of its own, and peers. Values are not repeated, for one may be a password.
pub(super) fn check(args: &Command) -> Result<()> {
    let Ok(words) = args.words() else {
        let message = "has a quote or backslash without its end; allowed: words as in a shell";
        return Err(Error::invalid("args", message));
    };
    let wrong = |at: usize, message: String| {
        let error = Error::invalid("args", message);
        Err(if matches!(args, Command::Words(_)) { error.item(at) } else { error })
    };
    let mut words = words.iter().enumerate();
    while let Some((at, word)) = words.next() {
        let Some(flag) = word.strip_prefix('-').filter(|flag| !flag.is_empty() && *flag != "-") else {
            let message = format!("`{word}` would be a peer of the router; allowed: peers among `peers`");
            return wrong(at, message);
        };
        let flag = flag.strip_prefix('-').unwrap_or(flag);
        let (name, value) = match flag.split_once('=') {
            Some((name, value)) => (name, Some(value)),
            None => (flag, None),
        };
        if let Some((_, instead)) = OWN.iter().find(|(own, _)| *own == name) {
            return wrong(at, format!("`--{name}` is what weave gives the router; allowed: {instead}"));
        }
        if value.is_none() && !SWITCHES.contains(&name) {
            words.next();
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_setting_is_refused_in_every_spelling_and_what_is_none_is_taken() {
        for (name, _) in OWN {
            for line in [format!("--{name} x"), format!("-{name} x"), format!("--{name}=x"), format!("-{name}=x")] {
                let error = check(&Command::Line(format!("--log-level debug {line}"))).expect_err(&line);
                assert_eq!(error.subject(), "args");
                assert!(error.message().starts_with(&format!("`--{name}` is what weave gives")), "{error}");
                assert!(error.message().contains("; allowed: "), "{error}");
            }
        }
        for line in [
            "",
            "--docker-api= --plugin --proxy --host-root=/host --dns-domain weave.local. -H unix:///run/weave.sock",
            "--log-level=debug --conn-limit 50 --no-masq-local --resume --ipalloc-init seed=a,b --fork-flag 192.0.2.2",
        ] {
            check(&Command::Line(line.to_owned())).expect(line);
        }
    }

    #[test]
    fn a_plain_word_is_a_peer_unless_it_is_the_value_of_a_flag() {
        for (words, at) in [
            (&["192.0.2.2"][..], 0),
            (&["--plugin", "192.0.2.2"], 1),
            (&["--log-level=debug", "192.0.2.2"], 1),
            (&["--log-level", "debug", "192.0.2.2"], 2),
            (&["--", "192.0.2.2"], 0),
        ] {
            let words = words.iter().map(|word| (*word).to_owned()).collect();
            let error = check(&Command::Words(words)).expect_err("a peer");
            assert_eq!(error.subject(), format!("args[{at}]"), "{error}");
            assert!(error.message().contains("a peer"), "{error}");
        }
    }

    #[test]
    fn no_password_is_repeated() {
        for line in ["--password=s3cret", "--password s3cret", "--password 's3cret"] {
            let error = check(&Command::Line(line.to_owned())).expect_err(line);
            assert!(!format!("{error:?} {error}").contains("s3cret"), "{error:?}");
        }
    }
}
