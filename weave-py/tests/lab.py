"""Hosts that are network namespaces, with containers that are network namespaces, on a wire of their own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

from state import state
from weave_py.errors import error_of

DRIVER = Path(__file__).with_name("driver.py")
#: Seconds after which a command hangs; a slow disk makes an engine take minutes over some of them.
LIMIT = 900
#: What weave is told: an engine on a slow disk keeps a question waiting while it starts or stops a container.
PATIENT = {"WEAVE_ENGINE_TIMEOUT": "300"}


def sh(*words: str, check: bool = True) -> str:
    """Run a program and return what it printed."""
    done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=LIMIT)
    if check and done.returncode != 0:
        message = f"{' '.join(words)}: {done.stderr}{done.stdout}"
        raise AssertionError(message)
    return done.stdout


def soon(done: Callable[[], bool]) -> bool:
    """Wait until it is so; a slow disk takes its time, and when all is well it costs nothing."""
    deadline = time.monotonic() + 300
    while not done():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.1)
    return True


class Space:
    """A network namespace."""

    def __init__(self, name: str) -> None:
        """Make it."""
        self.name = name
        sh("ip", "netns", "add", name)
        self.sh("ip", "link", "set", "lo", "up")

    @property
    def target(self) -> str:
        """What weave calls it."""
        return f"netns:/run/netns/{self.name}"

    def sh(self, *words: str, check: bool = True) -> str:
        """Run a program in it."""
        return sh("ip", "netns", "exec", self.name, *words, check=check)

    def ip(self, *words: str) -> Any:
        """Ask `ip` for data."""
        return json.loads(self.sh("ip", "-j", "-d", *words) or "[]")

    def addresses(self, link: str) -> list[str]:
        """Return the global addresses of a link."""
        found = self.ip("address", "show")
        return [
            f"{address['local']}/{address['prefixlen']}"
            for entry in found
            if entry.get("ifname") == link
            for address in entry["addr_info"]
            if address["scope"] == "global"
        ]

    def links(self) -> list[str]:
        """Return the names of its links."""
        return sorted(entry["ifname"] for entry in self.ip("link", "show"))

    def pings(self, address: str) -> bool:
        """Send packets that fill a frame and must not be split, until one is answered."""
        words = ["ip", "netns", "exec", self.name, "ping", "-c1", "-W2", "-Mdo", "-s1300", address]
        return soon(lambda: subprocess.run(words, capture_output=True, check=False, timeout=LIMIT).returncode == 0)

    def remove(self) -> None:
        """Take it away."""
        sh("ip", "netns", "delete", self.name, check=False)


class Host(Space):
    """A host on the wire."""

    def __init__(self, name: str, address: str, run_dir: Path) -> None:
        """Make it, without its wire."""
        super().__init__(name)
        self.address = address
        self.run_dir = run_dir
        #: What its programs find in their environment besides, such as where its engine listens.
        self.env: dict[str, str] = {}
        #: Where its engine listens, once it has one.
        self.engine_env: dict[str, str] = {}
        self.containers: list[Space] = []

    def container(self, name: str) -> Space:
        """Make a container on it."""
        made = Space(f"{self.name}-{name}")
        self.containers.append(made)
        return made

    def run(self, *words: str, stdin: str = "", env: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
        """Run a program as if this were its machine."""
        return subprocess.run(
            ["nsenter", f"--net=/run/netns/{self.name}", *words],
            input=stdin,
            capture_output=True,
            text=True,
            check=False,
            timeout=LIMIT,
            env={**os.environ, "WEAVE_RUN_DIR": str(self.run_dir), **PATIENT, **self.env, **(env or {})},
        )

    def call(self, operation: str, *, check: bool = False, **arguments: Any) -> dict[str, Any]:
        """Call an operation in a process of its own on this host; what it raises is raised here."""
        asked = json.dumps({"operation": operation, "arguments": arguments, "check": check})
        done = self.run(sys.executable, str(DRIVER), stdin=asked)
        assert done.returncode == 0, done.stderr
        answer: dict[str, Any] = json.loads(done.stdout)
        if "raised" in answer:
            raise error_of(answer["raised"], answer["report"])
        report: dict[str, Any] = answer["report"]
        return report

    def settle(self) -> None:
        """Wait until the kernel has taken away namespaces of containers that ended, and their host ends."""

        def ends() -> set[str]:
            return {name for name in self.links() if name.startswith("vethwe") and "-" not in name}

        def known() -> set[str]:
            asked = json.dumps({"operation": "status", "arguments": {}, "check": False})
            done = self.run(sys.executable, str(DRIVER), stdin=asked, env=self.engine_env)
            rows = json.loads(done.stdout)["report"]["result"]["attachments"]
            return {row["host_end"] for row in rows if row.get("mac")}

        if self.engine_env:
            assert soon(lambda: not ends() or ends() == known()), (ends(), known())

    def four(self, operation: str, **arguments: Any) -> dict[str, Any]:
        """Check, apply, check, apply: changed, changed, unchanged, unchanged, and a check touches nothing."""
        self.settle()
        before = self.state()
        would = self.call(operation, check=True, **arguments)
        assert (would["changed"], would["check"]) == (True, True), would
        assert self.state() == before
        did = self.call(operation, **arguments)
        assert (did["changed"], did["check"]) == (True, False), did
        assert [change["field"] for change in did["changes"]] == [change["field"] for change in would["changes"]]
        for check in (True, False):
            again = self.call(operation, check=check, **arguments)
            assert (again["changed"], again["changes"]) == (False, []), again
        return did

    def state(self) -> list[str]:
        """Return all that an operation may touch, on the host and in its containers."""
        return [f"{space.name}: {line}" for space in [self, *self.containers] for line in state(space.sh)]

    def remove(self) -> None:
        """Take it and its containers away."""
        for container in self.containers:
            container.remove()
        super().remove()


class Lab:
    """Hosts that reach each other."""

    def __init__(self, count: int, directory: Path) -> None:
        """Make the hosts and a bridge between them, in a namespace of its own."""
        mark = f"wpy{uuid.uuid4().hex[:6]}"
        self.wire = Space(f"{mark}-wire")
        self.hosts: list[Host] = []
        try:
            self.wire.sh("ip", "link", "add", "wire", "type", "bridge")
            self.wire.sh("ip", "link", "set", "wire", "up")
            for number in range(1, count + 1):
                self.add(f"{mark}-h{number}", f"192.0.2.{number}", directory / f"run{number}")
        except BaseException:
            self.remove()
            raise

    def add(self, name: str, address: str, run_dir: Path) -> None:
        """Put one more host on the wire."""
        host = Host(name, address, run_dir)
        self.hosts.append(host)
        port = f"p{len(self.hosts)}"
        self.wire.sh("ip", "link", "add", port, "type", "veth", "peer", "name", "eth0", "netns", name)
        self.wire.sh("ip", "link", "set", port, "master", "wire", "up")
        host.sh("ip", "address", "add", f"{address}/24", "dev", "eth0")
        host.sh("ip", "link", "set", "eth0", "up")

    def remove(self) -> None:
        """Take everything away."""
        for host in self.hosts:
            host.remove()
        self.wire.remove()


__all__ = ["LIMIT", "PATIENT", "Host", "Lab", "Space", "sh", "soon"]
