//! Telling the network again where addresses are.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::sync::Arc;

use serde_json::json;

use super::{Report, checked};
use crate::Result;
use crate::apply::{Mode, in_words, look};
use crate::host::{Host, OnError, Outcome, Owner};
use crate::observed::{Observed, Scope};
use crate::plan::{Announced, Flows, Step, announced};
use crate::spec::{Announce, Cidr};

/// Tells the network where addresses of this host are, by gratuitous ARP and unsolicited neighbour advertisement
/// (`arping -A`), and forgets the connections that the host's kernel remembers of them (`conntrack -D`). After an
/// address came from another host, or has gone to one, nobody then goes on with the old place. Addresses that are
/// nowhere on this host are not announced; their connections are forgotten. Of those that are here, live TCP connections
/// are kept: a container that has really moved resets them itself.
///
/// [`attach`](super::attachment::attach) announces by itself; this is for what happens elsewhere. It changes nothing
/// that a document says, so its report never says `changed`: `steps` are what it sent and forgot, and `result` is
/// `{announced: [{container, interface, ips}], elsewhere: [{address, mac, peer, link}]}`, with `weave:expose` for the host
/// itself; `elsewhere` is who on the network answers to addresses that are not here.
///
/// # Errors
/// `NotFound` for a container that does not exist or has no interface on the network; `ContainerNotRunning`;
/// `InvalidSpec` for an address that the container does not have; `Unsupported` for an interface that is down.
pub async fn announce<H: Host>(host: &H, spec: &Announce, mode: Mode) -> Result<Report> {
    checked("announce", spec.validate())?;
    under_lock(host, spec, mode).await.map_err(|error| error.op("announce"))
}

async fn under_lock<H: Host>(host: &H, spec: &Announce, mode: Mode) -> Result<Report> {
    let _guard = match mode {
        Mode::Apply => Some(host.lock("announce").await?),
        Mode::Check => None,
    };
    let scope = match &spec.container {
        Some(container) => Scope { targets: vec![container.clone()], ..Scope::default() },
        None => Scope { attachments: true, ..Scope::default() },
    };
    let observed = look(host, &scope).await?;
    let announced = announced(spec, &observed)?;
    let steps = Arc::new(steps(spec, &announced));
    if mode == Mode::Apply {
        for outcome in host.execute(Arc::clone(&steps), OnError::Continue).await {
            if let Outcome::Failed(error) = outcome {
                return Err(error);
            }
        }
    }
    let elsewhere = match mode {
        Mode::Apply => elsewhere(host, spec, &announced, &observed).await?,
        Mode::Check => Vec::new(),
    };
    let report = Report::read("announce", None, json!({ "announced": announced, "elsewhere": elsewhere }));
    Ok(Report { check: mode == Mode::Check, steps: in_words(steps.iter()).collect(), ..report })
}

/// Who has the addresses that were named and are not here.
async fn elsewhere<H: Host>(
    host: &H,
    spec: &Announce,
    announced: &[Announced],
    observed: &Observed,
) -> Result<Vec<Owner>> {
    let here = |ip: &Cidr| announced.iter().flat_map(|one| &one.ips).any(|own| own.ip() == ip.ip());
    let away: Vec<IpAddr> = spec.ips.iter().filter(|ip| !here(ip)).map(Cidr::ip).collect();
    match observed.bridge() {
        Some((bridge, ..)) if !away.is_empty() => host.probe(&bridge.name, &away).await,
        _ => Ok(Vec::new()),
    }
}

fn steps(spec: &Announce, announced: &[Announced]) -> Vec<Step> {
    let mut steps: Vec<Step> = announced.iter().map(Announced::step).collect();
    let here: BTreeSet<IpAddr> = announced.iter().flat_map(|one| &one.ips).map(Cidr::ip).collect();
    let gone: BTreeSet<IpAddr> = spec.ips.iter().map(Cidr::ip).filter(|ip| !here.contains(ip)).collect();
    let of = [Flows::Idle(here.iter().copied().collect()), Flows::All(gone.iter().copied().collect())];
    let some = [!here.is_empty(), !gone.is_empty()];
    steps.extend(of.into_iter().zip(some).filter(|(_, some)| *some).map(|(of, _)| Step::ForgetFlows { of }));
    steps
}
