"""The role that brings weave to a host, four times in each of its ways, and back."""

from __future__ import annotations

import http.server
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
    places = {"weave_install_venv": stage.directory / "venv", "weave_install_command": stage.directory / "bin/weave"}
    given = {name: str(place) for name, place in places.items()}
    given.update((f"weave_install_{name}", value) for name, value in options.items())
    role = {"name": "weave", "ansible.builtin.include_role": {"name": "weave.net.install"}, "vars": given}
    played = stage.play(role, words=words)
    assert played.code == 0, played.text
    return played


def changed(played: Played) -> bool:
    """Return whether any task changed something."""
    (results,) = played.results.values()
    return any(result.get("changed") for result in results)


def files(stage: Stage) -> list[str]:
    """Return what the role has put on the host."""
    places = (stage.directory / "venv", stage.directory / "bin")
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
    role = {"name": "weave", "ansible.builtin.include_role": {"name": "weave.net.install"}}
    played = bare.play(role)
    assert played.code == 2, played.text
    assert "weave_install_source is missing; allowed: the path of a wheel" in str(played.results)
