//! One thing to ask of a classic router over HTTP, as data: it can be printed, compared, undone.

use std::fmt;
use std::net::Ipv4Addr;

use serde::Serialize;

use crate::spec::{Cidr, IpRequest};

/// One request to the classic router of this host, which listens on 127.0.0.1 in the host's namespace. Each is done
/// wholly or not at all.
///
/// `control` is the TCP port that it listens on, 6784 where nothing else was said (`--http-addr 127.0.0.1:6784`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ControlStep {
    /// Wait until it answers `GET /status`, half a minute at most.
    Ready {
        /// Where it listens.
        control: u16,
    },
    /// Have it connect to peers, too (`weave connect`); those it has stay. They are to be new to it: when it refuses one,
    /// since its name is not found, it shall forget all of them again.
    Connect {
        /// Where it listens.
        control: u16,
        /// Names or addresses, with or without a port.
        peers: Vec<String>,
    },
    /// Have it connect to peers no longer (`weave forget`). A connection that is there stays until it breaks.
    Forget {
        /// Where it listens.
        control: u16,
        /// Names or addresses, as they were given to [`Connect`](Self::Connect).
        peers: Vec<String>,
    },
    /// Have its allocator choose an address. It is asked before anything else is planned, so a plan holds this only
    /// where nobody was asked yet: in a check.
    Allocate {
        /// Where it listens.
        control: u16,
        /// Whose it is going to be.
        id: String,
        /// From where: `net:default`, or `net:` and a network.
        #[serde(serialize_with = "as_text")]
        request: IpRequest,
        /// What it chose.
        address: Option<Cidr>,
    },
    /// Have its allocator give an address that was chosen elsewhere to nobody else. As long as the routers have not
    /// divided the range it comes to nothing, and is no error: whoever runs weave next claims it again.
    Claim {
        /// Where it listens.
        control: u16,
        /// Whose it is: the id of a container, or `weave:expose` for the host.
        id: String,
        /// The address and its prefix.
        address: Cidr,
        /// Whether it is an error that the router refuses it, since somebody else has it. Of what is attached already,
        /// and nobody spoke of, as much is claimed as can be.
        insist: bool,
    },
    /// Give an address back to its allocator.
    Release {
        /// Where it listens.
        control: u16,
        /// Whose it is.
        id: String,
        /// The address, with its prefix so that it can be claimed again.
        address: Cidr,
    },
}

/// How many peers are shown.
const SHOWN: usize = 3;

impl ControlStep {
    /// The port on 127.0.0.1 that is asked.
    pub fn control(&self) -> u16 {
        match self {
            Self::Ready { control }
            | Self::Connect { control, .. }
            | Self::Forget { control, .. }
            | Self::Allocate { control, .. }
            | Self::Claim { control, .. }
            | Self::Release { control, .. } => *control,
        }
    }

    /// The same, but no error where it is refused.
    #[must_use]
    pub(crate) fn without_insisting(self) -> Self {
        match self {
            Self::Claim { control, id, address, .. } => Self::Claim { control, id, address, insist: false },
            step => step,
        }
    }

    /// Whether it may come to nothing, and the next plan has it again.
    pub(crate) fn may_fail(&self) -> bool {
        matches!(self, Self::Claim { insist: false, .. })
    }

    /// What puts things as they were; `None` where nothing has to be.
    pub fn undo(&self) -> Option<Self> {
        match self.clone() {
            Self::Ready { .. } => None,
            Self::Connect { control, peers } => Some(Self::Forget { control, peers }),
            Self::Forget { control, peers } => Some(Self::Connect { control, peers }),
            Self::Allocate { control, id, address, .. } => Some(Self::Release { control, id, address: address? }),
            Self::Claim { control, id, address, .. } => Some(Self::Release { control, id, address }),
            Self::Release { control, id, address } => Some(Self::Claim { control, id, address, insist: true }),
        }
    }
}

impl fmt::Display for ControlStep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let router = format!("http://{}:{}", Ipv4Addr::LOCALHOST, self.control());
        match self {
            Self::Ready { .. } => write!(f, "curl --retry 30 --retry-connrefused {router}/status"),
            Self::Connect { peers, .. } => {
                write!(f, "curl -X POST {router}/connect")?;
                named(f, peers)
            }
            Self::Forget { peers, .. } => {
                write!(f, "curl -X POST {router}/forget")?;
                named(f, peers)
            }
            Self::Allocate { id, request: IpRequest::Default, .. } => write!(f, "curl -X POST {router}/ip/{id}"),
            Self::Allocate { id, request: IpRequest::Within(network), .. } => {
                write!(f, "curl -X POST {router}/ip/{id}/{network}")
            }
            Self::Claim { id, address, .. } => write!(f, "curl -X PUT {router}/ip/{id}/{address}"),
            Self::Release { id, address, .. } => write!(f, "curl -X DELETE {router}/ip/{id}/{}", address.ip()),
        }
    }
}

fn as_text<S: serde::Serializer>(request: &IpRequest, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(request)
}

fn named(f: &mut fmt::Formatter<'_>, peers: &[String]) -> fmt::Result {
    peers.iter().take(SHOWN).try_for_each(|peer| write!(f, " -d peer={peer}"))?;
    if peers.len() > SHOWN { write!(f, " … ({} peers)", peers.len()) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all() -> [ControlStep; 7] {
        let (control, id, address) = (6784, "3f2a9c0d1e2f", "10.32.0.1/12".parse().expect("address"));
        let peers = vec!["192.0.2.1".to_owned(), "db.example.com:6790".to_owned()];
        [
            ControlStep::Ready { control },
            ControlStep::Connect { control, peers: peers.clone() },
            ControlStep::Forget { control, peers },
            ControlStep::Allocate { control, id: id.into(), request: IpRequest::Default, address: Some(address) },
            ControlStep::Allocate {
                control,
                id: id.into(),
                request: IpRequest::Within("10.40.1.0/24".parse().expect("a network")),
                address: Some(address),
            },
            ControlStep::Claim { control, id: id.into(), address, insist: true },
            ControlStep::Release { control, id: id.into(), address },
        ]
    }

    #[test]
    fn each_is_a_command_line() {
        let lines = all().map(|step| step.to_string());
        assert_eq!(
            lines,
            [
                "curl --retry 30 --retry-connrefused http://127.0.0.1:6784/status",
                "curl -X POST http://127.0.0.1:6784/connect -d peer=192.0.2.1 -d peer=db.example.com:6790",
                "curl -X POST http://127.0.0.1:6784/forget -d peer=192.0.2.1 -d peer=db.example.com:6790",
                "curl -X POST http://127.0.0.1:6784/ip/3f2a9c0d1e2f",
                "curl -X POST http://127.0.0.1:6784/ip/3f2a9c0d1e2f/10.40.1.0/24",
                "curl -X PUT http://127.0.0.1:6784/ip/3f2a9c0d1e2f/10.32.0.1/12",
                "curl -X DELETE http://127.0.0.1:6784/ip/3f2a9c0d1e2f/10.32.0.1",
            ]
        );
        let peers = (1..=5).map(|number| format!("192.0.2.{number}")).collect();
        let many = ControlStep::Connect { control: 7000, peers }.to_string();
        assert_eq!(
            many,
            "curl -X POST http://127.0.0.1:7000/connect -d peer=192.0.2.1 -d peer=192.0.2.2 -d peer=192.0.2.3 … (5 peers)"
        );
    }

    #[test]
    fn undone_twice_is_done() {
        for step in all() {
            let back = step.undo();
            assert_eq!(back.as_ref().map_or(6784, ControlStep::control), 6784);
            assert_eq!(back.is_none(), matches!(step, ControlStep::Ready { .. }), "{step}");
            let again = match step.clone() {
                // What was chosen once is claimed.
                ControlStep::Allocate { control, id, address: Some(address), .. } => {
                    ControlStep::Claim { control, id, address, insist: true }
                }
                step => step,
            };
            assert_eq!(back.and_then(|back| back.undo()).unwrap_or(step), again);
        }
    }
}
