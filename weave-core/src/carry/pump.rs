//! What one program writes, another one reads, on another host.

use std::time::Duration;

use super::End;
use super::program::Running;
use crate::docker::brief::SILENCE;
use crate::{Error, ErrorKind, Result};

/// How long a writer that reads no more may take to say why.
const REASON: Duration = Duration::from_secs(5);

/// How a full disk is told of.
const FULL: [&str; 2] = ["No space left on device", "Disk quota exceeded"];

/// What brings the output of a program to another one.
pub(super) struct Pump<'a> {
    /// Where it is read.
    pub(super) from: &'a End,
    /// Where it is written.
    pub(super) to: &'a End,
    /// What it is for, for people: `copy /data`.
    pub(super) what: &'a str,
    /// Told how many bytes were sent so far.
    pub(super) told: &'a (dyn Fn(u64) + Send + Sync),
}

impl Pump<'_> {
    /// Sends all that `reader` writes to `writer`; `before` bytes were sent before. The bytes sent in all.
    ///
    /// # Errors
    /// In the words of the one that failed; `Timeout` when one of them does nothing for long.
    pub(super) async fn run(&self, reader: &mut Running, writer: &mut Running, before: u64) -> Result<u64> {
        let Running { input, said, .. } = writer;
        let late = said.late();
        let feed = async {
            let mut sent = before;
            while let Some(piece) = reader.next().await? {
                input.write(&piece).await?;
                sent += piece.len() as u64;
                (self.told)(sent);
            }
            // A writer that has seen the archive's end is gone by now.
            let _ = input.end().await;
            Ok(sent)
        };
        // As long as it reads it is at work, and says nothing.
        let listen = async {
            while said.next_at_last().await?.is_some() {
                // It would go on reading to no end.
                if is_full(&said.words()) {
                    let message = format!("{}: {}", self.what, said.words());
                    return Err(
                        Error::new(ErrorKind::Docker, self.to.name(), message).hint("make room on the disk there")
                    );
                }
            }
            said.ended(self.to)
        };
        let moved: Result<u64> = {
            let (mut feed, mut listen) = (std::pin::pin!(feed), std::pin::pin!(listen));
            tokio::select! {
                fed = &mut feed => match fed {
                    Ok(sent) => match tokio::time::timeout(SILENCE, listen).await {
                        Ok(ended) => ended.map(|()| sent),
                        Err(_) => Err(late),
                    },
                    // The writer may have had a reason not to read on.
                    Err(error) => match tokio::time::timeout(REASON, listen).await {
                        Ok(Err(reason)) => Err(reason),
                        _ => Err(error),
                    },
                },
                heard = &mut listen => match heard {
                    Ok(()) => feed.await,
                    Err(reason) => Err(reason),
                },
            }
        };
        // What the reader did not get to say, the writer does not understand.
        match (moved, reader.said.failure(self.from)) {
            (Ok(sent), None) => reader.said.ended(self.from).map(|()| sent),
            (Err(reason), None) => Err(reason),
            (_, Some(failure)) => Err(failure),
        }
    }
}

fn is_full(words: &str) -> bool {
    FULL.iter().any(|full| words.contains(full))
}

#[cfg(test)]
#[path = "pump_tests.rs"]
mod tests;
