//! A server for one request, on a port of its own on loopback.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::thread::{self, JoinHandle};

/// A request as it came.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Heard {
    pub(super) method: String,
    pub(super) path: String,
    /// Names in lower case.
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: String,
}

impl Heard {
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(header, _)| header == name).map(|(_, value)| value.as_str())
    }
}

/// A server that gives connection after connection to `serve` until that says that it is done, and what it said.
pub(super) struct Server<T> {
    pub(super) port: u16,
    thread: JoinHandle<T>,
}

impl<T: Send + 'static> Server<T> {
    pub(super) fn start(mut serve: impl FnMut(TcpStream) -> Option<T> + Send + 'static) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("binds");
        let port = listener.local_addr().expect("has an address").port();
        let thread = thread::spawn(move || {
            loop {
                if let Some(done) = serve(listener.accept().expect("accepts").0) {
                    return done;
                }
            }
        });
        Self { port, thread }
    }

    /// Waits until it is done.
    pub(super) fn end(self) -> T {
        self.thread.join().expect("serves")
    }
}

/// Reads a whole request.
pub(super) fn hear(stream: &TcpStream) -> Heard {
    let mut reader = BufReader::new(stream);
    let mut line = || {
        let mut line = String::new();
        reader.read_line(&mut line).expect("a line");
        line.trim_end().to_owned()
    };
    let first = line();
    let mut words = first.split(' ').map(str::to_owned);
    let mut heard =
        Heard { method: words.next().unwrap_or_default(), path: words.next().unwrap_or_default(), ..Heard::default() };
    assert_eq!(words.next().as_deref(), Some("HTTP/1.1"), "{first}");
    loop {
        let header = line();
        let Some((name, value)) = header.split_once(':') else { break };
        heard.headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
    }
    let length = heard.header("content-length").map_or(0, |length| length.parse().expect("a length"));
    let mut body = vec![0; length];
    reader.read_exact(&mut body).expect("a body");
    heard.body = String::from_utf8(body).expect("text");
    heard
}

/// Answers in one piece, or in chunks of 1000 bytes.
pub(super) fn say(stream: &mut TcpStream, status: &str, headers: &[(String, String)], body: &str) {
    let chunked = headers.iter().any(|(name, value)| name == "Transfer-Encoding" && value == "chunked");
    let mut text = format!("HTTP/1.1 {status}\r\n");
    for (name, value) in headers {
        text += &format!("{name}: {value}\r\n");
    }
    text += "\r\n";
    if chunked {
        for chunk in body.as_bytes().chunks(1000) {
            text += &format!("{:x}\r\n{}\r\n", chunk.len(), std::str::from_utf8(chunk).expect("ASCII"));
        }
        text += "0\r\n\r\n";
    } else {
        text += body;
    }
    stream.write_all(text.as_bytes()).expect("is heard");
}

/// A server that answers every request with `status` and `body`, and ends after `count` of them with what it heard.
pub(super) fn answering(count: usize, status: &str, body: &str) -> Server<Vec<Heard>> {
    let (status, body) = (status.to_owned(), body.to_owned());
    let mut all = Vec::new();
    Server::start(move |mut stream| {
        all.push(hear(&stream));
        let length = [("Content-Length".to_owned(), body.len().to_string())];
        say(&mut stream, &status, &length, &body);
        (all.len() == count).then(|| std::mem::take(&mut all))
    })
}
