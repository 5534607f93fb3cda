"""The wheel, in a clean environment of every Python that is here."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import textwrap
import zipfile
from pathlib import Path

import pytest

from lab import Host, sh
from paths import TARGET

#: The Python that every Debian has.
SYSTEM = Path("/usr/bin/python3")
SERVED = range(9, 15)


def minor(python: Path) -> int | None:
    """Return which Python 3 it is, if it runs: a shim may stand for one that is not there."""
    try:
        words = [str(python), "-I", "-c", "import sys; print(*sys.version_info[:2])"]
        done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=900)
    except OSError:
        return None
    told = done.stdout.split()
    return int(told[1]) if done.returncode == 0 and told[0] == "3" else None


def pythons() -> dict[int, Path]:
    """Return one of each Python 3 that the wheel is for, the system's before others."""
    places = [SYSTEM.parent, *map(Path, os.get_exec_path()), *Path.home().glob(".pyenv/versions/*/bin")]
    found: dict[int, Path] = {}
    for place in dict.fromkeys(places):
        for python in (place / "python3", *(place / f"python3.{number}" for number in SERVED)):
            number = minor(python) if python.exists() else None
            if number is not None and number in SERVED:
                found.setdefault(number, python)
    return found


PYTHONS = pythons()


def test_the_system_s_python_is_among_them() -> None:
    assert SYSTEM in PYTHONS.values(), f"{SYSTEM} is missing or too old: install the package python3"


def test_its_description_links_to_nothing_that_it_does_not_have() -> None:
    (wheel,) = (TARGET / "wheels").glob("weave_py-*.whl")
    with zipfile.ZipFile(wheel) as archive:
        (name,) = (name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        described = archive.read(name).decode()
    assert "python -m weave_py" in described
    assert re.findall(r"\]\((?!https://)[^)]*\)", described) == []


@pytest.mark.parametrize("number", sorted(PYTHONS), ids="3.{}".format)
def test_it_installs_and_works(number: int, host: Host, tmp_path: Path) -> None:
    wheels = list((TARGET / "wheels").glob("weave_py-*.whl"))
    assert len(wheels) == 1, f"there should be one wheel in {TARGET}/wheels: run .ci/python"
    sh(str(PYTHONS[number]), "-m", "venv", "--without-pip", str(tmp_path / "venv"))
    python = str(tmp_path / "venv/bin/python")
    # It needs nothing else, so no index has to be asked.
    pip = [sys.executable, "-m", "pip", "-q", "--disable-pip-version-check", "--python", python]
    sh(*pip, "install", "--no-index", *map(str, wheels))
    code = """
        import importlib.metadata, sys, weave_py
        assert weave_py.__file__.startswith(sys.prefix), weave_py.__file__
        assert weave_py.version()["result"]["port"] == 6783
        assert weave_py.launch(peers=["192.0.2.2"])["changed"]
        assert weave_py.status()["state"]["peers"] == ["192.0.2.2"]
        points = importlib.metadata.distribution("weave-py").entry_points
        found = [point.load().__name__ for point in points if point.group == "salt.loader"]
        assert found == ["saltext.weave"], found
        import saltext.weave.report, saltext.weave.states.weave_mod, saltext.weave.grains.weave_mod
        print("%d.%d" % sys.version_info[:2])
    """
    done = host.run(python, "-I", "-c", textwrap.dedent(code))
    assert done.stdout == f"3.{number}\n", done.stderr
    done = host.run(python, "-I", "-m", "weave_py", "version")
    assert (done.returncode, done.stdout.split()[0]) == (0, "weave"), done
