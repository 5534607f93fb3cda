//! The first lines of a connection: names, and proof of the password. Nobody who does not know it gets further.

use std::fs::File;
use std::io::{BufRead as _, BufReader, Error, ErrorKind, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use nix::errno::Errno;
use nix::libc::linger;
use nix::sys::socket::{setsockopt, sockopt::Linger};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::router::Router;

/// How long a handshake may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// No line is longer.
const LINE: u64 = 1 << 22;

/// What each side says first.
#[derive(Serialize, Deserialize)]
pub(crate) struct Hello {
    pub(crate) name: String,
    pub(crate) nickname: String,
    pub(crate) uid: u64,
    pub(crate) port: u16,
    challenge: String,
    password: bool,
    /// Whether the other side is in a trusted subnet.
    trusts: bool,
    pub(crate) range: Option<String>,
    owner: Option<String>,
}

/// Why there is no connection.
pub(crate) struct Failure {
    pub(crate) text: String,
    /// Whether another attempt could end otherwise.
    pub(crate) again: bool,
}

impl From<String> for Failure {
    fn from(text: String) -> Self {
        Self { text, again: true }
    }
}

/// A TCP connection, as lines.
pub(crate) struct Wire {
    pub(crate) stream: TcpStream,
    lines: BufReader<TcpStream>,
    pub(crate) remote: SocketAddr,
    /// Both ends as text; the kernel forgets them when the connection is reset.
    ends: String,
}

impl Wire {
    pub(crate) fn new(stream: TcpStream) -> Result<Self, String> {
        let failed = |why: Error| reason(&why);
        let (local, remote) = (stream.local_addr().map_err(failed)?, stream.peer_addr().map_err(failed)?);
        let (local, remote) = (canonical(local), canonical(remote));
        let lines = BufReader::new(stream.try_clone().map_err(failed)?);
        Ok(Self { stream, lines, remote, ends: format!("{local}->{remote}") })
    }

    /// The next line as data.
    pub(crate) fn read<T: for<'a> Deserialize<'a>>(&mut self) -> Result<T, String> {
        let mut line = String::new();
        match (&mut self.lines).take(LINE).read_line(&mut line) {
            Ok(_) if line.ends_with('\n') => {
                serde_json::from_str(&line).map_err(|why| format!("remote protocol not recognised: {why}"))
            }
            Ok(_) => Err("EOF".to_owned()),
            Err(why) => Err(self.told(&why)),
        }
    }

    fn write<T: Serialize>(&self, data: &T) -> Result<(), String> {
        write(&self.stream, data).map_err(|why| self.told(&why))
    }

    fn told(&self, why: &Error) -> String {
        let ends = &self.ends;
        match why.kind() {
            ErrorKind::WouldBlock | ErrorKind::TimedOut => format!("read tcp {ends}: i/o timeout"),
            _ => format!("read tcp {ends}: read: {}", reason(why)),
        }
    }
}

/// A peer that proved to be one.
pub(crate) struct Met {
    pub(crate) hello: Hello,
    pub(crate) encrypted: bool,
}

/// Introduces both sides to each other.
pub(crate) fn shake(router: &Router, wire: &mut Wire, outbound: bool) -> Result<Met, Failure> {
    let (stream, patience) = (&wire.stream, Some(PATIENCE));
    let limited = stream.set_read_timeout(patience).and_then(|()| stream.set_write_timeout(patience));
    limited.map_err(|why| reason(&why))?;
    let ours = hello(router, wire.remote)?;
    wire.write(&ours)?;
    let hello: Hello = wire.read()?;
    check(router, &ours, &hello)?;
    if ours.password {
        prove(router, wire, (&ours, &hello), outbound)?;
    }
    wire.stream.set_read_timeout(None).map_err(|why| reason(&why))?;
    let encrypted = ours.password && !(ours.trusts && hello.trusts);
    Ok(Met { hello, encrypted })
}

/// Data as one line.
pub(crate) fn write<T: Serialize>(mut stream: &TcpStream, data: &T) -> Result<(), Error> {
    let mut line = serde_json::to_vec(data)?;
    line.push(b'\n');
    stream.write_all(&line)
}

/// An error of the kernel in the real router's words.
pub(crate) fn reason(why: &Error) -> String {
    why.raw_os_error().map_or_else(|| why.to_string(), |number| Errno::from_raw(number).desc().to_lowercase())
}

/// 16 digits that nobody knows before.
pub(crate) fn random() -> Result<u64, String> {
    let mut bytes = [0; 8];
    let read = File::open("/dev/urandom").and_then(|mut file| file.read_exact(&mut bytes));
    read.map(|()| u64::from_ne_bytes(bytes)).map_err(|why| format!("read /dev/urandom: {why}"))
}

/// An IPv4 address that came through an IPv6 socket, as what it is.
pub(crate) fn canonical(address: SocketAddr) -> SocketAddr {
    SocketAddr::new(address.ip().to_canonical(), address.port())
}

fn hello(router: &Router, remote: SocketAddr) -> Result<Hello, String> {
    let state = |ipam: &mut crate::ipam::Ipam| {
        (ipam.universe.to_string(), ipam.ring.as_ref().map(|ring| ring.owner.name.clone()))
    };
    let (range, owner) = router.with_ipam(state).unzip();
    Ok(Hello {
        name: router.name.clone(),
        nickname: router.nickname.clone(),
        uid: router.uid,
        port: router.args.port,
        challenge: format!("{:016x}{:016x}", random()?, random()?),
        password: router.args.password.is_some(),
        trusts: router.args.trusted.iter().any(|subnet| subnet.contains(remote.ip())),
        range,
        owner: owner.flatten(),
    })
}

fn check(router: &Router, ours: &Hello, theirs: &Hello) -> Result<(), Failure> {
    let never = |text: String| Failure { text, again: false };
    match (ours.password, theirs.password) {
        (true, false) => Err("password specified, but peer requested an unencrypted connection".to_owned())?,
        (false, true) => Err("no password specificed, but peer requested an encrypted connection".to_owned())?,
        _ => {}
    }
    if theirs.name == ours.name {
        return Err(never(if theirs.uid == ours.uid {
            "cannot connect to ourself".to_owned()
        } else {
            let peer = |nickname: &str| format!("{}({nickname})", router.name);
            format!("local {:?} and remote {:?} peer names collision", peer(&ours.nickname), peer(&theirs.nickname))
        }));
    }
    match (&ours.range, &theirs.range) {
        (Some(ours), Some(theirs)) if ours != theirs => {
            Err(format!("Incompatible IP allocation ranges (received: {theirs}, ours: {ours})"))?;
        }
        _ => {}
    }
    match (&ours.owner, &theirs.owner) {
        (Some(ours), Some(theirs)) if ours != theirs => {
            Err(format!("IP allocation was seeded by different peers (received: [{theirs}], ours: [{ours}])"))?
        }
        _ => Ok(()),
    }
}

/// Each side proves that it knows the password; the one that was dialled answers only after the other has.
fn prove(router: &Router, wire: &mut Wire, (ours, theirs): (&Hello, &Hello), outbound: bool) -> Result<(), String> {
    let password = router.args.password.as_deref().unwrap_or_default();
    let (proof, expected) = (digest(password, theirs, &ours.name), digest(password, ours, &theirs.name));
    if outbound {
        wire.write(&proof)?;
    }
    let given: String = wire.read()?;
    if given != expected {
        // As the real router does it, the other side learns nothing but that the connection is over.
        let _ = setsockopt(&wire.stream, Linger, &linger { l_onoff: 1, l_linger: 0 });
        return Err("the peer has another password".to_owned());
    }
    if outbound { Ok(()) } else { wire.write(&proof) }
}

fn digest(password: &str, asked: &Hello, by: &str) -> String {
    let bytes = Sha256::digest(format!("{}\n{by}\n{password}", asked.challenge));
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
