//! What steps can have changed, where that is little: only that is looked at again.

use std::sync::Arc;

use super::{Place, Step};
use crate::observed::Touched;

impl Step {
    /// Adds what it can have changed of the host, besides the insides of containers; `false` where that is more than can
    /// be said.
    pub(crate) fn touches(&self, touched: &mut Touched) -> bool {
        match self {
            // A bridge that somebody else made, and gave no MTU, takes the least of its ports.
            Self::CreateVeth(new) => touched.links.extend([Arc::clone(&new.name), Arc::clone(&new.bridge)]),
            Self::AddFlood { link, .. } | Self::DeleteFlood { link, .. } => {
                touched.links.insert(Arc::clone(link));
                touched.flood = true;
            }
            Self::SetMtu { place, .. }
            | Self::SetMac { place, .. }
            | Self::SetUp { place, .. }
            | Self::SetOffload { place, .. }
            | Self::SetIpv6 { place, .. }
            | Self::AddAddress { place, .. }
            | Self::DeleteAddress { place, .. }
            | Self::AddRoute { place, .. }
            | Self::DeleteRoute { place, .. }
            | Self::Announce { place, .. } => return matches!(place, Place::Target(_)),
            _ => return false,
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::Flows;

    #[test]
    fn of_what_concerns_the_host_everything_is_looked_at() {
        let (place, link): (Place, Arc<str>) = (Place::Host, "weave".into());
        let mut touched = Touched::default();
        for step in [
            Step::SetUp { place: place.clone(), link: link.clone(), up: true },
            Step::SetMtu { place, link: link.clone(), mtu: 1400, before: 1500 },
            Step::SetHairpin { link: link.clone(), on: true, before: false },
            Step::DeleteLink { link },
            Step::SetTable { after: None, before: None },
            Step::ForgetFlows { of: Flows::All(Vec::new()) },
        ] {
            assert!(!step.touches(&mut touched), "{step}");
        }
        assert_eq!(touched, Touched::default());
    }
}
