//! Ports of the host that somebody listens on already.

use crate::observed::{Listener, Observed, Protocol as Spoken, PublishedPort};
use crate::spec::Publication;
use crate::spec::options::Protocol;

/// Who takes what comes to the port now, in words. It would get nothing any more.
pub(super) fn by_whom(observed: &Observed, port: &PublishedPort) -> Option<String> {
    let listener = observed.listeners.iter().find(|listener| is_at(listener, port))?;
    let program = listener.program.as_deref().unwrap_or("a program");
    let pid = listener.pid.map(|pid| format!(" (process {pid})")).unwrap_or_default();
    let side = Publication::from(port).host_side();
    Some(format!("port {side} of the host is in use: {program}{pid} listens on {}", listener.address))
}

/// Whether what comes to `port` comes to `listener` now.
fn is_at(listener: &Listener, port: &PublishedPort) -> bool {
    let spoken = match port.protocol {
        Protocol::Tcp => Some(Spoken::Tcp),
        Protocol::Udp => Some(Spoken::Udp),
        // Nobody can see who has one.
        Protocol::Sctp => None,
    };
    let ip = listener.address.ip().to_canonical();
    // A socket of IPv6 that is for all addresses is for those of IPv4, too.
    let family = ip.is_ipv4() == port.to.is_ipv4() || ip.is_unspecified() && !ip.is_ipv4();
    Some(listener.protocol) == spoken
        && listener.address.port() == port.host_port
        && family
        && (ip.is_unspecified() || port.host_ip.is_none_or(|host| host == ip))
        // Its own loopback of IPv6 is left to it.
        && !(ip.is_ipv6() && ip.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::Destination;

    #[test]
    fn who_listens_on_a_port_is_known_by_its_address() {
        let port = |text: &str| {
            let publication: Publication = text.parse().expect("a publication");
            let Destination::Address(to) = publication.to else { panic!("an address") };
            let Publication { host_port, protocol, host_ip, port, .. } = publication;
            PublishedPort { host_port, protocol, host_ip, to, port, direct: None }
        };
        let listens = |protocol, address: &str| Listener {
            protocol,
            address: address.parse().expect("an address"),
            pid: None,
            program: None,
            router: false,
        };
        for (listener, published, taken) in [
            (listens(Spoken::Tcp, "0.0.0.0:8080"), "8080:10.2.1.4:80", true),
            (listens(Spoken::Tcp, "[::]:8080"), "8080:10.2.1.4:80", true),
            (listens(Spoken::Tcp, "[::]:8080"), "192.0.2.1:8080:10.2.1.4:80", true),
            (listens(Spoken::Tcp, "127.0.0.1:8080"), "8080:10.2.1.4:80", true),
            (listens(Spoken::Tcp, "127.0.0.1:8080"), "192.0.2.1:8080:10.2.1.4:80", false),
            (listens(Spoken::Tcp, "0.0.0.0:8080"), "8080:[fd00::4]:80", false),
            (listens(Spoken::Tcp, "[::1]:8080"), "8080:[fd00::4]:80", false),
            (listens(Spoken::Tcp, "[::ffff:192.0.2.1]:8080"), "8080:10.2.1.4:80", true),
            (listens(Spoken::Udp, "0.0.0.0:8080"), "8080:10.2.1.4:80", false),
            (listens(Spoken::Udp, "0.0.0.0:8080"), "8080:10.2.1.4:80/udp", true),
            (listens(Spoken::Tcp, "0.0.0.0:8081"), "8080:10.2.1.4:80", false),
            (listens(Spoken::Tcp, "0.0.0.0:8080"), "8080:10.2.1.4:80/sctp", false),
        ] {
            assert_eq!(is_at(&listener, &port(published)), taken, "{listener:?} and {published}");
        }
    }
}
