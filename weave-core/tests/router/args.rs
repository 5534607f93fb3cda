//! The command line, with all flags that the real router knows. It knows them only with two dashes, stops at the first
//! word that is no flag, and ends with 125 when it does not understand.

use std::collections::BTreeMap;
use std::env;

use ipnetwork::{IpNetwork, Ipv4Network};

use crate::ipam::cidr;

/// What a flag's value may be.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Switch,
    Number,
    Text,
}

const SWITCHES: &str = "version print-peer-name resume expect-npc pkt-debug no-discovery no-dns no-fastdp \
    no-bridged-fastdp awsvpc plugin plugin-v2 plugin-v2-multicast no-masq-local proxy rewrite-inspect no-default-ipalloc \
    no-rewrite-hosts tls tlsverify without-dns no-multicast-route";
const NUMBERS: &str = "port min-protocol-version conn-limit bufsz mtu dns-ttl";
const TEXTS: &str = "host weave-bridge docker-bridge name nickname password log-level profile http-addr status-addr \
    metrics-addr ipalloc-init ipalloc-range ipalloc-default-subnet docker-api dns-domain dns-listen-address \
    dns-fallback-timeout resolv-conf datapath trusted-subnets db-prefix proc-path host-root peer-discovery-url token \
    advertise-address plugin-socket plugin-mesh-socket hostname-from-label hostname-match hostname-replacement tlscacert \
    tlscert tlskey";

/// What was asked for on the command line and in the environment.
pub(crate) struct Args {
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) bridge: String,
    pub(crate) name: Option<String>,
    pub(crate) nickname: Option<String>,
    pub(crate) password: Option<String>,
    pub(crate) discovery: bool,
    pub(crate) http: Option<String>,
    pub(crate) status: Option<String>,
    pub(crate) metrics: Option<String>,
    pub(crate) range: Option<Ipv4Network>,
    pub(crate) default_subnet: Option<Ipv4Network>,
    /// How many routers there are to be, where that is not told by the peers.
    pub(crate) count: Option<usize>,
    pub(crate) trusted: Vec<IpNetwork>,
    pub(crate) db_prefix: String,
    pub(crate) resume: bool,
    pub(crate) version: bool,
    pub(crate) print_name: bool,
    pub(crate) dns: bool,
    pub(crate) peers: Vec<String>,
}

/// Why the program cannot start: what it says, and its exit code.
pub(crate) struct Refusal(pub(crate) String, pub(crate) i32);

impl Args {
    /// Reads the words after the program's name.
    pub(crate) fn parse(words: Vec<String>) -> Result<Self, Refusal> {
        let (flags, peers) = split(words).map_err(|why| Refusal(format!("{why}\nSee 'weave --help'."), 125))?;
        let text = |name: &str| flags.get(name).filter(|value| !value.is_empty()).cloned();
        let on = |name: &str| flags.get(name).is_some_and(|value| value == "true");
        let fatal = |why: String| Refusal(format!("FATA: {why}"), 1);
        let subnet = |name: &str| text(name).map(|value| cidr::subnet(&value)).transpose().map_err(fatal);
        let (range, default_subnet) = (subnet("ipalloc-range")?, subnet("ipalloc-default-subnet")?);
        if range.is_none() && (default_subnet.is_some() || text("ipalloc-init").is_some()) {
            let which = if default_subnet.is_some() { "ipalloc-default-subnet" } else { "ipalloc-init" };
            return Err(fatal(format!("--{which} specified without --ipalloc-range.")));
        }
        if on("resume") && !peers.is_empty() {
            return Err(fatal("You must not specify an initial peer list in conjunction with --resume".to_owned()));
        }
        Ok(Self {
            host: text("host").unwrap_or_default(),
            port: number(&flags, "port", 6783).map_err(fatal)?,
            bridge: text("weave-bridge").unwrap_or_else(|| "weave".to_owned()),
            name: text("name"),
            nickname: text("nickname"),
            password: text("password").or_else(|| env::var("WEAVE_PASSWORD").ok().filter(|word| !word.is_empty())),
            discovery: !on("no-discovery"),
            http: text("http-addr"),
            status: text("status-addr"),
            metrics: text("metrics-addr"),
            range,
            default_subnet,
            count: text("ipalloc-init").and_then(|mode| mode.strip_prefix("consensus=")?.parse().ok()),
            trusted: trusted(text("trusted-subnets").as_deref()).map_err(fatal)?,
            db_prefix: text("db-prefix").unwrap_or_else(|| "/weavedb/weave".to_owned()),
            resume: on("resume"),
            version: on("version"),
            print_name: on("print-peer-name"),
            dns: !on("no-dns"),
            peers,
        })
    }
}

fn kind(name: &str) -> Option<Kind> {
    let lists = [(SWITCHES, Kind::Switch), (NUMBERS, Kind::Number), (TEXTS, Kind::Text)];
    lists.into_iter().find(|(names, _)| names.split_whitespace().any(|known| known == name)).map(|(_, kind)| kind)
}

/// Flags by name without dashes, and the words after them.
fn split(words: Vec<String>) -> Result<(BTreeMap<String, String>, Vec<String>), String> {
    let mut flags = BTreeMap::new();
    let mut words = words.into_iter().peekable();
    while let Some(word) = words.next_if(|word| word.starts_with('-') && word.len() > 1) {
        if word == "--" {
            break;
        }
        let undefined = |name: &str| format!("flag provided but not defined: -{name}");
        let Some(flag) = word.strip_prefix("--") else { return Err(undefined(&word[1..])) };
        let (name, given) = match flag.split_once('=') {
            Some((name, value)) => (name, Some(value.to_owned())),
            None => (flag, None),
        };
        let value = match kind(name) {
            None => return Err(undefined(&format!("-{name}"))),
            Some(Kind::Switch) => switch(name, given.as_deref().unwrap_or("true"))?,
            Some(kind) => {
                let value = given.or_else(|| words.next());
                let value = value.ok_or_else(|| format!("flag needs an argument: --{name}"))?;
                if kind == Kind::Number && value.parse::<i64>().is_err() {
                    let why = format!("strconv.ParseInt: parsing {value:?}: invalid syntax");
                    return Err(format!("invalid value {value:?} for flag --{name}: {why}"));
                }
                value
            }
        };
        flags.insert(name.to_owned(), value);
    }
    Ok((flags, words.collect()))
}

fn switch(name: &str, value: &str) -> Result<String, String> {
    match value {
        "1" | "t" | "T" | "TRUE" | "true" | "True" => Ok("true".to_owned()),
        "0" | "f" | "F" | "FALSE" | "false" | "False" => Ok("false".to_owned()),
        _ => Err(format!(
            "invalid boolean value {value:?} for  --{name}: strconv.ParseBool: parsing {value:?}: invalid syntax"
        )),
    }
}

fn number(flags: &BTreeMap<String, String>, name: &str, default: u16) -> Result<u16, String> {
    let Some(value) = flags.get(name) else { return Ok(default) };
    value.parse().map_err(|_| format!("listen tcp: address {value}: invalid port"))
}

fn trusted(list: Option<&str>) -> Result<Vec<IpNetwork>, String> {
    let parse = |word: &str| {
        let network = word.parse::<IpNetwork>().ok().filter(|_| word.contains('/'));
        network.ok_or_else(|| format!("Unable to parse trusted subnets: invalid CIDR address: {word}"))
    };
    list.unwrap_or_default().split(',').filter(|word| !word.is_empty()).map(parse).collect()
}
