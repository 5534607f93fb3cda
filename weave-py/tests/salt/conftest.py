"""What several tests of Salt need."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from engine import Engine
from lab import Host
from minion import SALTS, Minion


@pytest.fixture(params=SALTS)
def salt(request: pytest.FixtureRequest) -> Any:
    """Each version of Salt."""
    return request.param


@pytest.fixture
def minion(salt: str, host: Host, tmp_path: Path) -> Minion:
    """One host with Salt."""
    return Minion(salt, host, tmp_path)


@pytest.fixture
def minions(salt: str, two: list[Host], tmp_path: Path) -> list[Minion]:
    """Two hosts with Salt that reach each other."""
    return [Minion(salt, host, tmp_path, f"dockerhost00{number}") for number, host in enumerate(two, 1)]


@pytest.fixture
def docked(minion: Minion) -> Iterator[Minion]:
    """One host with Salt and a Docker engine."""
    with Engine(minion.host, bridge="none") as minion.engine:
        yield minion


@pytest.fixture
def both_docked(minions: list[Minion]) -> Iterator[list[Minion]]:
    """Two hosts with Salt and Docker engines."""
    with ExitStack() as stack:
        for each in minions:
            each.engine = stack.enter_context(Engine(each.host, bridge="none"))
        yield minions
