//! `weave watch`: a watch as a service. What it does is the library's; here are signals, logs, metrics, and the word to
//! the service manager.

mod log;
mod metrics;
mod notify;
mod said;
mod server;
mod signals;
mod tell;

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use nix::sys::signal::Signal;

use super::args::{Flags, WatchArgs};
use super::{FAILED, OK, Streams, failed};
use crate::kernel::{Kernel, KernelOptions};
use crate::watch::{Watch, WatchOptions};
use crate::{Error, Result};
use metrics::Metrics;
use notify::Notify;
use signals::Signals;
use tell::Tell;

/// Runs until SIGTERM or SIGINT.
pub(super) fn run(args: &WatchArgs, flags: &Flags, streams: &mut Streams) -> u8 {
    let done = checked(args, flags).and_then(|address| {
        let held = Signals::hold()?;
        log::begin(args.log, flags.quiet);
        crate::blocking::run(keep(args, address, held))
    });
    match done {
        Ok(()) => OK,
        Err(error) => {
            failed(flags.json, &error.op("watch"), streams);
            FAILED
        }
    }
}

/// Where metrics are served, if they are.
fn checked(args: &WatchArgs, flags: &Flags) -> Result<Option<SocketAddr>> {
    if flags.check {
        let error = Error::invalid("check", "a watch is there to act; allowed: without --check");
        return Err(error.hint("`weave apply --check FILE` says what would be done"));
    }
    args.metrics.as_deref().map(address).transpose()
}

/// `9100`, `127.0.0.1:9100`, `[::]:9100`: nobody is listened to from outside who did not say so.
fn address(text: &str) -> Result<SocketAddr> {
    let bare = text.parse().map(|port: u16| SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), port));
    bare.or_else(|_| text.parse()).map_err(|_| {
        Error::invalid("metrics", format!("`{text}` is no address; allowed: a port such as 9100, or ADDRESS:PORT"))
    })
}

async fn keep(args: &WatchArgs, address: Option<SocketAddr>, mut signals: Signals) -> Result<()> {
    signals.listen()?;
    let mut options = WatchOptions::default().resync(Duration::from_secs(args.resync));
    options.files.clone_from(&args.files);
    options.host.clone_from(&args.host);
    let mut watch = Watch::begin(Kernel::new(KernelOptions::default())?, options).await?;
    let metrics = Metrics::new(watch.meter());
    if let Some(address) = address {
        server::begin(address, metrics.clone()).await?;
    }
    let (mut tell, mut notify) = (Tell::default(), Notify::new());
    tell.begins(&args.files);
    loop {
        tokio::select! {
            event = watch.next() => {
                let Some(event) = event else { break };
                tell.event(&event);
                metrics.count(&event, tell.problems());
                notify.event(&event, tell.problems());
            }
            signal = signals.next() => match signal {
                Signal::SIGHUP => {
                    notify.reloads();
                    let event = watch.reload();
                    tell.event(&event);
                    notify.event(&event, tell.problems());
                }
                signal => {
                    tell.ends(signal);
                    notify.ends();
                    watch.end();
                }
            },
            () = notify.time() => notify.is_alive(),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metrics_are_this_hosts_own_unless_an_address_is_written_out() {
        for (text, wanted) in [
            ("9100", "127.0.0.1:9100"),
            ("0", "127.0.0.1:0"),
            ("0.0.0.0:9100", "0.0.0.0:9100"),
            ("[::]:9100", "[::]:9100"),
        ] {
            assert_eq!(address(text).map(|address| address.to_string()).expect(text), wanted);
        }
        for text in ["", "host:9100", ":9100", "70000", "127.0.0.1"] {
            let error = address(text).expect_err(text);
            assert_eq!(error.subject(), "metrics");
            assert!(error.message().contains("allowed"), "{error}");
        }
    }
}
