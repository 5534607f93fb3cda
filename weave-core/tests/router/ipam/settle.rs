//! Requests for addresses from beginning to end: tried, asked of a peer where that is needed, tried again.

use std::net::Ipv4Addr;
use std::thread::sleep;
use std::time::Duration;

use ipnetwork::Ipv4Network;

use super::{Answer, Attempt, Ipam};
use crate::router::Router;

/// Between two attempts.
const PAUSE: Duration = Duration::from_millis(200);

/// A claim is refused when its owner was out of reach this often.
const ATTEMPTS: u32 = 6;

/// What the real router says to a caller that hung up while it waited.
pub(crate) const CANCELLED: &str = "cancelled";

/// An address for a container; waits for one as long as the caller does.
pub(crate) fn allocate(
    router: &Router,
    id: &str,
    subnet: Ipv4Network,
    gone: &dyn Fn() -> bool,
) -> Result<Ipv4Network, String> {
    loop {
        match attempt(router, |ipam| ipam.allocate(id, subnet))? {
            Attempt::Done(result) => return result,
            Attempt::Ask(_) if gone() => return Err(CANCELLED.to_owned()),
            Attempt::Ask(want) => {
                if !matches!(router.ask(&want), Answer::Gave) {
                    sleep(PAUSE);
                }
            }
        }
    }
}

/// How long a caller waits for what cannot be settled now.
pub(crate) enum Patience<'a> {
    /// Until it hangs up.
    Until(&'a dyn Fn() -> bool),
    /// Not at all. The real router promises such a caller to go on by itself, and forgets it when the caller hangs up.
    None,
}

/// An address that the caller chose. Of a range that nobody has divided, it waits until somebody does.
pub(crate) fn claim(router: &Router, id: &str, cidr: Ipv4Network, patience: &Patience<'_>) -> Result<(), String> {
    let mut left = ATTEMPTS;
    loop {
        match attempt(router, |ipam| ipam.claim(id, cidr))? {
            Attempt::Done(result) => return result.map_err(|why| format!("Unable to claim: {why}")),
            Attempt::Ask(want) if router.with_ipam(|ipam| ipam.ring.is_none()) == Some(true) => {
                let settled = matches!(router.ask(&want), Answer::Gave);
                match patience {
                    _ if settled => {}
                    Patience::None => {
                        router.with_ipam(|ipam| ipam.pending.push((id.to_owned(), cidr)));
                        return Ok(());
                    }
                    Patience::Until(gone) if gone() => return Err(CANCELLED.to_owned()),
                    Patience::Until(_) => sleep(PAUSE),
                }
            }
            Attempt::Ask(want) => {
                left -= 1;
                match router.ask(&want) {
                    Answer::Gave => {}
                    Answer::NobodyThere if left > 0 => sleep(PAUSE),
                    Answer::Refused | Answer::NobodyThere => return Err(denied(router, cidr)),
                }
            }
        }
    }
}

/// Releases one address of a container, or all of them.
pub(crate) fn release(router: &Router, id: &str, ip: Option<Ipv4Addr>) -> Result<(), String> {
    attempt(router, |ipam| match ip {
        Some(ip) => ipam.free(id, ip),
        None => ipam.delete(id),
    })?
}

fn attempt<T>(router: &Router, job: impl FnOnce(&mut Ipam) -> T) -> Result<T, String> {
    router.with_ipam(job).ok_or_else(|| "no allocation of addresses".to_owned())
}

fn denied(router: &Router, cidr: Ipv4Network) -> String {
    let holder = router.with_ipam(|ipam| ipam.ring.as_ref().map(|ring| ring.holder(cidr.ip()).clone())).flatten();
    let holder = holder.map(|holder| format!("{} ({})", holder.name, holder.nickname)).unwrap_or_default();
    format!("Unable to claim: address {cidr} is owned by other peer {holder}")
}
