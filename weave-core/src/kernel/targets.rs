//! Containers and namespaces: found, opened once, entered one after the other; many on several threads.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::io;
use std::num::NonZero;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::available_parallelism;
use std::time::Duration;

use super::held::{Held, Origin};
use super::locate::Locator;
use super::recent::Recent;
use super::{Kernel, job, look};
use crate::docker::{Engine, Found};
use crate::netlink::Refusal;
use crate::netns::{NetNs, Process, uptime};
use crate::observed::{AttachmentMark, LinkKind, NetnsId, Target, TargetNet, TargetProblem};
use crate::spec::ContainerRef;
use crate::{Error, Result};

/// How often a container that starts anew while it is looked at is asked for again.
const TRIES: usize = 6;

/// How long is waited before the second time, and each time twice as long: 1.5 s in all.
const PAUSE: Duration = Duration::from_millis(50);

/// So many namespaces are worth another thread: a look at one takes some 30 µs, a thread about two such looks.
const WORTH_A_THREAD: usize = 32;

/// So many are shared at most: what threads free of the memory of others stays with the process, and of more namespaces
/// that would be much.
const SHARED_MOST: usize = 256;

/// The number of each namespace's loopback (`LOOPBACK_IFINDEX` of the kernel).
const LOOPBACK: u32 = 1;

/// What was found.
#[derive(Default)]
pub(super) struct Visited {
    /// The insides.
    pub(super) targets: BTreeMap<ContainerRef, Target>,
    /// The namespaces.
    pub(super) held: Held,
}

/// What the engine says of a name.
pub(super) type Answer = std::result::Result<Found, TargetProblem>;

/// What the caller named, with the engine's answers.
pub(super) struct Wanted {
    /// What the caller named.
    pub(super) names: Vec<ContainerRef>,
    /// The engine's answers for the containers among it.
    pub(super) answers: HashMap<String, Answer>,
    /// When the engine was asked: a process that is older than this is the one that the engine told of.
    pub(super) asked: u64,
}

impl Wanted {
    /// Asks the engine for all containers among `names` in one call, and not at all if there are none, or `recent` has
    /// them.
    pub(super) async fn ask(engine: &Engine, names: Vec<ContainerRef>, recent: Option<Recent>) -> Result<Self> {
        let containers: Vec<String> = names
            .iter()
            .filter_map(|name| match name {
                ContainerRef::Container(name) => Some(name.to_string()),
                _ => None,
            })
            .collect();
        if containers.is_empty() {
            return Ok(Self { names, answers: HashMap::new(), asked: 0 });
        }
        let mut asked = uptime().map_err(|error| Error::os("host", "read /proc/uptime", error))?;
        let mut answers = HashMap::new();
        if let Some(recent) = recent {
            asked = asked.min(recent.asked);
            answers.extend(containers.iter().filter_map(|name| Some((name.clone(), Ok(recent.find(name)?)))));
        }
        let rest: Vec<String> = containers.into_iter().filter(|name| !answers.contains_key(name)).collect();
        if !rest.is_empty() {
            let found = Box::pin(engine.find(&rest)).await;
            answers.extend(rest.into_iter().zip(found));
        }
        Ok(Self { names, answers, asked })
    }
}

/// Enters everything in `wanted`, and the namespaces of `marks` that are not among it. Looks at checksum offload in
/// them where `offload` says so.
pub(super) async fn visit(
    kernel: &Kernel,
    wanted: Wanted,
    offload: bool,
    marks: impl Iterator<Item = AttachmentMark>,
) -> Result<Visited> {
    let mut tour = Tour::new(Arc::clone(&kernel.host), offload);
    tour.visited.held = Held::with_room(wanted.names.len());
    let mut wanted = wanted;
    for attempt in 0..TRIES {
        if wanted.names.is_empty() {
            break;
        }
        if attempt > 0 {
            tokio::time::sleep(PAUSE * (1 << (attempt - 1))).await;
        }
        let before = wanted.answers.clone();
        tour = enter_in_shares(tour, wanted).await?;
        wanted = Wanted::ask(&kernel.engine, std::mem::take(&mut tour.doubtful), None).await?;
        tour.confirm(&mut wanted, &before);
    }
    for name in &wanted.names {
        if !matches!(tour.visited.targets.get(name), Some(Target::Problem(TargetProblem::Engine(_)))) {
            tour.problem(name, TargetProblem::NotRunning("restarting".into()));
        }
    }
    let seen = tour.seen();
    let marks: Vec<AttachmentMark> = marks.filter(|mark| !seen.contains(&mark.inode)).collect();
    if !marks.is_empty() {
        tour = job::soon(&kernel.host, move || tour.enter_marked(&marks))?.wait().await?;
    }
    Ok(tour.visited)
}

/// Enters everything in `wanted`; many namespaces on as many threads as there are processors.
async fn enter_in_shares(tour: Tour, wanted: Wanted) -> Result<Tour> {
    let (host, offload, wanted) = (Arc::clone(&tour.host), tour.offload, Arc::new(wanted));
    let mut shares = shares(wanted.names.len());
    let own = shares.next().unwrap_or_default();
    let mut others = Vec::new();
    for share in shares {
        let (tour, wanted) = (Tour::new(Arc::clone(&host), offload), Arc::clone(&wanted));
        others.push(job::start(&host, move || tour.enter_all(&wanted, share))?);
    }
    let mut tour = job::soon(&host, move || tour.enter_all(&wanted, own))?.wait().await?;
    for other in others {
        tour.absorb(other.wait().await?);
    }
    Ok(tour)
}

/// Equal shares of `count`, one for each thread that is worth it.
fn shares(count: usize) -> impl Iterator<Item = Range<usize>> {
    let most = if count <= SHARED_MOST { (count / WORTH_A_THREAD).max(1) } else { 1 };
    let threads = if most > 1 { available_parallelism().map_or(1, NonZero::get).min(most) } else { 1 };
    let size = count.div_ceil(threads).max(1);
    (0..count).step_by(size).map(move |first| first..(first + size).min(count))
}

/// Where somebody wants to be found.
struct Stop {
    name: ContainerRef,
    origin: Origin,
    netns: NetNs,
    inside: TargetNet,
}

/// The way through all namespaces.
pub(super) struct Tour {
    host: Arc<NetNs>,
    offload: bool,
    locator: Locator,
    pub(super) visited: Visited,
    /// Containers whose process is younger than the engine's answer, or was gone.
    pub(super) doubtful: Vec<ContainerRef>,
}

impl Tour {
    pub(super) fn new(host: Arc<NetNs>, offload: bool) -> Self {
        Self { host, offload, locator: Locator::default(), visited: Visited::default(), doubtful: Vec::new() }
    }

    pub(super) fn enter_all(mut self, wanted: &Wanted, share: Range<usize>) -> Result<Self> {
        for name in wanted.names.get(share).unwrap_or_default() {
            match name {
                ContainerRef::Container(id) => match wanted.answers.get(&**id) {
                    Some(Ok(found)) => self.enter_container(name, found, wanted.asked)?,
                    Some(Err(problem)) => self.problem(name, problem.clone()),
                    None => self.problem(name, TargetProblem::Missing),
                },
                ContainerRef::Netns(path) => self.enter_path(name, path)?,
                ContainerRef::Pid(pid) => {
                    self.enter_process(name, *pid, TargetNet { pid: *pid, ..TargetNet::default() })?;
                }
            }
        }
        Ok(self)
    }

    /// Takes over what another one has seen.
    fn absorb(&mut self, other: Self) {
        self.visited.targets.extend(other.visited.targets);
        self.visited.held.absorb(other.visited.held);
        self.doubtful.extend(other.doubtful);
    }

    fn enter_container(&mut self, name: &ContainerRef, found: &Found, asked: u64) -> Result<()> {
        if found.host_network {
            self.problem(name, TargetProblem::HostNetwork);
            return Ok(());
        }
        let inside = TargetNet {
            id: Some(found.id.clone()),
            name: Some(found.name.clone()),
            held: found.held,
            pid: found.pid,
            ..TargetNet::default()
        };
        let started = self.enter_process(name, found.pid, inside)?;
        // The number may have passed to another process since the engine answered, but not one from before that.
        if started.is_none_or(|started| started >= asked) {
            self.doubtful.push(name.clone());
        }
        Ok(())
    }

    /// When the process started, if it was there.
    fn enter_process(&mut self, name: &ContainerRef, pid: u32, inside: TargetNet) -> Result<Option<u64>> {
        let opened = Process::open(pid).and_then(|process| Ok((process.started(), process.netns()?)));
        match opened {
            Ok((started, netns)) => {
                self.enter(Stop { name: name.clone(), origin: Origin::Process { pid, started }, netns, inside })?;
                Ok(Some(started))
            }
            Err(error) => {
                self.not_opened(name, error)?;
                Ok(None)
            }
        }
    }

    fn enter_path(&mut self, name: &ContainerRef, path: &Arc<Path>) -> Result<()> {
        let inside = TargetNet::default();
        if let Some(inode) = marked_inode(path) {
            let id = NetnsId { device: self.host.id().device, inode };
            return match self.locator.search(id) {
                Some((origin, netns)) => self.enter(Stop { name: name.clone(), origin, netns, inside }),
                None => {
                    self.problem(name, TargetProblem::Missing);
                    Ok(())
                }
            };
        }
        match NetNs::open(path) {
            Ok(netns) => self.enter(Stop { name: name.clone(), origin: Origin::Path(Arc::clone(path)), netns, inside }),
            Err(error) => self.not_opened(name, error),
        }
    }

    /// Looks at the inside of a namespace.
    fn enter(&mut self, stop: Stop) -> Result<()> {
        let Stop { name, origin, netns, mut inside } = stop;
        if netns.id() == self.host.id() {
            self.problem(&name, TargetProblem::HostNetwork);
            return Ok(());
        }
        match netns.enter() {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::InvalidInput => {
                self.problem(&name, TargetProblem::NotNetns);
                return Ok(());
            }
            Err(error) => return Err(Error::os(name.to_string(), "enter its network namespace", error)),
        }
        inside.netns = netns.id();
        let refused = |refusal: Refusal| refusal.error(name.to_string(), "look into its network namespace");
        let socket = &mut look::socket(&name.to_string())?;
        inside.links = look::links(socket).map_err(refused)?;
        // Each namespace has one, nobody asks for it, and there are a thousand of them.
        inside.links.retain(|link| link.index != LOOPBACK);
        inside.links.shrink_to_fit();
        if self.offload {
            look::offload(&name.to_string(), &mut inside.links, |link| link.kind == LinkKind::Veth)?;
        }
        inside.addresses = look::addresses(socket).map_err(refused)?;
        // Whatever else is routed concerns an interface.
        if !inside.links.is_empty() {
            inside.routes = look::routes(socket).map_err(refused)?;
        }
        self.visited.held.keep(name.clone(), origin, netns);
        self.visited.targets.insert(name, Target::Found(Box::new(inside)));
        Ok(())
    }

    fn not_opened(&mut self, name: &ContainerRef, error: io::Error) -> Result<()> {
        match error.kind() {
            io::ErrorKind::InvalidInput => self.problem(name, TargetProblem::NotNetns),
            // ESRCH: the process died just now.
            io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => self.problem(name, TargetProblem::Missing),
            _ if error.raw_os_error() == Some(nix::libc::ESRCH) => self.problem(name, TargetProblem::Missing),
            _ => return Err(Error::os(name.to_string(), "open its network namespace", error)),
        }
        Ok(())
    }

    fn problem(&mut self, name: &ContainerRef, problem: TargetProblem) {
        self.visited.targets.insert(name.clone(), Target::Problem(problem));
    }

    /// Takes from `wanted` the containers of which the engine says the same as before they were entered.
    ///
    /// Those that could not be entered stay in it: the engine takes a moment to notice that a process has died.
    pub(super) fn confirm(&mut self, wanted: &mut Wanted, before: &HashMap<String, Answer>) {
        let answers = &wanted.answers;
        wanted.names.retain(|name| {
            let ContainerRef::Container(id) = name else { return true };
            let (Some(Ok(before)), Some(Ok(now))) = (before.get(&**id), answers.get(&**id)) else { return true };
            let same = before.pid == now.pid && before.started_at == now.started_at;
            let entered = matches!(self.visited.targets.get(name), Some(Target::Found(_)));
            if same && !entered {
                let message = format!("its process {} cannot be seen: is weave in another pid namespace?", now.pid);
                self.visited.targets.insert(name.clone(), Target::Problem(TargetProblem::Engine(message)));
            }
            !(same && entered)
        });
    }

    /// Numbers of the namespaces that were entered.
    fn seen(&self) -> HashSet<u64> {
        let found = |target: &Target| match target {
            Target::Found(inside) => Some(inside.netns.inode),
            Target::Problem(_) => None,
        };
        self.visited.targets.values().filter_map(found).collect()
    }

    fn enter_marked(mut self, marks: &[AttachmentMark]) -> Result<Self> {
        let mut seen = self.seen();
        for mark in marks {
            if !seen.insert(mark.inode) {
                continue;
            }
            let name = mark.container();
            match self.locator.find(mark, self.host.id().device) {
                Some((origin, netns)) => {
                    // The name may have passed to a container that was started anew.
                    let taken = self.visited.targets.contains_key(&name);
                    let name = if taken { by_origin(&origin) } else { name };
                    self.enter(Stop { name, origin, netns, inside: marked(mark) })?;
                }
                None if self.visited.targets.contains_key(&name) => {}
                None => self.problem(&name, TargetProblem::Missing),
            }
        }
        Ok(self)
    }
}

fn by_origin(origin: &Origin) -> ContainerRef {
    match origin {
        Origin::Path(path) => ContainerRef::Netns(path.clone()),
        Origin::Process { pid, .. } => ContainerRef::Pid(*pid),
    }
}

fn marked(mark: &AttachmentMark) -> TargetNet {
    let text = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    TargetNet {
        id: text(&mark.id).filter(|id| !id.starts_with('/')),
        name: text(&mark.name),
        pid: mark.pid,
        ..TargetNet::default()
    }
}

/// The number in the name of a namespace that has no other ([`AttachmentMark::container`]).
fn marked_inode(path: &Path) -> Option<u64> {
    let inode = path.strip_prefix("/inode").ok()?;
    PathBuf::from(inode).to_str()?.parse().ok()
}
