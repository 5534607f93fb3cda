"""The role that brings weave to a host, four times in each of its ways, and back."""

from __future__ import annotations

import http.server
import shlex
import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from lab import Host
from stage import COMMAND, SYSTEM_PYTHON, WHEEL, Played, Stage, of_tarball, of_wheel, task


@pytest.fixture
def bare(stage: Stage) -> Stage:
    """Return a host without weave, whose path has the directory that the role puts the command into."""
    stage.python = SYSTEM_PYTHON
    stage.path = stage.directory / "bin"
    stage.path.mkdir()
    (stage.directory / "units").mkdir()
    # Where the units go; systemd does not run there.
    (stage.directory / "root").mkdir()
    stage.env["WEAVE_ROOT"] = str(stage.directory / "root")
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
    found = [path for place in places for path in [place, *place.glob("*")] if path.exists()]
    # Files only: systemctl leaves directories.
    return sorted(map(str, [*found, *filter(is_file, (stage.directory / "root").rglob("*"))]))


def is_file(path: Path) -> bool:
    """Return whether it is a file, or a link wherever that leads."""
    return path.is_symlink() or path.is_file()


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
def test_units_apply_a_document_at_each_boot(bare: Stage, host: Host) -> None:
    empty = files(bare)
    # What systemd reads otherwise than a shell, and a directory that is not there yet.
    document = bare.directory / 'of "this" host/100%h.yaml'
    content: dict[str, Any] = {"router": {"mtu": 1400}, "peers": ["192.0.2.2"]}
    options: dict[str, Any] = {"source": str(COMMAND), "method": "command", "packages": []}
    options |= {"document": str(document), "document_content": content}
    four(bare, **options)
    assert document.stat().st_mode & 0o777 == 0o600
    assert "systemd does not run here" in play(bare, **options).text
    units = bare.directory / "root/etc/systemd/system"
    for name, verb in (("weave-net", ["apply", "--only", "network"]), ("weave-watch", ["watch"])):
        assert (units / f"multi-user.target.wants/{name}.service").is_symlink()
        lines = dict(line.split("=", 1) for line in (units / f"{name}.service").read_text().splitlines() if "=" in line)
        words = [word.replace("%%", "%") for word in shlex.split(lines["ExecStart"])]
        assert words == [str(bare.directory / "bin/weave"), *verb, str(document)]
    # Another host of a fleet.
    fleet = {"hosts": {"one": {"address": "192.0.2.1"}, "two": {"address": "192.0.2.2"}}}
    assert changed(play(bare, **{**options, "document_content": fleet}, document_host="one"))
    assert ' watch --host "one" "' in (units / "weave-watch.service").read_text()
    four(bare, state="absent")
    assert files(bare) == empty
    assert document.is_file()


@UNIT
def test_units_go_with_a_command_that_was_replaced_by_hand(bare: Stage) -> None:
    document = bare.directory / "host.yaml"
    document.write_text("router: {}\n")
    command = bare.directory / "bin/weave"
    play(bare, source=str(COMMAND), method="command", packages=[], document=str(document))
    command.write_bytes(command.read_bytes() + b"\n")
    with_units = files(bare)
    assert "stays: this role has not put it there" in play(bare, "--check", state="absent").text
    assert files(bare) == with_units
    four(bare, state="absent", replace=True)
    assert not command.exists()
    assert not [path for path in files(bare) if "/root/" in path]


@OLD
def test_a_document_that_somebody_else_brings(bare: Stage) -> None:
    options = {"source": str(WHEEL), "python": str(SYSTEM_PYTHON), "packages": []}
    document = str(bare.directory / "later.yaml")
    told = bare.play(role(bare, **options, document=document))
    assert told.code == 2
    assert "there is no such file" in told.text
    four(bare, **options, document=document, start=False)
    text = (bare.directory / "root/etc/systemd/system/weave-watch.service").read_text()
    assert f'ExecStart="{bare.directory}/bin/weave" watch "{document}"\n' in text
    play(bare, state="absent")


@OLD
def test_the_unit_of_an_older_version_goes(bare: Stage) -> None:
    unit = bare.directory / "units/weave-apply.service"
    document = bare.directory / "host.yaml"
    document.write_text("router: {}\n")
    options: dict[str, Any] = {"source": str(COMMAND), "method": "command", "packages": [], "document": str(document)}
    for text, stays in (("# Written by the role weave.net.install.\n[Unit]\n", False), ("# mine\n[Unit]\n", True)):
        unit.write_text(text)
        play(bare, **options)
        assert unit.exists() == stays
        unit.write_text(text)
        play(bare, state="absent")
        assert unit.exists() == stays


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


@UNIT
@pytest.mark.parametrize("method", ["venv", "command"])
def test_packages_of_other_distributions_are_not_guessed(bare: Stage, method: str) -> None:
    # There is no such machine: only the fact is made up.
    fact = {"name": "facts", "ansible.builtin.set_fact": {"os_family": "Suse", "cacheable": True}}
    played = bare.play(fact, role(bare, source=str(COMMAND), method=method), words=("--check",))
    assert played.code == 2
    assert "of Suse no names of packages are known; allowed: a list of packages" in str(played.results)
