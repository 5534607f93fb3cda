//! The request for a container, with all that the client reads from files and environment in it.

use std::path::Path;

use crate::docker::wish::{requested, settled};
use crate::docker::{create, holder, podman};
use crate::observed::Containers;
use crate::plan::container::{HOLDS, Make};
use crate::spec::options::{Label, SecurityOption};
use crate::spec::run::{AttachWhen, Pull, RunState};
use crate::spec::{Options, Settings};
use crate::{Error, Result, names};

/// What is wished for of the container of `run`, and of the one that holds its network.
///
/// # Errors
/// `InvalidSpec` for what no engine would take, `Unsupported` for what this one cannot do; files that cannot be read.
pub(super) fn make(run: &Settings, observed: &Containers) -> Result<Make> {
    let variable = |name: &str| std::env::var(name).ok();
    let base = std::env::current_dir().unwrap_or_else(|_| Path::new("/").to_owned());
    let made = || {
        if observed.podman {
            return Err(podman::refuse("image"));
        }
        let settings = settled(run, &variable, &base)?;
        if let Some(minor) = observed.api_minor {
            create::check_engine(&settings.options, minor)?;
        }
        match settings.attach {
            AttachWhen::AfterStart => Ok(Make { wish: requested(&settings)?, settings, holder: None }),
            AttachWhen::BeforeStart => {
                holder::check(std::env::consts::ARCH)?;
                let (net, settings) = halves(settings);
                let holder = Make { wish: requested(&net)?, settings: net, holder: None };
                Ok(Make { wish: requested(&settings)?, settings, holder: Some(Box::new(holder)) })
            }
        }
    };
    made().map_err(|error: Error| error.within(&format!("containers.{}", run.name)))
}

/// What is asked of the container that holds the network, and of the other.
fn halves(run: Settings) -> (Settings, Settings) {
    let (net, mut own) = run.options.apart();
    let name = names::holder_of(&run.name);
    own.join(&name);
    let holder = Settings {
        name,
        image: names::HOLDER_IMAGE.to_owned(),
        command: None,
        options: still(net, &run.name),
        // One that shall not run has no address either.
        state: if run.state == RunState::Stopped { RunState::Stopped } else { RunState::Running },
        on_change: run.on_change,
        pull: Pull::Missing,
        attach: AttachWhen::AfterStart,
    };
    (holder, Settings { options: own, ..run })
}

/// The options of a container that does nothing but hold a network for the one called `name`, and may do nothing.
fn still(mut net: Options, name: &str) -> Options {
    // In networks of users the engine answers for names, and this one's is that of the holder.
    if let Some(first) = net.network.first_mut().filter(|network| network.is_user_defined()) {
        first.alias.push(name.to_owned());
    }
    Options {
        cap_drop: vec!["ALL".to_owned()],
        label: vec![Label { name: HOLDS.to_owned(), value: Some(name.to_owned()) }],
        log_driver: Some("none".to_owned()),
        read_only: Some(true),
        security_opt: vec![SecurityOption("no-new-privileges".to_owned())],
        ..net
    }
}
