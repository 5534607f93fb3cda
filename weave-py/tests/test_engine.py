"""The engine of a lab leaves nothing behind, whichever way it ends."""

from __future__ import annotations

import contextlib
import tempfile
from pathlib import Path

import pytest

from engine import IMAGE, Engine
from lab import Host, sh, soon


def programs(host: Host) -> dict[str, str]:
    """Return what runs in the network of the host, and the numbers of the processes."""
    running = {}
    for pid in sh("ip", "netns", "pids", host.name).split():
        # It may just have ended.
        with contextlib.suppress(OSError):
            running[Path(f"/proc/{pid}/comm").read_text().strip()] = pid
    return running


def left(host: Host) -> list[str]:
    """Return what its engine has on this machine; control groups cannot be removed while they have processes."""
    name = f"{host.name}-"
    mounts = [line for line in Path("/proc/mounts").read_text().splitlines() if name in line]
    groups = [*Path("/sys/fs/cgroup").glob(f"{name}*"), *Path("/sys/fs/cgroup").glob(f"*/{name}*")]
    return [*programs(host), *mounts, *map(str, [*groups, *Path(tempfile.gettempdir()).glob(f"{name}*")])]


@pytest.mark.parametrize("killed", [[], ["dockerd"], ["containerd"], ["containerd", "dockerd"]], ids="-".join)
def test_nothing_is_left_of_a_container(host: Host, killed: list[str]) -> None:
    with Engine(host) as engine:
        # It is started again for ever, publishes a port, has a volume, and does not end when it is asked to.
        words = ["--restart", "always", "-p", "80:80", "-v", "/data", "--stop-signal", "SIGUSR1"]
        engine.docker("run", "-d", "--name", "web", *words, IMAGE, "sleep", "1000000")
        (address,) = engine.directory.glob("containerd-run/*/*/*/address")
        socket = Path(address.read_text().replace("unix://", ""))
        assert socket.is_socket()
        running = programs(host)
        assert {"dockerd", "containerd", "containerd-shim", "docker-proxy"} <= running.keys()
        for name in killed:
            sh("kill", "-KILL", running[name])
    # What dockerd started for a port goes a moment after it.
    assert soon(lambda: left(host) == []), left(host)
    assert not socket.exists()


def test_nothing_is_left_of_one_that_does_not_start(host: Host) -> None:
    with pytest.raises(AssertionError, match=f"the engine of {host.name} does not start"):
        Engine(host, bridge="nonexistent0")
    assert soon(lambda: left(host) == []), left(host)
