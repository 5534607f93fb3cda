//! What a weave router container is asked for, one method for each request.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::thread;
use std::time::{Duration, Instant};

use ipnetwork::IpNetwork;
use serde::Deserialize;

use super::exchange::{Answer, Request, STRANGER, encoded, exchange, never_ready, nonsense, refusal, words};
use super::report;
use crate::observed::RouterReport;
use crate::spec::Cidr;
use crate::{Error, Result};

/// How long to wait between two questions whether the router is ready.
const PAUSE: Duration = Duration::from_millis(50);

const NO_IPAM: &str = "this router allocates no addresses; launch it with a range to take them from";

/// The control port of a router container. Blocks, and belongs on a thread that is in the host's network namespace.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Control {
    port: u16,
    patience: Duration,
}

impl Control {
    /// The router whose control port is `port` of 127.0.0.1; `patience` is for a whole exchange, from connecting to the
    /// last byte of the answer.
    pub(crate) fn new(port: u16, patience: Duration) -> Self {
        Self { port, patience }
    }

    /// Where it listens.
    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// Waits until the router is ready (`GET /status` answers 200), for as long as `within`, and asks at least once.
    ///
    /// # Errors
    /// `Timeout`, with the reason why the last question had no good answer.
    pub(crate) fn ready(&self, within: Duration) -> Result<()> {
        let start = Instant::now();
        loop {
            let left = within.saturating_sub(start.elapsed());
            let patience = self.patience.min(left.max(PAUSE));
            let request = Request::new("ask whether it is ready", "GET", "/status");
            let why = match exchange(self.port, patience, &request) {
                Ok(answer) if answer.status == 200 => return Ok(()),
                Ok(answer) if answer.status == 503 => "it says that it is still starting (HTTP 503)".to_owned(),
                Ok(answer) => self.refused(&request, &answer).message().to_owned(),
                Err(error) => error.message().to_owned(),
            };
            if start.elapsed() + PAUSE >= within {
                return Err(never_ready(self.port, within, &why));
            }
            thread::sleep(PAUSE);
        }
    }

    /// What the router says of itself and its peers (`GET /report`).
    ///
    /// # Errors
    /// `Timeout`, `Router`.
    pub(crate) fn report(&self) -> Result<RouterReport> {
        let what = "read the report";
        let answer = self.ask(Request { json: true, ..Request::new(what, "GET", "/report") })?;
        report::parse(&answer.body).map_err(|error| nonsense(self.port, what, error))
    }

    /// Makes `peers` targets, which the router connects to and connects to again until they are forgotten; with
    /// `replace` nobody else is a target then (`weave connect [--replace] PEER...`). Those that are targets are tried at
    /// once.
    ///
    /// # Errors
    /// `Timeout`; `Router`, also when a name of some peer is not found, and then the others are targets nevertheless.
    pub(crate) fn connect(&self, peers: &[String], replace: bool) -> Result<()> {
        let mut form = fields(peers);
        if replace {
            form.push(("replace", "true"));
        }
        let what = format!("connect to {}", listed(peers));
        self.ask(Request { form: Some(form), ..Request::new(what, "POST", "/connect") }).map(drop)
    }

    /// Peers are no targets any more; what is connected stays so until it breaks (`weave forget PEER...`). Each has to
    /// be written as it was to [`Control::connect`]; what is no target is none afterwards either.
    ///
    /// # Errors
    /// `Timeout`, `Router`.
    pub(crate) fn forget(&self, peers: &[String]) -> Result<()> {
        let what = format!("forget {}", listed(peers));
        self.ask(Request { form: Some(fields(peers)), ..Request::new(what, "POST", "/forget") }).map(drop)
    }

    /// The addresses that containers of this host hold, by their ids (`weave ps`); `None` when the router allocates no
    /// addresses. The order is the router's.
    ///
    /// # Errors
    /// `Timeout`, `Router`.
    pub(crate) fn owned(&self) -> Result<Option<BTreeMap<String, Vec<Cidr>>>> {
        let what = "list addresses";
        let Some(answer) = self.ask_ipam(Request::new(what, "GET", "/ip"))? else { return Ok(None) };
        let owners: Owners = serde_json::from_slice(&answer.body).map_err(|error| nonsense(self.port, what, error))?;
        let mut owned = BTreeMap::<String, Vec<Cidr>>::new();
        for owner in owners.owned.unwrap_or_default() {
            let addresses = owner.addrs.unwrap_or_default();
            let addresses = addresses.iter().map(|address| self.address(what, address)).collect::<Result<Vec<_>>>()?;
            owned.entry(owner.containerid).or_default().extend(addresses);
        }
        Ok(Some(owned))
    }

    /// Where addresses come from when no subnet is named; `None` when the router allocates no addresses.
    ///
    /// # Errors
    /// `Timeout`, `Router`.
    #[cfg(test)]
    pub(crate) fn default_subnet(&self) -> Result<Option<IpNetwork>> {
        let what = "ask for the default subnet";
        let Some(answer) = self.ask_ipam(Request::new(what, "GET", "/ipinfo/defaultsubnet"))? else { return Ok(None) };
        Ok(Some(self.address(what, &answer.text())?.network()))
    }

    /// An address of `subnet`, or of the default subnet, for `id`: the one that it holds there, else a free one. Waits
    /// until there is one, so as long as the patience lasts.
    ///
    /// # Errors
    /// `InvalidSpec` for an id that no path can have; `Timeout`; `Router`, also when the router allocates no addresses.
    pub(crate) fn allocate(&self, id: &str, subnet: Option<IpNetwork>) -> Result<Cidr> {
        let mut path = ip_path(id)?;
        let mut what = format!("allocate an address for {id}");
        if let Some(subnet) = subnet {
            path = format!("{path}/{}/{}", encoded(&subnet.ip().to_string()), subnet.prefix());
            what = format!("{what} in {subnet}");
        }
        let answer = self.ask(Request::new(&*what, "POST", path))?;
        self.address(&what, &answer.text())
    }

    /// `id` holds `address`, so nobody else is given it. Again is no error, nor is an address outside of the range.
    ///
    /// # Errors
    /// `InvalidSpec` for an id that no path can have; `Timeout`; `Router`, also when somebody else holds it, or the
    /// router allocates no addresses.
    pub(crate) fn claim(&self, id: &str, address: Cidr) -> Result<()> {
        let path = format!("{}/{}/{}", ip_path(id)?, encoded(&address.ip().to_string()), address.prefix());
        let what = format!("claim {address} for {id}");
        let answer = self.ask(Request::new(&*what, "PUT", path))?;
        // A router that ends says 200 and `cancelled`.
        if answer.body.is_empty() { Ok(()) } else { Err(refusal(self.port, &what, words(&answer.body))) }
    }

    /// Says that `address` of the range is wanted, which has the routers divide the range among themselves if they have
    /// not yet. Answered at once; what cannot be claimed at once is not claimed.
    ///
    /// # Errors
    /// As [`Control::claim`]. One that is too old to know this answers only when the range is divided.
    pub(crate) fn begin(&self, id: &str, address: Cidr) -> Result<()> {
        let path = format!(
            "{}/{}/{}?noErrorOnUnknown=true",
            ip_path(id)?,
            encoded(&address.ip().to_string()),
            address.prefix()
        );
        self.ask(Request::new(format!("have the range of {address} divided"), "PUT", path)).map(drop)
    }

    /// `id` holds `address` no longer; without one, none at all.
    ///
    /// # Errors
    /// `InvalidSpec` for an id that no path can have; `Timeout`; `Router`, also when `id` does not hold it.
    pub(crate) fn release(&self, id: &str, address: Option<IpAddr>) -> Result<()> {
        let mut path = ip_path(id)?;
        let mut what = format!("release all addresses of {id}");
        if let Some(address) = address {
            path = format!("{path}/{}", encoded(&address.to_string()));
            what = format!("release {address} of {id}");
        }
        self.ask(Request::new(what, "DELETE", path)).map(drop)
    }

    /// The answer, when the router did what it was asked for.
    pub(super) fn ask(&self, request: Request<'_>) -> Result<Answer> {
        let answer = exchange(self.port, self.patience, &request)?;
        if (200..300).contains(&answer.status) { Ok(answer) } else { Err(self.refused(&request, &answer)) }
    }

    /// As [`Control::ask`]; `None` when the router has no such path, since it allocates no addresses.
    fn ask_ipam(&self, request: Request<'_>) -> Result<Option<Answer>> {
        let answer = exchange(self.port, self.patience, &request)?;
        match answer.status {
            200..300 => Ok(Some(answer)),
            404 => Ok(None),
            _ => Err(self.refused(&request, &answer)),
        }
    }

    fn refused(&self, request: &Request<'_>, answer: &Answer) -> Error {
        let words = words(&answer.body);
        let error = refusal(self.port, &request.what, format_args!("{words} (HTTP {})", answer.status));
        match answer.status {
            404 if request.path.starts_with("/ip/") => error.hint(NO_IPAM),
            404 => error.hint(STRANGER),
            _ => error,
        }
    }

    /// An address with a prefix length as the router writes it; it has judged it already.
    fn address(&self, what: &str, text: &str) -> Result<Cidr> {
        // Without a length, the parser would take it for a network of one address.
        let text = text.trim();
        let network = text.contains('/').then(|| text.parse::<IpNetwork>().ok());
        network
            .flatten()
            .and_then(|network| Cidr::observed(network.ip(), network.prefix()))
            .ok_or_else(|| nonsense(self.port, what, format_args!("`{}`", words(text.as_bytes()))))
    }
}

/// Who holds which addresses; lists of Go without items are null.
#[derive(Deserialize)]
#[serde(expecting = "a list of owners")]
struct Owners {
    owned: Option<Vec<Owner>>,
}

#[derive(Deserialize)]
struct Owner {
    containerid: String,
    addrs: Option<Vec<String>>,
}

fn fields(peers: &[String]) -> Vec<(&'static str, &str)> {
    peers.iter().map(|peer| ("peer", peer.as_str())).collect()
}

fn listed(peers: &[String]) -> String {
    if peers.is_empty() { "no peers".to_owned() } else { peers.join(", ") }
}

/// The path of the addresses of `id`.
fn ip_path(id: &str) -> Result<String> {
    // The router decodes a path before it takes it apart, and folds `.`, `..` and empty parts.
    if id.is_empty() || id == "." || id == ".." || id.contains('/') {
        let message = format!("`{id}` cannot hold an address; allowed: the id of a container, without `/`");
        return Err(Error::invalid("id", message));
    }
    Ok(format!("/ip/{}", encoded(id)))
}
