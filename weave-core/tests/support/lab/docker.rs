//! The engine of a lab host.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::{Child, Command};

use nix::sys::signal::Signal;

use super::command::{self, Output, PATIENCE, wait_until};
use super::container::Container;
use super::engine::{self, Engine};
use super::host::Host;
use super::prerequisites;

/// The image of every lab container: a static busybox, imported, since a lab has no registry.
pub(crate) const IMAGE: &str = "busybox:latest";

/// How an engine is started.
#[derive(Debug, Clone)]
pub(crate) struct DockerOptions {
    /// Whether dockerd writes firewall rules, as it does in life.
    pub(crate) iptables: bool,
    /// Whether there is a `docker0`.
    pub(crate) bridge: bool,
    /// More options of dockerd.
    pub(crate) args: Vec<String>,
}

impl Default for DockerOptions {
    fn default() -> Self {
        Self { iptables: true, bridge: true, args: Vec::new() }
    }
}

impl DockerOptions {
    /// An engine that leaves the network alone: no rules, no `docker0`.
    pub(crate) fn quiet() -> Self {
        Self { iptables: false, bridge: false, ..Self::default() }
    }
}

impl Host {
    /// Starts the host's engine, waits until it answers, and imports [`IMAGE`] if it is not there yet.
    pub(crate) fn start_docker(&self, options: &DockerOptions) {
        let mut slot = self.engine();
        assert!(!slot.as_mut().is_some_and(Engine::is_running), "the engine of {} already runs", self.name());
        // After a crash of dockerd its containerd still runs.
        drop(slot.take());
        // dockerd would take one that systemd started, and share its containers, if it were not given its own.
        let mut containerd = self.start_containerd();
        let dockerd = ["overlay2", "vfs"].into_iter().find_map(|driver| self.start_dockerd(driver, options));
        let Some(dockerd) = dockerd else {
            engine::end(&mut containerd);
            panic!("dockerd does not start in {}:\n{}", self.name(), engine::tail(&self.log("dockerd")));
        };
        *slot = Some(Engine::new(containerd, dockerd));
        drop(slot);
        self.await_docker();
        if !self.docker(&["image", "inspect", IMAGE]).ok() {
            self.import_image();
        }
    }

    /// Ends the engine and its containers; what it stored stays for the next [`Host::start_docker`].
    pub(crate) fn stop_docker(&self) {
        let engine = self.engine().take();
        engine.expect("an engine to stop").terminate();
    }

    /// Sends a signal to dockerd: SIGSTOP and SIGCONT make an engine that hangs for a while.
    pub(crate) fn signal_docker(&self, signal: Signal) {
        self.engine().as_mut().expect("an engine to signal").signal(signal);
    }

    /// dockerd crashes: containers go on, until it starts again and finds them.
    pub(crate) fn crash_docker(&self) {
        self.signal_docker(Signal::SIGKILL);
        let ended = || !self.engine().as_mut().is_some_and(Engine::is_running);
        assert!(wait_until(PATIENCE, ended), "dockerd of {} does not end", self.name());
    }

    fn start_containerd(&self) -> Child {
        let dir = self.dir().display();
        let config = self.dir().join("containerd.toml");
        let text = format!(
            "version = 2\nroot = \"{dir}/containerd\"\nstate = \"{dir}/containerd-run\"\n\
             disabled_plugins = [\"io.containerd.grpc.v1.cri\"]\n[grpc]\n  address = \"{dir}/containerd.sock\"\n\
             [plugins.\"io.containerd.internal.v1.opt\"]\n  path = \"{dir}/opt\"\n"
        );
        fs::write(&config, text).unwrap_or_else(|e| panic!("write {}: {e}", config.display()));
        let socket = self.dir().join("containerd.sock");
        // That of a killed one would be taken for this one's, and Docker 29 asks only once.
        let _ = fs::remove_file(&socket);
        let mut containerd =
            engine::spawn(self.command("containerd").arg("--config").arg(config), &self.log("containerd"));
        wait_until(PATIENCE, || socket.exists() || !engine::is_running(&mut containerd));
        containerd
    }

    /// A dockerd that listens, or None if it gave up. Old engines cannot use overlay2 on some file systems.
    fn start_dockerd(&self, driver: &str, options: &DockerOptions) -> Option<Child> {
        let dir = self.dir();
        let path = |name: &str| dir.join(name).display().to_string();
        // The machine's own configuration stays out of it.
        let config =
            if writes_key() { format!("{{\"deprecated-key-path\": {:?}}}", path("key.json")) } else { "{}".to_owned() };
        fs::write(path("daemon.json"), config).unwrap_or_else(|e| panic!("write {}: {e}", path("daemon.json")));
        let mut command = self.command("dockerd");
        command
            .args([
                "--config-file",
                &path("daemon.json"),
                "--data-root",
                &path("docker"),
                "--exec-root",
                &path("docker-run"),
            ])
            .args(["--pidfile", &path("docker.pid"), "--host", &self.docker_host()])
            .args(["--containerd", &path("containerd.sock"), "--storage-driver", driver])
            // cgroupfs works with and without systemd, and lets the lab remove what it made.
            .args(["--exec-opt", "native.cgroupdriver=cgroupfs", "--cgroup-parent", &format!("/{}", self.cgroup())])
            .arg(format!("--iptables={}", options.iptables));
        if !options.bridge {
            command.arg("--bridge=none");
        }
        let socket = self.socket();
        // The file of a killed engine is no sign of a new one; mostly there is none.
        let _ = fs::remove_file(&socket);
        let mut dockerd = engine::spawn(command.args(&options.args), &self.log("dockerd"));
        wait_until(PATIENCE, || socket.exists() || !engine::is_running(&mut dockerd));
        if engine::is_running(&mut dockerd) {
            return Some(dockerd);
        }
        engine::end(&mut dockerd);
        None
    }

    fn await_docker(&self) {
        let mut last = None;
        let up = wait_until(PATIENCE, || {
            let answer = self.docker(&["version", "--format", "{{.Server.Version}}"]);
            let up = answer.ok();
            last = Some(answer);
            up
        });
        if !up {
            let (last, log) =
                (last.map(|answer| answer.to_string()).unwrap_or_default(), engine::tail(&self.log("dockerd")));
            panic!("dockerd in {} does not answer:\n{last}\n{log}", self.name());
        }
    }

    /// Makes [`IMAGE`] from the machine's static busybox.
    pub(crate) fn import_image(&self) {
        let (root, tar) = (self.dir().join("image"), self.dir().join("image.tar"));
        make_root(&root).unwrap_or_else(|e| panic!("make the image in {}: {e}", root.display()));
        let text = |path: &Path| path.to_str().expect("a path in UTF-8").to_owned();
        command::exec(&["tar", "-C", &text(&root), "-cf", &text(&tar), "."]).must();
        self.docker(&["import", "--change", "CMD [\"sh\"]", &text(&tar), IMAGE]).must();
    }

    /// Runs the docker command against this host's engine.
    #[track_caller]
    pub(crate) fn docker(&self, args: &[&str]) -> Output {
        let mut command = self.bounded();
        command.arg("docker").args(args);
        command::run(self.docker_env(&mut command))
    }

    fn docker_env<'a>(&self, command: &'a mut Command) -> &'a mut Command {
        for name in ["DOCKER_CONTEXT", "DOCKER_TLS_VERIFY", "DOCKER_CERT_PATH", "DOCKER_API_VERSION"] {
            command.env_remove(name);
        }
        // Without its own directory the command would use the contexts and credentials of whoever runs the tests.
        command.env("DOCKER_HOST", self.docker_host()).env("DOCKER_CONFIG", self.dir().join("docker-config"))
    }

    /// Starts a container that waits; `args` are more options of `docker run`.
    #[track_caller]
    pub(crate) fn run_container(&self, name: &str, args: &[&str]) -> Container {
        // Process 1 ignores SIGTERM unless it handles it, and every `docker stop` would take ten seconds.
        let start = ["run", "-d", "--name", name, "--stop-signal=SIGKILL"];
        self.docker(&[&start, args, &[IMAGE, "sleep", "1000000"]].concat()).must();
        self.container(name)
    }

    /// A container that exists, however it was made.
    pub(crate) fn container(&self, name: &str) -> Container {
        Container::new(self.clone(), name)
    }

    /// Removes all containers, so that dockerd has nothing to wait for when it ends.
    pub(super) fn remove_containers(&self) {
        let listed = self.docker(&["ps", "-aq"]);
        let ids: Vec<_> = listed.stdout.split_whitespace().collect();
        if !ids.is_empty() {
            // What it cannot remove, the sweep does.
            self.docker(&[&["rm", "-f", "-v"], ids.as_slice()].concat());
        }
    }

    /// The log of `dockerd` or `containerd`.
    pub(crate) fn log(&self, daemon: &str) -> std::path::PathBuf {
        self.dir().join(format!("{daemon}.log"))
    }
}

/// A root directory with busybox under all its names.
fn make_root(root: &Path) -> std::io::Result<()> {
    let bin = root.join("bin");
    // Import may be repeated by a test.
    let _ = fs::remove_dir_all(root);
    for dir in ["bin", "etc", "proc", "sys", "dev", "tmp", "root"] {
        fs::create_dir_all(root.join(dir))?;
    }
    let busybox = prerequisites::busybox();
    fs::copy(&busybox, bin.join("busybox"))?;
    let names = command::exec(&[&busybox.to_string_lossy(), "--list"]).must();
    names.lines().filter(|name| *name != "busybox").try_for_each(|name| symlink("busybox", bin.join(name)))
}

/// Engines up to 22 write a key into `/etc/docker`, the machine's own; later ones may not know the setting.
fn writes_key() -> bool {
    let version = command::exec(&["dockerd", "--version"]).must();
    let major = version.split_whitespace().find_map(|word| word.split('.').next()?.parse::<u32>().ok());
    major.is_some_and(|major| major < 23)
}
