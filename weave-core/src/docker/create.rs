//! What a container is made of: options, image and command as the request that `docker run --detach` of Docker 28
//! would send, with that client's own defaults.

mod devices;
mod host_config;
mod mounts;
mod needs;
mod networks;
mod ports;
#[cfg(test)]
pub(crate) mod tests;

use std::collections::HashMap;

use bollard::models::{ContainerCreateBody, HealthConfig};

pub(crate) use needs::check_engine;

use crate::spec::Options;
use crate::spec::options::{Interval, Value, Variable};

/// The body of the request. The options are those that [`super::client_side::resolve`] gave.
pub(crate) fn body(options: &Options, image: &str, command: &[String]) -> ContainerCreateBody {
    let nameless = options.volume.iter().filter(|volume| volume.source.is_none());
    ContainerCreateBody {
        hostname: options.hostname.clone(),
        domainname: options.domainname.clone(),
        user: options.user.clone(),
        // Detached: nobody listens, and standard input stays open for those who come later.
        attach_stdin: Some(false),
        attach_stdout: Some(false),
        attach_stderr: Some(false),
        exposed_ports: some(ports::exposed(options)),
        tty: options.tty,
        open_stdin: options.interactive,
        env: some(options.env.iter().map(Variable::write).collect()),
        cmd: some(command.to_vec()),
        healthcheck: healthcheck(options),
        image: Some(image.to_owned()),
        volumes: some(nameless.map(|volume| volume.target.clone()).collect()),
        working_dir: text(options.workdir.as_ref()),
        // An empty one takes the image's away.
        entrypoint: options.entrypoint.clone().map(|program| vec![program]),
        labels: some_map(pairs(options.label.iter().map(|label| (&label.name, label.value.as_ref())))),
        stop_signal: options.stop_signal.clone(),
        stop_timeout: options.stop_timeout,
        host_config: Some(host_config::host_config(options)),
        networking_config: networks::networking_config(options),
        ..ContainerCreateBody::default()
    }
}

fn healthcheck(options: &Options) -> Option<HealthConfig> {
    if options.no_healthcheck == Some(true) {
        return Some(HealthConfig { test: Some(vec!["NONE".to_owned()]), ..HealthConfig::default() });
    }
    let nanoseconds = |time: Option<Interval>| time.map(|time| time.0).filter(|time| *time > 0);
    let command = options.health_cmd.clone().filter(|command| !command.is_empty());
    let config = HealthConfig {
        test: command.map(|command| vec!["CMD-SHELL".to_owned(), command]),
        interval: nanoseconds(options.health_interval),
        timeout: nanoseconds(options.health_timeout),
        retries: options.health_retries.filter(|times| *times > 0),
        start_period: nanoseconds(options.health_start_period),
        start_interval: nanoseconds(options.health_start_interval),
    };
    (config != HealthConfig::default()).then_some(config)
}

/// A list, unless it is empty.
fn some<T>(items: Vec<T>) -> Option<Vec<T>> {
    Some(items).filter(|items| !items.is_empty())
}

/// A map, unless it is empty.
fn some_map<T>(entries: HashMap<String, T>) -> Option<HashMap<String, T>> {
    Some(entries).filter(|entries| !entries.is_empty())
}

/// The text of a value, unless it is empty.
fn text<T: Value>(value: Option<&T>) -> Option<String> {
    value.map(Value::write).filter(|text| !text.is_empty())
}

/// Names and values; the last of a name counts, and a missing value is an empty one.
fn pairs<'a>(items: impl Iterator<Item = (&'a String, Option<&'a String>)>) -> HashMap<String, String> {
    items.map(|(name, value)| (name.clone(), value.cloned().unwrap_or_default())).collect()
}
