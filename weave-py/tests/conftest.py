"""What several tests need."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from lab import Host, Lab


@pytest.fixture(scope="session", autouse=True)
def root() -> None:
    """Say at once what is missing."""
    assert os.geteuid() == 0, "these tests make network namespaces: run them as root"


@pytest.fixture
def two(tmp_path: Path) -> Iterator[list[Host]]:
    """Two hosts that reach each other."""
    lab = Lab(2, tmp_path)
    yield lab.hosts
    lab.remove()


@pytest.fixture
def host(tmp_path: Path) -> Iterator[Host]:
    """One host."""
    lab = Lab(1, tmp_path)
    yield lab.hosts[0]
    lab.remove()
