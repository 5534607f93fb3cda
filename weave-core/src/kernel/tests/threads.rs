//! Whose thread works, and where it is afterwards.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Mutex, PoisonError};
use std::thread;

use nix::sched::{CloneFlags, unshare};

use super::lab::Container;
use crate::host::Host;
use crate::kernel::job;
use crate::kernel::{Kernel, KernelOptions};
use crate::netns::NetNs;
use crate::observed::{NetnsId, Scope};
use crate::{Result, blocking};

fn here() -> NetnsId {
    NetNs::current().expect("a namespace").id()
}

fn look(container: &Container) -> Result<usize> {
    let scope = Scope { targets: vec![container.name()], ..Scope::default() };
    let kernel = Kernel::new(KernelOptions::default())?;
    blocking::run(async move { Ok(kernel.observe(&scope).await?.targets.len()) })
}

#[test]
fn the_callers_thread_works_and_is_back_afterwards() {
    unshare(CloneFlags::CLONE_NEWNET).expect("these tests need root");
    let (home, me, container) = (here(), thread::current().id(), Container::new());
    assert_eq!(blocking::run(async { (thread::current().id(), job::is_own()) }), (me, true));
    assert!(!job::is_own());
    assert_eq!(look(&container).expect("a look"), 1);
    assert_eq!(here(), home);
    // In the meantime others may move the thread.
    unshare(CloneFlags::CLONE_NEWNET).expect("these tests need root");
    let moved = here();
    assert_ne!(moved, home);
    assert_eq!(look(&container).expect("a look"), 1);
    assert_eq!(here(), moved);
}

#[test]
fn a_panic_far_away_ends_at_home() {
    unshare(CloneFlags::CLONE_NEWNET).expect("these tests need root");
    let (home, away) = (here(), Container::new());
    let kernel = Kernel::new(KernelOptions::default()).expect("a host");
    let seen = Mutex::new(None);
    let job = async {
        let work = {
            let away = NetNs::open(&away.path()).expect("a namespace");
            move || -> Result<()> {
                away.enter().expect("entered");
                panic!("far away in {:?}", here());
            }
        };
        *seen.lock().unwrap_or_else(PoisonError::into_inner) = Some(thread::current().id());
        job::soon(&kernel.host, work).map(drop)
    };
    assert!(catch_unwind(AssertUnwindSafe(|| blocking::run(job))).is_err());
    assert_eq!(*seen.lock().unwrap_or_else(PoisonError::into_inner), Some(thread::current().id()));
    assert_eq!((here(), job::is_own()), (home, false));
}

#[test]
fn inside_a_runtime_another_thread_works() {
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    let me = thread::current().id();
    let other = runtime.block_on(async { blocking::run(async { thread::current().id() }) });
    assert_ne!(other, me);
}

#[test]
fn no_socket_keeps_a_namespace_alive_afterwards() {
    unshare(CloneFlags::CLONE_NEWNET).expect("these tests need root");
    let container = Container::new();
    let sockets = || {
        let open = std::fs::read_dir("/proc/thread-self/fd").expect("files");
        open.filter_map(|file| std::fs::read_link(file.ok()?.path()).ok())
            .filter(|target| target.to_string_lossy().starts_with("socket:"))
            .collect::<Vec<_>>()
    };
    let before = sockets();
    let kernel = Kernel::new(KernelOptions::default()).expect("a host");
    let scope = Scope { targets: vec![container.name()], ..Scope::default() };
    let (first, second) = blocking::run(async {
        kernel.observe(&scope).await.expect("a look");
        let first = sockets();
        kernel.observe(&scope).await.expect("a look");
        (first, sockets())
    });
    // Other tests of this process have sockets of their own.
    let new = |open: &[std::path::PathBuf]| open.iter().filter(|socket| !before.contains(socket)).cloned().collect();
    let (first, second): (Vec<_>, Vec<_>) = (new(&first), new(&second));
    assert!(first.iter().filter(|socket| second.contains(socket)).count() >= 2, "{first:?} {second:?}");
    let after = sockets();
    let own: Vec<_> = first.iter().filter(|socket| second.contains(socket) && after.contains(socket)).collect();
    assert!(own.len() + 2 <= first.len(), "{own:?}");
}
