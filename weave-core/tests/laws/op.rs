//! Operations as data, so that one law runs over all of them.

use weave_core::apply::Mode;
use weave_core::ops::{Report, attachment, exposure, host, peer, router};
use weave_core::plan::{Intent, RouterIntent};
use weave_core::spec::{Attach, Connect, Detach, Expose, Forget, Hide, HostDocument, Launch, from_yaml};
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
            _ => panic!("{verb} is no operation"),
        }
    }

    /// Runs it.
    pub(crate) fn run(&self, on: &MemoryHost, mode: Mode) -> Result<Report> {
        blocking::run(async {
            match self {
                Self::Apply(document) => host::apply(on, document, mode).await,
                Self::Launch(spec) => router::launch(on, spec, mode).await,
                Self::Stop => router::stop(on, mode).await,
                Self::Reset => host::reset(on, mode).await,
                Self::Connect(spec) => peer::connect(on, spec, mode).await,
                Self::Forget(spec) => peer::forget(on, spec, mode).await,
                Self::Attach(spec) => attachment::attach(on, spec, mode).await,
                Self::Detach(spec) => attachment::detach(on, spec, mode).await,
                Self::Expose(spec) => exposure::expose(on, spec, mode).await,
                Self::Hide(spec) => exposure::hide(on, spec, mode).await,
            }
        })
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
