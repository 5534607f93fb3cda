//! Waiting for a router that was just started, as long as its container stays up.

use std::pin::pin;
use std::time::Duration;

use tokio::time::timeout;

use super::{Kernel, control, job};
use crate::host::Host;
use crate::observed::ContainerScope;
use crate::plan::ControlStep;
use crate::{Error, ErrorKind, Result};

/// How often the container is looked at meanwhile.
const LOOK: Duration = Duration::from_millis(500);

impl Kernel {
    /// Does what a router is asked, on a thread of its own: it may take its time. Should it be `started` just now and
    /// not stay up, that is not waited for.
    pub(super) async fn ask_router(&self, step: &ControlStep, started: Option<&str>) -> Result<()> {
        let asked = step.clone();
        let mut answer = pin!(job::start(&self.host, move || control::act(&asked))?.wait());
        let started = started.filter(|_| matches!(step, ControlStep::Ready { .. }));
        let Some(name) = started else { return answer.await };
        loop {
            match timeout(LOOK, &mut answer).await {
                Ok(answer) => return answer,
                Err(_) => self.is_up(name).await?,
            }
        }
    }

    async fn is_up(&self, name: &str) -> Result<()> {
        let names = vec![name.to_owned()];
        let scope = ContainerScope { logs: names.clone(), names, ..ContainerScope::default() };
        // Whoever cannot be asked now says nothing against it.
        let Ok(seen) = self.observe_containers(&scope).await else { return Ok(()) };
        let why = match seen.containers.get(name) {
            Some(container) if container.runs() && container.restarts == 0 => return Ok(()),
            // That of its last run is not known any more.
            Some(container) if container.restarts > 0 => "the router ends at once, each time it is started".to_owned(),
            Some(container) => format!("the router ended at once, with exit code {}", container.exit_code),
            None => "the router's container is gone".to_owned(),
        };
        let log = seen.logs.get(name).map(|lines| lines.join(" | ")).unwrap_or_default();
        let message = if log.is_empty() { why } else { format!("{why}; it said: {log}") };
        let hint = advice(&message);
        Err(Error::new(ErrorKind::Router, name, message).hint(hint))
    }
}

/// What to do about a router that ends with such words. It makes links and rules that nobody else here needs.
fn advice(said: &str) -> &'static str {
    if said.contains("dummy interface: operation not supported") {
        "the router makes a dummy interface for a moment, which this kernel cannot: `modprobe dummy` loads what it needs"
    } else if said.contains("do you need to insmod?") {
        "the iptables of the image is of the older kind, which this kernel has not loaded: `modprobe -a iptable_filter \
         iptable_nat iptable_mangle` does"
    } else {
        "look at `args`, `docker_options` and the image"
    }
}

#[cfg(test)]
mod tests {
    use super::advice;

    #[test]
    fn what_the_kernel_lacks_is_told_by_its_module() {
        for (said, words) in [
            ("FATA: 2026/11/23 14:23:45.893178 creating dummy interface: operation not supported", "modprobe dummy"),
            ("can't initialize iptables table `nat': Table does not exist (do you need to insmod?)", "iptable_nat"),
            ("the router ended at once, with exit code 1", "docker_options"),
        ] {
            assert!(advice(said).contains(words), "{said}");
        }
    }
}
