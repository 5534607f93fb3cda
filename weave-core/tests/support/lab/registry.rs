//! A registry on the loopback of a lab host.

use std::fs;
use std::net::TcpStream;
use std::process::{Child, Stdio};
use std::time::Duration;

use serde_json::json;

use super::command::wait_until;
use super::host::Host;

/// How long it may take to listen.
const START: Duration = Duration::from_secs(30);

/// A registry at `127.0.0.1:5000` of a host. It ends with this value; what was pushed stays for the next one.
pub(crate) struct Registry(Child);

impl Registry {
    /// Starts one that lets everybody in, or only those of `passwords`, as lines of an `htpasswd` file.
    pub(crate) fn start(host: &Host, passwords: Option<&str>) -> Self {
        let path = |name: &str| host.dir().join(name);
        let mut config = json!({
            "version": "0.1", "log": {"level": "warn"},
            "storage": {"filesystem": {"rootdirectory": path("registry")}}, "http": {"addr": "127.0.0.1:5000"},
        });
        if let Some(passwords) = passwords {
            fs::write(path("htpasswd"), passwords).expect("a file");
            config["auth"] = json!({"htpasswd": {"realm": "lab", "path": path("htpasswd")}});
        }
        // JSON is YAML.
        fs::write(path("registry.yml"), config.to_string()).expect("a file");
        let mut command = host.command("docker-registry");
        command.arg("serve").arg(path("registry.yml")).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let registry =
            command.spawn().expect("docker-registry: install the package docker-registry, or run `make deps`");
        let registry = Self(registry);
        let up = || host.in_netns(|| TcpStream::connect("127.0.0.1:5000").is_ok());
        assert!(wait_until(START, up), "the registry does not listen");
        registry
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        // It may be gone already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
