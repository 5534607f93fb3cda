//! A container of a fleet.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use super::{Fleet, Image};
use crate::Result;
use crate::spec::run::{AttachWhen, Command, OnChange, Presence, Pull, RunState, Written};
use crate::spec::{Attached, ContainerRef, IfName, Ips, List, Mac, Mtu, Route};

/// A container as a fleet describes it: as in a host's document, and its host. What is left out is taken from its
/// image, then from the `defaults`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(transform = crate::spec::schema::ip_for_ips)]
pub struct FleetContainer {
    /// The host it is on, by its name in `hosts`, long or short.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub host: Option<String>,
    /// Whether the container should be there at all (`present`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ensure: Option<Presence>,
    /// All addresses, or requests such as `net:default`; an empty list detaches. Also written `ip`. They may be left
    /// out of a container that is run.
    #[serde(alias = "ip", skip_serializing_if = "Option::is_none")]
    pub ips: Option<Ips>,
    /// The interface in the container (`ethwe`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub interface: Option<IfName>,
    /// MTU of the interface in bytes (the network's).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mtu: Option<Mtu>,
    /// Hardware address (made from the first address).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mac: Option<Mac>,
    /// Next hop of the container's default route (none).
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "crate::spec::input::option_ip")]
    #[schemars(schema_with = "crate::spec::schema::option_ip")]
    pub gateway: Option<IpAddr>,
    /// All further routes through the interface.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub routes: Option<List<Route>>,
    /// Whether IPv4 multicast goes to the network (true).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub multicast: Option<bool>,
    /// Whether the network is asked first if somebody has the addresses already (true).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub probe: Option<bool>,
    /// A key of `images`, or an image as the engine takes it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub image: Option<String>,
    /// The command, where it is not the image's: a line, or a list of words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub command: Option<Command>,
    /// Options of `docker run`; they come after those of the image.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub options: Option<Written>,
    /// What it should be doing (`running`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<RunState>,
    /// What happens if it was made with other settings (`recreate`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub on_change: Option<OnChange>,
    /// When its image is fetched (`missing`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pull: Option<Pull>,
    /// Whether it moves, with its files, when it is given another host (what the fleet says).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub migrate: Option<bool>,
    /// When it gets its interface (`after_start`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub attach: Option<AttachWhen>,
}

/// Each field of `$own`, or of `$base` where it is not given.
macro_rules! over {
    ($own:ident, $base:ident, $($field:ident)*) => {
        FleetContainer { $($field: $own.$field.clone().or_else(|| $base.$field.clone()),)* ..FleetContainer::default() }
    };
}

impl FleetContainer {
    /// These settings, and those of `base` where nothing is said; options add up.
    ///
    /// # Errors
    /// `InvalidSpec` for options that cannot be added to each other.
    pub(super) fn over(&self, base: &Self) -> Result<Self> {
        let mut merged = over!(self, base,
            host ensure ips interface mtu mac gateway routes multicast probe
            image command state on_change pull attach migrate);
        merged.options = match (base.options.clone(), self.options.clone()) {
            (Some(base), Some(own)) => Some(base.merge(own)?),
            (base, own) => own.or(base),
        };
        Ok(merged)
    }

    /// Only what is said of its interface.
    fn interface_only(self) -> Self {
        let (command, options, state, on_change, pull, attach) = Default::default();
        let ensure = self.ensure.filter(|ensure| *ensure != Presence::Latest);
        Self { ensure, command, options, state, on_change, pull, attach, ..self }
    }

    /// Nothing of what needs an address.
    fn without_interface(self) -> Self {
        let (mtu, mac, gateway, routes) = Default::default();
        Self { mtu, mac, gateway, routes, ..self }
    }

    /// With nothing left to be looked up.
    ///
    /// # Errors
    /// `InvalidSpec` for options that are none.
    fn settled(self) -> Result<Attached> {
        Ok(Attached {
            ensure: self.ensure.unwrap_or_default(),
            ips: self.ips,
            interface: self.interface.unwrap_or_else(IfName::interface),
            mtu: self.mtu,
            mac: self.mac,
            gateway: self.gateway,
            routes: self.routes,
            multicast: self.multicast.unwrap_or(true),
            probe: self.probe.unwrap_or(true),
            image: self.image,
            command: self.command,
            options: self.options.as_ref().map(Written::read).transpose()?.map(Box::new),
            state: self.state,
            on_change: self.on_change,
            pull: self.pull,
            attach: self.attach,
        })
    }
}

impl Fleet {
    /// What its host's document says of `container`.
    ///
    /// # Errors
    /// `InvalidSpec` for options that cannot be added to each other.
    pub(super) fn settle(&self, container: &ContainerRef, own: &FleetContainer) -> Result<Attached> {
        let mut base = self.defaults.clone();
        let image = own.image.as_ref().or(base.image.as_ref()).cloned();
        match &image {
            None => base = base.interface_only(),
            Some(key) => {
                if let Some(image) = self.images.as_ref().and_then(|images| images.get(key)) {
                    base = image.settings(key, container)?.over(&base)?;
                } else {
                    base.image = image;
                }
            }
        }
        if own.ips.is_none() && base.ips.is_none() {
            base = base.without_interface();
        }
        let mut settings = own.over(&base)?;
        settings.image = base.image;
        settings.settled()
    }

    /// The definition of an image, by its key.
    pub(super) fn image(&self, key: &str) -> Option<&Image> {
        self.images.as_ref()?.get(key)
    }
}
