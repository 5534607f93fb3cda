"""A Docker engine of a lab host: its own data, its own socket, ended by pid."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from lab import Host, sh

#: The image of the containers, imported since a lab has no registry.
IMAGE = "busybox:latest"
START = 60
END = 30


class Engine:
    """containerd and dockerd, in the network namespace of a host."""

    def __init__(self, host: Host) -> None:
        """Start them, wait until they answer, and import the image."""
        self.host = host
        # The name of a socket has at most 107 bytes, so this is no directory below that of a test.
        self.directory = Path(tempfile.gettempdir()) / host.name
        self.cgroup = host.name
        self.processes: list[subprocess.Popen[bytes]] = []
        self.directory.mkdir()
        try:
            # Forwarding is inherited from the machine, and decides what dockerd does to the packet filter.
            host.sh("sysctl", "-qw", "net.ipv4.ip_forward=0")
            self._start_containerd()
            self._start_dockerd()
            self._import()
        except BaseException as error:
            error.args = (f"{error}\n{self._logs()}",)
            self.stop()
            raise

    @property
    def address(self) -> str:
        """Where it listens."""
        return f"unix://{self.directory}/docker.sock"

    def docker(self, *words: str, check: bool = True) -> str:
        """Run the docker command against it."""
        return sh("docker", "--host", self.address, "--config", str(self.directory / "client"), *words, check=check)

    def inspect(self, name: str) -> dict[str, object]:
        """Return what the engine knows of a container or image."""
        found: list[dict[str, object]] = json.loads(self.docker("inspect", name))
        return found[0]

    def containers(self) -> list[str]:
        """Return the names of all containers."""
        return sorted(self.docker("ps", "-a", "--format", "{{.Names}}").split())

    def stop(self) -> None:
        """End it with its containers, and take away what they leave."""
        if len(self.processes) == 2 and self.processes[1].poll() is None:
            names = self.docker("ps", "-aq", check=False).split()
            if names:
                self.docker("rm", "-fv", *names, check=False)
        for process in reversed(self.processes):
            process.terminate()
            try:
                process.wait(END)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        for pid in self._left():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        _await("processes to end", lambda: not self._left())
        for mount in reversed(_mounts(self.directory)):
            sh("umount", "-l", mount, check=False)
        for cgroup in self._cgroups():
            for path in sorted(cgroup.glob("**/"), reverse=True):
                with contextlib.suppress(OSError):
                    path.rmdir()
        shutil.rmtree(self.directory, ignore_errors=True)

    def _start_containerd(self) -> None:
        config = self.directory / "containerd.toml"
        config.write_text(f"""
version = 2
root = "{self.directory}/containerd"
state = "{self.directory}/containerd-run"
disabled_plugins = ["io.containerd.grpc.v1.cri"]
[grpc]
  address = "{self.directory}/containerd.sock"
[plugins."io.containerd.internal.v1.opt"]
  path = "{self.directory}/opt"
""")
        self._spawn("containerd", "--config", str(config))
        self._await("containerd", (self.directory / "containerd.sock").exists)

    def _start_dockerd(self) -> None:
        path = self.directory
        (path / "daemon.json").write_text("{}")
        self._spawn(
            "dockerd",
            *("--config-file", f"{path}/daemon.json", "--data-root", f"{path}/docker"),
            *("--exec-root", f"{path}/docker-run", "--pidfile", f"{path}/docker.pid", "--host", self.address),
            *("--containerd", f"{path}/containerd.sock", "--storage-driver", "overlay2"),
            # `docker0` changes by itself a moment after a container ends, and tests compare what was with what is.
            "--bridge=none",
            # It works with and without systemd, and what it makes can be taken away.
            *("--exec-opt", "native.cgroupdriver=cgroupfs", "--cgroup-parent", f"/{self.cgroup}"),
        )
        version = ("version", "--format", "{{.Server.Version}}")
        self._await("dockerd", lambda: self.docker(*version, check=False).strip() != "")

    def _spawn(self, program: str, *words: str) -> None:
        # A dockerd that believes that systemd started it would talk to it.
        env = {name: value for name, value in os.environ.items() if name not in {"NOTIFY_SOCKET", "INVOCATION_ID"}}
        with (self.directory / f"{program}.log").open("ab") as log:
            line = ["nsenter", f"--net=/run/netns/{self.host.name}", program, *words]
            started = subprocess.Popen(line, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=env)
        self.processes.append(started)

    def _await(self, program: str, ready: Callable[[], bool]) -> None:
        _await(program, lambda: ready() or self.processes[-1].poll() is not None)
        assert self.processes[-1].poll() is None, f"{program} has ended"

    def _logs(self) -> str:
        """Return how the logs end, for messages."""
        return "\n".join(line for log in self.directory.glob("*.log") for line in log.read_text().splitlines()[-15:])

    def _import(self) -> None:
        root, tar = self.directory / "image", self.directory / "image.tar"
        make_root(root)
        sh("tar", "-C", str(root), "-cf", str(tar), ".")
        self.docker("import", "--change", 'CMD ["sleep", "1000000"]', str(tar), IMAGE)

    def _left(self) -> list[int]:
        """Return the processes of its containers: those in their cgroups, and the shims that wait for them."""
        members = [
            int(pid)
            for cgroup in self._cgroups()
            for path in cgroup.glob("**/cgroup.procs")
            for pid in path.read_text().split()
        ]
        socket = f"{self.directory}/containerd.sock".encode()
        shims = [int(path.parent.name) for path in _command_lines() if socket in _read(path).split(b"\0")]
        return members + shims

    def _cgroups(self) -> list[Path]:
        table = Path("/proc/self/mounts").read_text().splitlines()
        roots = [Path(line.split()[1]) for line in table if line.split()[2].startswith("cgroup")]
        return [root / self.cgroup for root in roots if (root / self.cgroup).is_dir()]


def make_root(root: Path) -> None:
    """Make a directory that has busybox under the names that tests use."""
    for name in ("bin", "etc", "proc", "sys", "dev", "tmp"):
        (root / name).mkdir(parents=True)
    found = shutil.which("busybox")
    assert found, "busybox is missing: .ci/deps installs it"
    shutil.copy(found, root / "bin/busybox")
    for name in ("sh", "sleep", "ping", "ip", "cat", "env"):
        (root / "bin" / name).symlink_to("busybox")


def _command_lines() -> Iterator[Path]:
    return Path("/proc").glob("[0-9]*/cmdline")


def _read(path: Path) -> bytes:
    # A process may end while it is looked at.
    with contextlib.suppress(OSError):
        return path.read_bytes()
    return b""


def _mounts(directory: Path) -> list[str]:
    table = Path("/proc/self/mountinfo").read_text().splitlines()
    points = [re.sub(r"\\040", " ", line.split(" ")[4]) for line in table]
    return [point for point in points if point.startswith(f"{directory}/")]


def _await(what: str, ready: Callable[[], bool]) -> None:
    end = time.monotonic() + START
    while not ready():
        assert time.monotonic() < end, f"waited {START} s for {what}"
        time.sleep(0.05)
