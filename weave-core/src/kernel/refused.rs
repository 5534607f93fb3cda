//! Steps that were refused, in words that help.

use nix::libc::{EACCES, EADDRINUSE, EEXIST, EOPNOTSUPP, EXFULL};

use crate::netlink::Refusal;
use crate::plan::{Place, Step};
use crate::{Error, ErrorKind};

/// Why a step was not done.
pub(super) enum Failure {
    /// The kernel's no, which the step gives its words to.
    Refused(Refusal),
    /// Something else.
    Other(Error),
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Other(error)
    }
}

/// What is gone need not be deleted.
pub(super) fn unless_gone(answer: Result<(), Refusal>) -> Result<(), Refusal> {
    answer.or_else(|refusal| if refusal.is_gone() { Ok(()) } else { Err(refusal) })
}

/// The error of a step.
pub(super) fn in_words(step: &Step, failure: Failure) -> Error {
    let refusal = match failure {
        Failure::Other(error) => return error,
        Failure::Refused(refusal) => refusal,
    };
    let error = match refusal.errno {
        EEXIST => refusal.error_as(ErrorKind::Conflict, subject(step), step),
        _ => refusal.error(subject(step), step),
    };
    match hint(step, refusal.errno) {
        Some(hint) => error.hint(hint),
        None => error,
    }
}

/// The container or link that a step is about.
fn subject(step: &Step) -> String {
    let at = |place: &Place, link: &str| match place {
        Place::Host => link.to_owned(),
        Place::Target(name) => name.to_string(),
    };
    match step {
        Step::CreateBridge(new) => new.name.to_string(),
        Step::CreateVxlan(new) => new.name.to_string(),
        Step::CreateVeth(new) => new.target.to_string(),
        Step::CreateRouterPair(new) => new.bridge_end.to_string(),
        Step::DeleteLink { link }
        | Step::SetMark { link, .. }
        | Step::ClearMark { link, .. }
        | Step::SetBridge { link, .. }
        | Step::SetTunnel { link, .. }
        | Step::SetMaster { link, .. }
        | Step::SetLocalnet { link, .. }
        | Step::SetHairpin { link, .. }
        | Step::AddFlood { link, .. }
        | Step::DeleteFlood { link, .. } => link.to_string(),
        Step::SetMtu { place, link, .. }
        | Step::SetMac { place, link, .. }
        | Step::SetUp { place, link, .. }
        | Step::SetIpv6 { place, link, .. }
        | Step::SetOffload { place, link, .. }
        | Step::AddAddress { place, link, .. }
        | Step::DeleteAddress { place, link, .. }
        | Step::AddRoute { place, link, .. }
        | Step::DeleteRoute { place, link, .. }
        | Step::Announce { place, link, .. } => at(place, link),
        Step::Engine(_) => "engine".into(),
        Step::Control(_) => "router".into(),
        Step::DeleteLinks { .. }
        | Step::SetTable { .. }
        | Step::AddAccept(_)
        | Step::DeleteAccept(_)
        | Step::DropRouterRules { .. }
        | Step::ForgetFlows { .. } => "host".into(),
    }
}

fn hint(step: &Step, errno: i32) -> Option<&'static str> {
    match (step, errno) {
        (Step::CreateVeth(_) | Step::CreateRouterPair(_) | Step::SetMaster { .. }, EXFULL) => {
            Some("a Linux bridge has 1023 ports at most: use a second host, or a second bridge")
        }
        (Step::SetUp { .. }, EADDRINUSE) => {
            Some("another program or VXLAN device has this UDP port: choose another `port`")
        }
        (Step::CreateBridge(_), EOPNOTSUPP) => Some("the kernel has no bridges: modprobe bridge"),
        (Step::CreateVxlan(_), EOPNOTSUPP) => Some("the kernel has no VXLAN: modprobe vxlan"),
        (Step::CreateVeth(_) | Step::CreateRouterPair(_), EOPNOTSUPP) => {
            Some("the kernel has no veth pairs: modprobe veth")
        }
        (Step::SetOffload { .. }, EOPNOTSUPP) => {
            Some("this kernel cannot switch it on such a link, and without that the classic router does not work here")
        }
        (Step::AddAddress { address, .. }, EACCES) if !address.is_ipv4() => {
            Some("IPv6 is switched off there: set net.ipv6.conf.<link>.disable_ipv6 to 0")
        }
        _ => None,
    }
}
