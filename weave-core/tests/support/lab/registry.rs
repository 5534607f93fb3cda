//! A registry on the loopback of a lab host: Debian's `docker-registry`.

use std::fs;
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Stdio};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;

use super::command::{PATIENCE, wait_until};
use super::host::Host;

/// Where it listens; the engine takes it without TLS, because it is on the loopback.
pub(crate) const REGISTRY: &str = "127.0.0.1:5000";

/// The password has characters that its encoding for addresses writes otherwise; this is what the registry keeps.
const PASSWORD: &str = "s?e>cr~et";
const KEPT: &str = "$2b$05$weaveweaveweaveweaveweWqEUlf9HH2GSwlrGT6AByPbGYOc9aKW";

/// Whom a registry lets in.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Entrance {
    /// Everybody.
    Open,
    /// Who has logged in ([`Registry::log_in`]).
    Password,
}

/// A registry. It ends with this value; what was pushed stays for the next one.
pub(crate) struct Registry(Child);

impl Registry {
    /// Starts it, and waits until it listens.
    pub(crate) fn start(host: &Host, entrance: Entrance) -> Self {
        let path = |name: &str| host.dir().join(name);
        let mut config = json!({
            "version": "0.1", "log": {"level": "warn"},
            "storage": {"filesystem": {"rootdirectory": path("registry")}}, "http": {"addr": REGISTRY},
        });
        if entrance == Entrance::Password {
            fs::write(path("htpasswd"), format!("me:{KEPT}\n")).expect("a file");
            config["auth"] = json!({"htpasswd": {"realm": "lab", "path": path("htpasswd")}});
        }
        // JSON is YAML.
        fs::write(path("registry.yml"), config.to_string()).expect("a file");
        let mut command = host.command("docker-registry");
        command.arg("serve").arg(path("registry.yml")).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let registry =
            command.spawn().expect("docker-registry: install the package docker-registry, or run `make deps`");
        let registry = Self(registry);
        let up = || host.in_netns(|| TcpStream::connect(REGISTRY).is_ok());
        assert!(wait_until(PATIENCE, up), "the registry does not listen");
        registry
    }

    /// Writes the configuration of a docker client that has logged in into `directory`.
    pub(crate) fn log_in(directory: &Path) {
        let auth = STANDARD.encode(format!("me:{PASSWORD}"));
        fs::create_dir_all(directory).expect("a directory");
        let config = json!({"auths": {REGISTRY: {"auth": auth}}}).to_string();
        fs::write(directory.join("config.json"), config).expect("a file");
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
