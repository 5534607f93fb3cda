//! What the kernel drops by itself with what a step takes away: routes, and addresses of IPv6.

use std::collections::BTreeMap;

use super::again::routes;
use super::{inside, link_in};
use crate::names;
use crate::observed::{InterfaceRoute, Observed};
use crate::plan::{Place, Step};
use crate::spec::{Cidr, Route};

/// Steps that put back what was dropped besides what `done` named. They come last: routes need all addresses.
pub(super) fn steps(done: &[&Step], before: &Observed) -> Vec<Step> {
    let mut links: BTreeMap<(&Place, &str), Inside> = BTreeMap::new();
    for step in done.iter().copied() {
        let (Step::AddAddress { place, link, .. }
        | Step::DeleteAddress { place, link, .. }
        | Step::DeleteRoute { place, link, .. }
        | Step::SetIpv6 { place, link, .. }
        | Step::SetMtu { place, link, .. }) = step
        else {
            continue;
        };
        links.entry((place, link)).or_insert_with(|| Inside::of(before, place, link)).replay(step);
    }
    links.into_iter().flat_map(|((place, link), inside)| inside.put_back(place, link)).collect()
}

/// One link, step by step.
#[derive(Default)]
struct Inside {
    addresses: Vec<Cidr>,
    routes: Vec<InterfaceRoute>,
    lost_addresses: Vec<Cidr>,
    lost_routes: Vec<InterfaceRoute>,
}

impl Inside {
    fn of(before: &Observed, place: &Place, link: &str) -> Self {
        let Some(index) = link_in(before, place, link).map(|link| link.index) else { return Self::default() };
        let (addresses, routes) = inside(before, place);
        let addresses = addresses.iter().filter(|address| address.ifindex == index);
        let routes = routes.iter().filter(|route| route.ifindex == index && !route.by_kernel);
        Self {
            addresses: addresses.map(|address| address.address).collect(),
            routes: routes.copied().collect(),
            ..Self::default()
        }
    }

    fn replay(&mut self, step: &Step) {
        match step {
            Step::AddAddress { address, .. } => self.addresses.push(*address),
            Step::DeleteAddress { address, .. } => {
                self.addresses.retain(|other| other != address);
                // With the last IPv4 address go all IPv4 routes; without, they stay, even over a neighbour that is
                // not near any more. Those of IPv6 stay in either case.
                if address.is_ipv4() && !self.addresses.iter().any(Cidr::is_ipv4) {
                    self.lose_routes(true);
                }
            }
            Step::DeleteRoute { route, .. } => {
                self.routes.retain(|other| (other.to, other.via) != (route.to, route.via));
            }
            Step::SetIpv6 { key, value, .. } if *key == "disable_ipv6" && *value != 0 => self.lose_ipv6(),
            Step::SetMtu { mtu, .. } if *mtu < names::MTU_MIN_V6 => self.lose_ipv6(),
            _ => {}
        }
    }

    fn lose_ipv6(&mut self) {
        self.lost_addresses.extend(self.addresses.extract_if(.., |address| !address.is_ipv4()));
        self.lose_routes(false);
    }

    fn lose_routes(&mut self, ipv4: bool) {
        self.lost_routes.extend(self.routes.extract_if(.., |route| route.to.is_ipv4() == ipv4));
    }

    fn put_back<'a>(self, place: &'a Place, link: &'a str) -> impl Iterator<Item = Step> + 'a {
        let address = |address| Step::AddAddress { place: place.clone(), link: link.into(), address };
        let route = |route: Route| Step::AddRoute { place: place.clone(), link: link.into(), route };
        self.lost_addresses.into_iter().map(address).chain(routes(self.lost_routes.iter()).into_iter().map(route))
    }
}
