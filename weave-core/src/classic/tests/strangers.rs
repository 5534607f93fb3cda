//! Whoever listens on the port, the exchange ends in time, with an error that says what was met.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::thread;
use std::time::Duration;

use super::super::Control;
use super::server::{Server, hear};
use crate::docker::tests::nobody;
use crate::{Error, ErrorKind};

const AMPLE: Duration = Duration::from_secs(60);
const SHORT: Duration = Duration::from_millis(300);

/// Asks for the report of someone who hears the request and then does as `play` does, until one of both gives up.
fn ask(patience: Duration, play: impl Fn(&mut TcpStream) -> std::io::Result<()> + Send + 'static) -> Error {
    let server = Server::start(move |mut stream| {
        hear(&stream);
        // The client leaves when it has had enough.
        drop(play(&mut stream));
        Some(())
    });
    let error = Control::new(server.port, patience).report().expect_err("no report");
    server.end();
    error
}

/// Says `first`, then `again` over and over, with a pause after each.
fn endlessly(
    first: &'static str,
    again: &'static str,
    pause: Duration,
) -> impl Fn(&mut TcpStream) -> std::io::Result<()> + Send {
    move |stream| {
        stream.write_all(first.as_bytes())?;
        loop {
            stream.write_all(again.as_bytes())?;
            thread::sleep(pause);
        }
    }
}

const SLOWLY: Duration = Duration::from_millis(20);
const AT_ONCE: Duration = Duration::ZERO;

#[test]
fn nobody_listens() {
    let (port, _held) = nobody::port();
    let error = Control::new(port, AMPLE).report().expect_err("no report");
    assert_eq!((error.kind(), error.raw_errno()), (ErrorKind::Router, Some(111)), "{error:?}");
    let expected = "read the report: cannot talk to the weave router: Connection refused (os error 111)";
    assert_eq!(error.to_string(), format!("127.0.0.1:{port}: {expected}"));
    assert!(error.next_step().is_some_and(|hint| hint.contains("weave launch")), "{error:?}");
}

#[test]
fn who_does_not_end_is_left_at_the_deadline() {
    // Until the client has had enough.
    let silent = |stream: &mut TcpStream| stream.read(&mut [0]).map(drop);
    let body = "HTTP/1.1 200 OK\r\n\r\n";
    let all = [
        ask(SHORT, silent),
        ask(SHORT, endlessly("HTTP/1.1 200 OK\r\nX: ", "x", SLOWLY)),
        ask(SHORT, endlessly(body, "x", SLOWLY)),
        ask(SHORT, endlessly("HTTP/1.1 200 OK\r\nContent-Length: 2000\r\n\r\n", "x", SLOWLY)),
        ask(SHORT, endlessly("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "1\r\nx\r\n", SLOWLY)),
        ask(SHORT, endlessly("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1", "0", SLOWLY)),
        ask(SHORT, endlessly("", "HTTP/1.1 100 Continue\r\n\r\n", SLOWLY)),
    ];
    for (at, error) in all.iter().enumerate() {
        assert!(
            error.kind() == ErrorKind::Timeout
                && error.message() == "read the report: the weave router did not answer within 0.3 s",
            "{at}: {error:?}"
        );
    }
}

#[test]
fn who_takes_connections_and_reads_nothing_is_left_at_the_deadline() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("binds");
    let port = listener.local_addr().expect("has an address").port();
    let peers = vec!["x".repeat(1 << 20); 32];
    let error = Control::new(port, SHORT).connect(&peers, false).expect_err("no answer");
    assert_eq!(error.kind(), ErrorKind::Timeout, "{}", error.kind().name());
}

#[test]
fn who_says_too_much_is_cut_off() {
    let bodies = [
        ask(AMPLE, endlessly("HTTP/1.1 200 OK\r\n\r\n", "x".repeat(0x10000).leak(), AT_ONCE)),
        ask(
            AMPLE,
            endlessly("HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n", "x".repeat(0x10000).leak(), AT_ONCE),
        ),
        ask(
            AMPLE,
            endlessly(
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
                format!("10000\r\n{}\r\n", "x".repeat(0x10000)).leak(),
                AT_ONCE,
            ),
        ),
    ];
    for error in &bodies {
        assert_eq!(error.kind(), ErrorKind::Router, "{error:?}");
        assert_eq!(error.message(), "read the report: the answer is longer than 32 MiB");
    }
}

#[test]
fn who_speaks_otherwise_is_no_router() {
    let all = [
        // Heads that do not end: one long line, and many lines.
        ask(AMPLE, endlessly("HTTP/1.1 200 OK\r\nX: ", "xxxxxxxxxxxxxxxx", AT_ONCE)),
        ask(AMPLE, endlessly("HTTP/1.1 200 OK\r\n", "X: y\r\n", AT_ONCE)),
        // Other protocols.
        ask(AMPLE, endlessly("", "H", SLOWLY)),
        ask(AMPLE, |stream| stream.write_all(b"SSH-2.0-OpenSSH_9.2p1\r\n")),
        ask(AMPLE, |stream| stream.write_all(b"<html>it works</html>\n")),
        ask(AMPLE, |stream| stream.write_all(&[0, 1, 2, 255, 254, 13, 10, 13, 10])),
        ask(AMPLE, |stream| stream.write_all(b"HTTP/1.1 abc OK\r\n\r\n")),
        // Answers that break off.
        ask(AMPLE, |_| Ok(())),
        ask(AMPLE, |stream| stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Len")),
        ask(AMPLE, |stream| stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n{}")),
        ask(AMPLE, |stream| stream.write_all(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{")),
    ];
    for (at, error) in all.iter().enumerate() {
        assert_eq!(error.kind(), ErrorKind::Router, "{at}: {error:?}");
        assert!(error.message().starts_with("read the report: "), "{at}: {error}");
        assert!(error.next_step().is_some(), "{at}: {error}");
        assert!(error.message().len() < 400 && !error.message().contains(char::is_control), "{at}: {error}");
    }
}
