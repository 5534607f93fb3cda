//! What a request, a container or an image says at a place of the table.

use serde_json::{Map, Value};

use super::paths::Row;
use super::shape;
use crate::observed::Container;

/// Where the networks are.
const ENDPOINTS: &str = "NetworkingConfig.EndpointsConfig";

/// What `request` says at the row's place, in the form in which it is compared.
pub(super) fn at(row: &Row, request: &Value) -> Value {
    match row.path.split_once(".*.") {
        None if row.path == ENDPOINTS => further(request, (row.shape)(raw(request, ENDPOINTS))),
        None => (row.shape)(raw(request, row.path)),
        Some((above, below)) => {
            let networks = raw(request, above).as_object().into_iter().flatten();
            let said = networks.map(|(name, settings)| (name.clone(), (row.shape)(raw(settings, below))));
            shape::entries(said.filter(|(_, value)| !value.is_null()))
        }
    }
}

/// Without the network that the mode names.
fn further(request: &Value, mut networks: Value) -> Value {
    let mode = shape::network(raw(request, "HostConfig.NetworkMode"));
    if let (Value::Object(networks), Some(mode)) = (&mut networks, mode.as_str()) {
        networks.shift_remove(mode);
    }
    shape::plain(&networks)
}

/// What stands at a place, as it is written.
pub(super) fn raw<'a>(request: &'a Value, path: &str) -> &'a Value {
    path.split('.').fold(request, |value, name| value.get(name).unwrap_or(&Value::Null))
}

/// The container as a request would have it.
pub(super) fn of_container(container: &Container) -> Value {
    let mut networks = container.networks.clone();
    // Engines up to 24 tell it for the container as a whole.
    if let Some(mac) = container.config.get("MacAddress").filter(|mac| !shape::plain(mac).is_null()) {
        let mode = shape::network(&container.host_config["NetworkMode"]);
        if let Some(Value::Object(first)) = mode.as_str().and_then(|name| networks.get_mut(name)) {
            first.insert("MacAddress".to_owned(), mac.clone());
        }
    }
    let mut request = container.config.as_object().cloned().unwrap_or_default();
    // The engine's own choice.
    if request.get("Hostname").and_then(Value::as_str).is_some_and(|name| container.id.get(..12) == Some(name)) {
        request.shift_remove("Hostname");
    }
    request.insert("HostConfig".to_owned(), container.host_config.clone());
    let endpoints = Map::from_iter([("EndpointsConfig".to_owned(), networks)]);
    request.insert("NetworkingConfig".to_owned(), Value::Object(endpoints));
    told_apart(Value::Object(request))
}

/// The request with each thing said in one place only: a published port is not also an exposed one, a link in a network
/// of the user is not also one of the container, and the network that is there without being asked for has one name.
pub(super) fn told_apart(mut request: Value) -> Value {
    let published = shape::ports(raw(&request, "HostConfig.PortBindings"));
    let mut exposed = shape::keys(&request["ExposedPorts"]);
    if let (Value::Object(exposed), Value::Object(published)) = (&mut exposed, published) {
        exposed.retain(|port, _| !published.contains_key(port));
    }
    if let Value::Object(fields) = &mut request {
        fields.insert("ExposedPorts".to_owned(), exposed);
    }
    let mode = shape::network(raw(&request, "HostConfig.NetworkMode"));
    if mode != "bridge"
        && let Some(Value::Object(host)) = request.get_mut("HostConfig")
    {
        host.shift_remove("Links");
    }
    if let Some(Value::Object(endpoints)) = request.pointer_mut("/NetworkingConfig/EndpointsConfig")
        && let Some(settings) = endpoints.shift_remove("default")
    {
        endpoints.insert("bridge".to_owned(), settings);
    }
    request
}
