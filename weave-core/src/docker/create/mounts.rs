//! Volumes and mounts.

use std::collections::HashMap;

use bollard::models::{
    Mount as Sent, MountBindOptions, MountBindOptionsPropagationEnum, MountImageOptions, MountTmpfsOptions, MountType,
    MountVolumeOptions, MountVolumeOptionsDriverConfig,
};

use super::some_map;
use crate::spec::Options;
use crate::spec::options::{BindRecursive, Mount, MountKind, Value};

/// Paths of the host and named volumes, in the short form, each once.
pub(super) fn binds(options: &Options) -> Vec<String> {
    let mut binds: Vec<String> = Vec::new();
    for volume in options.volume.iter().filter(|volume| volume.source.is_some()) {
        let bind = volume.write();
        if !binds.contains(&bind) {
            binds.push(bind);
        }
    }
    binds
}

pub(super) fn mount(mount: &Mount) -> Sent {
    Sent {
        target: Some(mount.target.clone()),
        source: mount.source.clone(),
        typ: Some(match mount.kind {
            MountKind::Volume => MountType::VOLUME,
            MountKind::Bind => MountType::BIND,
            MountKind::Tmpfs => MountType::TMPFS,
            MountKind::Image => MountType::IMAGE,
            MountKind::Cluster => MountType::CLUSTER,
        }),
        read_only: Some(mount.readonly),
        consistency: mount.consistency.clone(),
        bind_options: bind_options(mount),
        volume_options: volume_options(mount),
        image_options: mount.image_subpath.clone().map(|path| MountImageOptions { subpath: Some(path) }),
        tmpfs_options: tmpfs_options(mount),
    }
}

fn bind_options(mount: &Mount) -> Option<MountBindOptions> {
    let propagation = mount.bind_propagation.as_deref().map(|word| match word {
        "private" => MountBindOptionsPropagationEnum::PRIVATE,
        "rshared" => MountBindOptionsPropagationEnum::RSHARED,
        "shared" => MountBindOptionsPropagationEnum::SHARED,
        "rslave" => MountBindOptionsPropagationEnum::RSLAVE,
        "slave" => MountBindOptionsPropagationEnum::SLAVE,
        _ => MountBindOptionsPropagationEnum::RPRIVATE,
    });
    let recursive = |way| (mount.bind_recursive == Some(way)).then_some(true);
    let options = MountBindOptions {
        propagation,
        non_recursive: recursive(BindRecursive::Disabled),
        read_only_non_recursive: recursive(BindRecursive::Writable),
        read_only_force_recursive: recursive(BindRecursive::Readonly),
        ..MountBindOptions::default()
    };
    (options != MountBindOptions::default()).then_some(options)
}

fn volume_options(mount: &Mount) -> Option<MountVolumeOptions> {
    let map = |entries: &std::collections::BTreeMap<String, String>| {
        some_map(entries.clone().into_iter().collect::<HashMap<_, _>>())
    };
    let driver = MountVolumeOptionsDriverConfig { name: mount.volume_driver.clone(), options: map(&mount.volume_opt) };
    mount.has_volume_options().then(|| MountVolumeOptions {
        no_copy: mount.volume_nocopy,
        labels: map(&mount.volume_label),
        driver_config: (driver != MountVolumeOptionsDriverConfig::default()).then_some(driver),
        subpath: mount.volume_subpath.clone(),
    })
}

fn tmpfs_options(mount: &Mount) -> Option<MountTmpfsOptions> {
    let options = MountTmpfsOptions {
        size_bytes: mount.tmpfs_size.map(|size| size.0),
        mode: mount.tmpfs_mode.map(i64::from),
        ..MountTmpfsOptions::default()
    };
    (options != MountTmpfsOptions::default()).then_some(options)
}
