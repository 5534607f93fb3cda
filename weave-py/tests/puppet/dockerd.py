"""A real Docker engine on a host of the lab, with data, sockets and processes of its own."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from lab import Host, sh

IMAGE = "busybox:latest"
# Without its own directory the client would use the contexts and credentials of whoever runs the tests.
NOT_INHERITED = ("DOCKER_CONTEXT", "DOCKER_TLS_VERIFY", "DOCKER_CERT_PATH", "DOCKER_API_VERSION", "NOTIFY_SOCKET")


def wait_until(done: Callable[[], bool], seconds: float = 60) -> bool:
    """Wait for something that another process does."""
    end = time.monotonic() + seconds
    while not done():
        if time.monotonic() > end:
            return False
        time.sleep(0.05)
    return True


class Engine:
    """containerd and dockerd of one host; what they leave behind is taken away by `stop`."""

    def __init__(self, host: Host, *, iptables: bool = True, bridge: bool = True) -> None:
        """Start them, and make the image that containers run."""
        self.host = host
        # The path of a socket has to be short.
        self.directory = Path(tempfile.mkdtemp(prefix=f"{host.name}-"))
        self.cgroup = f"/{host.name}"
        self.env = {name: value for name, value in os.environ.items() if name not in NOT_INHERITED}
        self.env.update(DOCKER_HOST=self.address, DOCKER_CONFIG=f"{self.directory}/client")
        self.processes: list[subprocess.Popen[bytes]] = []
        # A new namespace inherits forwarding from the machine, and then dockerd leaves the policy of FORWARD alone.
        host.sh("sh", "-c", "echo 0 >/proc/sys/net/ipv4/ip_forward")
        try:
            self._containerd()
            self._dockerd(iptables=iptables, bridge=bridge)
            self._image()
        except BaseException:
            self.stop()
            raise

    @property
    def address(self) -> str:
        """What DOCKER_HOST is on this host."""
        return f"unix://{self.directory}/docker.sock"

    def docker(self, *words: str, check: bool = True) -> str:
        """Run the docker client against it."""
        done = subprocess.run(
            ["docker", *words], env=self.env, capture_output=True, text=True, check=False, timeout=120
        )
        assert not check or done.returncode == 0, f"docker {' '.join(words)}: {done.stderr}{self._log()}"
        return done.stdout.strip()

    def execute(self, container: str, *words: str) -> str:
        """Run a program in a container."""
        return self.docker("exec", container, *words)

    def pings(self, container: str, address: str) -> bool:
        """Whether a container reaches an address."""
        words = ["docker", "exec", container, "ping", "-c1", "-W2", address]
        return subprocess.run(words, env=self.env, capture_output=True, check=False, timeout=60).returncode == 0

    def image(self, name: str, command: tuple[str, ...] = ("sh",)) -> None:
        """Make an image by that name."""
        self.docker("import", "--change", f"CMD {json.dumps(command)}", str(self.directory / "image.tar"), name)

    def stop(self) -> None:
        """End the processes by their numbers, and take their mounts, control groups and files away."""
        if self.processes:
            containers = self.docker("ps", "-aq", check=False).split()
            if containers:
                self.docker("rm", "-f", "-v", *containers, check=False)
        for process in reversed(self.processes):
            process.terminate()
            try:
                process.wait(timeout=20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        mounts = [line.split()[4] for line in Path("/proc/self/mountinfo").read_text().splitlines()]
        for mount in reversed([mount for mount in mounts if mount.startswith(f"{self.directory}/")]):
            sh("umount", "-l", mount, check=False)
        for root in Path("/sys/fs/cgroup").glob("*"):
            self._remove_cgroups(root / self.cgroup.strip("/"))
        self._remove_cgroups(Path("/sys/fs/cgroup") / self.cgroup.strip("/"))
        shutil.rmtree(self.directory, ignore_errors=True)

    def _remove_cgroups(self, top: Path) -> None:
        if top.is_dir():
            for directory, _, _ in os.walk(top, topdown=False):
                # One is busy for a moment after its last process.
                wait_until(lambda directory=directory: _removed(directory), 2)  # type: ignore[misc]

    def _start(self, *words: str) -> subprocess.Popen[bytes]:
        with (self.directory / "log").open("ab") as log:
            process = subprocess.Popen(
                ["nsenter", f"--net=/run/netns/{self.host.name}", *words],
                env=self.env,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        self.processes.append(process)
        return process

    def _containerd(self) -> None:
        # dockerd would take one that systemd started, and share its containers, if it were not given its own.
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
        self._start("containerd", "--config", str(config))

    def _dockerd(self, *, iptables: bool, bridge: bool) -> None:
        path = self.directory
        config = path / "daemon.json"
        # Engines up to 22 write a key into /etc/docker, the machine's own; later ones do not know the setting.
        version = sh("dockerd", "--version").split("version ")[1].split(".")[0]
        config.write_text(json.dumps({"deprecated-key-path": f"{path}/key.json"} if int(version) < 23 else {}))
        words = ["dockerd", "--config-file", str(config), "--data-root", f"{path}/docker"]
        words += ["--exec-root", f"{path}/docker-run", "--pidfile", f"{path}/docker.pid", "--host", self.address]
        words += ["--containerd", f"{path}/containerd.sock", f"--iptables={str(iptables).lower()}"]
        # cgroupfs works with and without systemd, and lets the lab remove what it made.
        words += ["--exec-opt", "native.cgroupdriver=cgroupfs", "--cgroup-parent", self.cgroup]
        words += [] if bridge else ["--bridge=none"]
        # Old engines cannot use overlay2 on some file systems.
        for driver in ("overlay2", "vfs"):
            process = self._start(*words, "--storage-driver", driver)
            answers = wait_until(lambda process=process: self._settled(process))  # type: ignore[misc]
            assert answers, f"dockerd on {self.host.name} does not answer:\n{self._log()}"
            if process.poll() is None:
                return
            self.processes.remove(process)
        message = f"dockerd on {self.host.name} does not start:\n{self._log()}"
        raise AssertionError(message)

    def _settled(self, process: subprocess.Popen[bytes]) -> bool:
        """Whether it answers, or never will."""
        asked = ["docker", "version", "--format", "{{.Server.Version}}"]
        answered = subprocess.run(asked, env=self.env, capture_output=True, check=False)
        return process.poll() is not None or answered.returncode == 0

    def _image(self) -> None:
        """Make the image from the machine's static busybox: no registry is needed."""
        busybox = shutil.which("busybox")
        assert busybox, "busybox-static is missing: run `make deps`"
        root = self.directory / "image"
        for name in ("bin", "etc", "proc", "sys", "dev", "tmp", "root"):
            (root / name).mkdir(parents=True)
        shutil.copy(busybox, root / "bin" / "busybox")
        for name in sh(busybox, "--list").split():
            if name != "busybox":
                (root / "bin" / name).symlink_to("busybox")
        sh("tar", "-C", str(root), "-cf", str(self.directory / "image.tar"), ".")
        self.image(IMAGE)

    def _log(self) -> str:
        return "\n".join((self.directory / "log").read_text(errors="replace").splitlines()[-15:])


def _removed(directory: str) -> bool:
    try:
        Path(directory).rmdir()
    except FileNotFoundError:
        return True
    except OSError:
        return False
    return True


__all__ = ["IMAGE", "Engine", "wait_until"]
