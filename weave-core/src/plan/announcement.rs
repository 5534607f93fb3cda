//! Which interfaces of this host addresses are announced from.

use serde::Serialize;

use super::{Place, Step};
use crate::observed::{Observed, pairs};
use crate::spec::{Announce, Cidr};
use crate::{Error, ErrorKind, Result, names};

/// Addresses of one interface that are announced.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Announced {
    /// The container, or `weave:expose` for the host itself.
    pub container: String,
    /// The interface in it; of the host itself, the bridge.
    pub interface: String,
    /// The addresses.
    pub ips: Vec<Cidr>,
    #[serde(skip)]
    place: Place,
}

impl Announced {
    /// The step that announces them.
    pub(crate) fn step(&self) -> Step {
        let addresses = self.ips.iter().map(Cidr::ip).collect();
        Step::Announce { place: self.place.clone(), link: self.interface.as_str().into(), addresses }
    }
}

/// What `spec` asks to be announced, as far as it is on the host.
///
/// # Errors
/// Those of [`target`](super::target); `NotFound` for a container without an interface on the network, `InvalidSpec` for an address that it does not have.
pub(crate) fn announced(spec: &Announce, observed: &Observed) -> Result<Vec<Announced>> {
    if let Some(container) = &spec.container {
        super::target(container, observed)?;
    }
    let asked = |ip: &Cidr| spec.ips.is_empty() || spec.ips.iter().any(|asked| asked.ip() == ip.ip());
    let mut all: Vec<Announced> = pairs(observed)
        .filter(|(.., container)| spec.container.as_ref().is_none_or(|asked| asked == *container))
        .map(|(pair, _, container)| Announced {
            container: pair.net.name.clone().unwrap_or_else(|| container.to_string()),
            interface: pair.inner.name.clone(),
            ips: pair.net.addresses_of(pair.inner.index).collect(),
            place: Place::Target(container.clone()),
        })
        .collect();
    match (&spec.container, observed.bridge()) {
        (Some(container), _) => has_them(spec, container.to_string(), &all)?,
        (None, Some((bridge, ..))) => all.push(Announced {
            container: names::EXPOSE.to_owned(),
            interface: bridge.name.clone(),
            ips: observed.addresses_of(bridge.index).collect(),
            place: Place::Host,
        }),
        (None, None) => {}
    }
    for one in &mut all {
        one.ips.retain(asked);
    }
    all.retain(|one| !one.ips.is_empty());
    all.sort_by(|a, b| (&a.container, &a.interface).cmp(&(&b.container, &b.interface)));
    Ok(all)
}

fn has_them(spec: &Announce, container: String, all: &[Announced]) -> Result<()> {
    let has: Vec<&Cidr> = all.iter().flat_map(|one| &one.ips).collect();
    if has.is_empty() {
        return Err(Error::new(ErrorKind::NotFound, container.clone(), "has no interface on the network")
            .hint(format!("attach it: `weave attach 10.2.1.4/24 {container}`")));
    }
    match spec.ips.iter().enumerate().find(|(_, ip)| !has.iter().any(|own| own.ip() == ip.ip())) {
        None => Ok(()),
        Some((at, ip)) => {
            let own: Vec<String> = has.iter().map(ToString::to_string).collect();
            let message = format!("{container} does not have {ip}; allowed: {}", own.join(", "));
            Err(Error::invalid(format!("ips[{at}]"), message))
        }
    }
}
