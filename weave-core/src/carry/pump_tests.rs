//! Programs that take their time. They are played, and so is the time.

use std::time::Duration;

use bollard::container::LogOutput;
use bollard::errors::Error as ApiError;
use futures_util::stream::{self, StreamExt};
use tokio::io::{AsyncReadExt, DuplexStream};
use tokio::time::sleep;

use super::super::End;
use super::super::program::Running;
use super::{Pump, SILENCE};
use crate::docker::Engine;
use crate::docker::brief::played;
use crate::{ErrorKind, Result};

/// Pieces that a reader sends.
const PIECES: usize = 20;

fn end() -> End {
    End::here(&Engine::connect(Some("unix:///nowhere.sock")).expect("an address"))
}

fn says(words: &str) -> Result<LogOutput, ApiError> {
    Ok(LogOutput::StdErr { message: words.to_owned().into() })
}

/// One that writes a byte after each pause.
fn reader(pause: Duration) -> Running {
    let piece = move |_| async move {
        sleep(pause).await;
        Ok(LogOutput::StdOut { message: "x".into() })
    };
    let last = stream::iter([says(&format!("weave: 0\n{PIECES} bytes copied, 1 s"))]);
    let pieces = stream::iter(0..PIECES).then(piece).chain(last);
    Running::of("read", played(&end().engine, "read", tokio::io::sink(), pieces), false)
}

/// One that says nothing before it has read all, and a while longer.
fn writer(pause: Duration) -> Running {
    let (input, read) = tokio::io::duplex(64);
    let pieces = stream::once(take(read, pause));
    Running::of("write", played(&end().engine, "write", input, pieces), false)
}

async fn take(mut from: DuplexStream, pause: Duration) -> Result<LogOutput, ApiError> {
    from.read_to_end(&mut Vec::new()).await.expect("all of it");
    sleep(pause).await;
    says("weave: 0\n0 bytes copied, 1 s")
}

async fn pumped(reading: Duration, writing: Duration) -> Result<u64> {
    let (from, to) = (end(), end());
    let pump = Pump { from: &from, to: &to, what: "copy /data", told: &|_| {} };
    pump.run(&mut reader(reading), &mut writer(writing), 0).await
}

#[tokio::test(start_paused = true)]
async fn a_copy_may_take_as_long_as_it_takes_while_something_flows() {
    let slow = SILENCE / 2;
    assert_eq!(pumped(slow, slow).await.expect("copied"), PIECES as u64);
}

#[tokio::test(start_paused = true)]
async fn one_that_does_nothing_any_more_is_not_waited_for() {
    for (reading, writing, who) in [(SILENCE * 2, SILENCE / 2, "read"), (SILENCE / 2, SILENCE * 2, "write")] {
        let error = pumped(reading, writing).await.expect_err(who);
        assert_eq!(error.kind(), ErrorKind::Timeout, "{error:?}");
        assert!(error.message().starts_with(who), "{error:?}");
    }
}
