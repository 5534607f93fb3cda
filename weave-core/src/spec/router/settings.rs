//! The settings of a router, once for all who take them: a document's `router`, and `launch`.

use serde::{Deserialize, Serialize};

use super::{Firewall, IfName, Mtu, RouterKind, Underlay};
use crate::spec::run::{Command, Pull};
use crate::spec::{List, Mac, Options, Peer, Subnet};
use crate::{Error, Result, names};

macro_rules! settings {
    (
        all { $($(#[$meta:meta])* $field:ident: $type:ty;)+ }
        image { $($(#[$of_image:meta])* $image:ident: $image_type:ty;)+ }
    ) => {
        /// The router of a host; what is not given stays as it is, or takes its default when the router is made.
        #[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
        #[serde(deny_unknown_fields, default)]
        pub struct Router {
            $($(#[$meta])* #[serde(skip_serializing_if = "Option::is_none")] pub $field: Option<$type>,)+
            $($(#[$of_image])* #[serde(skip_serializing_if = "Option::is_none")] pub $image: Option<$image_type>,)+
        }

        /// Launches the router: [`Router`], its first peers, and the packet filter.
        #[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
        #[serde(deny_unknown_fields, default)]
        pub struct Launch {
            /// Peers to connect to, besides those it has.
            #[serde(skip_serializing_if = "Option::is_none")]
            pub peers: Option<List<Peer>>,
            $($(#[$meta])* #[serde(skip_serializing_if = "Option::is_none")] pub $field: Option<$type>,)+
            $($(#[$of_image])* #[serde(skip_serializing_if = "Option::is_none")] pub $image: Option<$image_type>,)+
            /// Who looks after the packet filter.
            #[serde(skip_serializing_if = "Option::is_none")]
            pub firewall: Option<Firewall>,
        }

        impl Router {
            /// These settings, and those of `base` where nothing is said.
            pub(in crate::spec) fn over(self, base: &Self) -> Self {
                Self {
                    $($field: self.$field.or_else(|| base.$field.clone()),)+
                    $($image: self.$image.or_else(|| base.$image.clone()),)+
                }
            }

            /// The settings given that only a router in a container has.
            pub(crate) fn image_settings(&self) -> Vec<&'static str> {
                let given = [$((self.$image.is_some(), stringify!($image)),)+];
                given.into_iter().filter(|(given, _)| *given).map(|(_, field)| field).collect()
            }
        }

        impl Launch {
            /// The router alone.
            pub fn router(&self) -> Router {
                Router {
                    $($field: self.$field.clone(),)+
                    $($image: self.$image.clone(),)+
                }
            }
        }
    };
}

settings! {
    all {
        /// How frames are carried (`vxlan`).
        kind: RouterKind;
        /// Port of the router (6783): UDP of the tunnel; with kind `image` TCP and UDP, and UDP of the next port.
        #[serde(deserialize_with = "crate::spec::input::option_number")]
        #[schemars(schema_with = "crate::spec::schema::option_port")]
        port: u16;
        /// VXLAN network identifier, 1 to 16777215 (6783).
        #[serde(deserialize_with = "crate::spec::input::option_number")]
        #[schemars(schema_with = "crate::spec::schema::option_vni")]
        vni: u32;
        /// MTU of the overlay in bytes (`auto`).
        mtu: Mtu;
        /// The host's address for the tunnel: address, interface or network (`auto`).
        underlay: Underlay;
        /// The name of the bridge (`weave`).
        bridge: IfName;
    }
    image {
        /// Kind `image`: the router's image, as the engine takes it: `weaveworks/weave:2.8.1`. Without it the
        /// container that is there keeps its own.
        image: String;
        /// Kind `image`: the name of the router's container (`weave`).
        name: String;
        /// Kind `image`: further arguments of the router, a line or a list of words. What is a setting of its own
        /// is not among them.
        args: Command;
        /// Kind `image`: options of `docker run` for the router's container.
        docker_options: Box<Options>;
        /// Kind `image`: the file on this host that holds the network's password, as an absolute path. It is read
        /// when it is applied; blanks and line ends around the password do not count. With a password the router
        /// encrypts all that it carries.
        #[schemars(extend("pattern" = "^/"))]
        password_file: String;
        /// Kind `image`: what the host is called in the router's reports (the host's name).
        #[schemars(extend("pattern" = "^\\S+$"))]
        nickname: String;
        /// Kind `image`: the name that the router has among its peers, which no other may have (the bridge's MAC).
        peer_name: Mac;
        /// Kind `image`: networks of the underlay in which frames go unencrypted in spite of a password (none).
        trusted_subnets: List<Subnet>;
        /// Kind `image`: the IPv4 network whose addresses the routers share out among them, at most /30; it is the
        /// same on all hosts (none: nothing is allocated).
        ipalloc_range: Subnet;
        /// Kind `image`: the part of it that an address is from where no network is named, `net:default` (all of it).
        ipalloc_default_subnet: Subnet;
        /// Kind `image`: whether the router connects to peers that others tell it of (true).
        discovery: bool;
        /// Kind `image`: TCP port on 127.0.0.1 where the router takes orders (6784).
        #[serde(deserialize_with = "crate::spec::input::option_number")]
        #[schemars(schema_with = "crate::spec::schema::option_port")]
        control_port: u16;
        /// Kind `image`: when its image is fetched (`missing`).
        pull: Pull;
    }
}

impl Router {
    /// Checks what can be checked without a host.
    ///
    /// # Errors
    /// `InvalidSpec`, naming the field and its value.
    pub fn validate(&self) -> Result<()> {
        if self.port == Some(0) {
            return Err(Error::invalid("port", "0 is no port; allowed: 1 to 65535"));
        }
        if let Some(vni) = self.vni
            && !(1..=names::VNI_MAX).contains(&vni)
        {
            return Err(Error::invalid("vni", format!("{vni} is out of range; allowed: 1 to {}", names::VNI_MAX)));
        }
        super::check_mtu(self.mtu)?;
        if self.bridge.as_ref().is_some_and(|bridge| bridge.as_str() == "lo") {
            return Err(Error::invalid("bridge", "`lo` is the loopback; allowed: another name"));
        }
        if let Some(bridge) = &self.bridge
            && bridge.as_str().starts_with("vxlan-")
        {
            return Err(Error::invalid("bridge", format!("`{bridge}` is a name for tunnels; allowed: not vxlan-…")));
        }
        self.check_kind()?;
        self.check_image_settings()
    }
}

impl Launch {
    /// Checks what can be checked without a host.
    ///
    /// # Errors
    /// `InvalidSpec`, naming the field and its value.
    pub fn validate(&self) -> Result<()> {
        self.router().validate()
    }
}
