//! `publish` and `unpublish` on the command line.

use std::net::IpAddr;

use clap::Args;

use crate::spec::options::Protocol;
use crate::spec::{Publication, Unpublish};
use crate::{Error, Result};

/// What runs over the port, and on which address it is.
#[derive(Debug, Clone, Default, Args)]
pub(super) struct Which {
    /// What runs over the port: tcp, udp or sctp [default: tcp]
    #[arg(long, value_name = "PROTOCOL", value_parser = protocol)]
    protocol: Option<Protocol>,
    /// The same as --protocol udp
    #[arg(long, conflicts_with_all = ["protocol", "sctp"])]
    udp: bool,
    /// The same as --protocol sctp
    #[arg(long, conflicts_with = "protocol")]
    sctp: bool,
    /// Only on this address of the host [default: all]
    #[arg(long, value_name = "ADDRESS")]
    host_ip: Option<IpAddr>,
}

/// Options of `publish`.
#[derive(Debug, Clone, Default, Args)]
pub(super) struct PublishArgs {
    #[command(flatten)]
    which: Which,
    /// Let clients keep their addresses; the container needs a way back to them through this host
    #[arg(long, alias = "no-masquerade")]
    without_masquerade: bool,
    /// Port of the host, and of the container where it is another
    #[arg(value_name = "HOST_PORT[:PORT]")]
    ports: String,
    /// A container's name, or its address on the network, on whichever host it is
    #[arg(value_name = "TO")]
    to: String,
}

/// Options of `unpublish`.
#[derive(Debug, Clone, Default, Args)]
pub(super) struct UnpublishArgs {
    #[command(flatten)]
    which: Which,
    /// Port of the host
    #[arg(value_name = "HOST_PORT")]
    port: String,
}

fn protocol(word: &str) -> Result<Protocol, String> {
    Protocol::named(word).ok_or_else(|| format!("`{word}` is no protocol; allowed: tcp, udp, sctp"))
}

impl Which {
    fn protocol(&self) -> Protocol {
        match (self.protocol, self.udp, self.sctp) {
            (Some(protocol), ..) => protocol,
            (_, true, _) => Protocol::Udp,
            (.., true) => Protocol::Sctp,
            _ => Protocol::Tcp,
        }
    }
}

/// A port, of which 0 is none.
fn port(field: &str, word: &str) -> Result<u16> {
    let number = word.chars().all(|c| c.is_ascii_digit()).then(|| word.parse().ok()).flatten();
    number.filter(|port| *port > 0).ok_or_else(|| {
        Error::invalid(field, format!("`{word}` is no port; allowed: 1 to 65535"))
            .hint("the port of the host first, then where to: `weave publish 8080:80 web`")
    })
}

/// # Errors
/// `InvalidSpec` for a wrong port, or where it leads nowhere.
pub(super) fn publish(args: &PublishArgs) -> Result<Publication> {
    let (host_port, inside) = args.ports.split_once(':').unwrap_or((&args.ports, &args.ports));
    Ok(Publication {
        host_port: port("host_port", host_port)?,
        to: args.to.parse()?,
        port: port("port", inside)?,
        protocol: args.which.protocol(),
        host_ip: args.which.host_ip,
        masquerade: !args.without_masquerade,
    })
}

/// # Errors
/// `InvalidSpec` for a wrong port.
pub(super) fn unpublish(args: &UnpublishArgs) -> Result<Unpublish> {
    Ok(Unpublish {
        host_port: Some(port("host_port", &args.port)?),
        protocol: args.which.protocol(),
        host_ip: args.which.host_ip,
        to: None,
        port: None,
        masquerade: None,
    })
}
