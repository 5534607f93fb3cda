//! Names of peers: asked of this host's resolver, many at once, until a deadline.

use std::collections::{BTreeMap, VecDeque};
use std::net::{IpAddr, ToSocketAddrs};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::Builder;
use std::time::{Duration, Instant};

use crate::{Error, ErrorKind, Result};

/// How long an operation waits for the resolver.
pub(super) const PATIENCE: Duration = Duration::from_secs(5);

/// Questions that are open at the same time.
const THREADS: usize = 16;

/// The addresses of each name; none for a name that the resolver does not know.
///
/// The resolver's call cannot be broken off: a thread that waits in it when the deadline passes is left to itself.
pub(super) fn resolve(names: &[String], patience: Duration) -> Result<BTreeMap<String, Vec<IpAddr>>> {
    resolve_by(names, patience, addresses)
}

fn resolve_by(
    names: &[String],
    patience: Duration,
    addresses: fn(&str) -> Vec<IpAddr>,
) -> Result<BTreeMap<String, Vec<IpAddr>>> {
    let deadline = Instant::now() + patience;
    let waiting = Arc::new(Mutex::new(VecDeque::from(names.to_vec())));
    let (sender, answers) = mpsc::channel();
    for _ in 0..names.len().min(THREADS) {
        let (waiting, sender) = (Arc::clone(&waiting), sender.clone());
        let ask = move || {
            let next = || waiting.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
            while let Some(name) = next() {
                let found = addresses(&name);
                if sender.send((name, found)).is_err() {
                    return;
                }
            }
        };
        Builder::new()
            .name("weave-resolve".into())
            .spawn(ask)
            .map_err(|error| Error::os("peers", "start a thread", error))?;
    }
    drop(sender);
    let mut resolved = BTreeMap::new();
    loop {
        match answers.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
            Ok((name, found)) => {
                resolved.insert(name, found);
            }
            Err(RecvTimeoutError::Disconnected) => return Ok(resolved),
            Err(RecvTimeoutError::Timeout) => {
                let open = names.iter().find(|name| !resolved.contains_key(*name)).cloned().unwrap_or_default();
                waiting.lock().unwrap_or_else(PoisonError::into_inner).clear();
                let message = format!("`{open}` was not resolved within {} s", patience.as_secs());
                return Err(Error::new(ErrorKind::Timeout, "peers", message)
                    .hint("check this host's resolver, or name peers by address"));
            }
        }
    }
}

fn addresses(name: &str) -> Vec<IpAddr> {
    match (name, 0).to_socket_addrs() {
        Ok(found) => {
            let mut addresses: Vec<IpAddr> = Vec::new();
            for address in found.map(|socket| socket.ip()) {
                if !addresses.contains(&address) {
                    addresses.push(address);
                }
            }
            addresses
        }
        Err(error) => {
            tracing::debug!(name, %error, "the name does not resolve");
            Vec::new()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn slow(name: &str) -> Vec<IpAddr> {
        if name == "slow" {
            std::thread::sleep(Duration::from_secs(60));
        }
        vec![IpAddr::from([192, 0, 2, 1])]
    }

    #[test]
    fn every_name_is_answered_and_unknown_ones_with_nothing() {
        let mut names: Vec<String> = (0..40).map(|number| format!("h{number}")).collect();
        assert_eq!(resolve_by(&names, PATIENCE, slow).expect("answers").len(), 40);
        names = vec!["localhost".into(), "weave-test.invalid".into()];
        // Of the machine's own resolver nobody knows how long it takes.
        let resolved = resolve(&names, Duration::from_secs(120)).expect("answers");
        assert!(resolved["localhost"].iter().all(IpAddr::is_loopback) && !resolved["localhost"].is_empty());
        assert!(resolved["weave-test.invalid"].is_empty());
        assert!(resolve(&[], PATIENCE).expect("nothing").is_empty());
    }

    #[test]
    fn the_deadline_names_the_name() {
        let names = ["quick".to_owned(), "slow".to_owned()];
        let error = resolve_by(&names, Duration::from_secs(3), slow).expect_err("too slow");
        assert_eq!(error.kind(), ErrorKind::Timeout);
        assert!(error.message().contains("`slow`"), "{error}");
    }
}
