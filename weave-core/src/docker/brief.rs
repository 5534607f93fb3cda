//! A container that runs one program and goes, with its input and output: `docker run --rm --interactive`.

use std::pin::Pin;
use std::time::Duration;

use bollard::container::LogOutput;
use bollard::errors::Error as ApiError;
use bollard::models::ContainerCreateBody;
use bollard::query_parameters::{AttachContainerOptions, CreateContainerOptions};
use bytes::Bytes;
use futures_util::{Stream, StreamExt};
use serde_json::Value;
use tokio::io::{AsyncWrite, AsyncWriteExt};

use super::act::whole;
use super::client::Engine;
use super::refusal;
use crate::{Error, ErrorKind, Result, names};

/// How long nothing may come of a program: it may be looking through many files.
pub(crate) const SILENCE: Duration = Duration::from_secs(600);

/// So much of what a program says on its standard error is kept: its beginning and its end.
const WORDS: usize = 16 << 10;

/// What a program writes.
pub(crate) struct Output {
    engine: Engine,
    what: String,
    pieces: Pin<Box<dyn Stream<Item = Result<LogOutput, ApiError>> + Send>>,
    /// What it said on its standard error.
    words: Vec<u8>,
}

/// What a program reads.
pub(crate) struct Input {
    engine: Engine,
    what: String,
    to: Pin<Box<dyn AsyncWrite + Send>>,
}

/// The ends of a program that is only played.
#[cfg(test)]
pub(crate) fn played(
    engine: &Engine,
    what: &str,
    to: impl AsyncWrite + Send + 'static,
    pieces: impl Stream<Item = Result<LogOutput, ApiError>> + Send + 'static,
) -> (Input, Output) {
    let output = Output { engine: engine.clone(), what: what.to_owned(), pieces: Box::pin(pieces), words: Vec::new() };
    (Input { engine: engine.clone(), what: what.to_owned(), to: Box::pin(to) }, output)
}

impl Engine {
    /// Runs the container of the request `body`, whose output is all that stays of it; `what` says what for.
    ///
    /// Its image is that of the containers that hold namespaces, which is made where it is missing. It may be given a
    /// name, which one container of an engine can have.
    ///
    /// # Errors
    /// In the engine's words; `Conflict` where another one has the name.
    pub(crate) async fn begin(&self, name: Option<&str>, what: &str, body: &Value) -> Result<(Input, Output)> {
        let body: ContainerCreateBody = whole(what, body)?;
        let id = match self.create_brief(name, what, &body).await {
            Err(error) if error.kind() == ErrorKind::NotFound && error.message().contains(names::HOLDER_IMAGE) => {
                let arch = self.arch().await?;
                super::holder::check_helper(what, &arch)?;
                self.load_holder_for(&arch).await?;
                self.create_brief(name, what, &body).await?
            }
            made => made?,
        };
        let started = self.attach_and_start(what, &id).await;
        if started.is_err() {
            // It was never started, so that the engine does not remove it by itself. What cannot be removed now, is swept.
            let _ = self.remove(&id, true).await;
        }
        started
    }

    async fn create_brief(&self, name: Option<&str>, what: &str, body: &ContainerCreateBody) -> Result<String> {
        let order = |docker: bollard::Docker| {
            let body = body.clone();
            let options = name.map(|name| CreateContainerOptions { name: Some(name.to_owned()), ..Default::default() });
            async move { docker.create_container(options, body).await }
        };
        let made = self.order(Some(self.patience().work), what, order).await;
        made.map(|made| made.id).map_err(|failure| refusal::of_create(what, names::HOLDER_IMAGE, failure))
    }

    /// Attached before the start, nothing of the output is missed.
    async fn attach_and_start(&self, what: &str, id: &str) -> Result<(Input, Output)> {
        let options = AttachContainerOptions {
            stdin: true,
            stdout: true,
            stderr: true,
            stream: true,
            ..AttachContainerOptions::default()
        };
        let attach = |docker: bollard::Docker| async move { docker.attach_container(id, Some(options)).await };
        let ends = self.order(Some(self.patience().work), what, attach).await;
        let ends = ends.map_err(|failure| refusal::of(what, "attach", failure))?;
        self.start(id).await.map_err(|error| error.within(what))?;
        let output = Output { engine: self.clone(), what: what.to_owned(), pieces: ends.output, words: Vec::new() };
        Ok((Input { engine: self.clone(), what: what.to_owned(), to: ends.input }, output))
    }
}

impl Input {
    /// Gives the program more to read; waits until it, or somebody on the way, has taken it.
    ///
    /// # Errors
    /// `Timeout` when it takes nothing for long, `Docker` when it or the engine is gone.
    pub(crate) async fn write(&mut self, piece: &[u8]) -> Result<()> {
        match tokio::time::timeout(SILENCE, self.to.write_all(piece)).await {
            Ok(written) => written.map_err(|cause| self.broken(cause)),
            Err(_) => Err(self.engine.late(&self.what, SILENCE).error),
        }
    }

    /// The end of what there is to read.
    ///
    /// # Errors
    /// As with [`Self::write`].
    pub(crate) async fn end(&mut self) -> Result<()> {
        match tokio::time::timeout(SILENCE, self.to.shutdown()).await {
            Ok(ended) => ended.map_err(|cause| self.broken(cause)),
            Err(_) => Err(self.engine.late(&self.what, SILENCE).error),
        }
    }

    fn broken(&self, cause: std::io::Error) -> Error {
        self.engine.failed(&self.what, ApiError::IOError { err: cause }).error
    }
}

impl Output {
    /// What comes next on the standard output; nothing when the program has ended.
    ///
    /// # Errors
    /// `Timeout` when nothing comes for long, `Docker` when the engine is gone.
    pub(crate) async fn next(&mut self) -> Result<Option<Bytes>> {
        match tokio::time::timeout(SILENCE, self.next_at_last()).await {
            Ok(piece) => piece,
            Err(_) => Err(self.late()),
        }
    }

    /// The same of a program that has nothing to say before it is done, however long that takes: whoever asks knows by
    /// something else that it is at work.
    ///
    /// # Errors
    /// `Docker` when the engine is gone.
    pub(crate) async fn next_at_last(&mut self) -> Result<Option<Bytes>> {
        loop {
            let piece = self.pieces.next().await.transpose();
            match piece.map_err(|cause| self.engine.failed(&self.what, cause).error)? {
                None => return Ok(None),
                Some(LogOutput::StdOut { message }) if !message.is_empty() => return Ok(Some(message)),
                Some(LogOutput::StdErr { message }) => {
                    self.learn(&message);
                    // Whoever waits for words may have them now.
                    return Ok(Some(Bytes::new()));
                }
                Some(_) => {}
            }
        }
    }

    /// That nothing came for too long.
    pub(crate) fn late(&self) -> Error {
        self.engine.late(&self.what, SILENCE).error
    }

    /// What the program has said on its standard error so far.
    pub(crate) fn words(&self) -> String {
        String::from_utf8_lossy(&self.words).into_owned()
    }

    fn learn(&mut self, message: &[u8]) {
        self.words.extend_from_slice(message);
        if self.words.len() > 2 * WORDS {
            let tail = self.words.len() - WORDS / 2;
            self.words.splice(WORDS..tail, b"\n...\n".iter().copied());
        }
    }
}
