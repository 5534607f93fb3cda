"""A Docker engine that a host of the lab has to itself, with an image that comes from no registry."""

from __future__ import annotations

import io
import json
import os
import shutil
import subprocess
import tarfile
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from lab import Host, sh

#: Where a registry listens; the engine takes it without TLS, because it is on the loopback.
REGISTRY = "127.0.0.1:5000"
#: What the image has besides busybox itself.
_PROGRAMS = ("sh", "sleep", "cat", "ping", "ip")


class Engine:
    """containerd and dockerd in the network namespace of a host, with all they have in one directory."""

    def __init__(self, host: Host, options: Mapping[str, object] | None = None) -> None:
        """Start them, and import the image ``busybox``; ``options`` are more of ``daemon.json``."""
        self.host = host
        # A socket's path has to be short.
        self.directory = Path(tempfile.mkdtemp(prefix="wpy"))
        self.socket = self.directory / "docker.sock"
        self.env = {
            "DOCKER_HOST": f"unix://{self.socket}",
            # The contexts and credentials of whoever runs the tests stay out of it.
            "DOCKER_CONFIG": str(self.directory / "config"),
        }
        self._daemons: list[subprocess.Popen[bytes]] = []
        try:
            self._start_containerd()
            self._start_dockerd(options or {})
            self.docker("import", "-", "busybox", stdin=_root_of_busybox())
        except BaseException:
            self.stop()
            raise

    def docker(self, *words: str, stdin: bytes | None = None) -> str:
        """Run the docker command against it, and return what it printed."""
        done = subprocess.run(
            ["nsenter", f"--net=/run/netns/{self.host.name}", "docker", *words],
            input=stdin,
            capture_output=True,
            check=False,
            timeout=120,
            env={**os.environ, **self.env},
        )
        assert done.returncode == 0, f"docker {' '.join(words)}: {done.stderr.decode()}"
        return done.stdout.decode().strip()

    def start(self, *words: str) -> subprocess.Popen[bytes]:
        """Start a program on the host that ends with the engine."""
        with (self.directory / f"{words[0]}.log").open("ab") as log:
            command = ["nsenter", f"--net=/run/netns/{self.host.name}", *words]
            # A daemon that believes to be started by systemd would talk to it.
            env = {key: value for key, value in os.environ.items() if key not in ("NOTIFY_SOCKET", "INVOCATION_ID")}
            daemon = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=env)
        self._daemons.append(daemon)
        return daemon

    def start_registry(self) -> None:
        """Start a registry on the host's loopback."""
        config = self.directory / "registry.yml"
        storage = {"filesystem": {"rootdirectory": str(self.directory / "registry")}}
        config.write_text(json.dumps({"version": "0.1", "storage": storage, "http": {"addr": REGISTRY}}))
        self.start("docker-registry", "serve", str(config))
        _wait(lambda: f" {REGISTRY} " in self.host.sh("ss", "-ltn"))

    def _start_containerd(self) -> None:
        # dockerd would take one that runs on this machine, and share its containers, if it were not given its own.
        at = self.directory
        config = at / "containerd.toml"
        config.write_text(
            f'version = 2\nroot = "{at}/containerd"\nstate = "{at}/containerd-run"\n'
            f'disabled_plugins = ["io.containerd.grpc.v1.cri"]\n[grpc]\naddress = "{at}/containerd.sock"\n'
            f'[plugins."io.containerd.internal.v1.opt"]\npath = "{at}/opt"\n'
        )
        self.start("containerd", "--config", str(config))

    def _start_dockerd(self, options: Mapping[str, object]) -> None:
        at = self.directory
        settings: dict[str, object] = {"iptables": False, "bridge": "none", **options}
        # Engines up to 22 write a key into the machine's own directory, if they are not told another; later ones do
        # not know the setting.
        if int(sh("dockerd", "--version").split()[2].split(".")[0]) < 23:
            settings["deprecated-key-path"] = str(at / "key.json")
        (at / "daemon.json").write_text(json.dumps(settings))
        # Old engines cannot have overlay2 on some file systems.
        for driver in ("overlay2", "vfs"):
            words = ["--config-file", f"{at}/daemon.json", "--data-root", f"{at}/docker", "--exec-root", f"{at}/run"]
            words += ["--pidfile", f"{at}/docker.pid", "--host", self.env["DOCKER_HOST"]]
            words += ["--containerd", f"{at}/containerd.sock", "--storage-driver", driver]
            # This works with and without systemd, and can be removed by its name.
            words += ["--exec-opt", "native.cgroupdriver=cgroupfs", "--cgroup-parent", f"/{at.name}"]
            dockerd = self.start("dockerd", *words)
            _wait(lambda running=dockerd: self.socket.exists() or running.poll() is not None)  # type: ignore[misc]
            if dockerd.poll() is None:
                break
        log = (at / "dockerd.log").read_text()[-2000:]
        assert dockerd.poll() is None, f"dockerd does not start:\n{log}"
        _wait(self._answers)

    def _answers(self) -> bool:
        words = ["docker", "version"]
        return subprocess.run(words, capture_output=True, check=False, env={**os.environ, **self.env}).returncode == 0

    def stop(self) -> None:
        """End it with its containers, and remove all that it had."""
        try:
            if self.socket.exists() and self._answers():
                ids = self.docker("ps", "-aq").split()
                if ids:
                    self.docker("rm", "-f", "-v", *ids)
        finally:
            for daemon in reversed(self._daemons):
                _end(daemon)
            self._sweep()

    def _sweep(self) -> None:
        mounts = [line.split(" ")[4] for line in Path("/proc/self/mountinfo").read_text().splitlines()]
        for mount in reversed([mount for mount in mounts if mount.startswith(f"{self.directory}/")]):
            sh("umount", "-l", mount, check=False)
        groups = [
            *Path("/sys/fs/cgroup").glob(self.directory.name),
            *Path("/sys/fs/cgroup").glob(f"*/{self.directory.name}"),
        ]
        for group in groups:
            for path in sorted((path for path in [group, *group.rglob("*")] if path.is_dir()), reverse=True):
                path.rmdir()
        shutil.rmtree(self.directory)


def _end(daemon: subprocess.Popen[bytes]) -> None:
    daemon.terminate()
    try:
        daemon.wait(20)
    except subprocess.TimeoutExpired:
        daemon.kill()
        daemon.wait()


def _wait(ready: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not ready():
        assert time.monotonic() < deadline, "it does not start"
        time.sleep(0.05)


def _root_of_busybox() -> bytes:
    """Return a root directory with a static busybox as a tar."""
    busybox = shutil.which("busybox")
    assert busybox, "`busybox` is missing: install the package busybox-static, or run `make deps`"
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        tar.add(os.path.realpath(busybox), "bin/busybox")
        for program in _PROGRAMS:
            link = tarfile.TarInfo(f"bin/{program}")
            link.type, link.linkname = tarfile.SYMTYPE, "busybox"
            tar.addfile(link)
    return packed.getvalue()


__all__ = ["REGISTRY", "Engine"]
