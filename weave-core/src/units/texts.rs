//! What stands in the files. Pure.

use super::{Neighbour, Service, UnitFile};
use crate::names;

/// The first line of every file, by which weave knows it again.
pub(crate) const MARK: &str = "# weave: written by `weave install-units`";

/// What is wanted of the units.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Wanted {
    /// The command `weave`, as an absolute path.
    pub(crate) program: String,
    /// Version, size and time of `program`. They stand in the text of the unit that keeps running it, which so is another
    /// after an upgrade, and is started anew.
    pub(crate) built: String,
    /// The document, as an absolute path.
    pub(crate) file: String,
    /// Which of a fleet's hosts.
    pub(crate) host: Option<String>,
    /// The bridge of the document.
    pub(crate) bridge: String,
    /// The router's port of the document.
    pub(crate) port: u16,
    /// Whether they are enabled.
    pub(crate) enable: bool,
    /// Whether they are started.
    pub(crate) start: bool,
}

impl Wanted {
    /// The text of a file.
    pub(crate) fn text(&self, file: UnitFile) -> String {
        let body = match file {
            UnitFile::Service(Service::Net) => self.net(),
            UnitFile::Service(Service::Watch) => self.watch(),
            UnitFile::Neighbour(Neighbour::NetworkManager) => self.network_manager(),
            UnitFile::Neighbour(Neighbour::Networkd) => self.networkd(),
            UnitFile::Neighbour(Neighbour::Udev) => self.udev(),
        };
        format!("{MARK}\n# What you change here is put right by the next run of it.{body}")
    }

    /// The interfaces of weave on the host: the bridge, the tunnel and the one that takes over from it, and all host
    /// ends, those of a router in a container among them.
    fn interfaces(&self) -> [String; 4] {
        [self.bridge.clone(), names::vxlan(self.port), names::spare_vxlan(self.port), "vethwe*".to_owned()]
    }

    fn net(&self) -> String {
        format!(
            "
[Unit]
Description=Make the weave network, before containers start
# Services that load a packet filter as a whole would throw weave's rules away.
After=network-online.target nftables.service iptables.service ip6tables.service netfilter-persistent.service
After=firewalld.service ufw.service
Wants=network-online.target
Before=docker.service

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart={program} apply --only network {document}
TimeoutStartSec=5min
{CONFINEMENT}
[Install]
WantedBy=multi-user.target
",
            program = program(&self.program),
            document = self.document(),
        )
    }

    fn watch(&self) -> String {
        format!(
            "
# For weave {built}
[Unit]
Description=Keep the containers of this host on the weave network
# Neither is needed to run: an engine that is away is waited for, and what weave-net.service did not do is done.
After=network-online.target weave-net.service docker.service
Wants=network-online.target weave-net.service
StartLimitIntervalSec=0

[Service]
Type=notify
ExecStart={program} watch {document}
ExecReload=/bin/kill -HUP $MAINPID
Restart=always
RestartSec=1
# It is ready when all that the document says is done once; images may have to come from far.
TimeoutStartSec=15min
# What takes long is given up; a container that is stopped just then has its own time for that.
TimeoutStopSec=5min
WatchdogSec=60
OOMScoreAdjust=-900
{CONFINEMENT}
[Install]
WantedBy=multi-user.target
",
            built = self.built,
            program = program(&self.program),
            document = self.document(),
        )
    }

    /// The words for the document.
    fn document(&self) -> String {
        let host = self.host.iter().map(|host| format!("--host {} ", word(host)));
        host.chain([word(&self.file)]).collect()
    }

    fn network_manager(&self) -> String {
        let devices = self.interfaces().map(|name| format!("interface-name:{name}"));
        // `+=` adds to what other files say, where `=` would replace it.
        format!("\n[keyfile]\nunmanaged-devices+={}\n", devices.join(";"))
    }

    fn networkd(&self) -> String {
        format!("\n[Match]\nName={}\n\n[Link]\nUnmanaged=yes\n", self.interfaces().join(" "))
    }

    fn udev(&self) -> String {
        format!(
            "\n[Match]\nOriginalName={}\n\n[Link]\nNamePolicy=keep\nMACAddressPolicy=none\n",
            self.interfaces().join(" ")
        )
    }
}

/// It makes links and sysctls, enters network namespaces of containers, runs nft and asks the engine; it reads the
/// document, and what that names, wherever that is. All else is taken from it.
///
/// `NET_ADMIN`: links, packet filter. `SYS_ADMIN`: `setns(2)`. `SYS_PTRACE`: `/proc/PID/ns/net` of containers.
/// `NET_RAW`: probes and announcements. `DAC_READ_SEARCH`: files of others than root, as a build context has them.
const CONFINEMENT: &str = "\
# DOCKER_HOST, WEAVE_LOCK_TIMEOUT and the like.
EnvironmentFile=-/etc/default/weave
LimitNOFILE=65536
NoNewPrivileges=yes
CapabilityBoundingSet=CAP_NET_ADMIN CAP_NET_RAW CAP_SYS_ADMIN CAP_SYS_PTRACE CAP_DAC_READ_SEARCH
# Namespaces (RestrictNamespaces=), /proc/sys (ProtectKernelTunables=) and /tmp are left open: it works there.
ProtectSystem=full
ProtectHome=read-only
ProtectKernelLogs=yes
ProtectControlGroups=yes
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK AF_PACKET
RestrictRealtime=yes
RestrictSUIDSGID=yes
LockPersonality=yes
SystemCallArchitectures=native
";

/// A word of a command line, as systemd reads it (systemd.service(5), "Command lines").
fn word(text: &str) -> String {
    program(&text.replace('$', "$$"))
}

/// The first word of one, in which no variables are put in.
fn program(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\"").replace('%', "%%"))
}
