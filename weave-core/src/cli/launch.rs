//! `weave launch`: what its line looks like, and the operation that it asks for.

use std::str::FromStr;

use clap::{Args, ValueEnum};
use serde_json::Value;

use super::verbs::{Surroundings, list};
use crate::spec::run::{Command, Pull};
use crate::spec::{Firewall, IfName, Launch, List, Mac, Mtu, Options, RouterKind, Subnet, Underlay, from_value};
use crate::{Error, Result};

/// Which kind of router. Docs on the variants would blow up the help.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Kind {
    Vxlan,
    Image,
}

/// When the image is fetched.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum When {
    Missing,
    Always,
    Never,
}

/// Options of `launch`.
#[derive(Debug, Clone, Default, Args)]
pub(super) struct LaunchArgs {
    /// Underlay addresses or names of other hosts, with or without `:PORT`
    #[arg(value_name = "PEER")]
    peers: Vec<String>,
    /// What carries frames: the kernel, or a router in a container [default: vxlan]
    #[arg(long, value_enum)]
    kind: Option<Kind>,
    /// Port of the router, the same on all hosts [default: 6783]
    #[arg(long)]
    port: Option<u16>,
    /// VXLAN network identifier, the same on all hosts [default: 6783]
    #[arg(long)]
    vni: Option<u32>,
    /// MTU of the network in bytes, or `auto` [default: auto]
    #[arg(long)]
    mtu: Option<Mtu>,
    /// This host's address for the tunnel: an address, interface, network, or `auto` [default: auto]
    #[arg(long, alias = "host")]
    underlay: Option<Underlay>,
    /// Name of the bridge [default: weave]
    #[arg(long, value_name = "NAME")]
    bridge: Option<IfName>,
    /// Keep weave's rules in the packet filter [default]
    #[arg(long, overrides_with = "no_firewall")]
    firewall: bool,
    /// Leave the packet filter alone
    #[arg(long, overrides_with = "firewall")]
    no_firewall: bool,
    #[command(flatten)]
    image: ImageArgs,
}

/// Options of a router in a container.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Options of a router in a container (--kind image)")]
struct ImageArgs {
    /// The router's image, such as weaveworks/weave:2.8.1
    #[arg(long)]
    image: Option<String>,
    /// Name of its container [default: weave]
    #[arg(long)]
    name: Option<String>,
    /// When its image is fetched [default: missing]
    #[arg(long, value_enum, value_name = "WHEN")]
    pull: Option<When>,
    /// Options of `docker run` for its container, as one word
    #[arg(long, value_name = "OPTIONS", allow_hyphen_values = true)]
    docker_options: Option<String>,
    /// File with the network's password, which encrypts all traffic
    #[arg(long, alias = "passwordfile", value_name = "FILE")]
    password_file: Option<String>,
    /// Networks of the underlay where nothing is encrypted in spite of it
    #[arg(long, value_name = "NETWORKS")]
    trusted_subnets: Vec<String>,
    /// What this host is called in reports [default: its name]
    #[arg(long, value_name = "NAME")]
    nickname: Option<String>,
    /// Name of the router among its peers [default: the bridge's MAC]
    #[arg(long, value_name = "MAC")]
    peer_name: Option<Mac>,
    /// Network to allocate addresses from, the same on all hosts [default: none]
    #[arg(long, alias = "iprange", value_name = "NETWORK")]
    ipalloc_range: Option<Subnet>,
    /// The part of it that `net:default` is from [default: all of it]
    #[arg(long, value_name = "NETWORK")]
    ipalloc_default_subnet: Option<Subnet>,
    /// Connect to peers that others tell of [default]
    #[arg(long, overrides_with = "no_discovery")]
    discovery: bool,
    /// Connect to named peers only
    #[arg(long, overrides_with = "discovery")]
    no_discovery: bool,
    /// TCP port on 127.0.0.1 where the router takes orders [default: 6784]
    #[arg(long, value_name = "PORT")]
    control_port: Option<u16>,
    /// Further arguments of the router itself, such as --log-level=debug
    #[arg(last = true, value_name = "ARGUMENT")]
    args: Vec<String>,
}

/// The list that `words` are, if there are any.
fn some<T: FromStr<Err = Error>>(words: &[String]) -> Result<Option<List<T>>> {
    (!words.is_empty()).then(|| list(words)).transpose()
}

/// What is launched.
pub(super) fn launch(words: &LaunchArgs, from: &impl Surroundings) -> Result<Launch> {
    let image = &words.image;
    let kind = words.kind.map(|kind| match kind {
        Kind::Vxlan => RouterKind::Vxlan,
        Kind::Image => RouterKind::Image,
    });
    if image.password_file.is_none() {
        super::classic::no_password("launch", |name| from.variable(name))?;
    }
    let port = match (words.port, from.variable("WEAVE_PORT")) {
        (None, Some(text)) => Some(
            text.parse()
                .map_err(|_| Error::invalid("WEAVE_PORT", format!("`{text}` is no port; allowed: 1 to 65535")))?,
        ),
        (port, _) => port,
    };
    let mtu = match (words.mtu, from.variable("WEAVE_MTU")) {
        (None, Some(text)) => Some(text.parse().map_err(|error: Error| Error::invalid("WEAVE_MTU", error.message()))?),
        (mtu, _) => mtu,
    };
    let docker_options = image.docker_options.as_ref().map(|line| from_value::<Options>(Value::from(line.as_str())));
    Ok(Launch {
        peers: some(&words.peers)?,
        kind,
        port,
        vni: words.vni,
        mtu,
        underlay: words.underlay.clone(),
        bridge: words.bridge.clone(),
        image: image.image.clone(),
        name: image.name.clone(),
        args: (!image.args.is_empty()).then(|| Command::Words(image.args.clone())),
        docker_options: docker_options
            .transpose()
            .map_err(|error| Error::invalid("docker_options", error.message()))?
            .map(Box::new),
        password_file: image.password_file.clone(),
        nickname: image.nickname.clone(),
        peer_name: image.peer_name,
        trusted_subnets: some(&image.trusted_subnets).map_err(|error| {
            // A network does not know what it is for.
            Error::invalid(error.subject().replace("subnets", "trusted_subnets"), error.message())
        })?,
        ipalloc_range: image.ipalloc_range,
        ipalloc_default_subnet: image.ipalloc_default_subnet,
        discovery: (image.discovery || image.no_discovery).then_some(!image.no_discovery),
        control_port: image.control_port,
        pull: image.pull.map(|when| match when {
            When::Missing => Pull::Missing,
            When::Always => Pull::Always,
            When::Never => Pull::Never,
        }),
        firewall: (words.firewall || words.no_firewall).then_some(Firewall { manage: !words.no_firewall }),
    })
}
