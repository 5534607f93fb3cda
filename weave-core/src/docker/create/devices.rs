//! Devices of the host, and requests to drivers for some.

use bollard::models::{DeviceMapping, DeviceRequest};

use super::{some, some_map};
use crate::spec::Options;
use crate::spec::options::{Device, Gpus};

pub(super) fn mappings(options: &Options) -> Vec<DeviceMapping> {
    let mapping = |device: &Device| match device {
        Device::Named(_) => None,
        Device::Path { host, container, permissions } => Some(DeviceMapping {
            path_on_host: Some(host.clone()),
            path_in_container: Some(container.clone().unwrap_or_else(|| host.clone())),
            cgroup_permissions: Some(permissions.clone().unwrap_or_else(|| "rwm".to_owned())),
        }),
    };
    options.device.iter().filter_map(mapping).collect()
}

pub(super) fn requests(options: &Options) -> Vec<DeviceRequest> {
    let named = options.device.iter().filter_map(|device| match device {
        Device::Named(name) => Some(name.clone()),
        Device::Path { .. } => None,
    });
    let mut requests: Vec<DeviceRequest> = options.gpus.iter().map(gpus).collect();
    if let Some(names) = some(named.collect()) {
        // One request for all of them, as the client does.
        let driver = Some("cdi".to_owned());
        requests.push(DeviceRequest { driver, device_ids: Some(names), ..DeviceRequest::default() });
    }
    requests
}

fn gpus(gpus: &Gpus) -> DeviceRequest {
    let capabilities = gpus.capabilities.iter().cloned().chain(["gpu".to_owned()]);
    DeviceRequest {
        driver: gpus.driver.clone(),
        count: Some(gpus.count.unwrap_or(i64::from(gpus.devices.is_empty()))),
        device_ids: some(gpus.devices.clone()),
        capabilities: Some(vec![capabilities.collect()]),
        options: some_map(gpus.options.clone().into_iter().collect()),
    }
}
