"""What several tests of the collection need."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from engine import Engine
from lab import Host
from stage import Controller, Stage, of_tarball, of_wheel


@pytest.fixture(params=[of_wheel, of_tarball], ids=["new", "old"])
def controller(request: pytest.FixtureRequest) -> Controller:
    """Each of the ansible-cores in turn."""
    made: Controller = request.param()
    return made


@pytest.fixture
def stage(controller: Controller, host: Host, tmp_path: Path) -> Stage:
    """One host under each of them."""
    return Stage(controller, [host], tmp_path)


@pytest.fixture
def engine(host: Host) -> Iterator[Engine]:
    """Start the engine of the host."""
    with Engine(host, bridge="none") as started:
        yield started
