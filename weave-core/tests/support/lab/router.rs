//! The stand-in for the classic router: as an image for the engine of a lab host, and as a plain process.

use std::fs;
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::Child;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::command::{self, PATIENCE, wait_until};
use super::engine;
use super::host::Host;

/// The image of the stand-in, in the engines that [`Host::import_router`] gave it to.
pub(crate) const ROUTER_IMAGE: &str = "weave-router:test";

/// Where the real image has its program.
const PROGRAM: &str = "home/weave/weaver";

/// How a router is started as a process.
#[derive(Debug, Clone, Default)]
pub(crate) struct RouterOptions {
    /// Words after those that every router gets.
    pub(crate) args: Vec<String>,
    /// Variables, for example `WEAVE_PASSWORD`.
    pub(crate) env: Vec<(String, String)>,
    /// Whether its container is new: it has not run before, and keeps only what is in its volume.
    pub(crate) fresh: bool,
}

/// The stand-in's program, which cargo builds beside the tests.
pub(crate) fn router_program() -> PathBuf {
    let test = std::env::current_exe().unwrap_or_else(|e| panic!("find the test's own program: {e}"));
    let built = test.parent().and_then(Path::parent).map(|target| target.join("examples/router"));
    built
        .filter(|path| path.is_file())
        .unwrap_or_else(|| panic!("the stand-in router is not built: run `cargo build -p weave-core --example router`"))
}

impl Host {
    /// Makes [`ROUTER_IMAGE`] in the host's engine: the program, the libraries that it loads, and an empty `/weavedb`.
    pub(crate) fn import_router(&self) {
        let (root, tar) = (self.dir().join("router-image"), self.dir().join("router-image.tar"));
        make_root(&root).unwrap_or_else(|e| panic!("make the router's image in {}: {e}", root.display()));
        let text = |path: &Path| path.to_str().expect("a path in UTF-8").to_owned();
        command::exec(&["tar", "-C", &text(&root), "-cf", &text(&tar), "."]).must();
        let import = ["import", "--change", "ENTRYPOINT [\"/home/weave/weaver\"]", "--change", "WORKDIR /home/weave"];
        self.docker(&[&import[..], &["--change", "VOLUME /weavedb", &text(&tar), ROUTER_IMAGE]].concat()).must();
    }

    /// The Ethernet address of the bridge that [`Host::add_router_bridge`] makes, which is the router's name.
    pub(crate) fn router_name(&self) -> String {
        format!("02:00:00:00:00:{:02x}", self.number() + 9)
    }

    /// A bridge `weave` and the pair between it and the router, all up; it has no addresses and says nothing by itself.
    pub(crate) fn add_router_bridge(&self) {
        self.sh(&format!(
            "echo 1 >/proc/sys/net/ipv6/conf/default/disable_ipv6
             ip link add weave address {} type bridge mcast_snooping 0 && ip link set weave up
             ip link add vethwe-bridge type veth peer name vethwe-pcap
             ip link set vethwe-bridge master weave up && ip link set vethwe-pcap up
             echo 0 >/proc/sys/net/ipv6/conf/default/disable_ipv6",
            self.router_name()
        ))
        .must();
    }

    /// Starts the stand-in as a process of this host, named after its bridge and `hostA`, `hostB`, ... by its number.
    pub(crate) fn start_router(&self, options: &RouterOptions) -> RouterProcess {
        let dir = self.dir().join("router");
        let (work, volume) = (dir.join("work"), dir.join("weavedb"));
        if options.fresh {
            // It is not there yet at the first start.
            let _ = fs::remove_dir_all(&work);
        }
        for dir in [&work, &volume] {
            fs::create_dir_all(dir).unwrap_or_else(|e| panic!("create {}: {e}", dir.display()));
        }
        let letter = char::from(b'A' + self.number() - 1);
        let prefix = volume.join("weave");
        let mut command = self.command(router_program().to_str().expect("a path in UTF-8"));
        command
            .current_dir(&work)
            .args(["--port", "6783", "--weave-bridge", "weave", "--no-fastdp", "--docker-api=", "--no-dns"])
            .args(["--http-addr", "127.0.0.1:6784", "--status-addr", "127.0.0.1:6782"])
            .args(["--name", &self.router_name(), "--nickname", &format!("host{letter}"), "--db-prefix"])
            .arg(prefix)
            .args(&options.args)
            .env_remove("WEAVE_PASSWORD")
            .env_remove("ROUTER_MISBEHAVES")
            .envs(options.env.iter().cloned());
        let log = dir.join("log");
        RouterProcess { child: engine::spawn(&mut command, &log), log }
    }
}

/// A running stand-in; dropping it kills it.
pub(crate) struct RouterProcess {
    child: Child,
    log: PathBuf,
}

impl RouterProcess {
    /// What it has printed, with that of the routers before it on its host.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// Sends SIGTERM; its exit code, or None if a signal ended it.
    pub(crate) fn terminate(mut self) -> Option<i32> {
        let pid = Pid::from_raw(i32::try_from(self.child.id()).expect("a pid"));
        kill(pid, Signal::SIGTERM).unwrap_or_else(|e| panic!("end the router: {e}"));
        self.exit()
    }

    /// Waits until it ends by itself; its exit code, or None if a signal ended it.
    pub(crate) fn exit(&mut self) -> Option<i32> {
        assert!(
            wait_until(PATIENCE, || !engine::is_running(&mut self.child)),
            "the router does not end:\n{}",
            self.log()
        );
        let status = self.child.wait().unwrap_or_else(|e| panic!("wait for the router: {e}"));
        assert!(status.code().is_some() || status.signal().is_some(), "{status}");
        status.code()
    }
}

impl Drop for RouterProcess {
    fn drop(&mut self) {
        engine::end(&mut self.child);
    }
}

/// A root directory that holds the program and what `ldd` says that it loads, at the same places.
fn make_root(root: &Path) -> std::io::Result<()> {
    // Import may be repeated by a test.
    let _ = fs::remove_dir_all(root);
    for dir in ["home/weave", "weavedb", "etc", "proc", "sys", "dev", "tmp"] {
        fs::create_dir_all(root.join(dir))?;
    }
    let program = router_program();
    fs::copy(&program, root.join(PROGRAM))?;
    let listed = command::exec(&["ldd", &program.to_string_lossy()]).must();
    let libraries = listed.split_whitespace().filter(|word| word.starts_with('/'));
    libraries.map(|path| (path, root.join(path.trim_start_matches('/')))).try_for_each(|(path, copy)| {
        fs::create_dir_all(copy.parent().unwrap_or(root))?;
        fs::copy(path, copy).map(drop)
    })
}
