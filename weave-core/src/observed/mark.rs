//! What weave writes into the alias of its links: that it made them, and what it needs to know again.
//!
//! The kernel keeps it, so it is there exactly as long as the link and nothing has to be kept on disk.

use std::collections::BTreeSet;
use std::fmt;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ipnetwork::IpNetwork;

use crate::spec::ContainerRef;

/// The alias of a link that weave made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mark {
    /// `weave:bridge …`
    Bridge(BridgeMark),
    /// `weave:router`, on the VXLAN device
    Router,
    /// `weave:router kind=image …`, on the port of the bridge that leads to a classic router
    RouterPort(RouterPortMark),
    /// `weave:attachment …`
    Attachment(AttachmentMark),
}

/// What is remembered of the router as long as its bridge stands.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BridgeMark {
    /// The MTU that was asked for; `None` computes it.
    pub mtu: Option<u32>,
    /// Whether the packet filter is left to others.
    pub firewall_unmanaged: bool,
    /// Exposed networks that were to keep their addresses; the packet filter tells it only while it is weave's.
    pub direct: BTreeSet<IpNetwork>,
    /// The underlay address that the tunnel had when the host lost it, and that it takes again once the host has it back.
    pub left: Option<IpAddr>,
}

/// Which classic router is behind the port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RouterPortMark {
    /// The name of its container.
    pub container: String,
    /// TCP port on 127.0.0.1 in the host's namespace where it takes requests; 6784 by default.
    pub control: u16,
    /// TCP and UDP port where it talks to other routers; 6783 by default.
    pub port: u16,
}

/// Whose host end it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttachmentMark {
    /// Number of the network namespace's file, which tells living namespaces apart.
    pub inode: u64,
    /// A process in it when it was attached; 0 for a namespace by path.
    pub pid: u32,
    /// The interface in it.
    pub interface: Arc<str>,
    /// The container's short id, or the path of the namespace, or nothing.
    pub id: String,
    /// The container's name; empty for a bare namespace.
    pub name: String,
    /// The MTU that was asked for; `None` follows the network's.
    pub mtu: Option<u32>,
}

/// The kernel takes 255 bytes (`IFALIASZ` is 256 with its terminating zero).
const ALIAS_MAX: usize = 255;

impl Mark {
    const BRIDGE: &str = "weave:bridge";
    pub(super) const ROUTER: &str = "weave:router";
    pub(super) const ATTACHMENT: &str = "weave:attachment";

    /// Reads an alias; `None` where weave did not write it.
    pub fn parse(alias: &str) -> Option<Self> {
        let mut words = alias.split(' ');
        let what = words.next()?;
        let fields = words.filter_map(|word| word.split_once('='));
        let field = |name: &str| fields.clone().find(|(key, _)| *key == name).map(|(_, value)| value);
        match what {
            Self::BRIDGE => Some(Self::Bridge(BridgeMark {
                mtu: field("mtu").and_then(|mtu| mtu.parse().ok()),
                firewall_unmanaged: field("firewall") == Some("unmanaged"),
                direct: field("direct")
                    .iter()
                    .flat_map(|all| all.split(','))
                    .filter_map(|text| text.parse().ok())
                    .collect(),
                left: field("left").and_then(|ip| ip.parse().ok()),
            })),
            Self::ROUTER => match field("kind") {
                None => Some(Self::Router),
                Some("image") => Some(Self::RouterPort(RouterPortMark {
                    container: field("container").filter(|name| !name.is_empty())?.to_owned(),
                    control: field("control")?.parse().ok()?,
                    port: field("port")?.parse().ok()?,
                })),
                Some(_) => None,
            },
            Self::ATTACHMENT => Some(Self::Attachment(AttachmentMark {
                inode: field("netns")?.parse().ok()?,
                pid: field("pid").and_then(|pid| pid.parse().ok()).unwrap_or(0),
                interface: field("interface")?.into(),
                id: field("id").unwrap_or_default().to_owned(),
                name: field("name").unwrap_or_default().to_owned(),
                mtu: field("mtu").and_then(|mtu| mtu.parse().ok()),
            })),
            _ => None,
        }
    }
}

impl fmt::Display for Mark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bridge(mark) => {
                f.write_str(Self::BRIDGE)?;
                if let Some(mtu) = mark.mtu {
                    write!(f, " mtu={mtu}")?;
                }
                if mark.firewall_unmanaged {
                    f.write_str(" firewall=unmanaged")?;
                }
                if let Some(left) = mark.left {
                    write!(f, " left={left}")?;
                }
                f.write_str(&direct(&mark.direct))
            }
            Self::Router => f.write_str(Self::ROUTER),
            Self::RouterPort(RouterPortMark { container, control, port }) => {
                write!(f, "weave:router kind=image container={container} control={control} port={port}")
            }
            Self::Attachment(mark) => {
                let mut text =
                    format!("weave:attachment netns={} pid={} interface={}", mark.inode, mark.pid, mark.interface);
                if let Some(mtu) = mark.mtu {
                    text.push_str(&format!(" mtu={mtu}"));
                }
                for (key, value) in [("id", &mark.id), ("name", &mark.name)] {
                    let word = format!(" {key}={value}");
                    // A long path with a blank cannot be told from the next word, and is found by the inode instead.
                    if !value.is_empty() && !value.contains(' ') && text.len() + word.len() <= ALIAS_MAX {
                        text.push_str(&word);
                    }
                }
                f.write_str(&text)
            }
        }
    }
}

/// The networks, as far as there is room beside the other words: some eight of IPv4.
fn direct(networks: &BTreeSet<IpNetwork>) -> String {
    const OTHERS: &str = "weave:bridge mtu=65535 firewall=unmanaged left=ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff";
    const ROOM: usize = ALIAS_MAX - OTHERS.len();
    let mut text = String::new();
    for network in networks {
        let word = format!("{}{network}", if text.is_empty() { " direct=" } else { "," });
        if text.len() + word.len() <= ROOM {
            text.push_str(&word);
        }
    }
    text
}

impl AttachmentMark {
    /// How a caller would name it.
    pub fn container(&self) -> ContainerRef {
        if !self.name.is_empty() {
            ContainerRef::Container(self.name.as_str().into())
        } else if self.id.starts_with('/') {
            ContainerRef::Netns(Path::new(&self.id).into())
        } else if !self.id.is_empty() {
            ContainerRef::Container(self.id.as_str().into())
        } else if self.pid != 0 {
            ContainerRef::Pid(self.pid)
        } else {
            ContainerRef::Netns(PathBuf::from(format!("/inode/{}", self.inode)).into())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_again() {
        for mark in [
            Mark::Bridge(BridgeMark::default()),
            Mark::Bridge(BridgeMark { mtu: Some(1400), firewall_unmanaged: true, ..BridgeMark::default() }),
            Mark::Bridge(BridgeMark { direct: networks(2), ..BridgeMark::default() }),
            Mark::Bridge(BridgeMark { left: "192.0.2.1".parse().ok(), direct: networks(1), ..BridgeMark::default() }),
            Mark::Router,
            Mark::RouterPort(router("weave")),
            Mark::RouterPort(RouterPortMark { control: 7000, port: 6790, ..router(&"n".repeat(128)) }),
            Mark::Attachment(AttachmentMark {
                inode: 4_026_532_345,
                pid: 17,
                interface: "ethwe".into(),
                id: "3f2a9c0d1e2f".into(),
                name: "pg.example.com".into(),
                mtu: Some(1400),
            }),
        ] {
            assert_eq!(Mark::parse(&mark.to_string()), Some(mark));
        }
    }

    fn router(container: &str) -> RouterPortMark {
        RouterPortMark { container: container.to_owned(), control: 6784, port: 6783 }
    }

    #[test]
    fn the_kind_of_a_router_is_read_from_its_mark() {
        assert_eq!(Mark::parse("weave:router"), Some(Mark::Router));
        let image = "weave:router kind=image container=weave control=6784 port=6783";
        assert_eq!(Mark::RouterPort(router("weave")).to_string(), image);
        assert_eq!(Mark::parse(image), Some(Mark::RouterPort(router("weave"))));
        for other in ["container=weave", "control=6784", "port=6783"] {
            assert_eq!(Mark::parse(&image.replace(&format!(" {other}"), "")), None, "without {other}");
        }
        for (right, wrong) in [("=image", "=other"), ("6784", "65536"), ("=6783", "="), ("=weave", "=")] {
            assert_eq!(Mark::parse(&image.replace(right, wrong)), None, "{wrong} for {right}");
        }
        assert!(Mark::RouterPort(router(&"n".repeat(128))).to_string().len() <= ALIAS_MAX);
    }

    fn networks(count: u8) -> BTreeSet<IpNetwork> {
        let network = |number: u8| [format!("10.{number}.0.0/16"), format!("fd00:{number}::/64")];
        (0..count).flat_map(network).map(|text| text.parse().expect("a network")).collect()
    }

    #[test]
    fn networks_that_do_not_fit_are_left_out_always_the_same() {
        let left = Some("2001:db8:1111:2222:3333:4444:5555:6666".parse().expect("an address"));
        let mark = Mark::Bridge(BridgeMark { mtu: Some(65535), firewall_unmanaged: true, direct: networks(30), left });
        let text = mark.to_string();
        assert!((200..=ALIAS_MAX).contains(&text.len()), "{text}");
        let Some(Mark::Bridge(read)) = Mark::parse(&text) else { panic!("{text}") };
        assert!(read.direct.len() > 8 && read.direct.is_subset(&networks(30)), "{text}");
        assert_eq!(Mark::Bridge(read).to_string(), text);
    }

    #[test]
    fn a_foreign_alias_is_no_mark() {
        for alias in [
            "",
            "weave",
            "weave:",
            "weave:other",
            "uplink to rack 3",
            "weave:attachment",
            "weave:attachment netns=x interface=e",
        ] {
            assert_eq!(Mark::parse(alias), None, "{alias}");
        }
    }

    #[test]
    fn the_longest_names_fit_the_kernel() {
        let mark = Mark::Attachment(AttachmentMark {
            inode: u64::MAX,
            pid: u32::MAX,
            interface: "x".repeat(15).into(),
            id: format!("/{}", "p".repeat(300)),
            name: "n".repeat(128),
            mtu: Some(u32::MAX),
        });
        let text = mark.to_string();
        assert!(text.len() <= ALIAS_MAX);
        let Some(Mark::Attachment(read)) = Mark::parse(&text) else { panic!("{text}") };
        assert_eq!((read.inode, read.name.len()), (u64::MAX, 128));
    }
}
