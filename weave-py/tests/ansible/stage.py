"""Playbooks, run as they are in life: a controller with the collection, and lab hosts with what a target has."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lab import LIMIT, PATIENT, Host

ROOT = Path(__file__).resolve().parents[3]
TARGET = ROOT / "target"
BUILT = TARGET / "ansible"
#: What a target has: the wheel, and nothing else.
TARGET_PYTHON = TARGET / "target-python/bin/python"
SYSTEM_PYTHON = Path("/usr/bin/python3")
COMMAND = Path(os.environ.get("WEAVE_COMMAND", TARGET / "debug/weave"))
WHEEL = next(TARGET.glob("wheels/weave_py-*.whl"))
PATH = "/usr/sbin:/usr/bin:/sbin:/bin"


@dataclass(frozen=True)
class Controller:
    """An ansible-core, and where it has the collection from."""

    name: str
    programs: Path
    env: dict[str, str]

    def run(self, program: str, *words: str, env: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
        """Run one of its programs."""
        settings = {
            "PATH": os.environ["PATH"],
            "LC_ALL": "C.UTF-8",
            "HOME": str(BUILT / "home"),
            "ANSIBLE_HOME": str(BUILT / "home" / self.name),
            "ANSIBLE_REMOTE_TMP": str(BUILT / "home/tmp"),
            "ANSIBLE_CONFIG": str(Path(__file__).with_name("ansible.cfg")),
            "ANSIBLE_NOCOLOR": "1",
            "ANSIBLE_RETRY_FILES_ENABLED": "0",
            "ANSIBLE_CALLBACK_PLUGINS": str(Path(__file__).with_name("callback_plugins")),
            "ANSIBLE_CALLBACKS_ENABLED": "record",
            "RECORD": os.devnull,
            **self.env,
            **(env or {}),
        }
        line = [str(self.programs / program), *words]
        return subprocess.run(line, capture_output=True, text=True, check=False, timeout=LIMIT, env=settings, cwd=ROOT)


def of_wheel() -> Controller:
    """Return the newer ansible-core, which finds the collection beside `weave_py` in site-packages."""
    packages = next(TARGET.glob("target-python/lib/python3*/site-packages"))
    env = {"PYTHONPATH": str(packages), "ANSIBLE_COLLECTIONS_PATH": str(BUILT / "none")}
    return Controller("new", Path(sys.executable).parent, env)


def of_tarball() -> Controller:
    """Return Debian's ansible-core, with the collection as `ansible-galaxy` installs it."""
    return Controller("old", Path("/usr/bin"), {"ANSIBLE_COLLECTIONS_PATH": str(BUILT / "collections")})


@dataclass
class Played:
    """What came of a playbook."""

    code: int
    text: str
    results: dict[str, list[dict[str, Any]]] = field(default_factory=dict)

    def of(self, host: Host) -> list[dict[str, Any]]:
        """Return the results of a host, task by task."""
        return self.results.get(host.name, [])


@dataclass
class Stage:
    """An inventory of lab hosts, and a controller."""

    controller: Controller
    hosts: list[Host]
    directory: Path
    python: Path = TARGET_PYTHON
    #: Where a target looks for programs, before the system's.
    path: Path | None = None
    #: Whether each host has its own network, or that of this machine.
    isolated: bool = True
    #: What else than its network a host has to itself, as words of nsenter.
    spaces: list[str] = field(default_factory=list)
    #: What programs of a target find in their environment besides.
    env: dict[str, str] = field(default_factory=dict)
    #: Where the engines of hosts listen, by the names of the hosts.
    engines: dict[str, str] = field(default_factory=dict)

    def inventory(self, names: list[str] | None = None) -> Path:
        """Write the inventory; every host is this machine with another network, and what `spaces` say."""
        hosts = {}
        for host, name in zip(self.hosts, names or [host.name for host in self.hosts]):
            wrapper = self.directory / f"python-{host.name}"
            words = ["nsenter", f"--net=/run/netns/{host.name}", *self.spaces] if self.isolated else []
            words += ["env", "-i"]
            path = f"{self.path}:{PATH}" if self.path else PATH
            env = {"HOME": str(BUILT / "home"), "LC_ALL": "C.UTF-8", "PATH": path, "WEAVE_RUN_DIR": str(host.run_dir)}
            env["DOCKER_HOST"] = self.engines.get(host.name, f"unix://{self.directory}/no-engine.sock")
            words += [f"{key}={value}" for key, value in (env | PATIENT | self.env).items()]
            wrapper.write_text(f'#!/bin/sh\nexec {" ".join(words)} {self.python} "$@"\n')
            wrapper.chmod(0o755)
            hosts[name] = {
                "ansible_connection": "local",
                "ansible_become": False,
                "ansible_python_interpreter": str(wrapper),
            }
        file = self.directory / "inventory.json"
        file.write_text(json.dumps({"all": {"hosts": hosts}}))
        return file

    def play(self, *tasks: dict[str, Any], words: tuple[str, ...] = ()) -> Played:
        """Run tasks on all hosts."""
        book = self.directory / "play.json"
        book.write_text(json.dumps([{"hosts": "all", "gather_facts": False, "tasks": list(tasks)}]))
        return self.playbook(book, "-i", str(self.inventory()), *words)

    def playbook(self, *words: str | Path) -> Played:
        """Run a playbook."""
        record = self.directory / "record"
        record.write_text("")
        done = self.controller.run("ansible-playbook", *map(str, words), env={"RECORD": str(record)})
        played = Played(done.returncode, done.stdout + done.stderr)
        for line in record.read_text().splitlines():
            entry = json.loads(line)
            played.results.setdefault(entry["host"], []).append(entry["result"])
        return played

    def must(self, *tasks: dict[str, Any]) -> Played:
        """Run tasks that succeed."""
        played = self.play(*tasks)
        assert played.code == 0, played.text
        return played

    def fails(self, module: str, **options: Any) -> dict[str, Any]:
        """Run a task that fails, with and without check mode, and leaves the host as it was."""
        (host,) = self.hosts
        before = host.state()
        failed: dict[str, Any] = {}
        for words in (("--check",), ()):
            played = self.play(task(module, **options), words=words)
            assert played.code == 2, played.text
            (failed,) = played.of(host)
            assert failed["failed"] is True, failed
            assert failed["changed"] is False, failed
            assert host.state() == before
        return failed

    def four(self, module: str, **options: Any) -> dict[str, Any]:
        """Check, apply, check, apply: changed, changed, unchanged, unchanged, and a check touches nothing."""
        (host,) = self.hosts
        host.settle()
        before = host.state()
        checked = self.play(task(module, **options), words=("--check", "--diff"))
        assert checked.code == 0, checked.text
        assert host.state() == before
        wanted = task(module, **options)
        played = self.play(wanted, {**wanted, "check_mode": True}, wanted, words=("--diff",))
        assert played.code == 0, played.text
        would, (did, *again) = checked.of(host)[0], played.of(host)
        assert (would["changed"], did["changed"]) == (True, True), (would, did)
        assert fields(would) == fields(did)
        assert did["actions"], did
        assert [result["changed"] for result in again] == [False, False], again
        assert [result["diff"] for result in again] == [{"before": {}, "after": {}}] * 2, again
        did["printed"] = played.text
        return did


def task(module: str, **options: Any) -> dict[str, Any]:
    """Return a task of the collection."""
    return {"name": module, f"weave.net.{module}": options}


def fields(result: dict[str, Any]) -> set[tuple[str, str]]:
    """Return what a diff names."""
    sides = result["diff"].values()
    return {(subject, name) for side in sides for subject, entries in side.items() for name in entries}


def command_directory(directory: Path) -> Path:
    """Return a directory with the `weave` command, and nothing else."""
    assert COMMAND.is_file(), f"{COMMAND} is missing: `cargo build --locked --bin weave` makes it"
    directory.mkdir()
    shutil.copy(COMMAND, directory / "weave")
    return directory
