//! What the kernel can do, found out by doing it where nobody is disturbed.
//!
//! Asking for module names or a version number would be cheaper and wrong: features are compiled in, back-ported,
//! blocked by a blacklist or a security module. So each thing weave needs is made for real in a network namespace that
//! exists for this alone and is gone with its thread. A module that is loaded by this stays loaded, as by real use.

use std::io;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use netlink_packet_core::{NLM_F_ACK, NLM_F_CREATE, NLM_F_EXCL, NLM_F_REQUEST, NetlinkMessage, NetlinkPayload};
use netlink_packet_route::RouteNetlinkMessage;
use netlink_packet_route::link::LinkMessage;
use netlink_sys::protocols::NETLINK_ROUTE;
use netlink_sys::{Socket, SocketAddr};
use nix::sched::{CloneFlags, unshare};
use rtnetlink::{LinkBridge, LinkVeth, LinkVxlan};
use serde::Serialize;

use crate::observed::Ability;
use crate::{names, packet};

/// What weave needs beyond an ordinary user's rights, by number in the kernel's sets (`linux/capability.h`).
const CAPABILITIES: [(u32, &str); 3] = [(12, "CAP_NET_ADMIN"), (13, "CAP_NET_RAW"), (21, "CAP_SYS_ADMIN")];

/// How long one run of `nft` may take.
const NFT_DEADLINE: Duration = Duration::from_secs(10);

/// Number of the loopback interface, which every namespace has.
const LOOPBACK: u32 = 1;

/// What this kernel lets this process do.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub(super) struct KernelAbilities {
    /// Release of the kernel.
    pub kernel: String,
    /// What was tried: `netns`, `bridge`, `vxlan`, `veth`, `af_packet`, `nft`.
    pub abilities: Vec<Ability>,
    /// Capabilities that this process lacks.
    pub missing_capabilities: Vec<String>,
}

impl KernelAbilities {
    /// Tries everything out, in some tens of milliseconds; changes nothing on the host.
    pub(super) fn try_out() -> Self {
        let kernel = std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
        let status = std::fs::read_to_string("/proc/thread-self/status").unwrap_or_default();
        Self {
            kernel: kernel.trim().to_owned(),
            abilities: abilities(),
            missing_capabilities: missing_capabilities(&status),
        }
    }
}

/// Does one thing in the namespace of the calling thread, or says why it cannot.
type Trial = fn() -> Result<(), String>;

/// What is tried in a namespace of its own, and how.
const TRIALS: [(&str, Trial); 5] = [
    ("bridge", || add(LinkBridge::new("bridge").build())),
    ("vxlan", || add(LinkVxlan::new("vxlan", names::VNI).port(names::PORT).build())),
    ("veth", || add(LinkVeth::new("veth", "peer").build())),
    ("af_packet", || packet::rehearse(LOOPBACK).map_err(|error| error.message().to_owned())),
    ("nft", nft),
];

fn abilities() -> Vec<Ability> {
    let inside = || match unshare(CloneFlags::CLONE_NEWNET) {
        Ok(()) => tried("netns", Ok(()), |trial| trial()),
        Err(errno) => {
            let refused = format!("unshare a network namespace: {}", io::Error::from(errno));
            tried("netns", Err(refused), |_| Err("could not be tried without a network namespace".to_owned()))
        }
    };
    thread::scope(|scope| scope.spawn(inside).join()).unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

fn tried(name: &str, result: Result<(), String>, run: impl Fn(Trial) -> Result<(), String>) -> Vec<Ability> {
    let ability = |name: &str, result: Result<(), String>| Ability { name: name.to_owned(), missing: result.err() };
    let trials = TRIALS.map(|(name, trial)| ability(name, run(trial)));
    [ability(name, result)].into_iter().chain(trials).collect()
}

/// `ip link add …` in the namespace of the calling thread.
fn add(link: LinkMessage) -> Result<(), String> {
    let mut request = NetlinkMessage::from(RouteNetlinkMessage::NewLink(link));
    request.header.flags = NLM_F_REQUEST | NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL;
    request.finalize();
    let mut bytes = vec![0; request.buffer_len()];
    request.serialize(&mut bytes);
    exchange(&bytes).map_err(|error| format!("create one in a scratch namespace: {error}"))
}

/// Sends one request and reads its acknowledgement; a plain socket, since there is no runtime on this thread.
fn exchange(request: &[u8]) -> io::Result<()> {
    let mut socket = Socket::new(NETLINK_ROUTE)?;
    socket.bind_auto()?;
    socket.connect(&SocketAddr::new(0, 0))?;
    socket.send(request, 0)?;
    let (answer, _) = socket.recv_from_full()?;
    let answer = NetlinkMessage::<RouteNetlinkMessage>::deserialize(&answer).map_err(io::Error::other)?;
    match answer.payload {
        NetlinkPayload::Error(error) if error.code.is_some() => Err(error.to_io()),
        NetlinkPayload::Error(_) => Ok(()),
        other => Err(io::Error::other(format!("unexpected answer {}", other.message_type()))),
    }
}

/// The program is there, and the kernel takes a table with a hook from it.
fn nft() -> Result<(), String> {
    const TRIAL: &str = "add table inet trial; \
        add chain inet trial input { type filter hook input priority -10; policy accept; }; \
        add rule inet trial input udp dport 6783 counter drop comment \"trial\"; \
        list tables";
    nft_run(&["--version"])?;
    nft_run(&[TRIAL])
}

fn nft_run(arguments: &[&str]) -> Result<(), String> {
    let mut command = Command::new("nft");
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
    let failed = |error: io::Error| format!("run `nft`: {error}");
    let mut child = command.spawn().map_err(failed)?;
    if !wait(&mut child, NFT_DEADLINE).map_err(failed)? {
        return Err(format!("run `nft`: not done after {} s", NFT_DEADLINE.as_secs()));
    }
    let output = child.wait_with_output().map_err(failed)?;
    if output.status.success() {
        return Ok(());
    }
    let words = String::from_utf8_lossy(&output.stderr);
    Err(format!("`nft` failed: {}", words.lines().next().unwrap_or("without a word")))
}

/// Waits for `child`, whose few words fit the pipe; ends it at the deadline. Whether it ended by itself.
fn wait(child: &mut Child, deadline: Duration) -> io::Result<bool> {
    let end = Instant::now() + deadline;
    while child.try_wait()?.is_none() {
        if Instant::now() >= end {
            child.kill()?;
            child.wait()?;
            return Ok(false);
        }
        thread::sleep(Duration::from_micros(500));
    }
    Ok(true)
}

/// Those of [`CAPABILITIES`] that are not effective by `/proc/…/status`; all of them when that cannot be read.
fn missing_capabilities(status: &str) -> Vec<String> {
    let effective = status.lines().find_map(|line| line.strip_prefix("CapEff:"));
    let effective = effective.and_then(|hex| u64::from_str_radix(hex.trim(), 16).ok()).unwrap_or_default();
    let missing = CAPABILITIES.iter().filter(|(number, _)| effective & (1 << number) == 0);
    missing.map(|(_, name)| (*name).to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn missing_capabilities_are_named() {
        let all = "Name:\tweave\nCapPrm:\t0000000000000000\nCapEff:\t000001ffffffffff\n";
        assert!(missing_capabilities(all).is_empty());
        assert_eq!(missing_capabilities("CapEff:\t0000000000001000\n"), ["CAP_NET_RAW", "CAP_SYS_ADMIN"]);
        for nothing in ["CapEff:\t0\n", "", "CapEff: what\n"] {
            assert_eq!(missing_capabilities(nothing), ["CAP_NET_ADMIN", "CAP_NET_RAW", "CAP_SYS_ADMIN"]);
        }
    }

    /// Needs root and a kernel that can do all of it.
    #[test]
    fn everything_is_tried_and_nothing_stays() {
        let namespace = || std::fs::read_link("/proc/thread-self/ns/net").expect("a namespace");
        let before = namespace();
        let found = KernelAbilities::try_out();
        assert_eq!(namespace(), before);
        let named: Vec<_> = found.abilities.iter().map(|ability| ability.name.as_str()).collect();
        assert_eq!(named, ["netns", "bridge", "vxlan", "veth", "af_packet", "nft"]);
        assert!(found.abilities.iter().all(|ability| ability.missing.is_none()), "{found:?}");
        assert!(found.missing_capabilities.is_empty(), "{found:?}");
        assert!(found.kernel.contains('.'), "{found:?}");
    }

    #[test]
    fn a_link_that_cannot_be_made_has_the_kernels_reason() {
        let twice = || {
            unshare(CloneFlags::CLONE_NEWNET).expect("this test needs root");
            add(LinkBridge::new("bridge").build()).expect("a bridge");
            add(LinkBridge::new("bridge").build()).expect_err("the name is taken")
        };
        let error = thread::spawn(twice).join().expect("no panic");
        assert!(error.contains("File exists"), "{error}");
    }

    #[test]
    fn a_program_that_hangs_is_ended() {
        let mut child = Command::new("sleep").arg("60").spawn().expect("sleep");
        assert!(!wait(&mut child, Duration::from_millis(20)).expect("waited"));
        let mut child = Command::new("true").spawn().expect("true");
        assert!(wait(&mut child, Duration::from_secs(5)).expect("waited"));
    }
}
