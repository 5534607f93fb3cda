"""A Docker engine that a host of the lab has to itself, with an image that comes from no registry."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from lab import LIMIT, Host, sh, soon

#: The image that containers are made of; they run until they are stopped.
IMAGE = "busybox:latest"
#: Where a registry listens; the engine takes it without TLS, because it is on the loopback.
REGISTRY = "127.0.0.1:5000"
# A shell that is process 1 ignores SIGTERM unless it is told otherwise.
_COMMAND = ("sh", "-c", "trap exit TERM; while :; do sleep 1 & wait; done")
_PROGRAMS = ("sh", "cat", "env", "ip", "ping", "sleep", "true")


class Engine:
    """containerd and dockerd in the network namespace of a host, with all they have in one directory."""

    def __init__(self, host: Host, **settings: object) -> None:
        """Start them and make the image; ``settings`` are those of ``daemon.json``, such as ``bridge="none"``."""
        self.host = host
        # A socket's path has to be short.
        self.directory = Path(tempfile.mkdtemp(prefix=f"{host.name}-"))
        self.address = f"unix://{self.directory}/docker.sock"
        # The credentials of whoever runs the tests stay out of it.
        self.env = {"DOCKER_HOST": self.address, "DOCKER_CONFIG": f"{self.directory}/client"}
        host.engine_env = self.env
        self._daemons: list[subprocess.Popen[bytes]] = []
        try:
            # A new namespace inherits forwarding from the machine, and then dockerd leaves the policy of FORWARD alone.
            host.sh("sysctl", "-qw", "net.ipv4.ip_forward=0")
            self._start_containerd()
            self._start_dockerd(settings)
            make_root(self.directory / "image")
            sh("tar", "-C", f"{self.directory}/image", "-cf", f"{self.directory}/image.tar", ".")
            self.image(IMAGE)
        except BaseException:
            self.stop()
            raise

    def __enter__(self) -> Engine:
        """Return the engine, which runs."""
        return self

    def __exit__(self, *_: object) -> None:
        """End it."""
        self.stop()

    def docker(self, *words: str) -> str:
        """Run the docker command against it, and return what it printed."""
        done = self._ask(*words)
        assert done.returncode == 0, f"docker {' '.join(words)}: {done.stderr}"
        return done.stdout.strip()

    def image(self, name: str) -> None:
        """Make one more image, of the same content."""
        self.docker("import", "--change", f"CMD {json.dumps(_COMMAND)}", f"{self.directory}/image.tar", name)

    def inspect(self, name: str) -> Any:
        """Return what it knows of a container or image."""
        return json.loads(self.docker("inspect", name))[0]

    def containers(self) -> list[str]:
        """Return the names of all containers."""
        return sorted(self.docker("ps", "-a", "--format", "{{.Names}}").split())

    def pings(self, container: str, address: str) -> bool:
        """Whether a container reaches an address, if not at once."""
        return soon(lambda: self._ask("exec", container, "ping", "-c1", "-W2", address).returncode == 0)

    def start_registry(self) -> None:
        """Start a registry on the host's loopback."""
        config = self.directory / "registry.yml"
        storage = {"filesystem": {"rootdirectory": f"{self.directory}/registry"}}
        config.write_text(json.dumps({"version": "0.1", "storage": storage, "http": {"addr": REGISTRY}}))
        registry = self._start("docker-registry", "serve", str(config))
        self._must(self._comes(registry, lambda: f" {REGISTRY} " in self.host.sh("ss", "-ltn")))

    def stop(self) -> None:
        """Kill it, since nothing of it is kept, and take away what its containers leave."""
        for daemon in reversed(self._daemons):
            daemon.kill()
            daemon.wait()
        self._wait(self._has_no_processes)
        self._wait(self._has_no_control_groups)
        # The only thing that containerd has elsewhere.
        for file in self.directory.glob("containerd-run/io.containerd.runtime.v2.task/*/*/address"):
            Path(file.read_text().replace("unix://", "")).unlink(missing_ok=True)
        mounts = [line.split()[4] for line in Path("/proc/self/mountinfo").read_text().splitlines()]
        for mount in reversed([mount for mount in mounts if mount.startswith(f"{self.directory}/")]):
            sh("umount", "-l", mount)
        self.host.engine_env = {}
        # Who is just ending may still write something into it.
        self._wait(self._has_no_directory)

    def _start_containerd(self) -> None:
        # dockerd would take one that runs on this machine, and share its containers, if it were not given its own.
        at = self.directory
        config = at / "containerd.toml"
        config.write_text(f"""
version = 2
root = "{at}/containerd"
state = "{at}/containerd-run"
disabled_plugins = ["io.containerd.grpc.v1.cri"]
[grpc]
  address = "{at}/containerd.sock"
[plugins."io.containerd.internal.v1.opt"]
  path = "{at}/opt"
""")
        self._must(self._comes(self._start("containerd", "--config", str(config)), (at / "containerd.sock").exists))

    def _start_dockerd(self, settings: dict[str, object]) -> None:
        at = self.directory
        # Engines up to 22 write a key into the machine's own directory; later ones do not know the setting.
        if int(sh("dockerd", "--version").split("version ")[1].split(".")[0]) < 23:
            settings = {"deprecated-key-path": f"{at}/key.json", **settings}
        (at / "daemon.json").write_text(json.dumps(settings))
        words = ["--config-file", f"{at}/daemon.json", "--data-root", f"{at}/docker", "--exec-root", f"{at}/docker-run"]
        words += ["--pidfile", f"{at}/docker.pid", "--host", self.address, "--containerd", f"{at}/containerd.sock"]
        # This works with and without systemd, and what it makes can be taken away.
        words += ["--exec-opt", "native.cgroupdriver=cgroupfs", "--cgroup-parent", f"/{at.name}"]
        # Old engines cannot use overlay2 on some file systems.
        started = (self._start("dockerd", *words, "--storage-driver", driver) for driver in ("overlay2", "vfs"))
        self._must(any(self._comes(dockerd, lambda: self._ask("version").returncode == 0) for dockerd in started))

    def _start(self, *words: str) -> subprocess.Popen[bytes]:
        with (self.directory / "log").open("ab") as log:
            line = ["nsenter", f"--net=/run/netns/{self.host.name}", *words]
            daemon = subprocess.Popen(line, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=_env())
        self._daemons.append(daemon)
        return daemon

    def _comes(self, daemon: subprocess.Popen[bytes], ready: Callable[[], bool]) -> bool:
        """Wait until it is ready, or has ended."""
        self._wait(lambda: daemon.poll() is not None or ready())
        return daemon.poll() is None

    def _wait(self, done: Callable[[], bool]) -> None:
        deadline = time.monotonic() + 300
        while not done():
            self._must(time.monotonic() < deadline)
            time.sleep(0.05)

    def _must(self, succeed: bool) -> None:
        log = self.directory / "log"
        last = log.read_text(errors="replace").splitlines()[-15:] if log.exists() else []
        assert succeed, "\n".join(
            [f"the engine of {self.host.name} does not start or end; the last of its log:", *last]
        )

    def _ask(self, *words: str) -> subprocess.CompletedProcess[str]:
        env = {**_env(), **self.env}
        return subprocess.run(["docker", *words], capture_output=True, text=True, check=False, timeout=LIMIT, env=env)

    def _has_no_processes(self) -> bool:
        """Kill those of its containers, and the shims that wait for them."""
        members = [path.read_text().split() for group in self._groups() for path in group.glob("**/cgroup.procs")]
        socket = f"{self.directory}/containerd.sock".encode()
        shims = [path.parent.name for path in Path("/proc").glob("[0-9]*/cmdline") if socket in _words(path)]
        pids = [int(pid) for some in [*members, shims] for pid in some]
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        return not pids

    def _has_no_control_groups(self) -> bool:
        for group in self._groups():
            for path in sorted(group.glob("**/"), reverse=True):
                # One is busy for a moment after its last process, and some have two names.
                with contextlib.suppress(OSError):
                    path.rmdir()
        return not self._groups()

    def _has_no_directory(self) -> bool:
        shutil.rmtree(self.directory, ignore_errors=True)
        return not self.directory.exists()

    def _groups(self) -> list[Path]:
        root, name = Path("/sys/fs/cgroup"), self.directory.name
        return [*root.glob(name), *root.glob(f"*/{name}")]


def make_root(root: Path) -> None:
    """Make a root directory that has a static busybox."""
    busybox = shutil.which("busybox")
    assert busybox, "`busybox` is missing: install the package busybox-static, or run `make deps`"
    for name in ("bin", "dev", "etc", "proc", "sys", "tmp"):
        (root / name).mkdir(parents=True)
    shutil.copy(busybox, root / "bin/busybox")
    for name in _PROGRAMS:
        (root / "bin" / name).symlink_to("busybox")


def _env() -> dict[str, str]:
    """Return this environment without other engines, and without systemd, which a daemon would talk to."""
    strange = ("DOCKER_", "NOTIFY_SOCKET", "INVOCATION_ID")
    return {name: value for name, value in os.environ.items() if not name.startswith(strange)}


def _words(command_line: Path) -> list[bytes]:
    try:
        return command_line.read_bytes().split(b"\0")
    except OSError:
        # It has ended.
        return []


__all__ = ["IMAGE", "REGISTRY", "Engine", "make_root"]
