//! A stand-in for the classic router, for tests: it answers the control port as the real one does (see
//! `tests/data/weave-router`), connects to its peers over TCP and carries frames between them and the bridge over UDP.
//! Only its peers of the same kind understand it, and it encrypts nothing.

mod api;
mod args;
mod capture;
mod clock;
mod forward;
mod handshake;
mod http;
mod ipam;
mod link;
mod metrics;
mod misbehave;
mod peers;
mod report;
mod resolve;
mod router;
mod status;
mod store;
mod topology;

use std::env;
use std::io::{Write as _, stderr, stdout};
use std::net::{TcpListener, UdpSocket};
use std::process::exit;
use std::sync::Arc;
use std::thread;

use nix::sys::signal::{SigSet, Signal};

use crate::api::Scope;
use crate::args::{Args, Refusal};
use crate::capture::Capture;
use crate::forward::Forward;
use crate::misbehave::Misbehaviour;
use crate::router::Router;

fn main() {
    // Process 1 of a container has only the signals that it asks for; all threads leave them to this one.
    let ends = SigSet::from_iter([Signal::SIGTERM, Signal::SIGINT]);
    let done = ends.thread_block().map_err(|why| Refusal(why.to_string(), 1)).and_then(|()| start());
    match done {
        Ok(false) => {}
        Ok(true) => match ends.wait() {
            Ok(_) => exit(0),
            Err(why) => fail(&why.to_string(), 1),
        },
        Err(Refusal(why, code)) => fail(&why, code),
    }
}

/// Starts all threads; false if there was only something to print.
fn start() -> Result<bool, Refusal> {
    let fatal = |why: String| Refusal(format!("FATA: {why}"), 1);
    let args = Args::parse(env::args().skip(1).collect())?;
    if args.version {
        return Ok(print(&format!("weave {}", report::VERSION)));
    }
    let name = match &args.name {
        Some(name) => name.clone(),
        None => capture::mac(&args.bridge)
            .and_then(|mac| mac.ok_or_else(|| format!("no --name, and no bridge {} to take one from", args.bridge)))
            .map_err(fatal)?,
    };
    if args.print_name {
        return Ok(print(&name));
    }
    let misbehaviour = Misbehaviour::parse(&env::var("ROUTER_MISBEHAVES").unwrap_or_default()).map_err(fatal)?;
    if misbehaviour == Some(Misbehaviour::Exit) {
        return Err(fatal("ends at once, as ROUTER_MISBEHAVES says".to_owned()));
    }
    if args.dns {
        return Err(fatal("this router serves no names; allowed: only with --no-dns".to_owned()));
    }
    run(args, name, misbehaviour).map_err(fatal)?;
    Ok(true)
}

fn run(args: Args, name: String, misbehaviour: Option<Misbehaviour>) -> Result<(), String> {
    let capture = Arc::new(Capture::open()?);
    let nickname = match &args.nickname {
        Some(nickname) => nickname.clone(),
        None => nix::unistd::gethostname().map_err(|why| why.to_string())?.to_string_lossy().into_owned(),
    };
    let (tcp, udp) = peer_sockets(&args.host, args.port)?;
    let pages = [
        (args.http.clone(), Scope::Control),
        (args.status.clone(), Scope::Status),
        (args.metrics.clone(), Scope::Metrics),
    ];
    let router = Arc::new(Router::new(args, name, nickname, Forward::new(udp))?);
    router.start()?;
    for (address, scope) in pages {
        let Some(address) = address else { continue };
        // `:6784` is every address.
        let full = if address.starts_with(':') { format!("0.0.0.0{address}") } else { address.clone() };
        let listener = TcpListener::bind(&full).map_err(|why| format!("listen tcp {address}: bind: {why}"))?;
        http::serve(&router, listener, scope, misbehaviour);
    }
    let (one, two) = (Arc::clone(&router), Arc::clone(&capture));
    thread::spawn(move || ended(forward::from_bridge(&one, &two)));
    let one = Arc::clone(&router);
    thread::spawn(move || ended(forward::from_peers(&one, &capture)));
    let one = Arc::clone(&router);
    thread::spawn(move || tcp.incoming().flatten().for_each(|stream| one.accept(stream)));
    thread::spawn(move || router.tick());
    Ok(())
}

/// The sockets of the peers: for both families, or for IPv4 where there is no IPv6.
fn peer_sockets(host: &str, port: u16) -> Result<(TcpListener, UdpSocket), String> {
    let hosts = if host.is_empty() { vec!["::", "0.0.0.0"] } else { vec![host] };
    let open =
        |host: &&str| TcpListener::bind((*host, port)).and_then(|tcp| Ok((tcp, UdpSocket::bind((*host, port))?)));
    let mut why = String::new();
    for host in &hosts {
        match open(host) {
            Ok(sockets) => return Ok(sockets),
            Err(error) => why = error.to_string(),
        }
    }
    Err(format!("listen tcp {host}:{port}: bind: {why}"))
}

fn ended(result: Result<(), String>) {
    if let Err(why) = result {
        fail(&format!("FATA: {why}"), 1);
    }
}

fn print(line: &str) -> bool {
    // Nobody is left to tell if this fails.
    let _ = writeln!(stdout(), "{line}");
    false
}

/// Says something to whoever reads the container's log.
pub(crate) fn log(line: &str) {
    let _ = writeln!(stderr(), "{line}");
}

fn fail(why: &str, code: i32) -> ! {
    log(why);
    exit(code)
}
