//! Settings under `/proc/sys/net`, which shows the namespace of the thread that looks.

use std::io;
use std::path::{Path, PathBuf};

use crate::{Error, ErrorKind, Result};

/// Writes `net.ipv6.conf.<link>.<key>` in the namespace of the calling thread.
///
/// Where there is no IPv6, in the kernel as a whole or on a link that is too narrow for it, switching off what there is
/// none of is done already.
pub(crate) fn set_ipv6(link: &str, key: &str, value: i32) -> Result<()> {
    let conf = PathBuf::from("/proc/sys/net/ipv6/conf");
    let file = conf.join(link).join(key);
    let Err(error) = std::fs::write(&file, value.to_string()) else { return Ok(()) };
    let absent = error.kind() == io::ErrorKind::NotFound;
    let message = if absent && !conf.exists() {
        format!("write {}: the kernel has no IPv6", file.display())
    } else if absent && ipv4(link).exists() {
        format!("write {}: the kernel has no IPv6 on a link whose MTU is below 1280", file.display())
    } else {
        return Err(Error::os(link, format!("write {value} to {}", file.display()), error));
    };
    if is_off(key, value) {
        return Ok(());
    }
    Err(Error::new(ErrorKind::Unsupported, link, message)
        .hint("raise its MTU to 1280 or more, and start the kernel without ipv6.disable=1"))
}

/// Writes `net.ipv4.conf.<link>.route_localnet` in the namespace of the calling thread.
pub(crate) fn set_localnet(link: &str, on: bool) -> Result<()> {
    let file = ipv4(link).join("route_localnet");
    let value = if on { "1" } else { "0" };
    std::fs::write(&file, value).map_err(|error| Error::os(link, format!("write {value} to {}", file.display()), error))
}

/// Lets the other IPv4 addresses of a link stay when the first of their network goes
/// (`net.ipv4.conf.<link>.promote_secondaries`), until it is dropped in the same namespace: by default the kernel
/// removes them with it.
pub(crate) fn keep_secondaries(link: &str) -> KeptSecondaries {
    let file = ipv4(link).join("promote_secondaries");
    let before = std::fs::read_to_string(&file).unwrap_or_default();
    if before.trim() == "0" {
        write_or_tell(&file, "1");
    }
    KeptSecondaries { file, before }
}

/// The setting as long as it is needed.
pub(crate) struct KeptSecondaries {
    file: PathBuf,
    before: String,
}

impl Drop for KeptSecondaries {
    fn drop(&mut self) {
        if self.before.trim() == "0" {
            write_or_tell(&self.file, "0");
        }
    }
}

fn write_or_tell(file: &Path, value: &str) {
    if let Err(error) = std::fs::write(file, value) {
        tracing::debug!(file = %file.display(), %error, "the setting cannot be written");
    }
}

fn ipv4(link: &str) -> PathBuf {
    PathBuf::from("/proc/sys/net/ipv4/conf").join(link)
}

fn is_off(key: &str, value: i32) -> bool {
    match key {
        "disable_ipv6" => value != 0,
        _ => value == 0,
    }
}
