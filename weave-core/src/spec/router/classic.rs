//! What can be said against the settings of a router in a container without looking at a host.

use ipnetwork::IpNetwork;

use super::{Router, RouterKind};
use crate::spec::options::{Options, Value as _};
use crate::spec::run::check_image;
use crate::spec::{ContainerRef, Subnet};
use crate::{Error, Result, names};

impl Router {
    /// Refuses settings of the other kind. Where no kind is given it is that of the router that is there.
    pub(super) fn check_kind(&self) -> Result<()> {
        match self.kind {
            Some(RouterKind::Vxlan) => match self.image_settings().first() {
                Some(field) => {
                    let message = format!("`{field}` is for kind image; allowed: with `kind: image`");
                    Err(Error::invalid(*field, message))
                }
                None => Ok(()),
            },
            Some(RouterKind::Image) if self.vni.is_some() => {
                Err(Error::invalid("vni", "`vni` is for kind vxlan; allowed: with `kind: vxlan`"))
            }
            _ => Ok(()),
        }
    }

    pub(super) fn check_image_settings(&self) -> Result<()> {
        if let Some(image) = &self.image {
            check_image(image)?;
        }
        if let Some(name) = &self.name {
            check_name(name)?;
        }
        if let Some(args) = &self.args {
            super::arguments::check(args)?;
        }
        if let Some(options) = &self.docker_options {
            self.check_options(options)?;
        }
        if let Some(path) = &self.password_file
            && (!path.starts_with('/') || path.ends_with('/') || path.contains('\0'))
        {
            let message = format!("`{path}` is no absolute path of a file; allowed: such as /etc/weave/password");
            return Err(Error::invalid("password_file", message));
        }
        if let Some(nickname) = &self.nickname
            && (nickname.is_empty() || nickname.contains(|c: char| c.is_whitespace() || c.is_control()))
        {
            let message = format!("`{nickname}` is no nickname; allowed: letters without blanks");
            return Err(Error::invalid("nickname", message));
        }
        self.check_allocation()?;
        self.check_control_port()
    }

    /// The allocator is asked for addresses of IPv4 only, and leaves out the first and the last of each network.
    fn check_allocation(&self) -> Result<()> {
        let networks = [("ipalloc_range", self.ipalloc_range), ("ipalloc_default_subnet", self.ipalloc_default_subnet)];
        for (field, network) in networks {
            if let Some(Subnet(network)) = network {
                check_allocatable(network).map_err(|error| error.within(field))?;
            }
        }
        match (self.ipalloc_range, self.ipalloc_default_subnet) {
            (Some(range), Some(subnet)) if !range.takes_in(subnet) => {
                let message = format!("{subnet} is not in the `ipalloc_range` {range}; allowed: a part of it");
                Err(Error::invalid("ipalloc_default_subnet", message))
            }
            _ => Ok(()),
        }
    }

    /// Orders and peers both come over TCP. Where the kind is not given, the other port is not known.
    fn check_control_port(&self) -> Result<()> {
        let is_image = self.kind == Some(RouterKind::Image);
        let or = |port: Option<u16>, default| port.or_else(|| is_image.then_some(default));
        match (or(self.control_port, names::CONTROL_PORT), or(self.port, names::PORT)) {
            (Some(0), _) => Err(Error::invalid("control_port", "0 is no port; allowed: 1 to 65535")),
            (Some(control), Some(port)) if control == port => {
                let message = format!("{control} is the router's own `port` too; allowed: another");
                Err(Error::invalid("control_port", message))
            }
            _ => Ok(()),
        }
    }

    /// What the options say that a setting says too, or that the router cannot be without.
    fn check_options(&self, options: &Options) -> Result<()> {
        let wrong = |message: String| Err(Error::invalid("docker_options", message));
        let own = self.name.as_deref().unwrap_or(names::ROUTER);
        if let Some(name) = options.name.as_deref().filter(|name| name.strip_prefix('/').unwrap_or(name) != own) {
            return wrong(format!("`--name {name}` is not `{own}`; allowed: the router's `name`, or no `--name`"));
        }
        if let (Some(own), Some(option)) = (self.pull, options.pull)
            && own != option
        {
            let (own, option) = (own.write(), option.write());
            return wrong(format!("`--pull {option}` contradicts `pull`, which is {own}; allowed: one of them"));
        }
        if let Some(network) = options.network.iter().find(|network| network.name != "host") {
            let message = format!("`--network {}` is not the host's, where the bridge is", network.name);
            return wrong(format!("{message}; allowed: `--network host`, or none"));
        }
        if options.env.iter().any(|variable| variable.name == names::PASSWORD_VARIABLE) {
            let message = format!("`{}` would stand in the open", names::PASSWORD_VARIABLE);
            return wrong(format!("{message}; allowed: the setting `password_file`"));
        }
        Ok(())
    }
}

fn check_name(name: &str) -> Result<()> {
    // The engine would take a slash in front and leave it out.
    if !name.starts_with('/') && matches!(name.parse(), Ok(ContainerRef::Container(_))) {
        return Ok(());
    }
    Err(Error::invalid("name", format!("`{name}` is no name of a container; allowed: letters, digits, _ . -")))
}

/// Refuses a network that no address can be allocated from.
pub(in crate::spec) fn check_allocatable(network: IpNetwork) -> Result<()> {
    let why = match network {
        IpNetwork::V6(_) => "is no IPv4 network",
        IpNetwork::V4(v4) if v4.prefix() == 0 => "takes in the whole address space",
        IpNetwork::V4(v4) if v4.prefix() > names::ALLOCATION_PREFIX_MAX => "has no two addresses to give away",
        IpNetwork::V4(_) => return Ok(()),
    };
    let allowed = format!("allowed: a network such as 10.32.0.0/12, at most /{}", names::ALLOCATION_PREFIX_MAX);
    Err(Error::invalid("", format!("`{network}` {why}; {allowed}")))
}
