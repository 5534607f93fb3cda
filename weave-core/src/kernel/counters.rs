//! What the ports of the network have carried.

use super::{Kernel, look};
use crate::Result;
use crate::netlink::{Refusal, decode, encode};
use crate::observed::{LinkKind, Mark};

/// What the network of this host has carried so far.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Counters {
    /// The tunnel and the host ends of attachments.
    pub ports: Vec<Port>,
    /// How many peers there are; of a router in a container, which keeps them to itself, none.
    pub peers: usize,
    /// How many interfaces of containers there are.
    pub attachments: usize,
}

/// A port of the bridge, as the host sees it: what it receives from an attachment is what the container transmitted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Port {
    /// The name of the link.
    pub name: String,
    /// The container behind it, or its namespace; empty for the tunnel.
    pub container: String,
    /// The interface in the container; empty for the tunnel.
    pub interface: String,
    /// Packets received and transmitted.
    pub packets: [u64; 2],
    /// Bytes received and transmitted.
    pub bytes: [u64; 2],
    /// Packets dropped of those to receive and of those to transmit.
    pub dropped: [u64; 2],
}

impl Kernel {
    /// Reads them: `ip -s link`, `bridge fdb`.
    pub(crate) async fn counters(&self) -> Result<Counters> {
        self.at_home(|| {
            let refused = |refusal: Refusal| refusal.error("host", "read the counters of its links");
            let socket = &mut look::socket("host")?;
            let mut tunnel = None;
            let mut counters = Counters::default();
            let ports = socket.dump(encode::dump_links_with_counters(), |payload, found| {
                let Some(link) = decode::link(payload) else { return };
                let (container, interface) = match (link.mark(), &link.kind) {
                    (Some(Mark::Router), LinkKind::Vxlan(_)) => {
                        tunnel = Some(link.index);
                        (String::new(), String::new())
                    }
                    (Some(Mark::Attachment(mark)), LinkKind::Veth) => {
                        (mark.container().to_string(), mark.interface.to_string())
                    }
                    _ => return,
                };
                let carried = decode::counters(payload).unwrap_or_default();
                let decode::LinkCounters { packets, bytes, dropped } = carried;
                found.push(Port { name: link.name, container, interface, packets, bytes, dropped });
            });
            counters.ports = ports.map_err(refused)?;
            counters.attachments = counters.ports.iter().filter(|port| !port.container.is_empty()).count();
            if let Some(index) = tunnel {
                counters.peers = look::flood(socket, index).map_err(refused)?.len();
            }
            Ok(counters)
        })
        .await
    }
}
