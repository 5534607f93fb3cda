//! Ways in which a router can fail its callers, chosen by the variable `ROUTER_MISBEHAVES`.

use std::io::{Error, Write as _};
use std::net::TcpStream;
use std::thread::{park, sleep};
use std::time::Duration;

use crate::http::{Request, Response};

/// What it does instead of answering.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Misbehaviour {
    /// Nothing.
    Mute,
    /// The right answer after five seconds, one byte a second.
    Slow,
    /// Bytes that are no HTTP.
    Garbage,
    /// A report that is no JSON.
    Nonsense,
    /// A body without end.
    Endless,
    /// It does not even start.
    Exit,
}

impl Misbehaviour {
    /// Reads the variable's value.
    pub(crate) fn parse(word: &str) -> Result<Option<Self>, String> {
        Ok(match word {
            "" => None,
            "mute" => Some(Self::Mute),
            "slow" => Some(Self::Slow),
            "garbage" => Some(Self::Garbage),
            "nonsense" => Some(Self::Nonsense),
            "endless" => Some(Self::Endless),
            "exit" => Some(Self::Exit),
            _ => {
                let all = "mute, slow, garbage, nonsense, endless, exit";
                return Err(format!("ROUTER_MISBEHAVES is `{word}`; allowed: {all}"));
            }
        })
    }

    /// Answers badly; an error ends the connection.
    pub(crate) fn answer(self, mut stream: &TcpStream, request: &Request, response: &Response) -> Result<(), Error> {
        let over = || Error::other("nothing more is said");
        match self {
            Self::Mute => loop {
                park();
            },
            Self::Slow => {
                sleep(Duration::from_secs(5));
                for byte in response.bytes() {
                    stream.write_all(&[byte])?;
                    sleep(Duration::from_secs(1));
                }
                Ok(())
            }
            Self::Garbage => stream.write_all(b"\x00\xff\x1b[31mthis is no answer\r\n\r\n").and_then(|()| Err(over())),
            Self::Nonsense if request.path == "/report" => {
                stream.write_all(&Response::json("this is no report".to_owned()).bytes())
            }
            Self::Endless => {
                stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n")?;
                loop {
                    stream.write_all(&[b'x'; 1 << 16])?;
                }
            }
            Self::Nonsense | Self::Exit => stream.write_all(&response.bytes()),
        }
    }
}
