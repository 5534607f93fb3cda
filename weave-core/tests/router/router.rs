//! The router's state, and what its threads do to it.

use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use crate::args::Args;
use crate::forward::Forward;
use crate::handshake;
use crate::ipam::{Answer, Holder, Ipam, Ring, Want};
use crate::link::{self, Message};
use crate::peers::{Connection, Peers};
use crate::resolve;
use crate::store::{self, Kept};
use crate::topology::Peer;

/// Between two looks at targets and connections.
const TICK: Duration = Duration::from_millis(100);

/// Between two datagrams that only say that datagrams arrive, in ticks.
const BEAT: u32 = 5;

/// How long a peer may take to answer a request for an address.
const ANSWER: Duration = Duration::from_secs(2);

/// What there is once in the program.
pub(crate) struct Router {
    pub(crate) args: Args,
    pub(crate) name: String,
    pub(crate) nickname: String,
    pub(crate) uid: u64,
    pub(crate) started: Instant,
    pub(crate) forward: Forward,
    epoch: u64,
    peers: Mutex<Peers>,
    ipam: Option<Mutex<Ipam>>,
    /// Held while something is written down, so that the latest state is what stays.
    keeping: Mutex<()>,
    numbers: AtomicU64,
    version: AtomicU64,
}

impl Router {
    pub(crate) fn new(args: Args, name: String, nickname: String, forward: Forward) -> Result<Self, String> {
        let ours = Holder { name: name.clone(), nickname: nickname.clone() };
        let ipam = args.range.map(|range| Ipam::new(ours, range, args.default_subnet.unwrap_or(range)));
        if let Some(ipam) = ipam.as_ref().filter(|ipam| !ipam.universe.overlaps(ipam.default_subnet)) {
            let (subnet, range) = (ipam.default_subnet, ipam.universe);
            return Err(format!(
                "IP address allocation default subnet {subnet} does not overlap with allocation range {range}"
            ));
        }
        let epoch = SystemTime::now().duration_since(UNIX_EPOCH).map_err(|why| why.to_string())?;
        Ok(Self {
            args,
            name,
            nickname,
            uid: handshake::random()?,
            started: Instant::now(),
            forward,
            epoch: u64::try_from(epoch.as_nanos()).map_err(|why| why.to_string())?,
            peers: Mutex::default(),
            ipam: ipam.map(Mutex::new),
            keeping: Mutex::default(),
            numbers: AtomicU64::new(0),
            version: AtomicU64::new(0),
        })
    }

    /// Takes up what was kept and the first targets: those of the command line, or after a restart those it had.
    pub(crate) fn start(&self) -> Result<(), String> {
        self.describe(&mut self.peers());
        let kept = store::load(&self.args.db_prefix)?;
        let targets = if self.args.resume || store::restarted() { kept.targets } else { self.args.peers.clone() };
        if kept.name == self.name {
            self.with_ipam(|ipam| (ipam.ring, ipam.owned) = (kept.ring, kept.owned));
        }
        let refused = self.connect(&targets, false);
        if refused.is_empty() { store::mark() } else { Err(refused.join("\n")) }
    }

    /// Adds targets; what it says of those that it cannot add.
    pub(crate) fn connect(&self, peers: &[String], replace: bool) -> Vec<String> {
        let (mut found, mut refused) = (Vec::new(), Vec::new());
        for peer in peers {
            match resolve::peer(peer) {
                Ok(address) => found.push((peer.clone(), address)),
                Err(why) => refused.push(why),
            }
        }
        self.peers().want(found, replace, self.args.port);
        self.keep();
        refused
    }

    /// Removes targets; their connections stay until they end by themselves.
    pub(crate) fn forget(&self, peers: &[String]) {
        self.peers().direct.retain(|peer, _| !peers.contains(peer));
        self.keep();
    }

    /// Writes down what outlives the program.
    pub(crate) fn keep(&self) {
        let _one_at_a_time = self.keeping.lock().unwrap_or_else(PoisonError::into_inner);
        let (ring, owned) = self.with_ipam(|ipam| (ipam.ring.clone(), ipam.owned.clone())).unwrap_or_default();
        let targets = self.peers().direct.keys().cloned().collect();
        let kept = Kept { name: self.name.clone(), targets, ring, owned };
        if let Err(why) = store::save(&self.args.db_prefix, &kept) {
            crate::log(&format!("Error persisting: {why}"));
        }
    }

    pub(crate) fn peers(&self) -> MutexGuard<'_, Peers> {
        self.peers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Works on the allocation of addresses; None where there is none.
    pub(crate) fn with_ipam<T>(&self, job: impl FnOnce(&mut Ipam) -> T) -> Option<T> {
        self.ipam.as_ref().map(|ipam| job(&mut ipam.lock().unwrap_or_else(PoisonError::into_inner)))
    }

    /// A number that was not used before.
    pub(crate) fn number(&self) -> u64 {
        self.numbers.fetch_add(1, Ordering::Relaxed)
    }

    /// Where to send a frame: to one peer if it is known and connected, otherwise to all.
    pub(crate) fn established(&self, peer: Option<&str>) -> Vec<SocketAddr> {
        let peers = self.peers();
        let all: Vec<_> = peers.connections.iter().filter(|one| one.established()).collect();
        let one = all.iter().find(|one| Some(one.name.as_str()) == peer);
        one.map_or_else(|| all.iter().map(|one| one.udp).collect(), |one| vec![one.udp])
    }

    /// Name and nickname of the established peer that sends from an address.
    pub(crate) fn sender(&self, from: SocketAddr) -> Option<(String, String)> {
        let mut peers = self.peers();
        let one = peers.by_udp(from).filter(|one| one.established())?;
        Some((one.name.clone(), one.nickname.clone()))
    }

    /// A datagram of a peer has arrived.
    pub(crate) fn heard(&self, from: SocketAddr) {
        let first = match self.peers().by_udp(from) {
            Some(one) => {
                one.last = Instant::now();
                let first = !std::mem::replace(&mut one.heard, true);
                if first {
                    say(one, &Message::Heard);
                }
                first
            }
            None => false,
        };
        if first {
            self.publish();
        }
    }

    /// A peer says that our datagrams arrive.
    pub(crate) fn told(&self, id: u64) {
        let mut peers = self.peers();
        if let Some(one) = peers.connections.iter_mut().find(|one| one.id == id) {
            one.told = true;
        }
        drop(peers);
        self.publish();
    }

    /// Tells all peers who is within reach, after a change of our own connections.
    pub(crate) fn publish(&self) {
        let mut peers = self.peers();
        self.describe(&mut peers);
        peers.topology.prune(&self.name);
        say_all(&peers, &Message::Topology(peers.topology.all().cloned().collect()));
    }

    /// Takes in what a peer knows of others, and passes it on if it was news.
    pub(crate) fn learn(&self, told: Vec<Peer>) {
        let mut peers = self.peers();
        if peers.topology.merge(told, &self.name) {
            say_all(&peers, &Message::Topology(peers.topology.all().cloned().collect()));
        }
    }

    /// A version is counted for each connection that comes and each that is established, as the real router does.
    fn describe(&self, peers: &mut Peers) {
        let connections = peers.links();
        let before = peers.topology.all().find(|peer| peer.name == self.name);
        let same = before.is_some_and(|before| before.connections == connections);
        let first = before.is_none();
        let version = match (first, same) {
            (true, _) => 0,
            (_, true) => self.version.load(Ordering::Relaxed),
            _ => self.version.fetch_add(1, Ordering::Relaxed) + 1,
        };
        let (name, nickname) = (self.name.clone(), self.nickname.clone());
        peers.topology.describe(Peer { name, nickname, uid: self.uid, epoch: self.epoch, version, connections });
    }

    /// Tells all peers who has which addresses.
    pub(crate) fn publish_ring(&self) {
        if let Some(ring) = self.with_ipam(|ipam| ipam.ring.clone()).flatten() {
            say_all(&self.peers(), &Message::Ring(ring));
        }
    }

    /// Takes in who has which addresses, and passes it on if it was news.
    pub(crate) fn take_ring(&self, ring: Ring) {
        let news = self.with_ipam(|ipam| {
            let news = ring.follows(ipam.ring.as_ref());
            if news {
                ipam.ring = Some(ring);
            }
            news
        });
        if news == Some(true) {
            self.keep();
            self.publish_ring();
        }
    }

    /// Gives an address to a peer that wants one, if there is one.
    pub(crate) fn give(&self, id: u64, number: u64, want: &Want, to: Holder) {
        self.establish_if_first();
        let given = self.with_ipam(|ipam| ipam.give(want, to)).flatten();
        if given.is_some() {
            self.keep();
            self.publish_ring();
        }
        let peers = self.peers();
        if let Some(one) = peers.connections.iter().find(|one| one.id == id) {
            say(one, &Message::Gave(number, given));
        }
    }

    /// A peer's answer to our request.
    pub(crate) fn answered(&self, number: u64, address: Option<Ipv4Addr>) {
        self.with_ipam(|ipam| ipam.answers.insert(number, address));
    }

    /// Asks whoever owns the range for an address; where nobody does, the first of all known routers will, once enough of
    /// them have met.
    pub(crate) fn ask(&self, want: &Want) -> Answer {
        self.with_ipam(|ipam| ipam.asked = true);
        if self.establish_if_first() {
            return Answer::Gave;
        }
        let owner = self.with_ipam(|ipam| ipam.ring.as_ref().map(|ring| ring.owner.name.clone())).flatten();
        let owner = owner.or_else(|| self.first());
        if owner.as_ref() == Some(&self.name) {
            return Answer::Refused;
        }
        let number = self.number();
        let asked = {
            let peers = self.peers();
            let one = peers.connections.iter().find(|one| Some(&one.name) == owner.as_ref() && one.why.is_none());
            one.is_some_and(|one| say(one, &Message::Want(number, want.clone())))
        };
        let deadline = Instant::now() + ANSWER;
        while asked && Instant::now() < deadline {
            match self.with_ipam(|ipam| ipam.answers.remove(&number)).flatten() {
                Some(Some(_)) => return Answer::Gave,
                Some(None) => return Answer::Refused,
                None => thread::sleep(Duration::from_millis(5)),
            }
        }
        Answer::NobodyThere
    }

    /// The first of all routers within reach that allocate: no other begins to.
    fn first(&self) -> Option<String> {
        able(&self.peers()).into_iter().min()
    }

    /// How many routers have to meet before one begins: more than half of those that are to be peers, and this one.
    pub(crate) fn quorum(&self) -> usize {
        self.args.count.unwrap_or_else(|| self.peers().direct.len() + 1) / 2 + 1
    }

    fn establish_if_first(&self) -> bool {
        let able = able(&self.peers());
        let first = able.len() >= self.quorum() && able.into_iter().min().as_ref() == Some(&self.name);
        let established = self.with_ipam(|ipam| {
            let now = first && ipam.ring.is_none();
            if now {
                ipam.establish();
            }
            now
        });
        if established == Some(true) {
            self.keep();
            self.publish_ring();
        }
        established == Some(true)
    }

    /// Dials what is due, and keeps connections alive, for ever.
    pub(crate) fn tick(self: &Arc<Self>) {
        for tick in 0_u32.. {
            let mut peers = self.peers();
            let due = peers.due(&self.name, self.args.port, self.args.discovery);
            peers.drop_silent();
            // Often while it is not established, so that it soon is.
            let beating = peers.connections.iter().filter(|one| tick % BEAT == 0 || !one.established());
            let beaten: Vec<_> = beating.map(|one| one.udp).collect();
            drop(peers);
            for address in due {
                let router = Arc::clone(self);
                thread::spawn(move || link::dial(&router, address));
            }
            for peer in beaten {
                self.forward.beat(peer);
            }
            thread::sleep(TICK);
        }
    }

    /// Lives with a connection that a peer made.
    pub(crate) fn accept(self: &Arc<Self>, stream: TcpStream) {
        let router = Arc::clone(self);
        thread::spawn(move || link::serve(&router, stream, None));
    }
}

/// The routers within reach, but for those that are known to allocate nothing.
fn able(peers: &Peers) -> Vec<String> {
    let unable = |name: &str| peers.connections.iter().any(|one| one.name == name && !one.allocates);
    peers.topology.all().map(|peer| peer.name.clone()).filter(|name| !unable(name)).collect()
}

/// Says something to a peer; whether it could.
fn say(one: &Connection, message: &Message) -> bool {
    // Who does not take it is gone, which the thread that reads sees.
    handshake::write(&one.stream, message).is_ok()
}

fn say_all(peers: &Peers, message: &Message) {
    for one in peers.connections.iter().filter(|one| one.why.is_none()) {
        say(one, message);
    }
}
