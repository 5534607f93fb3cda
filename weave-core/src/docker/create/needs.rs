//! Options that older engines would silently leave out.

use crate::spec::Options;
use crate::spec::options::{BindRecursive, Device, MountKind};
use crate::{Error, ErrorKind, Result};

/// Refuses options that an engine with API 1.`minor` does not know; it would make the container without them.
///
/// # Errors
/// `Unsupported`, with the option and the version that it needs.
pub(crate) fn check_engine(options: &Options, minor: u16) -> Result<()> {
    let mount = |test: &dyn Fn(&crate::spec::options::Mount) -> bool| options.mount.iter().any(test);
    let mac = options.mac_address.is_some() || options.network.iter().any(|network| network.mac_address.is_some());
    let named = options.device.iter().any(|device| matches!(device, Device::Named(_)));
    let needs = [
        ("gpus", !options.gpus.is_empty(), 40),
        ("cgroupns", options.cgroupns.is_some(), 41),
        ("platform", options.platform.is_some(), 41),
        ("annotation", !options.annotation.is_empty(), 43),
        ("device=VENDOR/CLASS=NAME", named, 44),
        ("health-start-interval", options.health_start_interval.is_some_and(|time| time.0 > 0), 44),
        ("mac-address", mac, 44),
        ("network, more than one,", options.network.len() > 1, 44),
        ("mount bind-recursive", mount(&|mount| recursion(mount.bind_recursive)), 44),
        ("mount volume-subpath", mount(&|mount| mount.volume_subpath.is_some()), 45),
        ("mount type=image", mount(&|mount| mount.kind == MountKind::Image), 47),
        ("mount image-subpath", mount(&|mount| mount.image_subpath.is_some()), 48),
        ("network gw-priority", options.network.iter().any(|network| network.gw_priority.is_some()), 48),
    ];
    match needs.iter().find(|(_, given, needed)| *given && *needed > minor) {
        None => Ok(()),
        Some((option, _, needed)) => {
            let message = format!("`--{option}` needs API 1.{needed}, and the engine speaks up to 1.{minor}");
            Err(Error::new(ErrorKind::Unsupported, "options", message).hint("leave the option out, or update Docker"))
        }
    }
}

fn recursion(recursive: Option<BindRecursive>) -> bool {
    matches!(recursive, Some(BindRecursive::Writable | BindRecursive::Readonly))
}
