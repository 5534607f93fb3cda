//! Whether the container on the target is what the one on the source was: it stays up, and answers to its addresses.

use std::time::Duration;

use serde_json::Value;
use tokio::time::{Instant, sleep, sleep_until};

use super::act::Run;
use crate::apply::BEHIND_PEER;
use crate::observed::ContainerScope;
use crate::plan::migration::Target;
use crate::spec::{Attach, Cidr, Mac};
use crate::{Error, ErrorKind, Result};

/// How long it has to stay up before it is believed.
const PROOF: Duration = Duration::from_secs(1);

/// How long an address is tried that the source's namespace may still answer to, on its host: one process of the kernel
/// takes all namespaces apart whose last program has ended, one after the other.
const APART: Duration = Duration::from_secs(60);

/// How long the container is asked for, whatever a question takes; and how long an address is tried that may be another's.
const ANSWER: Duration = Duration::from_secs(10);

/// Between two tries.
const PAUSE: Duration = Duration::from_millis(300);

impl Run<'_> {
    /// Gives the target the interfaces that the source had.
    pub(super) async fn attach_target(&mut self) -> Result<()> {
        let interfaces = self.journal().map(|journal| journal.interfaces.clone()).unwrap_or_default();
        for attach in &interfaces {
            let attach = Attach { probe: true, ..attach.clone() };
            let begun = Instant::now();
            loop {
                match self.to.attach(&attach).await {
                    Err(error) if error.kind() == ErrorKind::Conflict && begun.elapsed() < patience(&error) => {
                        sleep(PAUSE).await;
                    }
                    done => break done?,
                }
            }
        }
        self.back_again = Some(Instant::now());
        Ok(())
    }

    /// Sees that the container stays up, tells both hosts where its addresses are, and asks from the source's who has
    /// them.
    pub(super) async fn prove(&mut self) -> Result<()> {
        let interfaces = self.journal().map(|journal| journal.interfaces.clone()).unwrap_or_default();
        if !interfaces.is_empty() {
            self.to.announce(Some(&self.spec.name), &[]).await?;
            self.answers(&interfaces).await?;
        }
        if let Some(started) = self.started {
            sleep_until(started + PROOF).await;
        }
        self.look_back().await?;
        match &self.ends.target {
            Target::Ours(target) if target.runs => Ok(()),
            _ => Err(self.ended().await),
        }
    }

    /// Asks the network of the source for the addresses until the container answers.
    async fn answers(&self, interfaces: &[Attach]) -> Result<()> {
        let all: Vec<(Cidr, Option<Mac>)> =
            interfaces.iter().flat_map(|attach| attach.ips.iter().map(|ip| (*ip, attach.mac))).collect();
        let ips: Vec<Cidr> = all.iter().map(|(ip, _)| *ip).collect();
        let end = Instant::now() + ANSWER;
        loop {
            let said = self.from.announce(None, &ips).await?;
            let silent = all.iter().find(|(ip, mac)| !is_answered(&said, ip, mac.as_ref()));
            match silent {
                None => return Ok(()),
                Some(_) if Instant::now() < end => sleep(PAUSE).await,
                Some((ip, _)) => {
                    let (from, to) = (&self.from.name, &self.to.name);
                    let message = format!("on {to}, it does not answer to {ip} as it is asked from {from}");
                    return Err(Error::new(ErrorKind::VerifyFailed, &self.spec.name, message).hint(
                        "are the two hosts peers of each other? `weave status` on each of them; `ping` between two \
                         other containers",
                    ));
                }
            }
        }
    }

    /// The error of a container that did not stay up on the target, with its last words.
    pub(super) async fn ended(&self) -> Error {
        let name = &self.spec.name;
        let exit = self.target.as_ref().map_or(0, |target| target.exit_code);
        let scope = ContainerScope { logs: vec![name.clone()], ..ContainerScope::default() };
        let logs = self.to.end.engine.look_at_containers(&scope).await.unwrap_or_default();
        let words = match logs.logs.get(name).map(Vec::as_slice) {
            None | Some([]) => String::new(),
            Some(lines) => format!("; its log ends with: {}", lines.join(" / ")),
        };
        let message =
            format!("on {}, it ended with exit code {exit} within {} s{words}", self.to.name, PROOF.as_secs());
        Error::new(ErrorKind::ContainerNotRunning, name, message)
            .hint("what it needs of its host may be missing there: names of other containers, files, networks")
    }
}

/// How long an address that is taken may be the source's own.
fn patience(error: &Error) -> Duration {
    if error.message().contains(BEHIND_PEER) { APART } else { ANSWER }
}

/// Whether `announce` found the address elsewhere, with this hardware address.
fn is_answered(said: &Value, ip: &Cidr, mac: Option<&Mac>) -> bool {
    let address = ip.ip().to_string();
    said["elsewhere"].as_array().into_iter().flatten().any(|owner| {
        owner["address"].as_str() == Some(&address)
            && mac.is_none_or(|mac| owner["mac"].as_str() == Some(&mac.to_string()))
    })
}
