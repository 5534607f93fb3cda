//! Images that the engine builds: `docker build`, by the engine's own builder.

mod bases;
mod output;
mod teller;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::io::{self, BufWriter, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use bollard::errors::Error as ApiError;
use bollard::query_parameters::{BuildImageOptions, BuilderVersion};
use bytes::Bytes;
use futures_util::{StreamExt, stream};
use tokio::sync::{mpsc, oneshot};

pub(super) use output::plain;

use super::client::Engine;
use super::context::Context;
use super::failure::Failure;
use super::reference::Reference;
use super::refusal;
use crate::names::CONTEXT_LABEL;
use crate::progress::Progress;
use crate::{Error, ErrorKind, Result};

use output::Output;
use teller::Teller;

/// How much of a context goes to the engine at once, and how many such pieces may wait for it.
const PIECE: usize = 64 * 1024;
const WAITING: usize = 4;

/// How long a build may take. The engine's first word comes when it has the whole context, and a step may be silent
/// for hours: a build that hangs is for the caller to end.
const LONGEST: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// How long to wait for why a context could not be sent.
const FAREWELL: Duration = Duration::from_secs(1);

/// How often is told how much was sent.
const TELL: Duration = Duration::from_millis(200);

/// What is asked of the engine, besides the context.
#[derive(Debug, Clone, Default)]
pub(crate) struct Request {
    pub(crate) tag: String,
    pub(crate) args: HashMap<String, String>,
    pub(crate) labels: HashMap<String, String>,
    pub(crate) target: String,
    pub(crate) platform: String,
    pub(crate) pull: bool,
    pub(crate) no_cache: bool,
}

/// An image with the tag that is to be built.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Built {
    /// Its id.
    pub(crate) id: String,
    /// The hash of what it was built from, if weave built it.
    pub(crate) context: Option<String>,
}

impl Engine {
    /// The image of a tag, if there is one.
    pub(crate) async fn built(&self, tag: &str) -> Result<Option<Built>> {
        let what = format!("look at image {tag}");
        let asked = self.ask(&what, |docker| async move { docker.inspect_image(tag).await }).await;
        let image = match asked {
            Ok(image) => image,
            Err(Failure { status: Some(404), .. }) => return Ok(None),
            Err(failure) => return Err(failure.error),
        };
        let mut labels = image.config.and_then(|config| config.labels).unwrap_or_default();
        Ok(Some(Built { id: image.id.unwrap_or_default(), context: labels.remove(CONTEXT_LABEL) }))
    }

    /// Builds an image; gives what the builder warned of.
    ///
    /// The tag comes last, and steps that are broken off leave nothing, so a build that was killed can just be run
    /// again.
    pub(crate) async fn build(
        &self,
        request: Request,
        context: Context,
        tell: &(dyn Fn(&Progress) + Sync),
    ) -> Result<Vec<String>> {
        let bases = bases::bases(&context.dockerfile_text()?);
        let keys = self.keychain().find_for(bases.as_ref()).await?;
        let credentials = Some(keys.credentials.clone()).filter(|found| !found.is_empty());
        let docker = self.unhurried(LONGEST).map_err(|failure| failure.error)?;
        let options = options(request, &context);
        let whole = context.size();
        let sent = Arc::new(AtomicU64::new(0));
        let (pieces, packer) = pack(context, Arc::clone(&sent))?;
        let (mut output, mut teller) = (Output::default(), Teller::new(tell));
        let mut broken = None;
        let mut answer = docker.build_image(options, credentials, Some(bollard::body_try_stream(pieces)));
        loop {
            match tokio::time::timeout(TELL, answer.next()).await {
                Ok(None) => break,
                Ok(Some(Ok(told))) => {
                    if let Some((done, total)) = output.take(&told) {
                        teller.step(done, total, output.instruction());
                    }
                    teller.layer(told, output.base());
                }
                Ok(Some(Err(cause))) => {
                    broken = Some(cause);
                    break;
                }
                Err(_) if output.is_empty() => {
                    let bytes = sent.load(Ordering::Relaxed).min(whole);
                    tell(&Progress::Context { bytes, total: whole });
                }
                Err(_) => {}
            }
        }
        drop(answer);
        drop(teller);
        // An engine that refuses may leave the context unread; the packer then ends with the connection.
        let packed = tokio::time::timeout(FAREWELL, packer).await;
        let packed = packed.ok().and_then(|ended| ended.ok()).unwrap_or(Ok(()));
        match (packed, broken) {
            // A context that could not be sent is why the engine knows no better.
            (Err(error), _) if error.kind() != ErrorKind::Docker => Err(error),
            // What it cannot even begin with, it refuses.
            (
                _,
                Some(
                    ApiError::DockerStreamError { error: why }
                    | ApiError::DockerResponseServerError { message: why, .. },
                ),
            ) => {
                let base = output.base().map(str::to_owned);
                let error = output.failed(&why);
                let Some(reference) = base.as_deref().and_then(Reference::read) else { return Err(error) };
                let base = base.as_deref().unwrap_or_default();
                Err(refusal::of_base(base, &why, error, &keys.of(&reference)))
            }
            (_, Some(cause)) => Err(self.failed("build the image", cause).error),
            (Err(error), None) => Err(error),
            (Ok(()), None) => Ok(output.warnings),
        }
    }
}

fn options(request: Request, context: &Context) -> BuildImageOptions {
    let mut labels = request.labels;
    labels.insert(CONTEXT_LABEL.to_owned(), context.hash.to_string());
    BuildImageOptions {
        dockerfile: context.dockerfile.clone(),
        t: Some(request.tag),
        buildargs: Some(request.args).filter(|args| !args.is_empty()),
        labels: Some(labels),
        target: request.target,
        platform: request.platform,
        pull: request.pull.then(|| "true".to_owned()),
        nocache: request.no_cache,
        // Containers of failed steps would stay for nobody.
        rm: true,
        forcerm: true,
        version: BuilderVersion::BuilderV1,
        ..BuildImageOptions::default()
    }
}

type Pieces = stream::BoxStream<'static, io::Result<Bytes>>;
type Packer = oneshot::Receiver<Result<()>>;

/// Packs on a thread of its own, because files are read without waiting for others.
fn pack(context: Context, sent: Arc<AtomicU64>) -> Result<(Pieces, Packer)> {
    let (to, mut from) = mpsc::channel(WAITING);
    let pieces = stream::poll_fn(move |poll| from.poll_recv(poll)).boxed();
    let (ended, packer) = oneshot::channel();
    let work = move || {
        let packed = context.pack(BufWriter::with_capacity(PIECE, Sender { to: to.clone(), sent }));
        if let Err(error) = &packed {
            // The engine must not take the stream for whole; a reader that is gone needs not be told.
            let _ = to.blocking_send(Err(io::Error::other(error.to_string())));
        }
        // Nobody may want to know any more.
        let _ = ended.send(packed);
    };
    let thread = thread::Builder::new().name("weave-pack".into()).spawn(work);
    thread.map_err(|error| Error::os("context", "start a thread to pack it", error))?;
    Ok((pieces, packer))
}

/// Gives pieces to whoever sends them, and waits while it has enough.
struct Sender {
    to: mpsc::Sender<io::Result<Bytes>>,
    sent: Arc<AtomicU64>,
}

impl Write for Sender {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let piece = Bytes::copy_from_slice(bytes);
        self.to.blocking_send(Ok(piece)).map_err(|_| io::Error::from(io::ErrorKind::BrokenPipe))?;
        self.sent.fetch_add(bytes.len() as u64, Ordering::Relaxed);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
