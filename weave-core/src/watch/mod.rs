//! Keeps a host as it should be, as long as it runs: containers that start get their interfaces, and what somebody else
//! took away comes back. `weave watch` on the command line.
//!
//! Nothing here knows more than the operations do: a watch notices that something may have changed, and runs what
//! `apply` runs, under the same lock. So `weave attach` by hand works beside it, and whoever does not want a daemon
//! misses nothing but the promptness.
//!
//! ```text
//! engine's events, kernel's announcements, the document's file, time --> decide (pure) --> one of
//!     the whole document | its network | containers that just started
//! ```

mod backoff;
mod decide;
mod engine;
mod event;
mod file;
mod kept;
mod kernel;
mod memory;
mod notice;
mod work;

use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::mpsc::{self, UnboundedReceiver, UnboundedSender};
use tokio::task::JoinHandle;

pub use event::{Event, Work};

use crate::apply::is_held_by_another;
use crate::docker::{ContainerEvent, Happened};
pub use crate::kernel::{Counters, Port};
use crate::kernel::{Kernel, machine};
use crate::ops::Apply;
use crate::ops::file::named;
use crate::spec::HostDocument;
use crate::{Error, Result};
use decide::{Decide, Noticed};
use file::{Refused, States};
use work::{Done, Wanted, perform};

/// How often everything is looked at although nobody has told of a change, unless another time is given.
pub const RESYNC: Duration = Duration::from_secs(60);

/// The shortest such time, and the longest.
const RESYNC_MIN: Duration = Duration::from_secs(1);
const RESYNC_MAX: Duration = Duration::from_secs(86400);

/// What a watch is told.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct WatchOptions {
    /// The files of the document, as `apply` takes them; without any, what is there is kept.
    pub files: Vec<String>,
    /// Which of a fleet's hosts this one is, where its name and addresses do not tell.
    pub host: Option<String>,
    /// How often everything is looked at although nobody has told of a change (a minute); from a second to a day. A
    /// document that was not taken is read again as often.
    pub resync: Duration,
}

impl Default for WatchOptions {
    fn default() -> Self {
        Self { files: Vec::new(), host: None, resync: RESYNC }
    }
}

impl WatchOptions {
    /// Keeps the host as this file says, read anew when it changes. Several are data of the 2014 Puppet module, the most
    /// special first.
    #[must_use]
    pub fn file(mut self, file: impl Into<String>) -> Self {
        self.files.push(file.into());
        self
    }

    /// This host is the fleet's host of that name.
    #[must_use]
    pub fn host(mut self, name: impl Into<String>) -> Self {
        self.host = Some(name.into());
        self
    }

    /// Looks at everything this often, though nobody has told of a change.
    #[must_use]
    pub fn resync(mut self, every: Duration) -> Self {
        self.resync = every;
        self
    }
}

/// What the sources tell.
enum Told {
    Noticed(Noticed),
    Container(ContainerEvent),
    /// The engine answers, or why it does not.
    Engine(Option<Error>),
    /// The document's files changed.
    File,
}

/// What is under way.
type Running = Pin<Box<dyn Future<Output = Done> + Send>>;

/// A watch. It works while [`next`](Self::next) is awaited.
///
/// ```no_run
/// use weave_core::watch::{Watch, WatchOptions};
/// use weave_core::{Kernel, KernelOptions, blocking};
///
/// fn main() -> weave_core::Result<()> {
///     blocking::run(async {
///         let host = Kernel::new(KernelOptions::default())?;
///         let mut watch = Watch::begin(host, WatchOptions::default().file("/etc/weave/host.yaml")).await?;
///         while let Some(event) = watch.next().await {
///             println!("{event:?}");
///         }
///         Ok(())
///     })
/// }
/// ```
pub struct Watch {
    kernel: Arc<Kernel>,
    options: WatchOptions,
    wanted: Wanted,
    decide: Decide,
    told: UnboundedReceiver<Told>,
    sources: Vec<JoinHandle<()>>,
    running: Option<(Work, bool, Running)>,
    refused: Option<Refused>,
    ends: bool,
}

impl Drop for Watch {
    fn drop(&mut self) {
        for source in &self.sources {
            source.abort();
        }
    }
}

impl Watch {
    /// Begins to listen. Everything is brought about first, as soon as it is known whether the engine answers.
    ///
    /// # Errors
    /// As the reading of the document; `InvalidSpec` for a time between looks that is none; and where the kernel's
    /// announcements cannot be heard.
    pub async fn begin(kernel: Kernel, options: WatchOptions) -> Result<Self> {
        if !(RESYNC_MIN..=RESYNC_MAX).contains(&options.resync) {
            let message = format!("{:?} is not allowed; allowed: from 1 s to a day", options.resync);
            return Err(Error::invalid("resync", message));
        }
        let kernel = Arc::new(kernel.remembering_names());
        // Before they are read: what is written from here on is read again.
        let known = file::states(&options.files);
        let wanted = if options.files.is_empty() {
            Wanted::Kept(Arc::default())
        } else {
            Wanted::Document(Arc::new(read(&options)?.0))
        };
        let ears = kernel::open(&kernel).await?;
        let (tell, told) = mpsc::unbounded_channel();
        let decide = Decide::new(options.resync, !options.files.is_empty(), Instant::now());
        let (sources, running, refused) = (Vec::new(), None, None);
        let mut watch = Self { kernel, options, wanted, decide, told, sources, running, refused, ends: false };
        watch.listen(ears, known, &tell);
        Ok(watch)
    }

    fn listen(&mut self, ears: kernel::Ears, known: States, tell: &UnboundedSender<Told>) {
        let kernel::Ears { links, nftables } = ears;
        let learns = self.options.files.is_empty();
        let kernel = Arc::clone(&self.kernel);
        self.sources.push(tokio::spawn(engine::listen(kernel.engine().clone(), tell.clone())));
        self.sources.push(tokio::spawn(kernel::links(kernel, links, learns, tell.clone())));
        self.sources.extend(nftables.map(|socket| tokio::spawn(kernel::nftables(socket, tell.clone()))));
        if !self.options.files.is_empty() {
            self.sources.push(tokio::spawn(file::watch(self.options.files.clone(), known, tell.clone())));
        }
    }

    /// The next thing that there is to tell; nothing once the watch was told to end and what was begun is done.
    ///
    /// It may be dropped at any time and called again: what is under way goes on then.
    pub async fn next(&mut self) -> Option<Event> {
        loop {
            if self.ends && self.running.is_none() {
                return None;
            }
            self.start();
            let again = self.refused.as_ref().map(|refused| refused.again);
            let wake = self.decide.wake(Instant::now()).into_iter().chain(again).min().filter(|_| !self.ends);
            let sleep = async {
                match wake {
                    Some(at) => tokio::time::sleep_until(at.into()).await,
                    None => std::future::pending().await,
                }
            };
            let done = async {
                match &mut self.running {
                    Some((.., running)) => running.await,
                    None => std::future::pending().await,
                }
            };
            let event = tokio::select! {
                done = done => self.ended(done),
                told = self.told.recv() => self.take(told?),
                () = sleep => self.read_again(),
            };
            if event.is_some() {
                return event;
            }
        }
    }

    /// Begins what is due.
    fn start(&mut self) {
        if self.ends || self.running.is_some() {
            return;
        }
        if let Some(begun) = self.decide.next(Instant::now()) {
            let (work, settled) = (begun.work, begun.settled);
            let running = perform(Arc::clone(&self.kernel), self.wanted.clone(), begun);
            self.running = Some((work, settled, Box::pin(running)));
        }
    }

    fn ended(&mut self, done: Done) -> Option<Event> {
        let (work, settled, running) = self.running.take()?;
        drop(running);
        if work != Work::Containers {
            memory::give_back();
        }
        let again = self.decide.done(done.ended(), Instant::now());
        let took = done.took;
        Some(match done.result {
            Ok(report) => Event::Converged { work, took, settled, report, again },
            Err(error) => Event::Failed { work, took, error, again: again.unwrap_or_default() },
        })
    }

    fn take(&mut self, told: Told) -> Option<Event> {
        let now = Instant::now();
        match told {
            Told::Noticed(noticed) => self.decide.note(noticed, now),
            Told::Container(event) => {
                let ContainerEvent { what, id, name, holds } = event;
                match what {
                    Happened::Removed => self.wanted.forget(&id),
                    // Its new name may be one of the document's.
                    Happened::Started | Happened::Renamed => {
                        if let Some(container) = self.wanted.find(&id, &name, holds.as_deref()) {
                            self.decide.note(Noticed::Started(container), now);
                        }
                    }
                }
            }
            Told::Engine(away) => {
                self.decide.note(Noticed::Engine(away.is_none()), now);
                return Some(Event::Engine { away });
            }
            Told::File => return Some(self.reload()),
        }
        None
    }

    /// Reads the document anew and brings all of it about, or looks at everything where there is none; what SIGHUP asks
    /// for. A document that is wrong is told, and the last good one kept.
    pub fn reload(&mut self) -> Event {
        let result = if self.options.files.is_empty() {
            Ok(Vec::new())
        } else {
            read(&self.options).map(|(document, warnings)| {
                self.wanted = Wanted::Document(Arc::new(document));
                warnings
            })
        };
        let now = Instant::now();
        self.refused =
            result.as_ref().err().map(|why| Refused { words: why.to_string(), again: now + self.options.resync });
        if result.is_ok() {
            self.decide.note(Noticed::Document, now);
        }
        Event::Read { result }
    }

    /// Reads a document again that was not taken; what is told already is not told again.
    fn read_again(&mut self) -> Option<Event> {
        let before = self.refused.take_if(|refused| refused.again <= Instant::now())?;
        let event = self.reload();
        let is_told = self.refused.as_ref().is_some_and(|refused| refused.words == before.words);
        (!is_told).then_some(event)
    }

    /// Reads the counters of this host's ports, whenever it is asked.
    pub fn meter(&self) -> Meter {
        Meter { kernel: Arc::clone(&self.kernel) }
    }

    /// Ends the watch: what is under way is done first, unless it still waits for another weave. What takes long is given
    /// up ([`Cancel`](crate::Cancel), the one that the kernel was given), and what was done before is undone.
    pub fn end(&mut self) {
        self.ends = true;
        self.kernel.cancel().cancel();
        if is_held_by_another(self.kernel.run_dir()) {
            self.running = None;
        }
    }
}

/// Reads counters, beside a watch.
#[derive(Clone)]
pub struct Meter {
    kernel: Arc<Kernel>,
}

impl Meter {
    /// What the ports of the network have carried so far, in one dump.
    ///
    /// # Errors
    /// As the kernel says.
    pub async fn read(&self) -> Result<Counters> {
        self.kernel.counters().await
    }
}

/// Reads the document of this host, with what the reading warned of.
fn read(options: &WatchOptions) -> Result<(HostDocument, Vec<String>)> {
    let texts: Vec<String> = options.files.iter().map(|file| named("file", file)).collect::<Result<_>>()?;
    let files: Vec<(&str, &str)> = options.files.iter().zip(&texts).map(|(file, text)| (&**file, &**text)).collect();
    let machine = machine();
    let read = Apply::from_files(&files, options.host.clone(), &machine.hostname)?;
    let document = read.document(&machine)?.into_owned();
    document.validate()?;
    Ok((document, read.warnings))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::KernelOptions;

    #[test]
    fn a_time_between_looks_that_is_none_is_refused() {
        crate::blocking::run(async {
            for resync in [Duration::ZERO, Duration::MAX] {
                let kernel = Kernel::new(KernelOptions::default()).expect("a host");
                let begun = Watch::begin(kernel, WatchOptions::default().resync(resync)).await;
                let error = begun.err().expect("an error");
                assert_eq!(error.subject(), "resync");
                assert!(error.message().contains("allowed: from 1 s to a day"), "{error}");
            }
        });
    }
}
