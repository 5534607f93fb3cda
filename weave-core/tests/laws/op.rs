//! Operations as data, so that one law runs over all of them.

use std::time::Duration;

use weave_core::apply::Mode;
use weave_core::ops::{Report, attachment, exposure, host, peer, publication, router};
use weave_core::plan::{Intent, RouterIntent};
use weave_core::spec::{
    Attach, Connect, Detach, Expose, Forget, Hide, HostDocument, Launch, Publication, Unpublish, from_yaml,
};
use weave_core::{Result, blocking};

use crate::support::memory_host::{MemoryHost, World};

/// One operation.
#[derive(Debug, Clone)]
pub(crate) enum Op {
    Apply(Box<HostDocument>),
    Launch(Box<Launch>),
    Stop,
    Reset,
    Connect(Connect),
    Forget(Forget),
    Attach(Attach),
    Detach(Detach),
    Expose(Expose),
    Hide(Hide),
    Publish(Publication),
    Unpublish(Unpublish),
}

impl Op {
    /// Reads `verb: {arguments}`, as a test writes it.
    pub(crate) fn read(text: &str) -> Self {
        let (verb, arguments) = text.split_once(' ').unwrap_or((text, "{}"));
        match verb {
            "apply" => Self::Apply(Box::new(from_yaml(arguments).unwrap())),
            "launch" => Self::Launch(Box::new(from_yaml(arguments).unwrap())),
            "stop" => Self::Stop,
            "reset" => Self::Reset,
            "connect" => Self::Connect(from_yaml(arguments).unwrap()),
            "forget" => Self::Forget(from_yaml(arguments).unwrap()),
            "attach" => Self::Attach(from_yaml(arguments).unwrap()),
            "detach" => Self::Detach(from_yaml(arguments).unwrap()),
            "expose" => Self::Expose(from_yaml(arguments).unwrap()),
            "hide" => Self::Hide(from_yaml(arguments).unwrap()),
            "publish" => Self::Publish(from_yaml(arguments).unwrap()),
            "unpublish" => Self::Unpublish(from_yaml(arguments).unwrap()),
            _ => panic!("{verb} is no operation"),
        }
    }

    /// Runs it.
    pub(crate) fn run(&self, on: &MemoryHost, mode: Mode) -> Result<Report> {
        blocking::run(self.go(on, mode))
    }

    /// Runs it on a host where it may be killed: then there is no answer. Waiting takes no time.
    pub(crate) fn run_until_killed(&self, on: &MemoryHost) -> Option<Result<Report>> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        let limit = Duration::from_secs(3600);
        runtime.block_on(async { tokio::time::timeout(limit, self.go(on, Mode::Apply)).await.ok() })
    }

    async fn go(&self, on: &MemoryHost, mode: Mode) -> Result<Report> {
        match self {
            Self::Apply(document) => Box::pin(host::apply(on, document, mode)).await,
            Self::Launch(spec) => Box::pin(router::launch(on, spec, mode)).await,
            Self::Stop => Box::pin(router::stop(on, mode)).await,
            Self::Reset => Box::pin(host::reset(on, mode)).await,
            Self::Connect(spec) => Box::pin(peer::connect(on, spec, mode)).await,
            Self::Forget(spec) => Box::pin(peer::forget(on, spec, mode)).await,
            Self::Attach(spec) => Box::pin(attachment::attach(on, spec, mode)).await,
            Self::Detach(spec) => Box::pin(attachment::detach(on, spec, mode)).await,
            Self::Expose(spec) => Box::pin(exposure::expose(on, spec, mode)).await,
            Self::Hide(spec) => Box::pin(exposure::hide(on, spec, mode)).await,
            Self::Publish(spec) => Box::pin(publication::publish(on, spec, mode)).await,
            Self::Unpublish(spec) => Box::pin(publication::unpublish(on, spec, mode)).await,
        }
    }

    /// What it is after.
    pub(crate) fn intent(&self) -> Intent {
        match self {
            Self::Apply(document) => Intent::from(&**document),
            Self::Launch(spec) => Intent::from(&**spec),
            Self::Stop => Intent { router: RouterIntent::Stopped, ..Intent::default() },
            Self::Reset => Intent { router: RouterIntent::Absent, ..Intent::default() },
            Self::Connect(spec) => Intent::from(spec),
            Self::Forget(spec) => Intent::from(spec),
            Self::Attach(spec) => Intent::from(spec),
            Self::Detach(spec) => Intent::from(spec),
            Self::Expose(spec) => Intent::from(spec),
            Self::Hide(spec) => Intent::from(spec),
            Self::Publish(spec) => Intent::from(spec),
            Self::Unpublish(spec) => Intent::from(spec),
        }
    }
}

/// `world` after `op`, which must succeed.
pub(crate) fn after(world: World, op: &Op) -> World {
    let host = MemoryHost::new(world);
    let report = op.run(&host, Mode::Apply).unwrap_or_else(|error| panic!("{op:?}: {error:?}"));
    assert!(report.is_ok(), "{op:?}: {:?}", report.errors);
    host.world().clone()
}

/// `world` after all of `ops`, each written as for [`Op::read`].
pub(crate) fn after_all(world: World, ops: &[&str]) -> World {
    ops.iter().fold(world, |world, op| after(world, &Op::read(op)))
}
