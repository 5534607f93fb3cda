//! Ways to ask who is calling, which say at which step they failed.

use std::io::{self, Read as _, Write as _};
use std::net::{IpAddr, SocketAddr, TcpListener, TcpStream, UdpSocket};

use super::common::SOON;
use crate::lab::{Netns, wait_until};

/// How often a datagram is sent until it is answered, a second after the other: any of them may be lost on the way.
const TRIES: u32 = 10;

/// Calls from a namespace a target that listens at an address in its own namespace; whom it saw, or what failed.
pub(super) type Speak = fn(&Netns, (&Netns, SocketAddr), SocketAddr) -> Result<IpAddr, String>;

fn failed(step: &'static str) -> impl Fn(io::Error) -> String {
    move |error| format!("{step}: {error}")
}

/// A connection that carries a word there and back.
pub(super) fn over_tcp(from: &Netns, (target, at): (&Netns, SocketAddr), to: SocketAddr) -> Result<IpAddr, String> {
    let listener = target.bind(|| TcpListener::bind(at));
    let mut caller = from.in_netns(|| TcpStream::connect_timeout(&to, SOON)).map_err(failed("connect"))?;
    // Somebody else may have taken it.
    listener.set_nonblocking(true).map_err(failed("listen"))?;
    let mut accepted = None;
    wait_until(SOON, || {
        accepted = listener.accept().ok();
        accepted.is_some()
    });
    let (mut called, who) = accepted.ok_or("accept: nobody came")?;
    let (mut there, mut back) = ([0; 4], [0; 4]);
    called.set_read_timeout(Some(SOON)).map_err(failed("accept"))?;
    caller.set_read_timeout(Some(SOON)).map_err(failed("connect"))?;
    caller.write_all(b"ping").map_err(failed("call"))?;
    called.read_exact(&mut there).map_err(failed("hear the call"))?;
    called.write_all(b"pong").map_err(failed("answer"))?;
    caller.read_exact(&mut back).map_err(failed("hear the answer"))?;
    assert_eq!((&there, &back), (b"ping", b"pong"));
    Ok(who.ip())
}

/// A datagram and its answer, which has to come from where the first went to.
pub(super) fn over_udp(from: &Netns, (target, at): (&Netns, SocketAddr), to: SocketAddr) -> Result<IpAddr, String> {
    let server = target.bind(|| UdpSocket::bind(at));
    let any = if to.is_ipv4() { "0.0.0.0:0" } else { "[::]:0" };
    let caller = from.in_netns(|| {
        let socket = UdpSocket::bind(any)?;
        socket.connect(to).map(|()| socket)
    });
    let caller = caller.map_err(failed("connect"))?;
    for socket in [&server, &caller] {
        socket.set_read_timeout(Some(SOON / TRIES)).map_err(failed("wait"))?;
    }
    let mut done = exchange(&caller, &server);
    for _ in 1..TRIES {
        if done.is_err() {
            done = exchange(&caller, &server);
        }
    }
    done
}

fn exchange(caller: &UdpSocket, server: &UdpSocket) -> Result<IpAddr, String> {
    let mut buffer = [0; 16];
    caller.send(b"ping").map_err(failed("call"))?;
    let (_, who) = server.recv_from(&mut buffer).map_err(failed("hear the call"))?;
    server.send_to(b"pong", who).map_err(failed("answer"))?;
    let size = caller.recv(&mut buffer).map_err(failed("hear the answer"))?;
    assert_eq!(&buffer[..size], b"pong");
    Ok(who.ip())
}
