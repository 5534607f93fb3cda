//! Settings under `/proc/sys/net`, which shows the namespace of the thread that looks.

use std::io;
use std::path::PathBuf;

use crate::{Error, ErrorKind, Result};

/// Writes `net.ipv6.conf.<link>.<key>` in the namespace of the calling thread.
///
/// Where the kernel has no IPv6 at all, switching off what there is none of is done already.
pub(crate) fn set_ipv6(link: &str, key: &str, value: i32) -> Result<()> {
    let conf = PathBuf::from("/proc/sys/net/ipv6/conf");
    let file = conf.join(link).join(key);
    match std::fs::write(&file, value.to_string()) {
        Err(error) if error.kind() == io::ErrorKind::NotFound && !conf.exists() => {
            if is_off(key, value) {
                return Ok(());
            }
            let message = format!("write {}: the kernel has no IPv6", file.display());
            Err(Error::new(ErrorKind::Unsupported, link, message).hint("start the kernel without ipv6.disable=1"))
        }
        written => written.map_err(|error| Error::os(link, format!("write {value} to {}", file.display()), error)),
    }
}

/// Lets the other IPv4 addresses of a link stay when the first of their network goes
/// (`net.ipv4.conf.<link>.promote_secondaries`): by default the kernel removes them with it.
pub(crate) fn keep_secondaries(link: &str) {
    let file = PathBuf::from("/proc/sys/net/ipv4/conf").join(link).join("promote_secondaries");
    if let Err(error) = std::fs::write(&file, "1") {
        tracing::debug!(file = %file.display(), %error, "the setting cannot be written");
    }
}

fn is_off(key: &str, value: i32) -> bool {
    match key {
        "disable_ipv6" => value != 0,
        _ => value == 0,
    }
}
