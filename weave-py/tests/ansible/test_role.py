"""The role that brings weave to a host, four times in each of its ways, and back."""

from __future__ import annotations

import http.server
import shlex
import subprocess
import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from lab import Host
from stage import COMMAND, SYSTEM_PYTHON, TARGET, Played, Stage, of_tarball, of_wheel, task

WHEEL = next(TARGET.glob("wheels/weave_py-*.whl"))


@pytest.fixture
def bare(stage: Stage) -> Stage:
    """Return a host without weave, whose path has the directory that the role puts the command into."""
    stage.python = SYSTEM_PYTHON
    stage.path = stage.directory / "bin"
    stage.path.mkdir()
    (stage.directory / "units").mkdir()
    return stage


NEW = pytest.mark.parametrize("controller", [of_wheel], indirect=True, ids=["new"])
OLD = pytest.mark.parametrize("controller", [of_tarball], indirect=True, ids=["old"])


@pytest.fixture
def address(tmp_path: Path) -> Iterator[str]:
    """Serve the wheel and the command on loopback."""
    served = tmp_path / "served"
    served.mkdir()
    (served / WHEEL.name).symlink_to(WHEEL)
    (served / "weave").symlink_to(COMMAND)
    handler = partial(Quiet, directory=str(served))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


class Quiet(http.server.SimpleHTTPRequestHandler):
    """One that prints nothing."""

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  (its name there)
        """Leave it."""


def four(stage: Stage, **options: Any) -> None:
    """Check, apply, check, apply: changed, changed, unchanged, unchanged, and a check touches nothing."""
    before = files(stage)
    assert changed(play(stage, "--check", **options))
    assert files(stage) == before
    assert changed(play(stage, **options))
    assert not changed(play(stage, "--check", "--diff", **options))
    assert not changed(play(stage, **options))


def play(stage: Stage, *words: str, **options: Any) -> Played:
    """Run the role."""
    played = stage.play(role(stage, **options), words=words)
    assert played.code == 0, played.text
    return played


def role(stage: Stage, **options: Any) -> dict[str, Any]:
    """Return the task that runs the role, with everything in the stage's own directory."""
    places = {"venv": "venv", "command": "bin/weave", "record": "record.d", "unit": "units/weave-apply.service"}
    given = {f"weave_install_{name}": str(stage.directory / place) for name, place in places.items()}
    given.update((f"weave_install_{name}", value) for name, value in options.items())
    return {"name": "weave", "ansible.builtin.include_role": {"name": "weave.net.install"}, "vars": given}


def refused(stage: Stage, **options: Any) -> str:
    """Run the role where it fails, with and without check mode, and changes nothing; return what it says."""
    before = files(stage)
    for words in (("--check",), ()):
        played = stage.play(role(stage, **options), words=words)
        assert played.code == 2, played.text
        assert not changed(played), played.text
    assert files(stage) == before
    (results,) = played.results.values()
    return str(results[-1]["msg"])


def changed(played: Played) -> bool:
    """Return whether any task changed something."""
    (results,) = played.results.values()
    return any(result.get("changed") for result in results)


def files(stage: Stage) -> list[str]:
    """Return what the role has put on the host."""
    places = [stage.directory / name for name in ("venv", "bin", "record.d", "units")]
    return sorted(str(path) for place in places for path in [place, *place.glob("*")] if path.exists())


@OLD
def test_a_wheel_in_a_virtual_environment(bare: Stage, host: Host) -> None:
    empty = files(bare)
    # With the packages of the distribution, which are there.
    four(bare, source=str(WHEEL), python=str(SYSTEM_PYTHON))
    # The module finds weave, whichever Python runs it.
    bare.four("router", peers=["192.0.2.2"])
    assert "vxlan-6783" in host.links()
    # What was broken off is put right.
    (bare.directory / "venv/wheels/installed").unlink()
    assert changed(play(bare, source=str(WHEEL), packages=[]))
    assert not changed(play(bare, source=str(WHEEL), packages=[]))
    four(bare, state="absent")
    assert files(bare) == empty
    assert "vxlan-6783" in host.links()


@NEW
def test_the_command_alone(bare: Stage, host: Host) -> None:
    empty = files(bare)
    four(bare, source=str(COMMAND), method="command", packages=[])
    # One that is there; nothing has to be known of the host for it.
    assert not changed(play(bare, source=str(COMMAND), method="command", packages=["nftables"]))
    bare.must(task("router"))
    assert "weave" in host.links()
    four(bare, state="absent")
    assert files(bare) == empty


@NEW
def test_from_an_address(bare: Stage, address: str) -> None:
    # The addresses of this machine's loopback are those of its own network, which no lab host is in.
    bare.isolated = False
    for changes in (True, False):
        played = play(bare, source=f"{address}/{WHEEL.name}", packages=[])
        assert changed(played) == changes, played.text
    assert (bare.directory / "bin/weave").is_file()
    play(bare, state="absent")
    play(bare, source=f"{address}/weave", method="command", packages=[])
    assert (bare.directory / "bin/weave").read_bytes() == COMMAND.read_bytes()


@OLD
def test_it_is_said_what_is_missing(bare: Stage) -> None:
    assert "weave_install_source is missing; allowed: the path of a wheel" in refused(bare)


UNIT = pytest.mark.parametrize("controller", [of_wheel, of_tarball], indirect=True, ids=["new", "old"])


@UNIT
def test_a_unit_applies_a_document_at_each_boot(bare: Stage, host: Host) -> None:
    empty = files(bare)
    # What systemd reads otherwise than a shell, and a directory that is not there yet.
    document = bare.directory / 'of "this" host/100%h.yaml'
    content = {"router": {"mtu": 1400}, "peers": ["192.0.2.2"]}
    options: dict[str, Any] = {"source": str(COMMAND), "method": "command", "packages": []}
    options |= {"document": str(document), "document_content": content}
    four(bare, **options)
    assert document.stat().st_mode & 0o777 == 0o600
    unit = bare.directory / "units/weave-apply.service"
    words = ["systemd-analyze", "--man=no", "verify", str(unit)]
    verified = subprocess.run(words, capture_output=True, text=True, check=False, timeout=60)
    assert (verified.returncode, verified.stdout + verified.stderr) == (0, "")
    assert "was not enabled" in play(bare, **options).text
    # What systemd would run, of its own words.
    lines = dict(line.split("=", 1) for line in unit.read_text().splitlines() if "=" in line and line[0] != "#")
    assert lines["ExecStart"] == lines["ExecReload"]
    assert (lines["Type"], lines["RemainAfterExit"]) == ("oneshot", "yes")
    assert {"network-online.target", "docker.service"} <= set(lines["After"].split())
    program = [word.replace("%%", "%") for word in shlex.split(lines["ExecStart"])]
    assert program == [str(bare.directory / "bin/weave"), "apply", str(document)]
    done = host.run("setpriv", "--no-new-privs", *program)
    assert done.returncode == 0, done.stderr
    assert [link["mtu"] for link in host.ip("link", "show", "weave")] == [1400]
    # Another host of a fleet.
    assert changed(play(bare, **options, document_host="one"))
    assert ' apply --host "one" "' in unit.read_text()
    four(bare, state="absent")
    assert files(bare) == empty
    assert document.is_file()


@OLD
def test_a_document_that_somebody_else_brings(bare: Stage) -> None:
    options = {"source": str(WHEEL), "python": str(SYSTEM_PYTHON), "packages": []}
    four(bare, **options, document="/etc/weave/host.yaml")
    text = (bare.directory / "units/weave-apply.service").read_text()
    assert f'ExecStart="{bare.directory}/bin/weave" apply "/etc/weave/host.yaml"\n' in text
    play(bare, state="absent")


@UNIT
def test_a_program_of_somebody_else_stays(bare: Stage) -> None:
    script = bare.directory / "bin/weave"
    classic = "#!/bin/sh\n# The classic script.\nexit 1\n"
    script.write_text(classic)
    command = {"source": str(COMMAND), "method": "command", "packages": []}
    for options in (command, {"source": str(WHEEL), "python": str(SYSTEM_PYTHON), "packages": []}):
        told = refused(bare, **options)
        assert f"weave_install_command is {script}" in told
        assert "allowed: another path, or `weave_install_replace: true`" in told
    played = play(bare, state="absent")
    assert not changed(played)
    assert f"{script} stays: this role has not put it there" in played.text
    assert script.read_text() == classic
    four(bare, **command, replace=True)
    # Now it is the role's, until somebody puts another one there.
    assert not changed(play(bare, **command))
    script.write_text(classic)
    refused(bare, **command)
    script.unlink()
    play(bare, **command)
    # From one way to the other and back.
    play(bare, source=str(WHEEL), python=str(SYSTEM_PYTHON), packages=[])
    play(bare, **command)
    play(bare, state="absent")
    assert not script.exists()


def task_of(facts: dict[str, str]) -> dict[str, Any]:
    """Return a task that makes facts up."""
    return {"name": "facts", "ansible.builtin.set_fact": {**facts, "cacheable": True}}


@UNIT
@pytest.mark.parametrize(
    ("method", "names"), [("venv", ["python3-pip", "nftables"]), ("command", ["nftables"])], ids=["venv", "command"]
)
def test_packages_of_rhel_are_asked_for(bare: Stage, method: str, names: list[str]) -> None:
    # There is no such machine: only the facts are RHEL's, and Debian happens to have packages of these names.
    facts = {"os_family": "RedHat", "distribution": "Rocky", "distribution_major_version": "9", "pkg_mgr": "apt"}
    fake = task_of(facts)
    played = bare.play(fake, role(bare, source=str(COMMAND), method=method), words=("--check",))
    (results,) = played.results.values()
    asked = [result["invocation"]["module_args"]["package"] for result in results if "cache_update_time" in result]
    assert asked == [names], played.text
    played = bare.play(
        task_of({**facts, "os_family": "Suse"}), role(bare, source=str(COMMAND), method=method), words=("--check",)
    )
    assert played.code == 2
    assert "of Suse no names of packages are known; allowed: a list of packages" in str(played.results)
